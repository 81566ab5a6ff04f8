// SPDX-License-Identifier: GPL-2.0

//! Tasks that wait until there is room in a container: pages were uncharged, the limit was raised,
//! or the situation has changed in another way.
//!
//! Who frees pages frees them first and then asks whether somebody waits; who waits says so first
//! and then looks for room. One of the two sees the other.
#![deny(unsafe_code)]

use crate::c::{
    memcg::MemCgroup,
    wait, //
};
use kernel::sync::atomic::{
    Full,
    Relaxed, //
};

/// Tells that a task waits, for as long as it lives.
pub(crate) struct Waiting<'a>(&'a MemCgroup);

impl<'a> Waiting<'a> {
    pub(crate) fn new(memcg: &'a MemCgroup) -> Self {
        memcg.oom_waiters().fetch_add(1, Full);
        wait::waiters().fetch_add(1, Full);
        Self(memcg)
    }

    /// Sleeps until `done` says so when asked after [`wake`], or this task is killed.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn until(&self, done: impl Fn() -> bool) {
        wait::queue().wait_killable(done);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        wait::waiters().fetch_sub(1, Relaxed);
        self.0.oom_waiters().fetch_sub(1, Relaxed);
    }
}

/// Lets those who wait, here or elsewhere, look whether there is room for them now. Any context but
/// NMI.
#[inline]
pub(crate) fn wake() {
    if wait::waiters().load(Relaxed) != 0 {
        wait::queue().wake_all();
    }
}

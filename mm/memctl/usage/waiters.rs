// SPDX-License-Identifier: GPL-2.0

//! Tasks that wait until there is room in a container: pages were uncharged, the limit was raised,
//! or the situation has changed in another way. Only on cgroup v1 do tasks wait.
//!
//! Who frees pages frees them first and then asks whether somebody waits: by one number for all
//! containers, and only if that is not 0 by those of the container and all above it. Who waits says
//! so first and then looks for room. One of the two sees the other; `tests/model/room.pml` is a
//! model of it. Who waits elsewhere is left alone.
#![deny(unsafe_code)]

use crate::c::{
    memcg::MemCgroup,
    wait, //
};
use kernel::{
    cgroup::CssData,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        wait_var, //
    },
};

/// Tells that a task is in an out-of-memory situation of a container, for as long as it lives.
pub(crate) struct UnderOom<'a>(&'a MemCgroup);

impl<'a> UnderOom<'a> {
    pub(crate) fn new(memcg: &'a MemCgroup) -> Self {
        memcg.oom_waiters().fetch_add(1, Full);
        Self(memcg)
    }

    /// Sleeps until `done` says so when asked after [`wake`], or this task is killed.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        wait::waiters().fetch_add(1, Full);
        wait_var::wait_killable(self.0.oom_waiters(), done);
        wait::waiters().fetch_sub(1, Relaxed);
    }
}

impl Drop for UnderOom<'_> {
    fn drop(&mut self) {
        self.0.oom_waiters().fetch_sub(1, Relaxed);
    }
}

/// Lets those who wait for room in `memcg` or above it look whether there is some now. The caller
/// has made it, with a full barrier behind. Any context but NMI.
#[inline]
pub(crate) fn wake(memcg: &MemCgroup) {
    if wait::waiters().load(Relaxed) != 0 {
        wake_up(memcg);
    }
}

/// Steps: levels of the hierarchy, and those who wait in these.
#[cold]
fn wake_up(memcg: &MemCgroup) {
    for memcg in memcg.up() {
        if memcg.oom_waiters().load(Relaxed) != 0 {
            wait_var::wake_all(memcg.oom_waiters());
        }
    }
}

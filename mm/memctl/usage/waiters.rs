// SPDX-License-Identifier: GPL-2.0

//! Tasks that wait until there is room in a container: pages were uncharged, the limit was raised,
//! or the situation has changed in another way. Only on cgroup v1 do tasks wait.
//!
//! Who wants to be told that usage has crossed a threshold is found at the same places: see
//! `thresholds.rs`.
//!
//! Who frees pages frees them first and then asks whether somebody waits: by one number for all
//! containers, and only if that is not 0 by those of the container and all above it. Who waits says
//! so first and then looks for room. One of the two sees the other; `tests/model/room.pml` is a
//! model of it. Who waits elsewhere is left alone, and so is who waits where a charge has failed:
//! others in such a container try again and again.
#![deny(unsafe_code)]

use super::{
    counters,
    thresholds, //
};
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
    /// And whether it is the first one.
    pub(crate) fn new(memcg: &'a MemCgroup) -> (Self, bool) {
        let others = memcg.oom_waiters().fetch_add(1, Full);
        (Self(memcg), others == 0)
    }

    /// Sleeps until `done` says so when asked after [`wake`], or this task is killed.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        wait::watchers().fetch_add(1, Full);
        wait_var::wait_killable(self.0.oom_waiters(), done);
        wait::watchers().fetch_sub(1, Relaxed);
    }
}

impl Drop for UnderOom<'_> {
    fn drop(&mut self) {
        self.0.oom_waiters().fetch_sub(1, Relaxed);
    }
}

/// Lets those who wait for room in `memcg` or above it look whether there is some now, and tells
/// those whose threshold usage has crossed. The caller has changed that, with a full barrier
/// behind. Any context but NMI.
#[inline]
pub(crate) fn wake(memcg: &MemCgroup) {
    if wait::watchers().load(Relaxed) != 0 {
        wake_up(memcg);
    }
}

/// As [`wake`], for who has charged pages, or has tried to: those who looked meanwhile have missed
/// the room that was taken for a moment. Where there is none now they have missed nothing, and are
/// not disturbed by each charge that fails.
#[inline]
pub(crate) fn wake_after_charge(memcg: &MemCgroup) {
    if wait::watchers().load(Relaxed) != 0 {
        wake_where(memcg, |memcg| counters::margin(memcg) != 0);
    }
}

/// As [`wake`], for who may hold any lock, or be in NMI: they are woken by an interrupt, a bit
/// later.
#[inline]
pub(crate) fn wake_soon(memcg: &MemCgroup) {
    if wait::watchers().load(Relaxed) != 0 {
        wake_up_soon(memcg);
    }
}

/// Steps: levels of the hierarchy.
#[cold]
fn wake_up_soon(memcg: &MemCgroup) {
    memcg
        .up()
        .filter(|memcg| memcg.oom_waiters().load(Relaxed) != 0)
        .for_each(wait::wake_soon);
}

#[cold]
fn wake_up(memcg: &MemCgroup) {
    wake_where(memcg, |_| true);
}

/// Steps: levels of the hierarchy, and those who wait in these.
#[cold]
fn wake_where(memcg: &MemCgroup, may_go: impl Fn(&MemCgroup) -> bool) {
    for memcg in memcg.up() {
        if memcg.oom_waiters().load(Relaxed) != 0 && may_go(memcg) {
            wait_var::wake_all(memcg.oom_waiters());
        }
        thresholds::look(memcg);
    }
}

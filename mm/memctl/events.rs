// SPDX-License-Identifier: GPL-2.0

//! What happens to containers and is told to user space: `memory.events`.
#![deny(unsafe_code)]

use crate::{
    memcg::MemCgroup,
    vm, //
};
use kernel::{
    bindings::*,
    sync::atomic::Relaxed, //
};

/// An event of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemoryEvent(usize);

impl MemoryEvent {
    /// Reclaimed although below `memory.low`.
    pub(crate) const LOW: Self = Self(memcg_memory_event_MEMCG_LOW as usize);
    /// Throttled and made to reclaim, being above `memory.high`.
    pub(crate) const HIGH: Self = Self(memcg_memory_event_MEMCG_HIGH as usize);
    /// A charge did not fit.
    pub(crate) const MAX: Self = Self(memcg_memory_event_MEMCG_MAX as usize);
    /// A charge was about to fail.
    pub(crate) const OOM: Self = Self(memcg_memory_event_MEMCG_OOM as usize);
    /// A process was killed, for any lack of memory.
    pub(crate) const OOM_KILL: Self = Self(memcg_memory_event_MEMCG_OOM_KILL as usize);
    /// All processes of a group were killed at once.
    pub(crate) const OOM_GROUP_KILL: Self = Self(memcg_memory_event_MEMCG_OOM_GROUP_KILL as usize);
    /// A socket's sending was slowed.
    pub(crate) const SOCK_THROTTLED: Self = Self(memcg_memory_event_MEMCG_SOCK_THROTTLED as usize);

    /// Throttled, having more swap space than `memory.swap.high`.
    pub(crate) const SWAP_HIGH: Self = Self(memcg_memory_event_MEMCG_SWAP_HIGH as usize);
    /// Swap space for a folio did not fit.
    pub(crate) const SWAP_MAX: Self = Self(memcg_memory_event_MEMCG_SWAP_MAX as usize);
    /// A folio got no swap space, be it that there is none.
    pub(crate) const SWAP_FAIL: Self = Self(memcg_memory_event_MEMCG_SWAP_FAIL as usize);

    /// The event that C calls `event`, if there is one.
    pub(crate) fn new(event: memcg_memory_event) -> Option<Self> {
        (event < memcg_memory_event_MEMCG_NR_MEMORY_EVENTS).then_some(Self(event as usize))
    }

    /// Where it is in an array of counts.
    pub(crate) fn index(self) -> usize {
        self.0
    }

    /// Events of swap space have a file of their own.
    fn is_swap(self) -> bool {
        [Self::SWAP_HIGH, Self::SWAP_MAX, Self::SWAP_FAIL].contains(&self)
    }
}

/// Counts `event` in `memcg` and, on cgroup v2, in its ancestors but the root, and wakes those who
/// watch, if `may_lock`. Any context; in NMI and the like without `may_lock`.
pub(crate) fn notify(memcg: &MemCgroup, event: MemoryEvent, may_lock: bool) {
    memcg.memory_events(event, true).add(1isize, Relaxed);
    if may_lock && !event.is_swap() {
        memcg.events_file(true).notify();
    }

    let hierarchical = vm::on_v2() && !vm::local_events();
    for (level, memcg) in memcg.up().enumerate() {
        if level > 0 && (!hierarchical || memcg.is_root()) {
            break;
        }
        memcg.memory_events(event, false).add(1isize, Relaxed);
        if may_lock {
            let file = match event.is_swap() {
                true => memcg.swap_events_file(),
                false => memcg.events_file(false),
            };
            file.notify();
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The events of `memory.events`, as C numbers them.
#![deny(unsafe_code)]

use kernel::bindings::*;

/// How many kinds of events there are.
pub(crate) const NR_MEMORY_EVENTS: usize = memcg_memory_event_MEMCG_NR_MEMORY_EVENTS as usize;

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

    /// What belongs to it, of what there is for each.
    pub(crate) fn of<T>(self, counts: &[T; NR_MEMORY_EVENTS]) -> &T {
        let [first, ..] = counts;
        // There is always one: events are those above, or checked by `new()`.
        counts.get(self.0).unwrap_or(first)
    }

    /// Events of swap space have a file of their own.
    pub(crate) fn is_swap(self) -> bool {
        [Self::SWAP_HIGH, Self::SWAP_MAX, Self::SWAP_FAIL].contains(&self)
    }
}

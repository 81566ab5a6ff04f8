// SPDX-License-Identifier: GPL-2.0

//! What a container has that C does not look at: counters, settings, and what happened.
//!
//! All of it may be used by anyone at any time, for all of it is atomic or has a lock of its own.
#![deny(unsafe_code)]

use super::{
    counts::{
        Local,
        Rare,
        Totals, //
    },
    events::{
        MemoryEvent,
        NR_MEMORY_EVENTS, //
    },
    items::NR_MEMCG_OFTEN,
    memcg::MemCgroup,
    node::Node,
    v1::V1, //
};
use core::mem::offset_of;
use kernel::{
    bindings,
    cgroup::{
        peak::Peaks,
        CssData,
        Field,
        FileHandle, //
    },
    css_field,
    mm::numa::NodeId,
    percpu::Rows,
    prelude::*,
    res_counter::ResCounter,
    sync::atomic::Atomic,
    types::Opaque, //
};

/// `struct memctl_state`, field by field.
#[repr(C)]
pub(crate) struct State {
    pub(super) rows: Rows<MemCgroup, NR_MEMCG_OFTEN>,
    pub(super) high: Atomic<usize>,
    pub(super) swap_high: Atomic<usize>,
    oom_killed: Atomic<u32>,
    oom_looked: Atomic<u32>,
    oom_waiters: Atomic<i32>,
    oom_waking: Opaque<bindings::atomic_t>,
    oom_woken: Opaque<bindings::llist_node>,
    oom_kill_disable: Atomic<bool>,
    oom_group: Atomic<bool>,
    pub(super) takes_over: Atomic<bool>,
    #[cfg(CONFIG_ZSWAP)]
    pub(super) zswap_writeback: Atomic<bool>,
    #[cfg(CONFIG_ZSWAP)]
    pub(super) zswap_max: Atomic<usize>,
    pub(super) peaks: Peaks,
    pub(super) swap_peaks: Peaks,
    pub(super) local: Local<NR_COUNTS>,
    pub(super) memory: ResCounter,
    pub(super) swap: ResCounter,
    pub(super) v1: Option<Pin<KBox<V1>>>,
    pub(super) events_file: FileHandle,
    pub(super) events_local_file: FileHandle,
    pub(super) swap_events_file: FileHandle,
    memory_events: [Atomic<isize>; NR_MEMORY_EVENTS],
    memory_events_local: [Atomic<isize>; NR_MEMORY_EVENTS],
    rare: Rare<{ bindings::MEMCTL_NR_RARE_EVENTS as usize }>,
    totals: Totals<NR_COUNTS>,
}

const NR_COUNTS: usize = bindings::MEMCTL_NR_MEMCG_COUNTS as usize;

super::same_layout!(State, bindings::memctl_state, {
    rows, high, swap_high, oom_killed, oom_looked, oom_waiters, oom_waking, oom_woken,
    oom_kill_disable, oom_group, takes_over, memory,
    swap, v1,
    peaks, swap_peaks, events_file, events_local_file, swap_events_file, memory_events,
    memory_events_local, local, totals,
});
kernel::static_assert!(offset_of!(State, rare) == offset_of!(bindings::memctl_state, rare_changed));

impl MemCgroup {
    /// Where its rows are, in bytes.
    pub(super) const ROWS: usize = offset_of!(MemCgroup, state) + offset_of!(State, rows);
    /// Where the handles for notifications are, for the tables of files.
    pub(crate) const EVENTS_FILE: Field<Self, FileHandle> =
        css_field!(MemCgroup, state.events_file);
    /// As above, for `memory.events.local`.
    pub(crate) const EVENTS_LOCAL_FILE: Field<Self, FileHandle> =
        css_field!(MemCgroup, state.events_local_file);
    /// As above, for `memory.swap.events`.
    #[cfg(CONFIG_SWAP)]
    pub(crate) const SWAP_EVENTS_FILE: Field<Self, FileHandle> =
        css_field!(MemCgroup, state.swap_events_file);

    /// Where the counter of pages is, and the open files that show peaks of it.
    pub(crate) const MEMORY: (Field<Self, ResCounter>, Field<Self, Peaks>) = (
        css_field!(MemCgroup, state.memory),
        css_field!(MemCgroup, state.peaks),
    );
    /// As above, for swap space.
    #[cfg(CONFIG_SWAP)]
    pub(crate) const SWAP: (Field<Self, ResCounter>, Field<Self, Peaks>) = (
        css_field!(MemCgroup, state.swap),
        css_field!(MemCgroup, state.swap_peaks),
    );

    /// The container itself and all above it but the root, which has no limits.
    pub(crate) fn up_below_root(&self) -> impl Iterator<Item = &Self> {
        self.up().take_while(|memcg| !memcg.is_root())
    }

    /// The nearest container from here up that is not being removed.
    #[inline]
    pub(crate) fn not_dying(&self) -> &Self {
        let mut memcg = self;
        while memcg.css().is_dying() {
            match memcg.parent() {
                Some(parent) => memcg = parent,
                None => break,
            }
        }
        memcg
    }

    /// The shares of all possible nodes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        NodeId::possible().map(|nid| self.node(nid))
    }

    /// The counter of pages.
    #[inline]
    pub(crate) fn memory(&self) -> &ResCounter {
        &self.state.memory
    }

    /// The counter of pages of swap space; on cgroup v1 that of [`MemCgroup::memsw`].
    #[inline]
    pub(crate) fn swap(&self) -> &ResCounter {
        &self.state.swap
    }

    /// What each CPU counts that belongs to no node, and its stock.
    #[inline]
    pub(crate) fn rows(&self) -> &Rows<Self, NR_MEMCG_OFTEN> {
        &self.state.rows
    }

    /// What is counted for all CPUs, and belongs to no node.
    #[inline]
    pub(crate) fn rare(&self) -> &Rare<{ bindings::MEMCTL_NR_RARE_EVENTS as usize }> {
        &self.state.rare
    }

    /// The totals of this container and all below it.
    #[inline]
    pub(crate) fn totals(&self) -> &Totals<NR_COUNTS> {
        &self.state.totals
    }

    /// The totals of this container alone, on cgroup v1.
    #[inline]
    pub(crate) fn local(&self) -> Option<&Totals<NR_COUNTS>> {
        self.state.local.get()
    }

    /// How often `event` happened here and below, or only here.
    pub(crate) fn memory_events(&self, event: MemoryEvent, local: bool) -> &Atomic<isize> {
        let state = &self.state;
        event.of(match local {
            true => &state.memory_events_local,
            false => &state.memory_events,
        })
    }

    /// The handle to notify of new events here and below, or only here.
    pub(crate) fn events_file(&self, local: bool) -> &FileHandle {
        match local {
            true => &self.state.events_local_file,
            false => &self.state.events_file,
        }
    }

    /// The handle to notify of new events of swap space, here and below.
    pub(crate) fn swap_events_file(&self) -> &FileHandle {
        &self.state.swap_events_file
    }

    /// How many tasks wait for an out-of-memory situation of this container to be resolved.
    pub(crate) fn oom_waiters(&self) -> &Atomic<i32> {
        &self.state.oom_waiters
    }

    /// When a process was killed for want of room here, in jiffies, and only the low half.
    pub(crate) fn oom_killed(&self) -> &Atomic<u32> {
        &self.state.oom_killed
    }

    /// When victims of that were found that had yet to free their memory, likewise.
    pub(crate) fn oom_looked(&self) -> &Atomic<u32> {
        &self.state.oom_looked
    }

    /// Whether tasks wait here for room instead of being killed.
    pub(crate) fn oom_kill_disable(&self) -> &Atomic<bool> {
        &self.state.oom_kill_disable
    }

    /// Pages beyond which those who charge are slowed.
    #[inline]
    pub(crate) fn high(&self) -> &Atomic<usize> {
        &self.state.high
    }

    /// Pages of swap space beyond which those who charge are slowed.
    #[inline]
    pub(crate) fn swap_high(&self) -> &Atomic<usize> {
        &self.state.swap_high
    }

    /// How many pages zswap may hold of it, compressed.
    #[cfg(CONFIG_ZSWAP)]
    pub(crate) fn zswap_max(&self) -> &Atomic<usize> {
        &self.state.zswap_max
    }

    /// Whether what zswap holds of it may be written to the swap device.
    #[cfg(CONFIG_ZSWAP)]
    pub(crate) fn zswap_writeback(&self) -> &Atomic<bool> {
        &self.state.zswap_writeback
    }

    /// Whether pages that others give up, and that are used here, become its.
    pub(crate) fn takes_over(&self) -> &Atomic<bool> {
        &self.state.takes_over
    }

    /// Whether all processes are killed together.
    pub(crate) fn oom_group(&self) -> &Atomic<bool> {
        &self.state.oom_group
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What is counted in a share of a node.
#![deny(unsafe_code)]

use super::{
    Node,
    NR_COUNTS, //
};
use crate::c::{
    counts::{
        Rare,
        Totals, //
    },
    items::{
        NR_LRU,
        NR_NODE_OFTEN,
        OTHER_BYTES,
        RECLAIMABLE,
        UNRECLAIMABLE, //
    },
};
use kernel::{
    bindings,
    mm::lruvec::IrqSave,
    percpu::Rows,
    sync::atomic::Relaxed, //
};

impl Node {
    /// What each CPU counts.
    #[inline]
    pub(crate) fn rows(&self) -> &Rows<Self, NR_NODE_OFTEN> {
        &self.rows
    }

    /// What is counted for all CPUs.
    #[inline]
    pub(crate) fn rare(&self) -> &Rare<{ bindings::MEMCTL_NR_RARE_ITEMS as usize }> {
        &self.rare
    }

    /// Notes that the size of a list has changed, under the lock of the lists. Says whether that is
    /// news to who carries counts up.
    #[inline]
    pub(crate) fn note_lru_change(&self) -> bool {
        let news = self.lru_changed.load(Relaxed) == 0;
        if news {
            self.lru_changed.store(1, Relaxed);
        }
        news
    }

    /// By how much the lists have got longer since this was asked last, if that was noted; by who
    /// carries counts up. Takes the lock of the lists, then.
    #[inline]
    pub(crate) fn take_lru_changes(&self) -> Option<[isize; NR_LRU]> {
        if self.lru_changed.load(Relaxed) == 0 {
            return None;
        }
        Some(self.take_lru_changes_locked())
    }

    fn take_lru_changes_locked(&self) -> [isize; NR_LRU] {
        // Who notes later finds no note, and whoever did before has changed the size.
        let _lists = self.lruvec().lock::<IrqSave>();
        self.lru_changed.store(0, Relaxed);
        core::array::from_fn(|lru| {
            // Seen are the low bits: between two looks it changes by less than 2^31 pages.
            let size = self.lru_size(lru) as u32;
            self.lru_seen.get(lru).map_or(0, |seen| {
                let before = seen.load(Relaxed);
                seen.store(size, Relaxed);
                size.wrapping_sub(before) as i32 as isize
            })
        })
    }

    /// Has `size` pages of the list `lru` seen in `to` instead of here, where they are now; by who
    /// carries counts up.
    pub(crate) fn move_seen(&self, to: &Self, lru: usize, size: usize) {
        if let (Some(from), Some(to)) = (self.lru_seen.get(lru), to.lru_seen.get(lru)) {
            from.store(from.load(Relaxed).wrapping_sub(size as u32), Relaxed);
            to.store(to.load(Relaxed).wrapping_add(size as u32), Relaxed);
        }
    }

    /// The totals of this container and all below it.
    #[inline]
    pub(crate) fn totals(&self) -> &Totals<NR_COUNTS> {
        &self.totals
    }

    /// How many grains of objects and other bytes are used in this container and all below it.
    pub(crate) fn grains_used(&self) -> isize {
        [RECLAIMABLE, UNRECLAIMABLE, OTHER_BYTES]
            .iter()
            .map(|slot| self.totals.get(slot.index()))
            .sum()
    }

    /// The totals of this container alone, on cgroup v1.
    #[inline]
    pub(crate) fn local(&self) -> Option<&Totals<NR_COUNTS>> {
        self.local.get()
    }
}

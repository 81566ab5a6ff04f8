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
    items::NR_NODE_OFTEN, //
};
use kernel::{
    bindings,
    percpu::Rows,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
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

    /// Notes that the size of a list has changed, under the lock of the lists: for an RCU reader.
    /// Says whether that is news to who carries counts up.
    #[inline]
    pub(crate) fn note_lru_change(&self) -> bool {
        let news = self.lru_changed.load(Relaxed) == 0;
        if news {
            self.lru_changed.store(1, Relaxed);
        }
        news
    }

    /// Takes that note: what is noted from now on is news again.
    ///
    /// What changes at the same time may be missed, until an RCU grace period has passed: then the
    /// row is looked at again, see `kernel::percpu::Rows`.
    pub(crate) fn take_lru_change(&self) {
        if self.lru_changed.load(Relaxed) != 0 {
            self.lru_changed.xchg(0, Full);
        }
    }

    /// The size of a list as it was seen last by who carries counts up.
    pub(crate) fn lru_seen(&self, lru: usize) -> Option<&Atomic<usize>> {
        self.lru_seen.get(lru)
    }

    /// The totals of this container and all below it.
    #[inline]
    pub(crate) fn totals(&self) -> &Totals<NR_COUNTS> {
        &self.totals
    }

    /// The totals of this container alone, on cgroup v1.
    #[inline]
    pub(crate) fn local(&self) -> Option<&Totals<NR_COUNTS>> {
        self.local.get()
    }
}

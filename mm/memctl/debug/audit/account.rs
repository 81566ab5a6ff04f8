// SPDX-License-Identifier: GPL-2.0

//! What is known of a container: what it says, and what was found.
#![deny(unsafe_code)]

use super::measure::Counts;
use crate::{
    c::{
        items::KMEM,
        memcg::MemCgroup, //
    },
    stats::read::{
        Source,
        Tree, //
    },
    usage::{
        bytes,
        stock, //
    },
};
use kernel::{
    bindings as c,
    sync::{
        aref::ARef,
        counted::Counted, //
    },
};

/// What a container says, but for what it says of each node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) usage: usize,
    /// Pages in stocks, with those below it, as all that follows.
    pub(super) stocked: usize,
    /// Grains that pages were charged for.
    granted: isize,
    /// Pages of the kernel's own.
    pub(super) kernel: isize,
    /// Bytes of per-CPU memory.
    pub(super) per_cpu: isize,
    /// Pages of kernel memory of all kinds, where there is a counter of them.
    pub(super) kmem: Option<usize>,
    /// Pages of sockets, which only the statistics know of, where they count to usage.
    pub(super) sockets: isize,
    /// Pages of swap space; on cgroup v1 together with those in memory.
    pub(super) swap_usage: usize,
    pub(super) swap: isize,
    /// Folios charged and uncharged so far.
    traffic: usize,
    /// How many times something was found changed in the container alone, be it for nothing in the
    /// end.
    found: i8,
}

impl Ledger {
    pub(super) fn of(memcg: &MemCgroup) -> Self {
        let tree = Tree(memcg);
        Self {
            usage: memcg.memory().usage(),
            stocked: stock::stocked(memcg),
            granted: bytes::granted(memcg),
            kernel: memcg.totals().get(KMEM.index()),
            per_cpu: tree.item(c::memcg_stat_item_MEMCG_PERCPU_B as usize) as isize,
            kmem: memcg.kmem().map(|kmem| kmem.usage()),
            sockets: match memcg.kmem() {
                Some(_) => 0,
                None => tree.item(c::memcg_stat_item_MEMCG_SOCK as usize) as isize,
            },
            swap_usage: memcg.swap().usage(),
            swap: tree.item(c::memcg_stat_item_MEMCG_SWAP as usize) as isize,
            traffic: tree
                .event(c::vm_event_item_PGPGIN)
                .wrapping_add(tree.event(c::vm_event_item_PGPGOUT)),
            found: memcg.nodes().fold(memcg.rows().times_found(), |n, node| {
                n.wrapping_add(node.rows().times_found())
            }),
        }
    }

    /// Pages of swap space alone.
    pub(super) fn swap_usage(&self) -> isize {
        let both = self.kmem.map_or(0, |_| self.usage);
        self.swap_usage as isize - both as isize
    }

    /// Whole pages that were charged for bytes.
    pub(super) fn granted(&self) -> isize {
        self.granted.div_euclid(bytes::PAGE as isize)
    }

    /// Grains beyond these.
    pub(super) fn odd_grains(&self) -> isize {
        self.granted.rem_euclid(bytes::PAGE as isize)
    }
}

/// What was found of a container, or of one and all below it.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    /// Pages of user space, bound.
    pub(super) pages: usize,
    /// Pages of the kernel's own, bound.
    pub(super) kernel: usize,
    /// Bytes of per-CPU memory.
    pub(super) per_cpu: usize,
    /// In swap space, charged here.
    pub(super) swap: usize,
    /// Whether something has moved meanwhile.
    pub(super) moved: bool,
}

impl Found {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            pages: self.pages + other.pages,
            kernel: self.kernel + other.kernel,
            per_cpu: self.per_cpu + other.per_cpu,
            swap: self.swap + other.swap,
            moved: self.moved || other.moved,
        }
    }
}

/// What is known of a container's share of a node.
pub(super) struct Share {
    pub(super) said: Counts,
    pub(super) found: Counts,
}

/// What is known of a container.
pub(super) struct Account {
    pub(super) memcg: ARef<Counted<MemCgroup>>,
    pub(super) parent: Option<usize>,
    pub(super) said: Ledger,
    pub(super) found: Found,
    /// The same, of all below it as well.
    pub(super) tree: Found,
    /// Pages in swap space that its statistics should have, with those below it.
    pub(super) swap: isize,
    /// Folios, pages and objects that are on another node than the share they are bound to.
    pub(super) misplaced: usize,
}

// SPDX-License-Identifier: GPL-2.0

//! Totals of a container and all below it, or of it alone, as somebody reads them.
//!
//! A total is one number a node. It is exact after a flush when the machine is idle; under load it
//! may miss what has changed since. Nothing here sleeps or flushes: see `stats/flush.rs`.
#![deny(unsafe_code)]

use crate::{
    c::{
        counts::Totals,
        items::{
            event_at,
            node_at,
            place,
            Place,
            GRAIN,
            KMEM,
            LRU_AT,
            NR_LRU, //
        },
        memcg::MemCgroup,
        node::Node, //
    },
    PAGES,
};
use kernel::{
    bindings::vm_event_item,
    mm::numa::NodeId,
    page::PAGE_SIZE, //
};

/// A statistic of shares of a node, from their totals.
fn of_totals<const N: usize>(totals: &Totals<N>, item: usize) -> isize {
    match place(item) {
        Place::Node(at) => totals.get(at),
        Place::Objects(slot) => {
            let pages = node_at(item).map_or(0, |at| totals.get(at));
            totals.get(slot.index()) * GRAIN as isize + pages * PAGE_SIZE as isize
        }
        Place::Memcg(_) | Place::Nowhere => 0,
    }
}

/// One statistic of the shares of one node, of a container and all below it.
#[inline]
pub(crate) fn node_tree(node: &Node, item: usize) -> isize {
    of_totals(node.totals(), item)
}

/// Pages of all kernel memory of a container and all below it: its own pages, and those that bytes
/// of objects would fill. Steps: nodes.
pub(crate) fn kernel_pages(memcg: &MemCgroup) -> usize {
    let grains = memcg.nodes().map(Node::grains_used).sum::<isize>().max(0) as usize;
    let pages = memcg.totals().get(KMEM.index()).max(0) as usize;
    pages + grains.div_ceil(PAGE_SIZE / GRAIN)
}

/// The same, of the container alone. On cgroup v2 only the lists are known of it; else it is that
/// of all below it, too.
pub(crate) fn node_local(node: &Node, item: usize) -> isize {
    if item < NR_LRU {
        return node.lru_size(item) as isize;
    }
    of_totals(node.local().unwrap_or(node.totals()), item)
}

/// Pages on those LRU lists of one node that are set in `mask`, of `memcg` and, if `tree`, all
/// below it.
pub(crate) fn lru_pages(memcg: &MemCgroup, nid: NodeId, mask: u32, tree: bool) -> usize {
    let node = memcg.node(nid);
    // The multi-gen LRU moves a folio before it counts that: a list can have fewer than none.
    let size = |lru: usize| match tree {
        true => node.totals().get(LRU_AT + lru),
        false => node.lru_size(lru) as isize,
    };
    let lists = (0..NR_LRU).filter(|lru| mask & (1 << lru) != 0);
    lists.map(|lru| size(lru).max(0) as usize).sum()
}

/// Where statistics of a container are read.
pub(crate) trait Source {
    /// A statistic, in the unit the kernel counts it in. What is momentarily negative is 0.
    fn item(&self, item: usize) -> usize;

    /// A count of events.
    fn event(&self, event: vm_event_item) -> usize;
}

/// The statistics of a container and all below it.
pub(crate) struct Tree<'a>(pub(crate) &'a MemCgroup);

impl Source for Tree<'_> {
    fn item(&self, item: usize) -> usize {
        let sum = match place(item) {
            Place::Node(_) | Place::Objects(_) => {
                self.0.nodes().map(|node| node_tree(node, item)).sum()
            }
            Place::Memcg(at) if at == KMEM.index() => return kernel_pages(self.0),
            Place::Memcg(at) => self.0.totals().get(at),
            Place::Nowhere => 0,
        };
        usize::try_from(sum).unwrap_or(0)
    }

    fn event(&self, event: vm_event_item) -> usize {
        event_at(event).map_or(0, |at| self.0.totals().get(at)) as usize
    }
}

/// The statistics of a container alone, which are known where cgroup v1 shows them.
pub(crate) struct Alone<'a>(pub(crate) &'a MemCgroup);

impl Source for Alone<'_> {
    fn item(&self, item: usize) -> usize {
        let local = |at| self.0.local().map_or(0, |local| local.get(at));
        let sum = match place(item) {
            Place::Node(_) | Place::Objects(_) => {
                self.0.nodes().map(|node| node_local(node, item)).sum()
            }
            Place::Memcg(at) => local(at),
            Place::Nowhere => 0,
        };
        usize::try_from(sum).unwrap_or(0)
    }

    fn event(&self, event: vm_event_item) -> usize {
        let local = |at| self.0.local().map_or(0, |local| local.get(at));
        event_at(event).map_or(0, local) as usize
    }
}

/// In which unit user space reads a statistic.
#[derive(Clone, Copy)]
pub(crate) enum Shown {
    /// Kept in pages, shown in bytes.
    Pages,
    /// Kept in KiB, shown in bytes.
    Kib,
    /// Shown as it is kept: bytes, or a number of events.
    Plain,
}

impl Shown {
    /// What user space reads for `n`.
    pub(crate) fn of(self, n: usize) -> u64 {
        match self {
            Shown::Pages => PAGES.show(n),
            Shown::Kib => n as u64 * 1024,
            Shown::Plain => n as u64,
        }
    }
}

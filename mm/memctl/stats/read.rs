// SPDX-License-Identifier: GPL-2.0

//! Sums over CPUs, nodes and descendants, made when somebody reads.
//!
//! A sum is exact when the machine is idle; under load it may miss what changes while it is made.
//! It takes time in proportion to the containers below, the possible CPUs and the nodes.
//!
//! Reading a tree of containers may sleep where it says so.
#![deny(unsafe_code)]

use super::{
    count::node_local,
    moves::unmoved, //
};
use crate::{
    c::{
        items::{
            event_slot,
            place,
            Place,
            EVENTS,
            EVENTS_AT,
            NR_LRU,
            NR_MEMCG_SLOTS,
            NR_NODE_SLOTS, //
        },
        memcg::MemCgroup,
        node::Node, //
    },
    tree::iter,
    PAGES,
};
use kernel::{
    alloc::flags,
    bindings::vm_event_item,
    mm::numa::NodeId,
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// One statistic of the shares of one node, of `memcg` and all below it. Does not sleep.
pub(crate) fn node_tree(memcg: &MemCgroup, nid: NodeId, item: usize) -> isize {
    unmoved(|| {
        let rcu = rcu::read_lock();
        iter::below(memcg, &rcu)
            .map(|m| node_local(m.node(nid), item))
            .sum()
    })
}

/// Pages on those LRU lists of one node that are set in `mask`, of `memcg` and, if `tree`, all
/// below it. Does not sleep.
pub(crate) fn lru_pages(memcg: &MemCgroup, nid: NodeId, mask: u32, tree: bool) -> usize {
    // The multi-gen LRU moves a folio before it counts that: a list can have fewer than none.
    let size = |lru: usize| match tree {
        true => node_tree(memcg, nid, lru),
        false => node_local(memcg.node(nid), lru),
    };
    let lists = (0..NR_LRU).filter(|lru| mask & (1 << lru) != 0);
    lists.map(|lru| size(lru).max(0) as usize).sum()
}

/// Where statistics of a container are read: all at once or one by one.
pub(crate) trait Source {
    /// A statistic, in the unit the kernel counts it in. What is momentarily negative is 0.
    fn item(&self, item: usize) -> usize;

    /// A count of events.
    fn event(&self, event: vm_event_item) -> usize;
}

/// The statistics of a container and all below it, each summed up when asked for: takes no memory,
/// and a walk each time. Does not sleep.
pub(crate) struct Live<'a>(pub(crate) &'a MemCgroup);

impl Live<'_> {
    fn sum(&self, local: impl Fn(&MemCgroup) -> isize) -> isize {
        unmoved(|| {
            let rcu = rcu::read_lock();
            iter::below(self.0, &rcu).map(&local).sum()
        })
    }
}

impl Source for Live<'_> {
    fn item(&self, item: usize) -> usize {
        let sum = match place(item) {
            Place::Lru(_) | Place::Node(_) => {
                self.sum(|m| m.nodes().map(|node| node_local(node, item)).sum())
            }
            Place::Memcg(slot) => self.sum(|m| m.slots().sum(slot)),
            Place::Nowhere => 0,
        };
        usize::try_from(sum).unwrap_or(0)
    }

    fn event(&self, event: vm_event_item) -> usize {
        let Some(slot) = event_slot(event) else {
            return 0;
        };
        let dead = |m: &MemCgroup| {
            m.dead_events(slot.index() - EVENTS_AT)
                .map_or(0, |dead| dead.load(Relaxed))
        };
        self.sum(|m| m.slots().sum(slot).wrapping_add(dead(m))) as usize
    }
}

/// The statistics of a container, or of a tree of them, at one time.
pub(crate) struct Totals {
    lru: [isize; NR_LRU],
    node: [isize; NR_NODE_SLOTS],
    memcg: [isize; NR_MEMCG_SLOTS],
    dead: [isize; EVENTS.len()],
}

impl Source for Totals {
    fn item(&self, item: usize) -> usize {
        let n = match place(item) {
            Place::Lru(lru) => self.lru.get(lru),
            Place::Node(slot) => self.node.get(slot.index()),
            Place::Memcg(slot) => self.memcg.get(slot.index()),
            Place::Nowhere => None,
        };
        usize::try_from(n.copied().unwrap_or(0)).unwrap_or(0)
    }

    fn event(&self, event: vm_event_item) -> usize {
        let Some(slot) = event_slot(event) else {
            return 0;
        };
        let live = self.memcg.get(slot.index()).copied().unwrap_or(0);
        let dead = self
            .dead
            .get(slot.index() - EVENTS_AT)
            .copied()
            .unwrap_or(0);
        live.wrapping_add(dead) as usize
    }
}

impl Totals {
    const ZERO: Self = Self {
        lru: [0; NR_LRU],
        node: [0; NR_NODE_SLOTS],
        memcg: [0; NR_MEMCG_SLOTS],
        dead: [0; EVENTS.len()],
    };

    fn add(&mut self, memcg: &MemCgroup) {
        for node in memcg.nodes() {
            self.add_node(node);
        }
        memcg.slots().add_to(&mut self.memcg);
        for (i, sum) in self.dead.iter_mut().enumerate() {
            if let Some(dead) = memcg.dead_events(i) {
                *sum = sum.wrapping_add(dead.load(Relaxed));
            }
        }
    }

    fn add_node(&mut self, node: &Node) {
        node.slots().add_to(&mut self.node);
        for (lru, sum) in self.lru.iter_mut().enumerate() {
            *sum = sum.wrapping_add(node.lru_size(lru) as isize);
        }
    }

    /// A place for statistics, all 0: they are too many for the stack.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<KBox<Self>> {
        Ok(KBox::new(Self::ZERO, flags::GFP_KERNEL)?)
    }

    /// Reads those of `memcg` alone.
    pub(crate) fn read_local(&mut self, memcg: &MemCgroup) {
        *self = Self::ZERO;
        self.add(memcg);
        self.dead = [0; EVENTS.len()];
    }

    /// Reads those of `memcg` and all below it. May sleep.
    pub(crate) fn read_tree(&mut self, memcg: &MemCgroup) {
        unmoved(|| {
            *self = Self::ZERO;
            for m in iter::Tree::new(memcg) {
                self.add(&m);
            }
        });
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

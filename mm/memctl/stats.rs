// SPDX-License-Identifier: GPL-2.0

//! Counting what containers have and what happened to them.
//!
//! A change is counted once, in a per-CPU counter of one container; statistics of a folio in its
//! share of the folio's node. Sums over CPUs, nodes and descendants are made when somebody reads.
//! A sum is exact when the machine is idle; under load it may miss what changes while it is made.
//! The sizes of the LRU lists are no per-CPU counters at all: they only change under the lock of
//! the list, so there is one number a list.
//!
//! A removed container's counts move to its parent: those of folios become the parent's own, as its
//! folios did; events count below the parent, not in it. They move when it goes offline; what those
//! count after that who have found it before moves when nobody is left and it is freed.
//!
//! All updates work in any context; reading a tree of containers may sleep where it says so.
#![deny(unsafe_code)]

use crate::{
    iter,
    memcg::MemCgroup,
    node::{
        Node,
        NR_LRU, //
    },
    PAGES,
};
use kernel::{
    alloc::flags,
    bindings::*,
    mm::numa::NodeId,
    percpu::PerCpuSlots,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        barrier::{
            smp_mb,
            Read, //
        },
        rcu,
    },
};

/// The events counted, and what user space calls them. The hot ones first: they share a cache line
/// with the stock.
pub(crate) const EVENTS: &[(vm_event_item, &str)] = &[
    (vm_event_item_PGFAULT, "pgfault"),
    (vm_event_item_PGPGIN, "pgpgin"),
    (vm_event_item_PGPGOUT, "pgpgout"),
    (vm_event_item_PGMAJFAULT, "pgmajfault"),
    (vm_event_item_PSWPIN, "pswpin"),
    (vm_event_item_PSWPOUT, "pswpout"),
    (vm_event_item_PGACTIVATE, "pgactivate"),
    (vm_event_item_PGDEACTIVATE, "pgdeactivate"),
    (vm_event_item_PGLAZYFREE, "pglazyfree"),
    (vm_event_item_PGLAZYFREED, "pglazyfreed"),
    #[cfg(CONFIG_SWAP)]
    (vm_event_item_SWPIN_ZERO, "swpin_zero"),
    #[cfg(CONFIG_SWAP)]
    (vm_event_item_SWPOUT_ZERO, "swpout_zero"),
    #[cfg(CONFIG_ZSWAP)]
    (vm_event_item_ZSWPIN, "zswpin"),
    #[cfg(CONFIG_ZSWAP)]
    (vm_event_item_ZSWPOUT, "zswpout"),
    #[cfg(CONFIG_ZSWAP)]
    (vm_event_item_ZSWPWB, "zswpwb"),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    (vm_event_item_THP_FAULT_ALLOC, "thp_fault_alloc"),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    (vm_event_item_THP_COLLAPSE_ALLOC, "thp_collapse_alloc"),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    (vm_event_item_THP_SWPOUT, "thp_swpout"),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    (vm_event_item_THP_SWPOUT_FALLBACK, "thp_swpout_fallback"),
    #[cfg(CONFIG_NUMA_BALANCING)]
    (vm_event_item_NUMA_PAGE_MIGRATE, "numa_pages_migrated"),
    #[cfg(CONFIG_NUMA_BALANCING)]
    (vm_event_item_NUMA_PTE_UPDATES, "numa_pte_updates"),
    #[cfg(CONFIG_NUMA_BALANCING)]
    (vm_event_item_NUMA_HINT_FAULTS, "numa_hint_faults"),
];

/// The statistics of nodes that containers have, too. The sizes of LRU lists come before them.
const NODE_ITEMS: &[node_stat_item] = &[
    node_stat_item_NR_ANON_MAPPED,
    node_stat_item_NR_FILE_MAPPED,
    node_stat_item_NR_FILE_PAGES,
    node_stat_item_NR_FILE_DIRTY,
    node_stat_item_NR_WRITEBACK,
    node_stat_item_NR_SHMEM,
    node_stat_item_NR_SHMEM_THPS,
    node_stat_item_NR_FILE_THPS,
    node_stat_item_NR_ANON_THPS,
    node_stat_item_NR_SLAB_RECLAIMABLE_B,
    node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
    node_stat_item_NR_VMALLOC,
    node_stat_item_NR_KERNEL_STACK_KB,
    node_stat_item_NR_PAGETABLE,
    node_stat_item_NR_SECONDARY_PAGETABLE,
    node_stat_item_WORKINGSET_REFAULT_ANON,
    node_stat_item_WORKINGSET_REFAULT_FILE,
    node_stat_item_WORKINGSET_ACTIVATE_ANON,
    node_stat_item_WORKINGSET_ACTIVATE_FILE,
    node_stat_item_WORKINGSET_RESTORE_ANON,
    node_stat_item_WORKINGSET_RESTORE_FILE,
    node_stat_item_WORKINGSET_NODERECLAIM,
    node_stat_item_NR_VMSCAN_WRITE,
    node_stat_item_PGDEMOTE_KSWAPD,
    node_stat_item_PGDEMOTE_DIRECT,
    node_stat_item_PGDEMOTE_KHUGEPAGED,
    node_stat_item_PGDEMOTE_PROACTIVE,
    node_stat_item_PGSTEAL_KSWAPD,
    node_stat_item_PGSTEAL_DIRECT,
    node_stat_item_PGSTEAL_KHUGEPAGED,
    node_stat_item_PGSTEAL_PROACTIVE,
    node_stat_item_PGSTEAL_ANON,
    node_stat_item_PGSTEAL_FILE,
    node_stat_item_PGSCAN_KSWAPD,
    node_stat_item_PGSCAN_DIRECT,
    node_stat_item_PGSCAN_KHUGEPAGED,
    node_stat_item_PGSCAN_PROACTIVE,
    node_stat_item_PGSCAN_ANON,
    node_stat_item_PGSCAN_FILE,
    node_stat_item_PGROTATE_ANON,
    node_stat_item_PGROTATE_FILE,
    node_stat_item_PGREFILL,
    #[cfg(CONFIG_SWAP)]
    node_stat_item_NR_SWAPCACHE,
    #[cfg(CONFIG_NUMA_BALANCING)]
    node_stat_item_PGPROMOTE_SUCCESS,
    #[cfg(CONFIG_HUGETLB_PAGE)]
    node_stat_item_NR_HUGETLB,
];

/// Where the stock is among a container's per-CPU counters, see `stock.rs`.
pub(crate) const STOCK: usize = 0;
const EVENTS_AT: usize = STOCK + 1;
const ITEMS_AT: usize = EVENTS_AT + EVENTS.len();

/// How many per-CPU counters a container has.
pub(crate) const NR_MEMCG_SLOTS: usize =
    ITEMS_AT + memcg_stat_item_MEMCG_NR_STAT as usize - NR_NODE_ITEMS;

/// How many per-CPU counters a container has for each node.
pub(crate) const NR_NODE_SLOTS: usize = NODE_ITEMS.len();

const NR_NODE_ITEMS: usize = node_stat_item_NR_VM_NODE_STAT_ITEMS as usize;

kernel::static_assert!(EVENTS.len() <= MEMCTL_NR_EVENTS as usize);
kernel::static_assert!(NR_LRU == node_stat_item_NR_UNEVICTABLE as usize + 1);

const NO_SLOT: u8 = u8::MAX;

const EVENT_SLOT: [u8; vm_event_item_NR_VM_EVENT_ITEMS as usize] = {
    let mut slots = [NO_SLOT; vm_event_item_NR_VM_EVENT_ITEMS as usize];
    let mut i = 0;
    while i < EVENTS.len() {
        slots[EVENTS[i].0 as usize] = (EVENTS_AT + i) as u8;
        i += 1;
    }
    slots
};

/// Has more elements than there are items, so that looking one up takes no comparison.
const NODE_SLOT: [u8; 256] = {
    let mut slots = [NO_SLOT; 256];
    let mut slot = 0;
    while slot < NR_NODE_SLOTS {
        slots[NODE_ITEMS[slot] as usize] = slot as u8;
        slot += 1;
    }
    slots
};

fn event_slot(event: vm_event_item) -> Option<usize> {
    let slot = EVENT_SLOT.get(event as usize).copied().unwrap_or(NO_SLOT);
    (slot != NO_SLOT).then_some(slot as usize)
}

/// The per-CPU counter of `item`, a `node_stat_item` but no LRU list, in the share of a node. For an
/// item that containers do not have it is one that there is not.
#[inline]
fn node_slot(item: usize) -> usize {
    let slot = NODE_SLOT.get(item % NODE_SLOT.len());
    slot.copied().unwrap_or(NO_SLOT) as usize
}

/// Where a statistic of a container is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// In the shares of nodes, as the size of this LRU list.
    Lru(usize),
    /// In the shares of nodes, at this counter.
    Node(usize),
    /// In the container, at this counter.
    Memcg(usize),
    Nowhere,
}

/// `item` is a `node_stat_item` or a `memcg_stat_item`.
fn place(item: usize) -> Place {
    if item < NR_LRU {
        return Place::Lru(item);
    }
    if item < NR_NODE_ITEMS {
        return match node_slot(item) {
            slot if slot < NR_NODE_SLOTS => Place::Node(slot),
            _ => Place::Nowhere,
        };
    }
    match (item - NR_NODE_ITEMS).saturating_add(ITEMS_AT) {
        slot if slot < NR_MEMCG_SLOTS => Place::Memcg(slot),
        _ => Place::Nowhere,
    }
}

/// Whether a statistic is kept for each node.
pub(crate) fn has_nodes(item: usize) -> bool {
    matches!(place(item), Place::Lru(_) | Place::Node(_))
}

/// Whether an item of nodes is kept in bytes for containers, but in pages for the node.
pub(crate) fn in_bytes(item: node_stat_item) -> bool {
    [
        node_stat_item_NR_SLAB_RECLAIMABLE_B,
        node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
    ]
    .contains(&item)
}

/// Adds `n` to a statistic of the folios of a share: pages, or what the item's name says.
#[inline]
pub(crate) fn mod_node(node: &Node, item: usize, n: isize) {
    if item < NR_LRU {
        node.add_lru_size(item, n);
    } else {
        node.slots().add(node_slot(item), n);
    }
}

/// Adds `n` to a statistic of a container that belongs to no node.
pub(crate) fn mod_memcg(memcg: &MemCgroup, item: usize, n: isize) {
    // Whoever knows a removed container by its id counts for it long after it has gone.
    let _rcu = rcu::read_lock();
    let memcg = memcg.not_dying();
    match place(item) {
        Place::Memcg(slot) => memcg.slots().add(slot, n),
        // A statistic of nodes without a node: it counts on the first one.
        Place::Lru(_) | Place::Node(_) => {
            if let Some(nid) = NodeId::with_memory().next() {
                mod_node(memcg.node(nid), item, n);
            }
        }
        Place::Nowhere => {}
    }
}

/// Counts `n` events in `memcg`.
#[inline]
pub(crate) fn count_event(memcg: &MemCgroup, event: vm_event_item, n: usize) {
    if let Some(slot) = event_slot(event) {
        memcg.slots().add(slot, n as isize);
    }
}

/// One statistic of a share, this container alone.
pub(crate) fn node_local(node: &Node, item: usize) -> isize {
    if item < NR_LRU {
        node.lru_size(item) as isize
    } else {
        node.slots().sum(node_slot(item))
    }
}

/// One statistic of a container that belongs to no node, this container alone.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn memcg_local(memcg: &MemCgroup, item: usize) -> isize {
    match place(item) {
        Place::Memcg(slot) => memcg.slots().sum(slot),
        Place::Lru(_) | Place::Node(_) | Place::Nowhere => 0,
    }
}

/// Events counted in a container, this one alone.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn event_local(memcg: &MemCgroup, event: vm_event_item) -> isize {
    event_slot(event).map_or(0, |slot| memcg.slots().sum(slot))
}

/// How often counts have begun or ended to move from a child to its parent: odd while they do.
static MOVES: Atomic<usize> = Atomic::new(0);

/// Held while counts move from a child to its parent. Under `cgroup_mutex`: one at a time.
pub(crate) struct Moving(());

impl Moving {
    pub(crate) fn begin() -> Self {
        MOVES.fetch_add(1, Full);
        Self(())
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        MOVES.fetch_add(1, Full);
    }
}

/// The sum that `sum` makes over a tree of containers, made while no counts move within the tree:
/// else some could be missed, or be seen twice.
fn unmoved<T>(mut sum: impl FnMut() -> T) -> T {
    // Moves are short and rare. If there is no end to them, the reader takes what there is.
    const PATIENCE: usize = 4;

    let mut tries = 0;
    loop {
        let before = MOVES.load(Acquire);
        let result = sum();
        smp_mb(Read);
        tries += 1;
        if (before % 2 == 0 && MOVES.load(Relaxed) == before) || tries == PATIENCE {
            return result;
        }
    }
}

/// One statistic of the shares of one node, of `memcg` and all below it. Does not sleep.
pub(crate) fn node_tree(memcg: &MemCgroup, nid: NodeId, item: usize) -> isize {
    unmoved(|| {
        let rcu = rcu::read_lock();
        iter::below(memcg, &rcu)
            .map(|m| node_local(m.node(nid), item))
            .sum()
    })
}

/// Pages on those LRU lists of one node that are set in `mask`, of `memcg` and, if `tree`, all below
/// it. Does not sleep.
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
            m.dead_events(slot - EVENTS_AT)
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
            Place::Node(slot) => self.node.get(slot),
            Place::Memcg(slot) => self.memcg.get(slot),
            Place::Nowhere => None,
        };
        usize::try_from(n.copied().unwrap_or(0)).unwrap_or(0)
    }

    fn event(&self, event: vm_event_item) -> usize {
        let Some(slot) = event_slot(event) else {
            return 0;
        };
        let live = self.memcg.get(slot).copied().unwrap_or(0);
        let dead = self.dead.get(slot - EVENTS_AT).copied().unwrap_or(0);
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

/// Moves the counts of `child` to `parent`: when it goes offline, under `cgroup_mutex` and after its
/// folios have moved, as a [`Moving`] step; and when it is freed.
pub(crate) fn reparent(child: &MemCgroup, parent: &MemCgroup) {
    for nid in NodeId::possible() {
        let (from, to) = (child.node(nid), parent.node(nid));
        let mut counts = [0; NR_NODE_SLOTS];
        from.slots().add_to(&mut counts);
        move_counts(&counts, 0, from.slots(), to.slots());
    }

    let mut counts = [0; NR_MEMCG_SLOTS];
    child.slots().add_to(&mut counts);
    if let Some(items) = counts.get(ITEMS_AT..) {
        move_counts(items, ITEMS_AT, child.slots(), parent.slots());
    }

    for i in 0..EVENTS.len() {
        let (Some(from), Some(to)) = (child.dead_events(i), parent.dead_events(i)) else {
            continue;
        };
        let n = counts.get(EVENTS_AT + i).copied().unwrap_or(0);
        if n != 0 {
            child.slots().add(EVENTS_AT + i, n.wrapping_neg());
        }
        let n = from.xchg(0, Relaxed).wrapping_add(n);
        if n != 0 {
            to.add(n, Relaxed);
        }
    }
}

/// Moves `counts`, what counters from the one at `first` on add up to, from one row to another.
fn move_counts(counts: &[isize], first: usize, from: &PerCpuSlots, to: &PerCpuSlots) {
    for (i, &n) in counts.iter().enumerate().filter(|(_, &n)| n != 0) {
        to.add(first + i, n);
        from.add(first + i, n.wrapping_neg());
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

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "tests/stats.rs"]
mod tests;

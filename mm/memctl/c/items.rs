// SPDX-License-Identifier: GPL-2.0

//! The statistics and events that containers have, as C numbers them, and where each is kept.
#![deny(unsafe_code)]

use kernel::{
    bindings::*,
    mm::vmstat::NodeItem,
    percpu::Slot, //
};

/// The lists a folio can be on, as an index.
pub(crate) const NR_LRU: usize = lru_list_NR_LRU_LISTS as usize;

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
    (PGHANDOVER_IN, "pghandover_in"),
    (PGHANDOVER_OUT, "pghandover_out"),
];

/// Events that the machine does not count, behind those that it does: pages that were taken over
/// from another container, and by another one.
pub(crate) const PGHANDOVER_IN: vm_event_item = vm_event_item_NR_VM_EVENT_ITEMS;
pub(crate) const PGHANDOVER_OUT: vm_event_item = vm_event_item_NR_VM_EVENT_ITEMS + 1;

/// How many events there are, with those.
const NR_EVENTS: usize = vm_event_item_NR_VM_EVENT_ITEMS as usize + 2;

/// Events that are counted by batches, or where there is far more to do than to count: they are
/// kept once for all CPUs, and take no memory for each.
const RARE_EVENTS: &[vm_event_item] = &[
    vm_event_item_PGMAJFAULT,
    vm_event_item_PSWPIN,
    vm_event_item_PSWPOUT,
    vm_event_item_PGDEACTIVATE,
    vm_event_item_PGLAZYFREE,
    vm_event_item_PGLAZYFREED,
    #[cfg(CONFIG_SWAP)]
    vm_event_item_SWPIN_ZERO,
    #[cfg(CONFIG_SWAP)]
    vm_event_item_SWPOUT_ZERO,
    #[cfg(CONFIG_ZSWAP)]
    vm_event_item_ZSWPWB,
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    vm_event_item_THP_FAULT_ALLOC,
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    vm_event_item_THP_COLLAPSE_ALLOC,
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    vm_event_item_THP_SWPOUT,
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    vm_event_item_THP_SWPOUT_FALLBACK,
    #[cfg(CONFIG_NUMA_BALANCING)]
    vm_event_item_NUMA_PAGE_MIGRATE,
    #[cfg(CONFIG_NUMA_BALANCING)]
    vm_event_item_NUMA_PTE_UPDATES,
    #[cfg(CONFIG_NUMA_BALANCING)]
    vm_event_item_NUMA_HINT_FAULTS,
    PGHANDOVER_IN,
    PGHANDOVER_OUT,
];

/// The statistics of nodes that containers have, too, and that change with each folio. The sizes of
/// LRU lists are kept elsewhere. Before them, in the row of a share, come the counters of bytes.
const OFTEN_ITEMS: &[node_stat_item] = &[
    node_stat_item_NR_ANON_MAPPED,
    node_stat_item_NR_FILE_MAPPED,
    node_stat_item_NR_FILE_PAGES,
    node_stat_item_NR_FILE_DIRTY,
    node_stat_item_NR_WRITEBACK,
    node_stat_item_NR_SHMEM,
    node_stat_item_NR_KERNEL_STACK_KB,
    node_stat_item_NR_PAGETABLE,
    node_stat_item_WORKINGSET_REFAULT_ANON,
    node_stat_item_WORKINGSET_REFAULT_FILE,
    node_stat_item_WORKINGSET_ACTIVATE_ANON,
    node_stat_item_WORKINGSET_ACTIVATE_FILE,
    node_stat_item_NR_VMALLOC,
    #[cfg(CONFIG_SWAP)]
    node_stat_item_NR_SWAPCACHE,
];

/// The others, which reclaim counts by batches, or whose pages are many at a time: see
/// [`RARE_EVENTS`].
const RARE_ITEMS: &[node_stat_item] = &[
    // What is there are large allocations, of pages; the others are counted in bytes.
    node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
    node_stat_item_NR_SHMEM_THPS,
    node_stat_item_NR_FILE_THPS,
    node_stat_item_NR_ANON_THPS,
    node_stat_item_NR_SECONDARY_PAGETABLE,
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
    #[cfg(CONFIG_NUMA_BALANCING)]
    node_stat_item_PGPROMOTE_SUCCESS,
    #[cfg(CONFIG_HUGETLB_PAGE)]
    node_stat_item_NR_HUGETLB,
];

const fn is_rare(event: vm_event_item) -> bool {
    let mut i = 0;
    while i < RARE_EVENTS.len() {
        if RARE_EVENTS[i] == event {
            return true;
        }
        i += 1;
    }
    false
}

/// In the row of a container, before the events, comes the stock.
const EVENTS_AT: usize = 1;

/// Behind the events that have a counter on each CPU come the statistics of no node.
const ITEMS_AT: usize = EVENTS_AT + EVENTS.len() - RARE_EVENTS.len();

/// How many statistics of no node there are: the last ones are those of zswap.
const NR_ITEMS: usize = match cfg!(CONFIG_ZSWAP) {
    true => memcg_stat_item_MEMCG_NR_STAT as usize - NodeItem::NR,
    false => memcg_stat_item_MEMCG_ZSWAP_B as usize - NodeItem::NR,
};

/// How many counters a container has on each CPU.
pub(crate) const NR_MEMCG_OFTEN: usize = ITEMS_AT + NR_ITEMS;

/// How many counts a container has. The last ones are those of [`RARE_EVENTS`].
const NR_MEMCG_COUNTS: usize = NR_MEMCG_OFTEN + RARE_EVENTS.len();

/// How many counters a container has on each CPU for each node.
pub(crate) const NR_NODE_OFTEN: usize = NODE_ITEMS_AT + OFTEN_ITEMS.len();

/// In the row of a share, before the statistics, come the bytes of objects: see `usage/bytes.rs`.
const NODE_ITEMS_AT: usize = 4;

/// Objects are counted in so many bytes. Their sizes are multiples of it; 2^31 of them may come or
/// go on a CPU between two flushes of statistics, 16 GiB.
pub(crate) const GRAIN: usize = 8;

/// A counter of grains in the row of a share.
const fn bytes_at(at: usize) -> Slot<NR_NODE_OFTEN> {
    match Slot::new(at) {
        Some(slot) if at < NODE_ITEMS_AT => slot,
        _ => panic!("no such counter"),
    }
}

/// What has been charged for objects.
pub(crate) const GRANTED: Slot<NR_NODE_OFTEN> = bytes_at(0);
/// What objects of reclaimable caches take.
pub(crate) const RECLAIMABLE: Slot<NR_NODE_OFTEN> = bytes_at(1);
/// What objects of other caches take.
pub(crate) const UNRECLAIMABLE: Slot<NR_NODE_OFTEN> = bytes_at(2);
/// What else takes bytes.
pub(crate) const OTHER_BYTES: Slot<NR_NODE_OFTEN> = bytes_at(3);

/// Where the sizes of lists are among the counts of a node: behind all others.
pub(crate) const LRU_AT: usize = NR_NODE_OFTEN + RARE_ITEMS.len();

kernel::static_assert!(RARE_EVENTS.len() == MEMCTL_NR_RARE_EVENTS as usize);
kernel::static_assert!(NR_MEMCG_COUNTS == MEMCTL_NR_MEMCG_COUNTS as usize);
kernel::static_assert!(RARE_ITEMS.len() == MEMCTL_NR_RARE_ITEMS as usize);
kernel::static_assert!(LRU_AT + NR_LRU == MEMCTL_NR_NODE_COUNTS as usize);
kernel::static_assert!(NR_LRU == node_stat_item_NR_UNEVICTABLE as usize + 1);

/// The stock of a CPU in the row of a container, see `usage/stock.rs`.
pub(crate) const STOCK: Slot<NR_MEMCG_OFTEN> = match Slot::new(0) {
    Some(slot) => slot,
    None => unreachable!(),
};

const fn item_slot(item: memcg_stat_item) -> Slot<NR_MEMCG_OFTEN> {
    match Slot::new(ITEMS_AT + item as usize - NodeItem::NR) {
        Some(slot) => slot,
        None => panic!("no such counter"),
    }
}

/// The pages of the kernel's own, in the row of a container.
pub(crate) const KMEM: Slot<NR_MEMCG_OFTEN> = item_slot(memcg_stat_item_MEMCG_KMEM);

/// The pages of sockets, likewise.
pub(crate) const SOCK: Slot<NR_MEMCG_OFTEN> = item_slot(memcg_stat_item_MEMCG_SOCK);

/// Among the counts of a container: what all stocks hold.
pub(crate) const STOCKED: usize = STOCK.index();

const NOWHERE: u8 = u8::MAX;

kernel::static_assert!(NR_MEMCG_COUNTS < NOWHERE as usize);
kernel::static_assert!(LRU_AT + NR_LRU < NOWHERE as usize);

const EVENT_AT: [u8; NR_EVENTS] = {
    let mut counts = [NOWHERE; NR_EVENTS];
    let (mut i, mut often, mut rare) = (0, EVENTS_AT, NR_MEMCG_OFTEN);
    while i < EVENTS.len() {
        let at = match is_rare(EVENTS[i].0) {
            true => &mut rare,
            false => &mut often,
        };
        counts[EVENTS[i].0 as usize] = *at as u8;
        *at += 1;
        i += 1;
    }
    assert!(often == ITEMS_AT && rare == NR_MEMCG_COUNTS);
    counts
};

/// Has more elements than there are items, so that looking one up takes no comparison.
const ITEM_AT: [u8; 256] = {
    let mut counts = [NOWHERE; 256];
    let mut at = NODE_ITEMS_AT;
    while at < NR_NODE_OFTEN {
        counts[OFTEN_ITEMS[at - NODE_ITEMS_AT] as usize] = at as u8;
        at += 1;
    }
    while at < LRU_AT {
        counts[RARE_ITEMS[at - NR_NODE_OFTEN] as usize] = at as u8;
        at += 1;
    }
    let mut lru = 0;
    while lru < NR_LRU {
        counts[lru] = (LRU_AT + lru) as u8;
        lru += 1;
    }
    counts
};

/// The counter of `event` on each CPU, if it has one.
#[inline]
pub(crate) fn often_event(event: vm_event_item) -> Option<Slot<NR_MEMCG_OFTEN>> {
    Slot::new(EVENT_AT.get(event as usize).copied()? as usize)
}

/// The counter of `item`, a `node_stat_item`, on each CPU, if it has one.
#[inline]
pub(crate) fn often(item: usize) -> Option<Slot<NR_NODE_OFTEN>> {
    Slot::new(ITEM_AT.get(item % ITEM_AT.len()).copied()? as usize)
}

/// Which count of a container `event` is, if containers have it.
#[inline]
pub(crate) fn event_at(event: vm_event_item) -> Option<usize> {
    let at = EVENT_AT.get(event as usize).copied()?;
    (at != NOWHERE).then_some(at as usize)
}

/// Which count of a container's share of a node `item`, a `node_stat_item`, is, if containers have
/// it.
#[inline]
pub(crate) fn node_at(item: usize) -> Option<usize> {
    let at = ITEM_AT.get(item % ITEM_AT.len()).copied()?;
    (at != NOWHERE).then_some(at as usize)
}

/// Where a statistic of a container is kept: among which counts, and which of these it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Node(usize),
    /// In grains, see `usage/bytes.rs`.
    Objects(Slot<NR_NODE_OFTEN>),
    Memcg(usize),
    Nowhere,
}

/// `item` is a `node_stat_item` or a `memcg_stat_item`.
pub(crate) fn place(item: usize) -> Place {
    if item == node_stat_item_NR_SLAB_RECLAIMABLE_B as usize {
        return Place::Objects(RECLAIMABLE);
    }
    if item == node_stat_item_NR_SLAB_UNRECLAIMABLE_B as usize {
        return Place::Objects(UNRECLAIMABLE);
    }
    if item < NodeItem::NR {
        return node_at(item).map_or(Place::Nowhere, Place::Node);
    }
    match (item - NodeItem::NR).saturating_add(ITEMS_AT) {
        at if at < NR_MEMCG_OFTEN => Place::Memcg(at),
        _ => Place::Nowhere,
    }
}

/// Whether a statistic is kept for each node.
pub(crate) fn has_nodes(item: usize) -> bool {
    matches!(place(item), Place::Node(_) | Place::Objects(_))
}

/// Whether a count of a container is one of events, which do not move to its parent.
pub(crate) fn is_event(at: usize) -> bool {
    (EVENTS_AT..ITEMS_AT).contains(&at) || at >= NR_MEMCG_OFTEN
}

/// Whether an item of nodes is kept in bytes for containers, but in pages for the node.
pub(crate) fn in_bytes(item: usize) -> bool {
    matches!(place(item), Place::Objects(_))
}

/// The item that C calls `item`, for those that are known when this is compiled.
pub(crate) const fn item(item: node_stat_item) -> NodeItem {
    match NodeItem::new(item) {
        Some(item) => item,
        None => panic!("no such item"),
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/items.rs"]
mod tests;

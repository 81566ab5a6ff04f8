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

/// Before the events comes the stock.
pub(crate) const EVENTS_AT: usize = 1;
pub(crate) const ITEMS_AT: usize = EVENTS_AT + EVENTS.len();

/// How many per-CPU counters a container has.
pub(crate) const NR_MEMCG_SLOTS: usize =
    ITEMS_AT + memcg_stat_item_MEMCG_NR_STAT as usize - NodeItem::NR;

/// How many per-CPU counters a container has for each node.
pub(crate) const NR_NODE_SLOTS: usize = NODE_ITEMS.len();

kernel::static_assert!(EVENTS.len() <= MEMCTL_NR_EVENTS as usize);
kernel::static_assert!(NR_LRU == node_stat_item_NR_UNEVICTABLE as usize + 1);

/// The place of a counter in the row of a container.
pub(crate) type MemcgSlot = Slot<NR_MEMCG_SLOTS>;

/// The place of a counter in the row of a container's share of a node.
pub(crate) type NodeSlot = Slot<NR_NODE_SLOTS>;

/// Where the stock is in the row of a container, see `usage/stock.rs`.
pub(crate) const STOCK: MemcgSlot = match Slot::new(0) {
    Some(slot) => slot,
    None => unreachable!(),
};

const NO_SLOT: u8 = u8::MAX;

kernel::static_assert!(NR_MEMCG_SLOTS < NO_SLOT as usize);
kernel::static_assert!(NR_NODE_SLOTS < NO_SLOT as usize);

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

/// The counter of `event` in the row of a container, if containers have it.
#[inline]
pub(crate) fn event_slot(event: vm_event_item) -> Option<MemcgSlot> {
    Slot::new(EVENT_SLOT.get(event as usize).copied()? as usize)
}

/// The counter of `item`, a `node_stat_item` but no LRU list, in the row of a share of a node, if
/// containers have it.
#[inline]
pub(crate) fn node_slot(item: usize) -> Option<NodeSlot> {
    Slot::new(NODE_SLOT.get(item % NODE_SLOT.len()).copied()? as usize)
}

/// Where a statistic of a container is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In the shares of nodes, as the size of this LRU list.
    Lru(usize),
    /// In the shares of nodes, at this counter.
    Node(NodeSlot),
    /// In the container, at this counter.
    Memcg(MemcgSlot),
    Nowhere,
}

/// `item` is a `node_stat_item` or a `memcg_stat_item`.
pub(crate) fn place(item: usize) -> Place {
    if item < NR_LRU {
        return Place::Lru(item);
    }
    if item < NodeItem::NR {
        return node_slot(item).map_or(Place::Nowhere, Place::Node);
    }
    let slot = (item - NodeItem::NR).saturating_add(ITEMS_AT);
    Slot::new(slot).map_or(Place::Nowhere, Place::Memcg)
}

/// Whether a statistic is kept for each node.
pub(crate) fn has_nodes(item: usize) -> bool {
    matches!(place(item), Place::Lru(_) | Place::Node(_))
}

/// Whether an item of nodes is kept in bytes for containers, but in pages for the node.
pub(crate) fn in_bytes(item: NodeItem) -> bool {
    [
        node_stat_item_NR_SLAB_RECLAIMABLE_B,
        node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
    ]
    .contains(&item.as_raw())
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

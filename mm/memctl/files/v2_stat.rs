// SPDX-License-Identifier: GPL-2.0

//! The statistics of cgroup v2: `memory.stat` and `memory.numa_stat`.
#![deny(unsafe_code)]

use crate::{
    c::{
        items::{
            has_nodes,
            place,
            Place,
            EVENTS, //
        },
        memcg::MemCgroup,
        mount, //
    },
    stats::{
        flush::flush_below,
        read::{
            node_tree,
            Shown,
            Source,
            Tree, //
        },
    },
    usage::shared,
    PAGES,
};
use kernel::{
    bindings as c,
    cgroup::{
        seq_line,
        seq_nodes,
        Show, //
    },
    mm::numa::NodeId,
    prelude::*,
    seq_file::SeqFile,
    sync::counted::Counted, //
};

const fn pages(name: &'static str, item: u32) -> (&'static str, u32, Shown) {
    (name, item, Shown::Pages)
}

const fn plain(name: &'static str, item: u32) -> (&'static str, u32, Shown) {
    (name, item, Shown::Plain)
}

/// The statistics in `memory.stat`: what there is, then what reclaim and the working set did.
const STATS: &[(&str, u32, Shown)] = &[
    pages("anon", c::node_stat_item_NR_ANON_MAPPED),
    pages("file", c::node_stat_item_NR_FILE_PAGES),
    pages("kernel", c::memcg_stat_item_MEMCG_KMEM),
    (
        "kernel_stack",
        c::node_stat_item_NR_KERNEL_STACK_KB,
        Shown::Kib,
    ),
    pages("pagetables", c::node_stat_item_NR_PAGETABLE),
    pages("sec_pagetables", c::node_stat_item_NR_SECONDARY_PAGETABLE),
    plain("percpu", c::memcg_stat_item_MEMCG_PERCPU_B),
    pages("sock", c::memcg_stat_item_MEMCG_SOCK),
    pages("vmalloc", c::node_stat_item_NR_VMALLOC),
    pages("shmem", c::node_stat_item_NR_SHMEM),
    #[cfg(CONFIG_ZSWAP)]
    plain("zswap", c::memcg_stat_item_MEMCG_ZSWAP_B),
    #[cfg(CONFIG_ZSWAP)]
    pages("zswapped", c::memcg_stat_item_MEMCG_ZSWAPPED),
    #[cfg(CONFIG_ZSWAP)]
    pages("zswap_incomp", c::memcg_stat_item_MEMCG_ZSWAP_INCOMP),
    pages("file_mapped", c::node_stat_item_NR_FILE_MAPPED),
    pages("file_dirty", c::node_stat_item_NR_FILE_DIRTY),
    pages("file_writeback", c::node_stat_item_NR_WRITEBACK),
    #[cfg(CONFIG_SWAP)]
    pages("swapcached", c::node_stat_item_NR_SWAPCACHE),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    pages("anon_thp", c::node_stat_item_NR_ANON_THPS),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    pages("file_thp", c::node_stat_item_NR_FILE_THPS),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    pages("shmem_thp", c::node_stat_item_NR_SHMEM_THPS),
    pages("inactive_anon", c::node_stat_item_NR_INACTIVE_ANON),
    pages("active_anon", c::node_stat_item_NR_ACTIVE_ANON),
    pages("inactive_file", c::node_stat_item_NR_INACTIVE_FILE),
    pages("active_file", c::node_stat_item_NR_ACTIVE_FILE),
    pages("unevictable", c::node_stat_item_NR_UNEVICTABLE),
    plain("slab_reclaimable", c::node_stat_item_NR_SLAB_RECLAIMABLE_B),
    plain(
        "slab_unreclaimable",
        c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
    ),
];

#[cfg(CONFIG_HUGETLB_PAGE)]
const HUGETLB: Option<u32> = Some(c::node_stat_item_NR_HUGETLB);
#[cfg(not(CONFIG_HUGETLB_PAGE))]
const HUGETLB: Option<u32> = None;

const HISTORY: &[(&str, u32, Shown)] = &[
    plain(
        "workingset_refault_anon",
        c::node_stat_item_WORKINGSET_REFAULT_ANON,
    ),
    plain(
        "workingset_refault_file",
        c::node_stat_item_WORKINGSET_REFAULT_FILE,
    ),
    plain(
        "workingset_activate_anon",
        c::node_stat_item_WORKINGSET_ACTIVATE_ANON,
    ),
    plain(
        "workingset_activate_file",
        c::node_stat_item_WORKINGSET_ACTIVATE_FILE,
    ),
    plain(
        "workingset_restore_anon",
        c::node_stat_item_WORKINGSET_RESTORE_ANON,
    ),
    plain(
        "workingset_restore_file",
        c::node_stat_item_WORKINGSET_RESTORE_FILE,
    ),
    plain(
        "workingset_nodereclaim",
        c::node_stat_item_WORKINGSET_NODERECLAIM,
    ),
    plain("pgdemote_kswapd", c::node_stat_item_PGDEMOTE_KSWAPD),
    plain("pgdemote_direct", c::node_stat_item_PGDEMOTE_DIRECT),
    plain("pgdemote_khugepaged", c::node_stat_item_PGDEMOTE_KHUGEPAGED),
    plain("pgdemote_proactive", c::node_stat_item_PGDEMOTE_PROACTIVE),
    plain("pgsteal_kswapd", c::node_stat_item_PGSTEAL_KSWAPD),
    plain("pgsteal_direct", c::node_stat_item_PGSTEAL_DIRECT),
    plain("pgsteal_khugepaged", c::node_stat_item_PGSTEAL_KHUGEPAGED),
    plain("pgsteal_proactive", c::node_stat_item_PGSTEAL_PROACTIVE),
    plain("pgscan_kswapd", c::node_stat_item_PGSCAN_KSWAPD),
    plain("pgscan_direct", c::node_stat_item_PGSCAN_DIRECT),
    plain("pgscan_khugepaged", c::node_stat_item_PGSCAN_KHUGEPAGED),
    plain("pgscan_proactive", c::node_stat_item_PGSCAN_PROACTIVE),
    plain("pgrefill", c::node_stat_item_PGREFILL),
    #[cfg(CONFIG_NUMA_BALANCING)]
    plain("pgpromote_success", c::node_stat_item_PGPROMOTE_SUCCESS),
];

/// Events that are shown before all others.
const EVENTS_FIRST: [(c::vm_event_item, &str); 4] = [
    (c::vm_event_item_PSWPIN, "pswpin"),
    (c::vm_event_item_PSWPOUT, "pswpout"),
    (c::vm_event_item_PGFAULT, "pgfault"),
    (c::vm_event_item_PGMAJFAULT, "pgmajfault"),
];

/// Events that are not shown where [`EVENTS`] has them: those above, and those of cgroup v1.
const EVENTS_NOT_IN_ORDER: [c::vm_event_item; 6] = [
    c::vm_event_item_PSWPIN,
    c::vm_event_item_PSWPOUT,
    c::vm_event_item_PGFAULT,
    c::vm_event_item_PGMAJFAULT,
    c::vm_event_item_PGPGIN,
    c::vm_event_item_PGPGOUT,
];

/// In which unit user space sees a statistic of a container, if there is such a one.
pub(crate) fn shown(item: usize) -> Option<Shown> {
    let tables = [STATS, HISTORY];
    let mut known = tables.into_iter().flatten();
    match known.find(|(_, known, _)| *known as usize == item) {
        Some((_, _, shown)) => Some(*shown),
        // Some are not shown, in pages all.
        None => (place(item) != Place::Nowhere).then_some(Shown::Pages),
    }
}

/// Hands the statistics of `source` to `line`.
pub(super) fn emit(source: &impl Source, line: impl Fn(&str, u64)) {
    let item = |item: u32| source.item(item as usize);
    let sum = |items: &[u32]| items.iter().map(|i| item(*i) as u64).sum::<u64>();
    let table = |table: &[(&str, u32, Shown)]| {
        for (name, i, shown) in table {
            line(name, shown.of(item(*i)));
        }
    };

    table(STATS);
    line(
        "slab",
        sum(&[
            c::node_stat_item_NR_SLAB_RECLAIMABLE_B,
            c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
        ]),
    );
    if let Some(hugetlb) = HUGETLB.filter(|_| mount::accounts_hugetlb()) {
        line("hugetlb", PAGES.show(item(hugetlb)));
    }
    table(HISTORY);
    line(
        "pgscan",
        sum(&[
            c::node_stat_item_PGSCAN_KSWAPD,
            c::node_stat_item_PGSCAN_DIRECT,
            c::node_stat_item_PGSCAN_PROACTIVE,
            c::node_stat_item_PGSCAN_KHUGEPAGED,
        ]),
    );
    line(
        "pgsteal",
        sum(&[
            c::node_stat_item_PGSTEAL_KSWAPD,
            c::node_stat_item_PGSTEAL_DIRECT,
            c::node_stat_item_PGSTEAL_PROACTIVE,
            c::node_stat_item_PGSTEAL_KHUGEPAGED,
        ]),
    );
    for (event, name) in EVENTS_FIRST {
        line(name, source.event(event) as u64);
    }
    for (event, name) in EVENTS {
        if !EVENTS_NOT_IN_ORDER.contains(event) {
            line(name, source.event(*event) as u64);
        }
    }
}

/// Statistics of the container and all below it, a line each.
pub(crate) struct Stat;

impl Show for Stat {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        flush_below(memcg);
        emit(&Tree(memcg), |name, value| seq_line(seq, "", name, value));
        if let Some(writes) = shared::count() {
            seq_line(seq, "", "shared_writes", writes as u64);
        }
        Ok(())
    }
}

/// Statistics of the container and all below it on each node, a line each.
#[cfg_attr(not(CONFIG_NUMA), expect(dead_code, reason = "there is no such file"))]
pub(crate) struct NumaStat;

impl Show for NumaStat {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        flush_below(memcg);
        let hugetlb = HUGETLB.map(|item| pages("hugetlb", item));
        let tables = [STATS, hugetlb.as_slice(), HISTORY];
        for (name, item, shown) in tables.into_iter().flatten() {
            if !has_nodes(*item as usize) {
                continue;
            }
            let nodes = NodeId::with_memory().map(|nid| {
                let n = node_tree(memcg.node(nid), *item as usize);
                let n = shown.of(usize::try_from(n).unwrap_or(0));
                (nid.index() as u64, n)
            });
            seq_nodes(seq, name, nodes);
        }
        Ok(())
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/files.rs"]
mod tests;

// SPDX-License-Identifier: GPL-2.0

//! The statistics of cgroup v1: `memory.stat` and `memory.numa_stat`.
#![deny(unsafe_code)]

use crate::{
    c::{
        items::{
            PGHANDOVER_IN,
            PGHANDOVER_OUT, //
        },
        memcg::MemCgroup, //
    },
    stats::{
        flush::flush_below,
        read::{
            lru_pages,
            Alone,
            Shown,
            Source,
            Tree, //
        },
    },
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
    res_counter::ResCounter,
    seq_file::SeqFile,
    seq_print,
    sync::counted::Counted, //
};

/// The statistics in `memory.stat`, first of the container alone, then with `total_` of it and all
/// below it.
const STATS: &[(&str, u32, Shown)] = &[
    ("cache", c::node_stat_item_NR_FILE_PAGES, Shown::Pages),
    ("rss", c::node_stat_item_NR_ANON_MAPPED, Shown::Pages),
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    ("rss_huge", c::node_stat_item_NR_ANON_THPS, Shown::Pages),
    ("shmem", c::node_stat_item_NR_SHMEM, Shown::Pages),
    (
        "mapped_file",
        c::node_stat_item_NR_FILE_MAPPED,
        Shown::Pages,
    ),
    ("dirty", c::node_stat_item_NR_FILE_DIRTY, Shown::Pages),
    ("writeback", c::node_stat_item_NR_WRITEBACK, Shown::Pages),
    (
        "workingset_refault_anon",
        c::node_stat_item_WORKINGSET_REFAULT_ANON,
        Shown::Plain,
    ),
    (
        "workingset_refault_file",
        c::node_stat_item_WORKINGSET_REFAULT_FILE,
        Shown::Plain,
    ),
    #[cfg(CONFIG_SWAP)]
    ("swap", c::memcg_stat_item_MEMCG_SWAP, Shown::Pages),
    #[cfg(CONFIG_SWAP)]
    ("swapcached", c::node_stat_item_NR_SWAPCACHE, Shown::Pages),
];

const EVENTS: &[(&str, c::vm_event_item)] = &[
    ("pgpgin", c::vm_event_item_PGPGIN),
    ("pgpgout", c::vm_event_item_PGPGOUT),
    ("pgfault", c::vm_event_item_PGFAULT),
    ("pgmajfault", c::vm_event_item_PGMAJFAULT),
    ("pghandover_in", PGHANDOVER_IN),
    ("pghandover_out", PGHANDOVER_OUT),
];

const LISTS: &[(&str, c::lru_list)] = &[
    ("inactive_anon", c::lru_list_LRU_INACTIVE_ANON),
    ("active_anon", c::lru_list_LRU_ACTIVE_ANON),
    ("inactive_file", c::lru_list_LRU_INACTIVE_FILE),
    ("active_file", c::lru_list_LRU_ACTIVE_FILE),
    ("unevictable", c::lru_list_LRU_UNEVICTABLE),
];

/// Hands the statistics of `source` to `line`.
pub(super) fn emit(source: &impl Source, line: impl Fn(&str, u64)) {
    for (name, item, shown) in STATS {
        line(name, shown.of(source.item(*item as usize)));
    }
    for (name, event) in EVENTS {
        line(name, source.event(*event) as u64);
    }
    for (name, lru) in LISTS {
        line(name, PAGES.show(source.item(*lru as usize)));
    }
}

/// Statistics, a line each.
pub(crate) struct Stat;

impl Show for Stat {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        flush_below(memcg);
        emit(&Alone(memcg), |name, value| seq_line(seq, "", name, value));
        let limit = |counter: &ResCounter| PAGES.show(counter.effective_limit());
        let memory = limit(memcg.memory());
        seq_line(seq, "", "hierarchical_memory_limit", memory);
        if let Some(memsw) = memcg.memsw() {
            seq_line(seq, "", "hierarchical_memsw_limit", limit(memsw));
        }
        emit(&Tree(memcg), |name, value| {
            seq_line(seq, "total_", name, value)
        });
        #[cfg(CONFIG_DEBUG_VM)]
        for (name, of) in [("anon_cost", 0), ("file_cost", 1)] {
            let cost = memcg.nodes().map(|node| node.reclaim_cost(of));
            seq_line(seq, "", name, cost.sum::<usize>() as u64);
        }
        Ok(())
    }
}

/// Pages on the LRU lists of each node.
#[cfg_attr(not(CONFIG_NUMA), expect(dead_code, reason = "there is no such file"))]
pub(crate) struct NumaStat;

impl Show for NumaStat {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        flush_below(memcg);
        const FILE: u32 = 1 << c::lru_list_LRU_INACTIVE_FILE | 1 << c::lru_list_LRU_ACTIVE_FILE;
        const ANON: u32 = 1 << c::lru_list_LRU_INACTIVE_ANON | 1 << c::lru_list_LRU_ACTIVE_ANON;
        const ALL: u32 = (1 << c::lru_list_NR_LRU_LISTS) - 1;

        for (prefix, tree) in [("", false), ("hierarchical_", true)] {
            for (name, mask) in [
                ("total", ALL),
                ("file", FILE),
                ("anon", ANON),
                ("unevictable", 1 << c::lru_list_LRU_UNEVICTABLE),
            ] {
                let sum = |nid| lru_pages(memcg, nid, mask, tree);
                let total: usize = NodeId::with_memory().map(sum).sum();
                seq_print!(seq, "{}{}={}", prefix, name, total);
                let nodes = NodeId::with_memory().map(|nid| (nid.index() as u64, sum(nid) as u64));
                seq_nodes(seq, "", nodes);
            }
        }
        Ok(())
    }
}

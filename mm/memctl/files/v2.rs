// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v2, `memory.*`.
//!
//! Format and errors are those of `Documentation/admin-guide/cgroup-v2.rst`.

use crate::{
    events::MemoryEvent,
    memcg::MemCgroup,
    reclaim,
    stats::{
        Shown,
        Totals,
        EVENTS, //
    },
    vm,
    PAGES, //
};
use core::fmt::Arguments;
use kernel::{
    bindings as c,
    cgroup::{
        CfType,
        ReadU64,
        Show,
        Write, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::Relaxed, //
};

/// How no limit is written.
const UNLIMITED: &[u8] = b"max";

/// The table for the cgroup core.
pub(crate) const FILES: [CfType; 6] = [
    CfType::new(c"current")
        .flags(CfType::NOT_ON_ROOT)
        .read_u64::<Current>(),
    CfType::new(c"max")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Max>()
        .write::<Max>(),
    CfType::new(c"events")
        .flags(CfType::NOT_ON_ROOT)
        .notify_at(MemCgroup::EVENTS_FILE)
        .show::<Events>(),
    CfType::new(c"events.local")
        .flags(CfType::NOT_ON_ROOT)
        .notify_at(MemCgroup::EVENTS_LOCAL_FILE)
        .show::<EventsLocal>(),
    CfType::new(c"stat").show::<Stat>(),
    CfType::END,
];

/// Bytes in use.
pub(crate) struct Current;

impl ReadU64 for Current {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(memcg.memory().usage())
    }
}

/// Bytes that may be in use.
pub(crate) struct Max;

impl Show for Max {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        match memcg.memory().limit() {
            limit if limit == PAGES.unlimited() => seq_print!(seq, "max\n"),
            limit => seq_print!(seq, "{}\n", PAGES.show(limit)),
        }
        Ok(())
    }
}

impl Write for Max {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &[u8], nonblock: bool) -> Result {
        let limit = PAGES.parse(text, UNLIMITED)?;
        reclaim::force_limit(memcg, limit, nonblock);
        Ok(())
    }
}

fn show_events(memcg: &MemCgroup, local: bool, seq: &SeqFile) {
    for (name, event) in [
        ("low", MemoryEvent::LOW),
        ("high", MemoryEvent::HIGH),
        ("max", MemoryEvent::MAX),
        ("oom", MemoryEvent::OOM),
        ("oom_kill", MemoryEvent::OOM_KILL),
        ("oom_group_kill", MemoryEvent::OOM_GROUP_KILL),
        ("sock_throttled", MemoryEvent::SOCK_THROTTLED),
    ] {
        let count = memcg.memory_events(event, local).load(Relaxed);
        seq_print!(seq, "{} {}\n", name, count);
    }
}

/// What happened here and below.
pub(crate) struct Events;

impl Show for Events {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        show_events(memcg, false, seq);
        Ok(())
    }
}

/// What happened here.
pub(crate) struct EventsLocal;

impl Show for EventsLocal {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        show_events(memcg, true, seq);
        Ok(())
    }
}

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

/// Hands all lines of `memory.stat` to `emit`. May sleep.
pub(crate) fn stat(memcg: &MemCgroup, emit: impl Fn(Arguments<'_>, u64)) {
    let totals = Totals::tree(memcg);
    let item = |item: u32| totals.item(item as usize);
    let sum = |items: &[u32]| items.iter().map(|i| item(*i) as u64).sum::<u64>();
    let table = |table: &[(&str, u32, Shown)]| {
        for (name, i, shown) in table {
            emit(format_args!("{name}"), shown.of(item(*i)));
        }
    };

    table(STATS);
    emit(
        format_args!("slab"),
        sum(&[
            c::node_stat_item_NR_SLAB_RECLAIMABLE_B,
            c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
        ]),
    );
    if let Some(hugetlb) = HUGETLB.filter(|_| vm::accounts_hugetlb()) {
        emit(format_args!("hugetlb"), PAGES.show(item(hugetlb)));
    }
    table(HISTORY);
    emit(
        format_args!("pgscan"),
        sum(&[
            c::node_stat_item_PGSCAN_KSWAPD,
            c::node_stat_item_PGSCAN_DIRECT,
            c::node_stat_item_PGSCAN_PROACTIVE,
            c::node_stat_item_PGSCAN_KHUGEPAGED,
        ]),
    );
    emit(
        format_args!("pgsteal"),
        sum(&[
            c::node_stat_item_PGSTEAL_KSWAPD,
            c::node_stat_item_PGSTEAL_DIRECT,
            c::node_stat_item_PGSTEAL_PROACTIVE,
            c::node_stat_item_PGSTEAL_KHUGEPAGED,
        ]),
    );
    let count = |event: c::vm_event_item, name: &str| {
        emit(format_args!("{name}"), totals.event(event) as u64);
    };
    for (event, name) in EVENTS_FIRST {
        count(event, name);
    }
    for (event, name) in EVENTS {
        if !EVENTS_NOT_IN_ORDER.contains(event) {
            count(*event, name);
        }
    }
}

/// Statistics of the container and all below it, a line each.
pub(crate) struct Stat;

impl Show for Stat {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        stat(memcg, |name, value| seq_print!(seq, "{} {}\n", name, value));
        Ok(())
    }
}

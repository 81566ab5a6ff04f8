// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v2, `memory.*`.
//!
//! Format and errors are those of `Documentation/admin-guide/cgroup-v2.rst`.

use crate::{
    events::MemoryEvent,
    memcg::MemCgroup,
    reclaim,
    shared,
    stats::{
        self,
        Shown,
        Source,
        Totals,
        EVENTS, //
    },
    vm,
    PAGES, //
};
use core::marker::PhantomData;
use kernel::{
    bindings as c,
    cgroup::{
        peak::{
            Peak,
            Peaks, //
        },
        seq_line,
        CfType,
        ReadU64,
        Show,
        Text,
        Write,
        WriteText, //
    },
    mm::numa::NodeId,
    prelude::*,
    res_counter::{
        Protection,
        ResCounter,
        Unit, //
    },
    seq_file::SeqFile,
    seq_print,
    sync::atomic::Relaxed, //
};

/// How no limit is written.
const UNLIMITED: &[u8] = b"max";

/// The table for the cgroup core.
pub(crate) const FILES: &[CfType] = &[
    CfType::new(c"current")
        .flags(CfType::NOT_ON_ROOT)
        .read_u64::<Current<Memory>>(),
    CfType::new(c"peak")
        .flags(CfType::NOT_ON_ROOT)
        .peak::<Memory>(),
    CfType::new(c"min")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<Min>>()
        .write::<Tunable<Min>>(),
    CfType::new(c"low")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<Low>>()
        .write::<Tunable<Low>>(),
    CfType::new(c"high")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<High>>()
        .write::<Tunable<High>>(),
    CfType::new(c"max")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<Max>>()
        .write::<Tunable<Max>>(),
    CfType::new(c"events")
        .flags(CfType::NOT_ON_ROOT)
        .notify_at(MemCgroup::EVENTS_FILE)
        .show::<Events>(),
    CfType::new(c"events.local")
        .flags(CfType::NOT_ON_ROOT)
        .notify_at(MemCgroup::EVENTS_LOCAL_FILE)
        .show::<EventsLocal>(),
    CfType::new(c"stat").show::<Stat>(),
    CfType::new(c"numa_stat").show::<NumaStat>(),
    CfType::new(c"oom.group")
        .flags(CfType::NOT_ON_ROOT | CfType::NS_DELEGATABLE)
        .show::<OomGroup>()
        .write_text::<OomGroup>(),
    CfType::new(c"reclaim")
        .flags(CfType::NS_DELEGATABLE)
        .write_text::<Reclaim>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.current")
        .flags(CfType::NOT_ON_ROOT)
        .read_u64::<Current<Swap>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.high")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<SwapHigh>>()
        .write::<Tunable<SwapHigh>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.max")
        .flags(CfType::NOT_ON_ROOT)
        .show::<Tunable<SwapMax>>()
        .write::<Tunable<SwapMax>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.peak")
        .flags(CfType::NOT_ON_ROOT)
        .peak::<Swap>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.events")
        .flags(CfType::NOT_ON_ROOT)
        .notify_at(MemCgroup::SWAP_EVENTS_FILE)
        .show::<SwapEvents>(),
    CfType::END,
];

/// Bytes in use of what `T` shows the most of.
pub(crate) struct Current<T>(PhantomData<T>);

impl<T: Peak<Data = MemCgroup>> ReadU64 for Current<T> {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        T::UNIT.show(T::counter(memcg).usage())
    }
}

/// The most bytes of memory that were in use, or that were since this open file was written to.
pub(crate) struct Memory;

impl Peak for Memory {
    type Data = MemCgroup;

    const UNIT: Unit = PAGES;

    fn counter(memcg: &MemCgroup) -> &ResCounter {
        memcg.memory()
    }

    fn peaks(memcg: &MemCgroup) -> &Peaks {
        memcg.peaks()
    }
}

/// The same of swap space.
#[cfg(CONFIG_SWAP)]
pub(crate) struct Swap;

#[cfg(CONFIG_SWAP)]
impl Peak for Swap {
    type Data = MemCgroup;

    const UNIT: Unit = PAGES;

    fn counter(memcg: &MemCgroup) -> &ResCounter {
        memcg.swap()
    }

    fn peaks(memcg: &MemCgroup) -> &Peaks {
        memcg.swap_peaks()
    }
}

/// A file that reads as a number of bytes or `max`, and takes one.
pub(crate) struct Tunable<T>(PhantomData<T>);

/// What is behind a [`Tunable`], in pages.
pub(crate) trait Setting {
    fn get(memcg: &MemCgroup) -> usize;

    /// Sets it; without waiting for its consequences if `nonblock`.
    fn set(memcg: &MemCgroup, pages: usize, nonblock: bool);
}

impl<T: Setting> Show for Tunable<T> {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        match T::get(memcg) {
            pages if pages == PAGES.unlimited() => seq_print!(seq, "max\n"),
            pages => seq_print!(seq, "{}\n", PAGES.show(pages)),
        }
        Ok(())
    }
}

impl<T: Setting> Write for Tunable<T> {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &[u8], nonblock: bool) -> Result {
        T::set(memcg, PAGES.parse(text, UNLIMITED)?, nonblock);
        Ok(())
    }
}

/// What is never reclaimed.
pub(crate) struct Min;

impl Setting for Min {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.memory().protection(Protection::Min)
    }

    fn set(memcg: &MemCgroup, pages: usize, _nonblock: bool) {
        memcg.memory().set_protection(Protection::Min, pages);
    }
}

/// What is not reclaimed as long as others have something.
pub(crate) struct Low;

impl Setting for Low {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.memory().protection(Protection::Low)
    }

    fn set(memcg: &MemCgroup, pages: usize, _nonblock: bool) {
        memcg.memory().set_protection(Protection::Low, pages);
    }
}

/// Beyond this those who charge are slowed.
pub(crate) struct High;

impl Setting for High {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.high().load(Relaxed)
    }

    fn set(memcg: &MemCgroup, pages: usize, nonblock: bool) {
        reclaim::set_high(memcg, pages, nonblock);
    }
}

/// What may be in use.
pub(crate) struct Max;

impl Setting for Max {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.memory().limit()
    }

    fn set(memcg: &MemCgroup, pages: usize, nonblock: bool) {
        reclaim::force_limit(memcg, pages, nonblock);
    }
}

/// Swap space beyond which those who charge are slowed.
#[cfg(CONFIG_SWAP)]
pub(crate) struct SwapHigh;

#[cfg(CONFIG_SWAP)]
impl Setting for SwapHigh {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.swap_high().load(Relaxed)
    }

    fn set(memcg: &MemCgroup, pages: usize, _nonblock: bool) {
        memcg.swap_high().store(pages, Relaxed);
    }
}

/// Swap space that may be in use. What is there stays there.
#[cfg(CONFIG_SWAP)]
pub(crate) struct SwapMax;

#[cfg(CONFIG_SWAP)]
impl Setting for SwapMax {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.swap().limit()
    }

    fn set(memcg: &MemCgroup, pages: usize, _nonblock: bool) {
        memcg.swap().force_limit(pages);
    }
}

const MEMORY_EVENTS: &[(&str, MemoryEvent)] = &[
    ("low", MemoryEvent::LOW),
    ("high", MemoryEvent::HIGH),
    ("max", MemoryEvent::MAX),
    ("oom", MemoryEvent::OOM),
    ("oom_kill", MemoryEvent::OOM_KILL),
    ("oom_group_kill", MemoryEvent::OOM_GROUP_KILL),
    ("sock_throttled", MemoryEvent::SOCK_THROTTLED),
];

fn show_events(memcg: &MemCgroup, events: &[(&str, MemoryEvent)], local: bool, seq: &SeqFile) {
    for (name, event) in events {
        let count = memcg.memory_events(*event, local).load(Relaxed);
        seq_print!(seq, "{} {}\n", name, count);
    }
}

/// What happened here and below.
pub(crate) struct Events;

impl Show for Events {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        show_events(memcg, MEMORY_EVENTS, false, seq);
        Ok(())
    }
}

/// What happened here.
pub(crate) struct EventsLocal;

impl Show for EventsLocal {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        show_events(memcg, MEMORY_EVENTS, true, seq);
        Ok(())
    }
}

/// What happened to swap space here and below.
#[cfg(CONFIG_SWAP)]
pub(crate) struct SwapEvents;

#[cfg(CONFIG_SWAP)]
impl Show for SwapEvents {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        const EVENTS: &[(&str, MemoryEvent)] = &[
            ("high", MemoryEvent::SWAP_HIGH),
            ("max", MemoryEvent::SWAP_MAX),
            ("fail", MemoryEvent::SWAP_FAIL),
        ];
        show_events(memcg, EVENTS, false, seq);
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
pub(crate) const STATS: &[(&str, u32, Shown)] = &[
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

pub(crate) const HISTORY: &[(&str, u32, Shown)] = &[
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

/// Hands the statistics of `source` to `emit`.
pub(crate) fn stat(source: &impl Source, emit: impl Fn(&str, u64)) {
    let item = |item: u32| source.item(item as usize);
    let sum = |items: &[u32]| items.iter().map(|i| item(*i) as u64).sum::<u64>();
    let table = |table: &[(&str, u32, Shown)]| {
        for (name, i, shown) in table {
            emit(name, shown.of(item(*i)));
        }
    };

    table(STATS);
    emit(
        "slab",
        sum(&[
            c::node_stat_item_NR_SLAB_RECLAIMABLE_B,
            c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
        ]),
    );
    if let Some(hugetlb) = HUGETLB.filter(|_| vm::accounts_hugetlb()) {
        emit("hugetlb", PAGES.show(item(hugetlb)));
    }
    table(HISTORY);
    emit(
        "pgscan",
        sum(&[
            c::node_stat_item_PGSCAN_KSWAPD,
            c::node_stat_item_PGSCAN_DIRECT,
            c::node_stat_item_PGSCAN_PROACTIVE,
            c::node_stat_item_PGSCAN_KHUGEPAGED,
        ]),
    );
    emit(
        "pgsteal",
        sum(&[
            c::node_stat_item_PGSTEAL_KSWAPD,
            c::node_stat_item_PGSTEAL_DIRECT,
            c::node_stat_item_PGSTEAL_PROACTIVE,
            c::node_stat_item_PGSTEAL_KHUGEPAGED,
        ]),
    );
    for (event, name) in EVENTS_FIRST {
        emit(name, source.event(event) as u64);
    }
    for (event, name) in EVENTS {
        if !EVENTS_NOT_IN_ORDER.contains(event) {
            emit(name, source.event(*event) as u64);
        }
    }
}

/// Statistics of the container and all below it, a line each.
pub(crate) struct Stat;

impl Show for Stat {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        let mut totals = Totals::new()?;
        totals.read_tree(memcg);
        stat(&*totals, |name, value| seq_line(seq, "", name, value));
        if let Some(writes) = shared::count() {
            seq_line(seq, "", "shared_writes", writes as u64);
        }
        Ok(())
    }
}

/// Statistics of the container and all below it on each node, a line each.
pub(crate) struct NumaStat;

impl Show for NumaStat {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        let hugetlb = HUGETLB.map(|item| pages("hugetlb", item));
        let tables = [STATS, hugetlb.as_slice(), HISTORY];
        for (name, item, shown) in tables.into_iter().flatten() {
            if !stats::has_nodes(*item as usize) {
                continue;
            }
            seq_print!(seq, "{}", name);
            for nid in NodeId::with_memory() {
                let n = stats::node_tree(memcg, nid, *item as usize);
                let n = shown.of(usize::try_from(n).unwrap_or(0));
                seq_print!(seq, " N{}={}", nid.as_raw(), n);
            }
            seq_print!(seq, "\n");
        }
        Ok(())
    }
}

/// Whether all processes are killed together.
pub(crate) struct OomGroup;

impl Show for OomGroup {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        seq_print!(seq, "{}\n", u8::from(memcg.oom_group().load(Relaxed)));
        Ok(())
    }
}

impl WriteText for OomGroup {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &mut Text<'_>) -> Result {
        let together = match text.parse_int()? {
            0 => false,
            1 => true,
            _ => return Err(EINVAL),
        };
        memcg.oom_group().store(together, Relaxed);
        Ok(())
    }
}

/// Writing a number of bytes reclaims as much.
pub(crate) struct Reclaim;

impl WriteText for Reclaim {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &mut Text<'_>) -> Result {
        vm::reclaim_as_told(memcg, text)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v2, `memory.*`.
//!
//! Format and errors are those of `Documentation/admin-guide/cgroup-v2.rst`.
#![deny(unsafe_code)]

#[cfg(CONFIG_NUMA)]
use super::v2_stat::NumaStat;
#[cfg(CONFIG_ZSWAP)]
use super::{
    switch::ZswapWriteback,
    v2_zswap, //
};
use super::{
    switch::{
        OomGroup,
        Switch,
        TakesOver, //
    },
    v2_stat::Stat, //
};
use crate::{
    c::{
        events::MemoryEvent,
        memcg::MemCgroup,
        vm,
        wish::Measured, //
    },
    pressure::reclaim,
    usage::stock,
    PAGES,
};
use core::marker::PhantomData;
use kernel::{
    cgroup::{
        peak::{
            Peak,
            Peaks, //
        },
        CfType,
        Field,
        ReadU64,
        Show,
        Text,
        Write,
        WriteText, //
    },
    prelude::*,
    res_counter::{
        Protection,
        ResCounter,
        Unit, //
    },
    seq_file::SeqFile,
    seq_print,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
};

/// How no limit is written.
const UNLIMITED: &[u8] = b"max";

type File = CfType<MemCgroup>;

/// The table for the cgroup core.
pub(crate) const FILES: &[File] = &[
    CfType::new(c"current")
        .flags(File::NOT_ON_ROOT)
        .read_u64::<Current<Memory>>(),
    CfType::new(c"peak")
        .flags(File::NOT_ON_ROOT)
        .peak::<Memory>(),
    CfType::new(c"min")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<Min>>()
        .write::<Tunable<Min>>(),
    CfType::new(c"low")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<Low>>()
        .write::<Tunable<Low>>(),
    CfType::new(c"high")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<High>>()
        .write::<Tunable<High>>(),
    CfType::new(c"max")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<Max>>()
        .write::<Tunable<Max>>(),
    CfType::new(c"events")
        .flags(File::NOT_ON_ROOT)
        .notify(MemCgroup::EVENTS_FILE)
        .show::<Events>(),
    CfType::new(c"events.local")
        .flags(File::NOT_ON_ROOT)
        .notify(MemCgroup::EVENTS_LOCAL_FILE)
        .show::<EventsLocal>(),
    CfType::new(c"stat").show::<Stat>(),
    #[cfg(CONFIG_NUMA)]
    CfType::new(c"numa_stat").show::<NumaStat>(),
    CfType::new(c"oom.group")
        .flags(File::NOT_ON_ROOT | File::NS_DELEGATABLE)
        .show::<Switch<OomGroup>>()
        .write_text::<Switch<OomGroup>>(),
    CfType::new(c"reclaim")
        .flags(File::NS_DELEGATABLE)
        .write_text::<Reclaim>(),
    CfType::new(c"handover")
        .flags(File::NOT_ON_ROOT)
        .show::<Switch<TakesOver>>()
        .write_text::<Switch<TakesOver>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.current")
        .flags(File::NOT_ON_ROOT)
        .read_u64::<Current<Swap>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.high")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<SwapHigh>>()
        .write::<Tunable<SwapHigh>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.max")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<SwapMax>>()
        .write::<Tunable<SwapMax>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.peak")
        .flags(File::NOT_ON_ROOT)
        .peak::<Swap>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"swap.events")
        .flags(File::NOT_ON_ROOT)
        .notify(MemCgroup::SWAP_EVENTS_FILE)
        .show::<SwapEvents>(),
    #[cfg(CONFIG_ZSWAP)]
    CfType::new(c"zswap.current")
        .flags(File::NOT_ON_ROOT)
        .read_u64::<v2_zswap::Current>(),
    #[cfg(CONFIG_ZSWAP)]
    CfType::new(c"zswap.max")
        .flags(File::NOT_ON_ROOT)
        .show::<Tunable<v2_zswap::Max>>()
        .write::<Tunable<v2_zswap::Max>>(),
    #[cfg(CONFIG_ZSWAP)]
    CfType::new(c"zswap.writeback")
        .show::<Switch<ZswapWriteback>>()
        .write_text::<Switch<ZswapWriteback>>(),
];

/// What is in use of something that `memory.peak` or the like shows the most of.
pub(crate) trait InUse: Peak<Data = MemCgroup> {
    /// How many units.
    fn in_use(memcg: &MemCgroup) -> usize {
        Self::COUNTER.of(memcg).usage()
    }
}

impl InUse for Memory {
    fn in_use(memcg: &MemCgroup) -> usize {
        stock::in_use(memcg, Measured::Memory)
    }
}

#[cfg(CONFIG_SWAP)]
impl InUse for Swap {}

/// Bytes in use.
pub(crate) struct Current<T>(PhantomData<T>);

impl<T: InUse> ReadU64 for Current<T> {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        T::UNIT.show(T::in_use(memcg))
    }
}

/// The most bytes of memory that were in use, or that were since this open file was written to.
pub(crate) struct Memory;

impl Peak for Memory {
    type Data = MemCgroup;

    const UNIT: Unit = PAGES;

    const COUNTER: Field<MemCgroup, ResCounter> = MemCgroup::MEMORY.0;

    const PEAKS: Field<MemCgroup, Peaks> = MemCgroup::MEMORY.1;

    fn trim(memcg: &MemCgroup) {
        stock::drain(memcg);
    }
}

/// The same of swap space.
#[cfg(CONFIG_SWAP)]
pub(crate) struct Swap;

#[cfg(CONFIG_SWAP)]
impl Peak for Swap {
    type Data = MemCgroup;

    const UNIT: Unit = PAGES;

    const COUNTER: Field<MemCgroup, ResCounter> = MemCgroup::SWAP.0;

    const PEAKS: Field<MemCgroup, Peaks> = MemCgroup::SWAP.1;
}

/// A file that reads as a number of bytes or `max`, and takes one.
pub(crate) struct Tunable<T>(PhantomData<T>);

/// What is behind a [`Tunable`], in pages.
pub(crate) trait Setting {
    fn get(memcg: &MemCgroup) -> usize;

    /// Sets it; without waiting for its consequences if `nonblock`.
    fn set(memcg: &Counted<MemCgroup>, pages: usize, nonblock: bool);
}

impl<T: Setting> Show for Tunable<T> {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        match T::get(memcg) {
            pages if pages == PAGES.unlimited() => seq_print!(seq, "max\n"),
            pages => seq_print!(seq, "{}\n", PAGES.show(pages)),
        }
        Ok(())
    }
}

impl<T: Setting> Write for Tunable<T> {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &[u8], nonblock: bool) -> Result {
        T::set(memcg, PAGES.parse(text, UNLIMITED)?, nonblock);
        Ok(())
    }
}

/// What is never reclaimed, or what is not reclaimed as long as others have something.
pub(crate) struct Protected<const ALWAYS: bool>;

impl<const ALWAYS: bool> Protected<ALWAYS> {
    const KIND: Protection = match ALWAYS {
        true => Protection::Min,
        false => Protection::Low,
    };
}

impl<const ALWAYS: bool> Setting for Protected<ALWAYS> {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.memory().protection(Self::KIND)
    }

    fn set(memcg: &Counted<MemCgroup>, pages: usize, _nonblock: bool) {
        memcg.memory().set_protection(Self::KIND, pages);
    }
}

type Min = Protected<true>;
type Low = Protected<false>;

/// Beyond this those who charge are slowed.
pub(crate) struct High;

impl Setting for High {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.high().load(Relaxed)
    }

    fn set(memcg: &Counted<MemCgroup>, pages: usize, nonblock: bool) {
        reclaim::set_high(memcg, pages, nonblock);
    }
}

/// What may be in use.
pub(crate) struct Max;

impl Setting for Max {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.memory().limit()
    }

    fn set(memcg: &Counted<MemCgroup>, pages: usize, nonblock: bool) {
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

    fn set(memcg: &Counted<MemCgroup>, pages: usize, _nonblock: bool) {
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

    fn set(memcg: &Counted<MemCgroup>, pages: usize, _nonblock: bool) {
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

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        show_events(memcg, MEMORY_EVENTS, false, seq);
        Ok(())
    }
}

/// What happened here.
pub(crate) struct EventsLocal;

impl Show for EventsLocal {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
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

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        const EVENTS: &[(&str, MemoryEvent)] = &[
            ("high", MemoryEvent::SWAP_HIGH),
            ("max", MemoryEvent::SWAP_MAX),
            ("fail", MemoryEvent::SWAP_FAIL),
        ];
        show_events(memcg, EVENTS, false, seq);
        Ok(())
    }
}

/// Writing a number of bytes reclaims as much.
pub(crate) struct Reclaim;

impl WriteText for Reclaim {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &mut Text<'_>) -> Result {
        vm::reclaim_as_told(memcg, text)
    }
}

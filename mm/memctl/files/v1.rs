// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v1, `memory.*`.
//!
//! Format and errors are what programs know from the C controller, see
//! `Documentation/admin-guide/cgroup-v1/memory.rst`.
#![deny(unsafe_code)]

#[cfg(CONFIG_SWAP)]
use super::v1_counters::MemSw;
#[cfg(CONFIG_NUMA)]
use super::v1_stat::NumaStat;
use super::{
    switch::{
        Switch,
        TakesOver, //
    },
    v1_counters::{
        Kmem,
        Limited,
        Memory,
        Resource,
        Tcp, //
    },
    v1_events::{
        EventControl,
        PressureLevel, //
    },
    v1_kmem,
    v1_stat::Stat, //
};
use crate::{
    c::{
        events::MemoryEvent,
        memcg::MemCgroup, //
    },
    pressure::{
        oom,
        reclaim, //
    },
    usage::stock,
    PAGES,
};
use core::marker::PhantomData;
use kernel::{
    cgroup::{
        CfType,
        ReadU64,
        Show,
        Write,
        WriteU64, //
    },
    do_once_lite,
    mm::swap,
    prelude::*,
    res_counter::ResCounter,
    seq_file::SeqFile,
    seq_print,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
};

/// How no limit is written.
pub(super) const UNLIMITED: &[u8] = b"-1";

/// The largest swappiness.
const MAX_SWAPPINESS: u64 = 200;

/// The table for the cgroup core.
pub(crate) const FILES: &[CfType<MemCgroup>] = &[
    CfType::new(c"usage_in_bytes").read_u64::<Usage<Memory>>(),
    CfType::new(c"max_usage_in_bytes")
        .read_u64::<MaxUsage<Memory>>()
        .write::<MaxUsage<Memory>>(),
    CfType::new(c"limit_in_bytes")
        .read_u64::<Limit<Memory>>()
        .write::<Limit<Memory>>(),
    CfType::new(c"soft_limit_in_bytes")
        .read_u64::<SoftLimit>()
        .write::<SoftLimit>(),
    CfType::new(c"failcnt")
        .read_u64::<FailCnt<Memory>>()
        .write::<FailCnt<Memory>>(),
    CfType::new(c"stat").show::<Stat>(),
    CfType::new(c"force_empty").write::<ForceEmpty>(),
    CfType::new(c"use_hierarchy")
        .read_u64::<UseHierarchy>()
        .write_u64::<UseHierarchy>(),
    CfType::new(c"cgroup.event_control")
        .flags(CfType::<MemCgroup>::NO_PREFIX)
        .write::<EventControl>(),
    CfType::new(c"swappiness")
        .read_u64::<Swappiness>()
        .write_u64::<Swappiness>(),
    CfType::new(c"move_charge_at_immigrate")
        .read_u64::<MoveCharge>()
        .write_u64::<MoveCharge>(),
    CfType::new(c"oom_control")
        .show::<OomControl>()
        .write_u64::<OomControl>(),
    CfType::new(c"handover")
        .flags(CfType::<MemCgroup>::NOT_ON_ROOT)
        .show::<Switch<TakesOver>>()
        .write_text::<Switch<TakesOver>>(),
    CfType::new(c"pressure_level").show::<PressureLevel>(),
    #[cfg(CONFIG_NUMA)]
    CfType::new(c"numa_stat").show::<NumaStat>(),
    CfType::new(c"kmem.limit_in_bytes")
        .read_u64::<v1_kmem::Limit>()
        .write::<v1_kmem::Limit>(),
    CfType::new(c"kmem.usage_in_bytes").read_u64::<Usage<Kmem>>(),
    CfType::new(c"kmem.failcnt")
        .read_u64::<FailCnt<Kmem>>()
        .write::<FailCnt<Kmem>>(),
    CfType::new(c"kmem.max_usage_in_bytes")
        .read_u64::<MaxUsage<Kmem>>()
        .write::<MaxUsage<Kmem>>(),
    #[cfg(CONFIG_SLUB_DEBUG)]
    CfType::new(c"kmem.slabinfo").show::<v1_kmem::SlabInfo>(),
    CfType::new(c"kmem.tcp.limit_in_bytes")
        .read_u64::<Limit<Tcp>>()
        .write::<Limit<Tcp>>(),
    CfType::new(c"kmem.tcp.usage_in_bytes").read_u64::<Usage<Tcp>>(),
    CfType::new(c"kmem.tcp.failcnt")
        .read_u64::<FailCnt<Tcp>>()
        .write::<FailCnt<Tcp>>(),
    CfType::new(c"kmem.tcp.max_usage_in_bytes")
        .read_u64::<MaxUsage<Tcp>>()
        .write::<MaxUsage<Tcp>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"memsw.usage_in_bytes").read_u64::<Usage<MemSw>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"memsw.max_usage_in_bytes")
        .read_u64::<MaxUsage<MemSw>>()
        .write::<MaxUsage<MemSw>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"memsw.limit_in_bytes")
        .read_u64::<Limit<MemSw>>()
        .write::<Limit<MemSw>>(),
    #[cfg(CONFIG_SWAP)]
    CfType::new(c"memsw.failcnt")
        .read_u64::<FailCnt<MemSw>>()
        .write::<FailCnt<MemSw>>(),
];

/// Bytes in use.
pub(crate) struct Usage<T>(PhantomData<T>);

impl<T: Resource> ReadU64 for Usage<T> {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        PAGES.show(T::in_use(memcg))
    }
}

/// The most bytes that were in use; writing anything starts again.
pub(crate) struct MaxUsage<T>(PhantomData<T>);

impl<T: Resource> ReadU64 for MaxUsage<T> {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        PAGES.show(T::counter(memcg).map_or(0, ResCounter::watermark))
    }
}

impl<T: Resource> Write for MaxUsage<T> {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, _text: &[u8], _nonblock: bool) -> Result {
        // What is stocked was charged, but is not in use.
        stock::drain(memcg);
        if let Some(counter) = T::counter(memcg) {
            counter.reset_watermark();
        }
        Ok(())
    }
}

/// Bytes that may be in use.
pub(crate) struct Limit<T>(PhantomData<T>);

impl<T: Limited> ReadU64 for Limit<T> {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        PAGES.show(T::counter(memcg).map_or(PAGES.unlimited(), ResCounter::limit))
    }
}

impl<T: Limited> Write for Limit<T> {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &[u8], _nonblock: bool) -> Result {
        let limit = PAGES.parse(text, UNLIMITED)?;
        if memcg.is_root() {
            return Err(EINVAL);
        }
        T::set_limit(memcg, limit)
    }
}

/// How often a charge did not fit; writing anything starts again at 0.
pub(crate) struct FailCnt<T>(PhantomData<T>);

impl<T: Resource> ReadU64 for FailCnt<T> {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        T::counter(memcg).map_or(0, ResCounter::failcnt) as u64
    }
}

impl<T: Resource> Write for FailCnt<T> {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, _text: &[u8], _nonblock: bool) -> Result {
        if let Some(counter) = T::counter(memcg) {
            counter.reset_failcnt();
        }
        Ok(())
    }
}

/// Reads as no limit; what is written has no effect.
pub(crate) struct SoftLimit;

impl ReadU64 for SoftLimit {
    type Data = MemCgroup;

    fn read(_memcg: &Counted<MemCgroup>) -> u64 {
        PAGES.show(PAGES.unlimited())
    }
}

impl Write for SoftLimit {
    type Data = MemCgroup;

    fn write(_memcg: &Counted<MemCgroup>, text: &[u8], _nonblock: bool) -> Result {
        PAGES.parse(text, UNLIMITED)?;
        do_once_lite! {
            pr_warn!("memory.soft_limit_in_bytes has no effect\n");
        }
        Ok(())
    }
}

/// Charges stay where they are when a process moves.
pub(crate) struct MoveCharge;

impl ReadU64 for MoveCharge {
    type Data = MemCgroup;

    fn read(_memcg: &Counted<MemCgroup>) -> u64 {
        0
    }
}

impl WriteU64 for MoveCharge {
    type Data = MemCgroup;

    fn write(_memcg: &Counted<MemCgroup>, value: u64) -> Result {
        do_once_lite! {
            pr_warn!("memory.move_charge_at_immigrate can only be 0\n");
        }
        match value {
            0 => Ok(()),
            _ => Err(EINVAL),
        }
    }
}

/// Writing anything reclaims as much as can be.
pub(crate) struct ForceEmpty;

impl Write for ForceEmpty {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, _text: &[u8], _nonblock: bool) -> Result {
        if memcg.is_root() {
            return Err(EINVAL);
        }
        reclaim::force_empty(memcg)
    }
}

/// A parent accounts for its children, always.
pub(crate) struct UseHierarchy;

impl ReadU64 for UseHierarchy {
    type Data = MemCgroup;

    fn read(_memcg: &Counted<MemCgroup>) -> u64 {
        1
    }
}

impl WriteU64 for UseHierarchy {
    type Data = MemCgroup;

    fn write(_memcg: &Counted<MemCgroup>, value: u64) -> Result {
        if value == 1 {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// How willingly anonymous pages are swapped. The root's is that of the whole machine.
pub(crate) struct Swappiness;

impl ReadU64 for Swappiness {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        let value = if memcg.is_root() {
            swap::swappiness()
        } else {
            memcg.swappiness().load(Relaxed)
        };
        value as u64
    }
}

impl WriteU64 for Swappiness {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, value: u64) -> Result {
        if value > MAX_SWAPPINESS {
            return Err(EINVAL);
        }
        if memcg.is_root() {
            swap::set_swappiness(value as i32);
        } else {
            memcg.swappiness().store(value as i32, Relaxed);
        }
        Ok(())
    }
}

/// Whether processes are killed when there is no room, or wait; and what happened.
pub(crate) struct OomControl;

impl Show for OomControl {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        let kills = memcg.memory_events(MemoryEvent::OOM_KILL, false);
        seq_print!(
            seq,
            "oom_kill_disable {}\nunder_oom {}\noom_kill {}\n",
            u8::from(memcg.oom_kill_disable().load(Relaxed)),
            u8::from(oom::is_under_oom(memcg)),
            kills.load(Relaxed)
        );
        Ok(())
    }
}

impl WriteU64 for OomControl {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, value: u64) -> Result {
        if memcg.is_root() || value > 1 {
            return Err(EINVAL);
        }
        oom::set_kill_disable(memcg, value == 1);
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v1, `memory.*`.
//!
//! Format and errors are what programs know from the C controller, see
//! `Documentation/admin-guide/cgroup-v1/memory.rst`.
#![deny(unsafe_code)]

use super::{
    v1_kmem,
    v1_stat::{
        NumaStat,
        Stat, //
    },
};
use crate::{
    c::{
        events::MemoryEvent,
        items::item,
        memcg::MemCgroup, //
    },
    pressure::{
        oom,
        reclaim, //
    },
    usage::stock,
    PAGES,
};
use kernel::{
    bindings as c,
    cgroup::{
        CfType,
        ReadU64,
        Show,
        Write,
        WriteU64, //
    },
    mm::{
        swap,
        vmstat, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::Relaxed, //
};

/// How no limit is written.
pub(super) const UNLIMITED: &[u8] = b"-1";

/// The largest swappiness.
const MAX_SWAPPINESS: u64 = 200;

/// The table for the cgroup core.
pub(crate) const FILES: &[CfType<MemCgroup>] = &[
    CfType::new(c"usage_in_bytes").read_u64::<Usage>(),
    CfType::new(c"max_usage_in_bytes")
        .read_u64::<MaxUsage>()
        .write::<MaxUsage>(),
    CfType::new(c"limit_in_bytes")
        .read_u64::<Limit>()
        .write::<Limit>(),
    CfType::new(c"failcnt")
        .read_u64::<FailCnt>()
        .write::<FailCnt>(),
    CfType::new(c"stat").show::<Stat>(),
    CfType::new(c"force_empty").write::<ForceEmpty>(),
    CfType::new(c"use_hierarchy")
        .read_u64::<UseHierarchy>()
        .write_u64::<UseHierarchy>(),
    CfType::new(c"swappiness")
        .read_u64::<Swappiness>()
        .write_u64::<Swappiness>(),
    CfType::new(c"oom_control")
        .show::<OomControl>()
        .write_u64::<OomControl>(),
    CfType::new(c"numa_stat").show::<NumaStat>(),
    CfType::new(c"kmem.limit_in_bytes")
        .read_u64::<v1_kmem::Limit>()
        .write::<v1_kmem::Limit>(),
    CfType::new(c"kmem.usage_in_bytes").read_u64::<v1_kmem::Usage>(),
    CfType::new(c"kmem.failcnt")
        .read_u64::<v1_kmem::FailCnt>()
        .write::<v1_kmem::FailCnt>(),
    CfType::new(c"kmem.max_usage_in_bytes")
        .read_u64::<v1_kmem::MaxUsage>()
        .write::<v1_kmem::MaxUsage>(),
    #[cfg(CONFIG_SLUB_DEBUG)]
    CfType::new(c"kmem.slabinfo").show::<v1_kmem::SlabInfo>(),
];

/// Bytes in use.
pub(crate) struct Usage;

impl ReadU64 for Usage {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(if memcg.is_root() {
            // Nothing is charged to the root: what there is of user space is counted.
            vmstat::global(item(c::node_stat_item_NR_FILE_PAGES))
                + vmstat::global(item(c::node_stat_item_NR_ANON_MAPPED))
        } else {
            stock::in_use(memcg)
        })
    }
}

/// The most bytes that were in use; writing anything starts again.
pub(crate) struct MaxUsage;

impl ReadU64 for MaxUsage {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(memcg.memory().watermark())
    }
}

impl Write for MaxUsage {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, _text: &[u8], _nonblock: bool) -> Result {
        // What is stocked was charged, but is not in use.
        stock::drain(memcg);
        memcg.memory().reset_watermark();
        Ok(())
    }
}

/// Bytes that may be in use.
pub(crate) struct Limit;

impl ReadU64 for Limit {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(memcg.memory().limit())
    }
}

impl Write for Limit {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &[u8], _nonblock: bool) -> Result {
        let limit = PAGES.parse(text, UNLIMITED)?;
        if memcg.is_root() {
            return Err(EINVAL);
        }
        reclaim::set_limit(memcg, limit)
    }
}

/// How often a charge did not fit; writing anything starts again at 0.
pub(crate) struct FailCnt;

impl ReadU64 for FailCnt {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        memcg.memory().failcnt() as u64
    }
}

impl Write for FailCnt {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, _text: &[u8], _nonblock: bool) -> Result {
        memcg.memory().reset_failcnt();
        Ok(())
    }
}

/// Writing anything reclaims as much as can be.
pub(crate) struct ForceEmpty;

impl Write for ForceEmpty {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, _text: &[u8], _nonblock: bool) -> Result {
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

    fn read(_memcg: &MemCgroup) -> u64 {
        1
    }
}

impl WriteU64 for UseHierarchy {
    type Data = MemCgroup;

    fn write(_memcg: &MemCgroup, value: u64) -> Result {
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

    fn read(memcg: &MemCgroup) -> u64 {
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

    fn write(memcg: &MemCgroup, value: u64) -> Result {
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

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
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

    fn write(memcg: &MemCgroup, value: u64) -> Result {
        if memcg.is_root() || value > 1 {
            return Err(EINVAL);
        }
        oom::set_kill_disable(memcg, value == 1);
        Ok(())
    }
}

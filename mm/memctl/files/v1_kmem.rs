// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v1 about kernel memory, `memory.kmem.*`. It is limited with all the rest by
//! `memory.limit_in_bytes` alone.
#![deny(unsafe_code)]

use super::v1::UNLIMITED;
use crate::{
    c::memcg::MemCgroup,
    usage::stock,
    PAGES, //
};
#[cfg(CONFIG_SLUB_DEBUG)]
use kernel::{
    cgroup::Show,
    seq_file::SeqFile, //
};
use kernel::{
    cgroup::{
        ReadU64,
        Write, //
    },
    do_once_lite,
    prelude::*, //
};

/// Bytes in use.
pub(crate) struct Usage;

impl ReadU64 for Usage {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(stock::kernel_in_use(memcg))
    }
}

/// The most bytes that were in use; writing anything starts again.
pub(crate) struct MaxUsage;

impl ReadU64 for MaxUsage {
    type Data = MemCgroup;

    fn read(memcg: &MemCgroup) -> u64 {
        PAGES.show(memcg.kmem().map_or(0, |kmem| kmem.watermark()))
    }
}

impl Write for MaxUsage {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, _text: &[u8], _nonblock: bool) -> Result {
        stock::drain(memcg);
        if let Some(kmem) = memcg.kmem() {
            kmem.reset_watermark();
        }
        Ok(())
    }
}

/// Bytes that may be in use: what is written has no effect.
pub(crate) struct Limit;

impl ReadU64 for Limit {
    type Data = MemCgroup;

    fn read(_memcg: &MemCgroup) -> u64 {
        PAGES.show(PAGES.unlimited())
    }
}

impl Write for Limit {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &[u8], _nonblock: bool) -> Result {
        PAGES.parse(text, UNLIMITED)?;
        if memcg.is_root() {
            return Err(EINVAL);
        }
        do_once_lite! {
            pr_warn!("memory.kmem.limit_in_bytes has no effect: set memory.limit_in_bytes\n");
        }
        Ok(())
    }
}

/// How often there was no room: never, without a limit. Writing anything starts again at 0.
pub(crate) struct FailCnt;

impl ReadU64 for FailCnt {
    type Data = MemCgroup;

    fn read(_memcg: &MemCgroup) -> u64 {
        0
    }
}

impl Write for FailCnt {
    type Data = MemCgroup;

    fn write(_memcg: &MemCgroup, _text: &[u8], _nonblock: bool) -> Result {
        Ok(())
    }
}

/// Caches that are a container's own: there are none.
#[cfg(CONFIG_SLUB_DEBUG)]
pub(crate) struct SlabInfo;

#[cfg(CONFIG_SLUB_DEBUG)]
impl Show for SlabInfo {
    type Data = MemCgroup;

    fn show(_memcg: &MemCgroup, _seq: &SeqFile) -> Result {
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What is different about the files of cgroup v1 for kernel memory, `memory.kmem.*`: it is limited
//! with all the rest by `memory.limit_in_bytes` alone.
#![deny(unsafe_code)]

use super::v1::UNLIMITED;
use crate::{
    c::memcg::MemCgroup,
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
    prelude::*,
    sync::counted::Counted, //
};

/// Bytes that may be in use: what is written has no effect.
pub(crate) struct Limit;

impl ReadU64 for Limit {
    type Data = MemCgroup;

    fn read(_memcg: &Counted<MemCgroup>) -> u64 {
        PAGES.show(PAGES.unlimited())
    }
}

impl Write for Limit {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &[u8], _nonblock: bool) -> Result {
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

/// Caches that are a container's own: there are none.
#[cfg(CONFIG_SLUB_DEBUG)]
pub(crate) struct SlabInfo;

#[cfg(CONFIG_SLUB_DEBUG)]
impl Show for SlabInfo {
    type Data = MemCgroup;

    fn show(_memcg: &Counted<MemCgroup>, _seq: &SeqFile) -> Result {
        Ok(())
    }
}

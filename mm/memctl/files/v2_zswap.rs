// SPDX-License-Identifier: GPL-2.0

//! The files of cgroup v2 about zswap, `memory.zswap.*`.
#![deny(unsafe_code)]

use super::v2::Setting;
use crate::{
    account::zswap,
    c::memcg::MemCgroup, //
};
use kernel::{
    cgroup::ReadU64,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
};

/// Bytes that zswap holds, compressed.
pub(crate) struct Current;

impl ReadU64 for Current {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        zswap::in_use(memcg) as u64
    }
}

/// How much it may hold. What it has it keeps.
pub(crate) struct Max;

impl Setting for Max {
    fn get(memcg: &MemCgroup) -> usize {
        memcg.zswap_max().load(Relaxed)
    }

    fn set(memcg: &Counted<MemCgroup>, pages: usize, _nonblock: bool) {
        memcg.zswap_max().store(pages, Relaxed);
    }
}

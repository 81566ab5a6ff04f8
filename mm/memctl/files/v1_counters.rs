// SPDX-License-Identifier: GPL-2.0

//! What the files of cgroup v1 count: memory, kernel memory, TCP, and memory with swap space.
#![deny(unsafe_code)]

use crate::{
    c::{
        memcg::MemCgroup,
        wish::Measured, //
    },
    pressure::reclaim,
    usage::{
        counters,
        stock, //
    },
};
use kernel::{
    prelude::*,
    res_counter::ResCounter,
    sync::counted::Counted, //
};

/// What files of cgroup v1 show, in pages.
pub(crate) trait Resource {
    /// What counts it.
    fn counter(memcg: &MemCgroup) -> Option<&ResCounter>;

    /// How much is in use. May sleep.
    fn in_use(memcg: &MemCgroup) -> usize;
}

/// What has a limit of its own.
pub(crate) trait Limited: Resource {
    /// Sets the limit. May sleep.
    ///
    /// # Errors
    ///
    /// Those of the file.
    fn set_limit(memcg: &Counted<MemCgroup>, limit: usize) -> Result;
}

/// Pages in memory.
pub(crate) struct Memory;

impl Resource for Memory {
    fn counter(memcg: &MemCgroup) -> Option<&ResCounter> {
        Measured::Memory.counter(memcg)
    }

    fn in_use(memcg: &MemCgroup) -> usize {
        match memcg.is_root() {
            true => counters::in_root(Measured::Memory),
            false => stock::in_use(memcg, Measured::Memory),
        }
    }
}

impl Limited for Memory {
    fn set_limit(memcg: &Counted<MemCgroup>, limit: usize) -> Result {
        reclaim::set_limit(memcg, Measured::Memory, limit)
    }
}

/// Kernel memory, which is limited with all other memory alone.
pub(crate) struct Kmem;

impl Resource for Kmem {
    fn counter(memcg: &MemCgroup) -> Option<&ResCounter> {
        memcg.kmem()
    }

    fn in_use(memcg: &MemCgroup) -> usize {
        stock::kernel_in_use(memcg)
    }
}

/// What TCP has for sockets.
pub(crate) struct Tcp;

impl Resource for Tcp {
    fn counter(memcg: &MemCgroup) -> Option<&ResCounter> {
        memcg.tcp()
    }

    fn in_use(memcg: &MemCgroup) -> usize {
        memcg.tcp().map_or(0, ResCounter::usage)
    }
}

impl Limited for Tcp {
    fn set_limit(memcg: &Counted<MemCgroup>, limit: usize) -> Result {
        memcg.tcp().ok_or(EINVAL)?.set_limit(limit)?;
        memcg.account_tcp();
        Ok(())
    }
}

/// Pages in memory and in swap space together.
#[cfg(CONFIG_SWAP)]
pub(crate) struct MemSw;

#[cfg(CONFIG_SWAP)]
impl Resource for MemSw {
    fn counter(memcg: &MemCgroup) -> Option<&ResCounter> {
        Measured::MemSw.counter(memcg)
    }

    fn in_use(memcg: &MemCgroup) -> usize {
        match memcg.is_root() {
            true => counters::in_root(Measured::MemSw),
            false => stock::in_use(memcg, Measured::MemSw),
        }
    }
}

#[cfg(CONFIG_SWAP)]
impl Limited for MemSw {
    fn set_limit(memcg: &Counted<MemCgroup>, limit: usize) -> Result {
        reclaim::set_limit(memcg, Measured::MemSw, limit)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! memctl: the memory controller.
//!
//! [`hooks`] is what the rest of the kernel calls, through `include/linux/memcontrol.h`. It turns
//! pointers into types and calls one of the policy modules, which are safe Rust throughout. A
//! charge goes down one street, [`charge`], [`stock`], the resource counter, [`reclaim`], [`oom`],
//! and ends in [`meta_page`]; nothing calls back up. Type wrappers, where the C structures are
//! looked into, are [`memcg`], [`node`], [`objcg`], [`meta_page`], [`task`], [`vm`] and [`wait`].
//!
//! It comes up as follows: the cgroup core makes the root container early in `start_kernel()`,
//! before user space and before the page cache is used; from then on all folios are bound.
//!
//! See `Documentation/mm/memctl.rst`.

// Names and types of C are as they are, and differ between configurations.
#![allow(clippy::unnecessary_cast)]
// Tests are a module in a file of their own, which is one, too.
#![allow(clippy::module_inception)]

#[cfg(CONFIG_MEMCTL_DEBUG)]
mod audit;
mod charge;
mod events;
mod files;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
mod foreign;
mod hooks;
mod iter;
mod kmem;
mod life;
mod lru;
mod memcg;
mod meta_page;
mod migrate;
mod node;
mod objcg;
mod oom;
mod protection;
mod reclaim;
mod shared;
mod stats;
mod stock;
#[cfg(CONFIG_SWAP)]
mod swap;
mod task;
mod throttle;
mod vm;
mod wait;
#[cfg(CONFIG_MEMCTL_DEBUG)]
mod walk;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
mod writeback;

use kernel::{
    page::PAGE_SIZE,
    res_counter::Unit, //
};

/// What the resource counters of memory count: pages, of which user space sees bytes.
pub(crate) const PAGES: Unit = Unit::new(PAGE_SIZE);

const __LOG_PREFIX: &[u8] = b"memctl\0";

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "tests/res_counter.rs"]
mod res_counter_tests;

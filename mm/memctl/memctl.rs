// SPDX-License-Identifier: GPL-2.0

//! memctl: the memory controller.
//!
//! There is a room for each question, each with a page that says what is in it. A room uses those
//! below it, never one above:
//!
//! - [`hooks`]: what does the rest of the kernel call?
//! - [`files`]: what do users read and write? [`container`]: how does a container come and go?
//!   [`debug`]: is it true?
//! - [`account`]: whose is it?
//! - [`pressure`]: what happens when there is no room?
//! - [`usage`]: how much is in use, and who waits for room?
//! - [`stats`]: what is counted?
//! - [`tree`]: which containers are there?
//! - [`c`]: what is asked of C? All `unsafe` is there and in `hooks/seam.rs`.
//!
//! A charge goes down one street: the stock ([`usage::stock`]), the resource counter, reclaim and
//! the OOM killer ([`pressure`]), and ends in a binding ([`c::meta_page`]). Nothing calls back up.
//!
//! It comes up as follows: the cgroup core makes the root container early in `start_kernel()`,
//! before user space and before the page cache is used; from then on all folios are bound.
//!
//! See `Documentation/mm/memctl.rst`.

// Names and types of C are as they are, and differ between configurations.
#![allow(clippy::unnecessary_cast)]
// Tests are a module in a file of their own, which is one, too.
#![allow(clippy::module_inception)]

mod account;
mod c;
mod container;
#[cfg(CONFIG_MEMCTL_DEBUG)]
mod debug;
mod files;
mod hooks;
mod pressure;
mod stats;
mod tree;
mod usage;

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

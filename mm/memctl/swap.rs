// SPDX-License-Identifier: GPL-2.0

//! Swap space: whose the pages in it are.
//!
//! When a folio is given swap space, the id of its container is written down for it, and a page
//! that comes back is charged to that container whoever brings it in. An id stays in use, and its
//! container in memory, as long as swap entries have it; they do not keep it from being removed,
//! and what comes back after that is charged to the reader. How much swap space a container has is
//! counted, but not limited yet.
#![deny(unsafe_code)]

use crate::{
    memcg::MemCgroup,
    meta_page::{
        Locked,
        MetaPage, //
    },
    stats, vm,
};
use kernel::{
    bindings::memcg_stat_item_MEMCG_SWAP,
    sync::rcu, //
};

/// Writes down whose `page` is, which has just been given swap space.
pub(crate) fn record(page: &MetaPage<'_, Locked>) {
    let Some(owner) = page.owner() else {
        return;
    };
    if !page.folio().is_in_swapcache() {
        return;
    }
    let nr = page.folio().nr_pages();
    let rcu = rcu::read_lock();
    let memcg = owner.memcg(&rcu).get_id(nr as u32);
    stats::mod_memcg(memcg, memcg_stat_item_MEMCG_SWAP as usize, nr as isize);
    vm::record_swap_owner(page.folio(), memcg.id());
}

/// `nr` pages of swap space that were recorded for the container with this id are free again. Not
/// in interrupts.
pub(crate) fn erase(id: u32, nr: u32) {
    let rcu = rcu::read_lock();
    if let Some(memcg) = MemCgroup::from_id(id, &rcu) {
        stats::mod_memcg(memcg, memcg_stat_item_MEMCG_SWAP as usize, -(nr as isize));
        memcg.put_id(nr);
    }
}

/// Pages of swap space that are free for a container.
pub(crate) fn free_pages() -> isize {
    vm::free_swap_pages()
}

/// Whether a page in memory should give up its copy in swap space.
pub(crate) fn is_full() -> bool {
    vm::swap_is_full()
}

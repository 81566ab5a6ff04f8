// SPDX-License-Identifier: GPL-2.0

//! Swap space: whose the pages in it are, and how much of it a container may have.
//!
//! When a folio is given swap space, that is charged to its container, whose id is written down for
//! it; and a page that comes back is charged to that container whoever brings it in. An id stays in
//! use, and its container in memory, as long as swap entries have it; they do not keep it from
//! being removed, and what comes back after that is charged to the reader.
//!
//! Swap space has a counter of its own beside that of memory. On cgroup v1 it counts together with
//! memory instead, and from another moment on: see `memsw.rs`.
#![deny(unsafe_code)]

use crate::{
    c::{
        binding::{
            Locked,
            Referenced, //
        },
        events::MemoryEvent,
        memcg::MemCgroup,
        meta_page::MetaPage,
        swap::FreedEntries,
        vm, //
    },
    stats::{
        count,
        events, //
    },
};
use kernel::{
    bindings::memcg_stat_item_MEMCG_SWAP,
    mm::swap,
    prelude::*,
    res_counter::ResCounter,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// Charges the swap space that `page` has just been given to its container, and writes that down.
/// A page that got none is an event. Any context that may lock.
///
/// # Errors
///
/// `ENOMEM` if a limit has no room; the page must then stay in memory.
pub(crate) fn charge(page: MetaPage<'_, Locked>) -> Result {
    if !vm::on_v2() {
        return Ok(());
    }
    let Some(owner) = page.owner() else {
        return Ok(());
    };
    let rcu = rcu::read_lock();
    let memcg = owner.memcg(&rcu);
    if !page.folio().is_in_swapcache() {
        events::notify(memcg, MemoryEvent::SWAP_FAIL, true);
        return Ok(());
    }

    let nr = page.folio().nr_pages();
    let users = memcg.get_id(nr as u32);
    let memcg = users.memcg();
    if !memcg.is_root() && memcg.swap().try_charge(nr).is_err() {
        events::notify(memcg, MemoryEvent::SWAP_MAX, true);
        events::notify(memcg, MemoryEvent::SWAP_FAIL, true);
        return Err(ENOMEM);
    }
    count::mod_memcg(memcg, memcg_stat_item_MEMCG_SWAP as usize, nr as isize);
    users.record(&page);
    Ok(())
}

/// Swap space that was charged to a container is free again. Not in interrupts.
pub(crate) fn uncharge(entries: FreedEntries) {
    let nr = entries.nr_pages();
    let rcu = rcu::read_lock();
    let users = entries.into_users(&rcu);
    if let Some(users) = &users {
        let memcg = users.memcg();
        if !memcg.is_root() {
            memcg.swap().uncharge(nr);
        }
        count::mod_memcg(memcg, memcg_stat_item_MEMCG_SWAP as usize, -(nr as isize));
    }
}

/// Pages of swap space that are free for `memcg`. Negative if it has more than it may.
pub(crate) fn free_pages(memcg: &MemCgroup) -> isize {
    let free = swap::free_pages();
    // On cgroup v1 it is limited together with memory.
    if !vm::on_v2() {
        return free;
    }
    // Neither is more than what a counter can hold, which is half of what the type can.
    let left = |swap: &ResCounter| swap.limit().wrapping_sub(swap.usage()) as isize;
    memcg.swap().up().map(left).fold(free, isize::min)
}

/// Whether so little swap space is left that `page`, which is in memory, should give up its copy
/// there: half is in use, on the machine or of what a container may have.
pub(crate) fn is_full(page: MetaPage<'_, Referenced>) -> bool {
    if swap::is_full() {
        return true;
    }
    // On cgroup v1 there is no boundary of swap space alone.
    if !vm::on_v2() {
        return false;
    }
    let Some(owner) = page.owner() else {
        return false;
    };
    let rcu = rcu::read_lock();
    let full = owner.memcg(&rcu).up_below_root().any(|m| {
        let allowed = m.swap().limit().min(m.swap_high().load(Relaxed));
        m.swap().usage().saturating_mul(2) >= allowed
    });
    full
}

// SPDX-License-Identifier: GPL-2.0

//! Pages charged in advance.
//!
//! Charging a container and all its ancestors page by page would make every CPU write the same
//! counters. So a CPU charges [`BATCH`] pages at once and keeps what it does not need in its
//! *stock* of that container; uncharged pages go there, too. The stock is one of the container's
//! own per-CPU counters, next to those that a page fault changes anyway: finding it takes no
//! search, keeping it takes no reference, and it is gone with the container.
//!
//! The owner takes from its stock by compare-and-exchange on a line of its own. Others do so only
//! in [`drain`], which takes back all stocks of a tree of containers at once and on the spot: a
//! charge that finds no room does so before it reclaims, and again before it fails or kills.
//! Stocked pages count as used, up to [`BATCH`] a CPU and container.
//!
//! All of this works in any context.
#![deny(unsafe_code)]

use super::{
    shared,
    waiters, //
};
use crate::{
    c::{
        items::STOCK,
        memcg::MemCgroup, //
    },
    tree::iter, //
};
use kernel::{
    bindings,
    cgroup::CssData,
    percpu,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu,
    },
};

/// How many pages are charged at once, and the most that a stock holds.
pub(crate) const BATCH: usize = bindings::MEMCG_CHARGE_BATCH as usize;

/// Takes `nr` pages from `stock`, if there are as many.
fn take(stock: &Atomic<isize>, nr: usize) -> bool {
    let nr = nr as isize;
    let mut old = stock.load(Relaxed);
    while old >= nr {
        match stock.cmpxchg(old, old - nr, Relaxed) {
            Ok(_) => return true,
            Err(now) => old = now,
        }
    }
    false
}

/// Puts `nr` pages into `stock`. Returns how many of those in it are too many and were taken out.
fn put(stock: &Atomic<isize>, nr: usize) -> usize {
    // Fully ordered for those who wait for room, see `account/uncharge.rs`.
    let new = stock.fetch_add(nr as isize, Full).wrapping_add(nr as isize);
    if new <= BATCH as isize {
        return 0;
    }
    stock.xchg(0, Relaxed).max(0) as usize
}

/// Meets a charge of `nr` pages from the stock of this CPU, if it can.
#[inline]
pub(crate) fn consume(memcg: &MemCgroup, nr: usize) -> bool {
    nr <= BATCH && take(memcg.slots().local(STOCK), nr)
}

/// Keeps `nr` charged pages for later, or gives them back.
///
/// A container that is being removed keeps none: an RCU grace period after it began to be, its
/// stocks are drained for the last time. `_rcu` is what makes that grace period wait for us.
#[inline]
pub(crate) fn refill(memcg: &MemCgroup, nr: usize, _rcu: &rcu::Guard) {
    let surplus = if nr <= BATCH && !memcg.css().is_dying() {
        put(memcg.slots().local(STOCK), nr)
    } else {
        nr
    };
    if surplus != 0 {
        shared::note();
        memcg.memory().uncharge(surplus);
    }
}

/// How many pages the stocks of `memcg` alone hold.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn held(memcg: &MemCgroup) -> usize {
    memcg.slots().sum(STOCK).max(0) as usize
}

/// Gives back all stocks of `root` and of all containers below it, on all CPUs. Returns how many
/// pages these were. Does not sleep.
pub(crate) fn drain(root: &MemCgroup) -> usize {
    let rcu = rcu::read_lock();
    let nr: usize = iter::below(root, &rcu).map(drain_alone).sum();
    if nr != 0 {
        // Who has looked for room meanwhile found these pages neither here nor there.
        waiters::wake();
    }
    nr
}

/// Gives back the stocks of `memcg` alone.
fn drain_alone(memcg: &MemCgroup) -> usize {
    percpu::possible_cpus()
        .map(|cpu| drain_one(memcg, cpu))
        .sum()
}

fn drain_one(memcg: &MemCgroup, cpu: u32) -> usize {
    let Some(stock) = memcg.slots().get(STOCK, cpu) else {
        return 0;
    };
    if stock.load(Relaxed) == 0 {
        return 0;
    }
    let nr = stock.xchg(0, Relaxed).max(0) as usize;
    if nr != 0 {
        memcg.memory().uncharge(nr);
    }
    nr
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/stock.rs"]
mod tests;

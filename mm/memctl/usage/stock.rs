// SPDX-License-Identifier: GPL-2.0

//! Pages charged in advance.
//!
//! Charging a container and all its ancestors page by page would make every CPU write the same
//! counters. So a CPU charges [`BATCH`] pages at once and keeps what it does not need in its
//! *stock* of that container; uncharged pages go there, too. The stock is one of the container's
//! own per-CPU counters, next to those that a page fault changes anyway: finding it takes no
//! search, and keeping it takes no reference.
//!
//! A CPU has a stock of few containers at a time, see `c/stocked.rs`: the oldest gives its own back
//! when another one comes. So all stocks of a CPU together have a bound, and who looks for stocks,
//! [`drain`], finds them without looking at containers. Where there is little room left up to a
//! limit, nobody keeps a stock, see [`has_room`]. Beyond `memory.high` they do not count.
//!
//! The owner takes from its stock by compare-and-exchange on a line of its own; others do so only
//! to give a stock back. Stocks count as used for limits, but user space is not shown them:
//! [`in_use`].
//!
//! All of this works in any context, but for what sleeps; what wakes those who wait for room, in
//! any but NMI. For who may be in NMI or hold any lock there is what is done *quietly*: an
//! interrupt wakes them then.
#![deny(unsafe_code)]

use super::{
    bytes,
    counters,
    shared,
    waiters, //
};
use crate::{
    c::{
        items::{
            NR_MEMCG_OFTEN,
            STOCK,
            STOCKED, //
        },
        memcg::MemCgroup,
        stocked::{
            self,
            Cpu, //
        },
        wish::Measured, //
    },
    stats::flush, //
};
use kernel::{
    bindings,
    cgroup::CssData,
    percpu::{
        self,
        PreemptionOff,
        ThisRow, //
    },
    res_counter::ResCounter,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        rcu,
    },
};

/// How many pages are charged at once, and the most that a stock holds.
pub(crate) const BATCH: usize = bindings::MEMCG_CHARGE_BATCH as usize;

/// Takes `nr` pages from `stock`, if there are as many.
#[inline]
fn take(stock: &Atomic<i32>, nr: usize) -> bool {
    let nr = nr as i32;
    let mut old = stock.load(Relaxed);
    while old >= nr {
        match stock.cmpxchg(old, old - nr, Full) {
            Ok(_) => return true,
            Err(now) => old = now,
        }
    }
    false
}

/// Meets a charge of `nr` pages from the stock of this CPU, if it can.
#[inline]
pub(crate) fn consume(memcg: &MemCgroup, nr: usize) -> bool {
    if nr > BATCH {
        return false;
    }
    let row = memcg.rows().this();
    let taken = take(row.counter(STOCK), nr);
    if taken {
        row.changed();
    }
    taken
}

/// As [`consume`], for who counts an event of the container right afterwards, by which the row is
/// listed: where RCU keeps to the CPU, it is the same one.
#[inline]
pub(crate) fn consume_rcu(memcg: &MemCgroup, nr: usize, _rcu: &rcu::Guard) -> bool {
    if cfg!(CONFIG_PREEMPT_RCU) {
        return consume(memcg, nr);
    }
    nr <= BATCH && take(memcg.rows().this().counter(STOCK), nr)
}

/// Keeps `nr` charged pages for later, or gives them back.
///
/// A container that is being removed keeps none: an RCU grace period after it began to be, its
/// stocks are drained for the last time. `rcu` is what makes that grace period wait for us.
#[inline]
pub(crate) fn refill(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    keep(memcg, nr, rcu, waiters::wake);
}

/// As [`refill`], for who may hold any lock, or be in NMI.
pub(crate) fn refill_quietly(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    keep(memcg, nr, rcu, waiters::wake_soon);
}

#[inline(always)]
fn keep(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard, wake: impl Fn(&MemCgroup)) {
    let give_back = |memcg, nr| {
        uncharge(memcg, nr);
        wake(memcg);
    };
    let cpu = Cpu::this();
    let Some(row) = memcg.rows().row(cpu.id()) else {
        return give_back(memcg, nr);
    };
    let stock = row.counter(STOCK);
    if nr > BATCH || memcg.css().is_dying() || (stock.load(Relaxed) == 0 && !has_room(memcg, BATCH))
    {
        return give_back(memcg, nr);
    }
    let off = PreemptionOff::new();
    let (first, surplus) = put(stock, nr);
    // Whoever puts something there now relies on us to have it noted.
    let old = match first {
        true => stocked::note(memcg, cpu, rcu),
        false => None,
    };
    drop(off);
    row.changed();
    if let Some(old) = old {
        give_up(old, cpu, &wake);
    }
    match surplus {
        // Who has looked for room in between has not found these pages.
        0 => wake(memcg),
        _ => give_back(memcg, surplus),
    }
}

/// Puts `nr` pages into `stock`. Says whether they are the first, and how many of those in it are
/// too many and were taken out.
fn put(stock: &Atomic<i32>, nr: usize) -> (bool, usize) {
    // Fully ordered for those who wait for room, see `usage/waiters.rs`; and so that who takes our
    // place on this CPU finds these pages, if we do not find it taken.
    let old = stock.fetch_add(nr as i32, Full);
    let surplus = match old.wrapping_add(nr as i32) > BATCH as i32 {
        true => stock.xchg(0, Full).max(0) as usize,
        false => 0,
    };
    (old == 0, surplus)
}

/// Gives back what `memcg`, which is not noted on `cpu` any more, has in stock there. Returns how
/// many pages there were. Steps: nodes.
#[cold]
fn give_up(memcg: &MemCgroup, cpu: Cpu, wake: impl Fn(&MemCgroup)) -> usize {
    let in_bytes = bytes::give_up(memcg, cpu.id());
    let row = memcg.rows().row(cpu.id());
    in_bytes + row.map_or(0, |row| take_back(memcg, &row, wake))
}

/// Notes that `memcg` has a byte stock on this CPU, where the caller stays.
pub(super) fn note(memcg: &MemCgroup, rcu: &rcu::Guard) {
    let cpu = Cpu::this();
    if let Some(old) = stocked::note(memcg, cpu, rcu) {
        give_up(old, cpu, waiters::wake_soon);
    }
}

/// Gives `nr` charged pages back, and wakes those who wait for room.
pub(crate) fn give_back(memcg: &MemCgroup, nr: usize) {
    uncharge(memcg, nr);
    waiters::wake(memcg);
}

/// As [`give_back`], for who may hold any lock, or be in NMI.
pub(crate) fn give_back_quietly(memcg: &MemCgroup, nr: usize) {
    uncharge(memcg, nr);
    waiters::wake_soon(memcg);
}

fn uncharge(memcg: &MemCgroup, nr: usize) {
    if nr != 0 {
        shared::note();
        counters::uncharge(memcg, nr);
    }
}

/// Whether `nr` pages can be charged ahead: after that there is room, here and above, for as many
/// more as the stocks of some CPUs are. Steps: levels of the hierarchy.
pub(crate) fn has_room(memcg: &MemCgroup, nr: usize) -> bool {
    memcg
        .up_below_root()
        .all(|m| counters::margin(m) >= nr + MARGIN)
}

/// Where there are fewer pages left than this, no stock is kept.
const MARGIN: usize = 2 * BATCH;

/// How many pages the stocks of `memcg` and of all below it hold, as of the last flush of
/// statistics. Steps: nodes.
pub(crate) fn held(memcg: &MemCgroup) -> usize {
    stocked(memcg) + bytes::held(memcg)
}

/// The same, of stocks of pages alone.
pub(crate) fn stocked(memcg: &MemCgroup) -> usize {
    memcg.totals().get(STOCKED).max(0) as usize
}

/// How often it is looked again whether stocks were given back meanwhile.
const LOOKS: usize = 3;

/// How many pages `of` `memcg` and of all below it are in use, stocks left out. May sleep.
///
/// Stocks that are given back between two looks would be missing twice: where containers below are
/// being removed, hundreds of pages.
pub(crate) fn in_use(memcg: &MemCgroup, of: Measured) -> usize {
    let charged = || of.counter(memcg).map_or(0, ResCounter::usage);
    let (mut now, mut in_stocks) = (charged(), 0);
    for _ in 0..LOOKS {
        flush::flush_below(memcg);
        in_stocks = held(memcg);
        let before = core::mem::replace(&mut now, charged());
        if now == before {
            break;
        }
    }
    now.saturating_sub(in_stocks)
}

/// How many pages of kernel memory of `memcg` and all below it are in use, on cgroup v1. Does not
/// sleep.
pub(crate) fn kernel_in_use(memcg: &MemCgroup) -> usize {
    let charged = memcg.kmem().map_or(0, ResCounter::usage);
    charged.saturating_sub(bytes::held(memcg))
}

/// As [`in_use`], of memory, with stocks as of the last flush of statistics. Does not sleep.
pub(crate) fn in_use_as_known(memcg: &MemCgroup) -> usize {
    memcg.memory().usage().saturating_sub(held(memcg))
}

/// Gives back all stocks of `root` and of all containers below it, on all CPUs. Returns how many
/// pages these were. Does not sleep. Steps: CPUs that have been in use, times the containers that
/// may have a stock on each, and nodes for those that have.
/// For `root` itself also possible CPUs: some may have kept bytes without being noted.
pub(crate) fn drain(root: &MemCgroup) -> usize {
    let rcu = rcu::read_lock();
    let found: usize = stocked::all(&rcu)
        .map(|found| drain_found(root, found))
        .sum();
    let kept = percpu::possible_cpus().map(|cpu| bytes::give_up(root, cpu));
    found + kept.sum::<usize>()
}

/// Whether somebody takes stocks back in [`drain_in_turn`].
static DRAINING: Atomic<bool> = Atomic::new(false);

/// As [`drain`], for those who may be many at the same time: nothing if another one is at it.
pub(crate) fn drain_in_turn(root: &MemCgroup) -> Option<usize> {
    if DRAINING.xchg(true, Full) {
        return None;
    }
    let nr = drain(root);
    DRAINING.store(false, Release);
    Some(nr)
}

/// The same, on this CPU alone: for who cannot sleep.
pub(crate) fn drain_here(root: &MemCgroup) -> usize {
    let rcu = rcu::read_lock();
    stocked::here(&rcu)
        .map(|found| drain_found(root, found))
        .sum()
}

fn drain_found(root: &MemCgroup, (cpu, memcg): (Cpu, &MemCgroup)) -> usize {
    match memcg.up().any(|m| core::ptr::eq(m, root)) {
        true => give_up(memcg, cpu, waiters::wake),
        false => 0,
    }
}

/// Gives back all stocks of `memcg`, which is being removed, for the last time. Steps: possible
/// CPUs, times nodes.
pub(crate) fn drain_last(memcg: &MemCgroup) {
    for cpu in percpu::possible_cpus() {
        bytes::give_up(memcg, cpu);
        if let Some(row) = memcg.rows().row(cpu) {
            take_back(memcg, &row, waiters::wake);
        }
    }
}

fn take_back(
    memcg: &MemCgroup,
    row: &ThisRow<'_, MemCgroup, NR_MEMCG_OFTEN>,
    wake: impl Fn(&MemCgroup),
) -> usize {
    let stock = row.counter(STOCK);
    if stock.load(Relaxed) == 0 {
        return 0;
    }
    let nr = stock.xchg(0, Full).max(0) as usize;
    row.changed();
    uncharge(memcg, nr);
    // Who has looked for room meanwhile found these pages neither here nor there.
    wake(memcg);
    nr
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/stock.rs"]
mod tests;

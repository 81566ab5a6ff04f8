// SPDX-License-Identifier: GPL-2.0

//! Slowing down those who charge beyond `memory.high`, or `memory.swap.high`.
//!
//! The boundary is soft: a charge never fails for it and nobody is killed. But a task whose charge
//! takes a container beyond it reclaims as much as it has charged before it returns to user space,
//! with all locks released; and if that does not help, it sleeps. It sleeps the longer the further
//! the container is beyond, two seconds at the most each time. A task that is going to exit, be it
//! that it was killed, does neither. Too much swap space is slept for alone: there is nothing to
//! reclaim.
#![deny(unsafe_code)]

use super::patience::Patience;
use crate::{
    c::{
        events::MemoryEvent,
        gfp::Gfp,
        memcg::MemCgroup,
        task::Current,
        vm,
        wish::Measured, //
    },
    stats::events,
    usage::stock, //
};
use kernel::{
    cgroup::CssData,
    psi, sched,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
    time::{
        msecs_to_jiffies,
        Jiffies, //
    },
};

/// The most milliseconds that one sleep takes.
const LONGEST_MS: u32 = 2000;

/// Sleeps shorter than this are left out: the task comes by again.
const SHORTEST_MS: u32 = 10;

/// The least that one reclaim is for, after the first.
const RECLAIM_BATCH: usize = 32;

/// `nr` pages have just been charged to the counters of `memcg`: has the task to do something for
/// it? With `gfp` that may sleep and much to do, it does so at once.
pub(crate) fn note_charge(memcg: &MemCgroup, nr: usize, gfp: Gfp) {
    let beyond = |m: &MemCgroup| {
        let (high, swap_high) = (m.high().load(Relaxed), m.swap_high().load(Relaxed));
        // Rarely set, and the usage is on another line.
        is_beyond(m, high)
            || (swap_high != crate::PAGES.unlimited() && m.swap().usage() > swap_high)
    };
    let current = Current::get();
    // A charge in an interrupt is nobody's fault; the next one that is will do for it.
    if nr == 0 || !current.in_task() || !memcg.up().any(beyond) {
        return;
    }
    current.owe_reclaim(nr);
    if current.owed_reclaim() > stock::BATCH && !current.frees_memory() && gfp.may_sleep() {
        settle(gfp);
    }
}

/// Reclaims what this task owes, and lets it sleep if that is not enough. Sleeps.
pub(crate) fn settle(gfp: Gfp) {
    let current = Current::get();
    let nr = current.take_owed_reclaim();
    if nr == 0 {
        return;
    }
    let Some(memcg) = current.held_memcg() else {
        return;
    };

    // What comes of waiting is had by the sleep at the end as well.
    let mut patience = Patience::without_waiting();
    let mut batch = nr;
    let sleep = loop {
        if current.is_dying() {
            return;
        }
        let reclaimed = reclaim(&memcg, batch, gfp);
        let sleep = penalty_ms(nr, memory_overage(&memcg)) + penalty_ms(nr, swap_overage(&memcg));
        let sleep = sleep.min(LONGEST_MS);
        if sleep <= SHORTEST_MS {
            return;
        }
        if !patience.goes_on(reclaimed) {
            break sleep;
        }
        batch = RECLAIM_BATCH;
    };
    psi::stalled(|| sched::sleep_killable(msecs_to_jiffies(sleep) as Jiffies));
}

/// Whether more than `high` pages of `memcg` are in use. What is charged but not in use is no
/// reason to reclaim or to sleep: as much as was known of at the last flush of statistics.
#[inline]
fn is_beyond(memcg: &MemCgroup, high: usize) -> bool {
    // Mostly it is not even with them.
    memcg.memory().usage() > high && stock::in_use_as_known(memcg) > high
}

/// The same as of now: many stocks may have been begun since the last flush. Sleeps.
fn is_beyond_now(memcg: &MemCgroup, high: usize) -> bool {
    is_beyond(memcg, high) && stock::in_use(memcg, Measured::Memory) > high
}

/// Reclaims in each container from `memcg` up that is beyond its boundary. Sleeps.
fn reclaim(memcg: &Counted<MemCgroup>, nr: usize, gfp: Gfp) -> usize {
    let mut reclaimed = 0;
    for memcg in MemCgroup::counted_up(memcg).take_while(|memcg| !memcg.is_root()) {
        if !is_beyond_now(memcg, memcg.high().load(Relaxed)) {
            continue;
        }
        events::notify(memcg, MemoryEvent::HIGH, true);
        reclaimed += psi::stalled(|| vm::reclaim(memcg, nr, gfp, true));
    }
    reclaimed
}

/// How far `usage` is beyond a boundary of `high` pages, in 1024ths of that.
fn overage(usage: usize, high: usize) -> usize {
    usage
        .saturating_sub(high)
        .saturating_mul(1024)
        .checked_div(high)
        .unwrap_or(usage.saturating_mul(1024))
}

/// How far the one from `memcg` up that is the furthest beyond its boundary is, in proportion to
/// it, in 1024ths.
fn memory_overage(memcg: &MemCgroup) -> usize {
    memcg
        .up_below_root()
        .map(|m| overage(stock::in_use_as_known(m), m.high().load(Relaxed)))
        .max()
        .unwrap_or(0)
}

/// The same for swap space, which nobody has been told yet.
fn swap_overage(memcg: &MemCgroup) -> usize {
    let mut worst = 0;
    for memcg in memcg.up_below_root() {
        let overage = overage(memcg.swap().usage(), memcg.swap_high().load(Relaxed));
        if overage != 0 {
            events::notify(memcg, MemoryEvent::SWAP_HIGH, true);
        }
        worst = worst.max(overage);
    }
    worst
}

/// How long who has charged `nr` pages sleeps, in milliseconds: for each page one second times the
/// square of the overage. A batch of 64 pages costs 6 ms at 1 % beyond the boundary, 160 ms at 5 %,
/// and the longest sleep at 18 % and more.
fn penalty_ms(nr: usize, overage: usize) -> u32 {
    // Beyond 18 times the boundary even a single page costs the longest sleep.
    let overage = overage.min(1 << 15) as u64;
    let square = overage * overage;
    let ms = (nr as u64).saturating_mul(1000).saturating_mul(square) >> 20;
    ms.min(LONGEST_MS.into()) as u32
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/throttle.rs"]
mod tests;

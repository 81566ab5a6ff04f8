// SPDX-License-Identifier: GPL-2.0

//! Reclaim that somebody asks for: by lowering a limit, or by emptying a container.
//!
//! Both sleep, and stop when a signal comes.
#![deny(unsafe_code)]

use super::{
    oom,
    patience::Patience, //
};
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
    usage::{
        stock,
        waiters, //
    },
};
use kernel::{
    cgroup::CssData,
    mm::lruvec,
    prelude::*,
    res_counter::ResCounter,
    sched,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
};

/// How many pages are reclaimed before the one who asked for it looks again for signals, and for
/// how much there is left to do.
const STEP: usize = 256;

/// Sets a limit of `memcg` if no more is used. It is never more for memory than for memory and swap
/// space together.
fn try_set_limit(memcg: &MemCgroup, what: Measured, limit: usize) -> Result {
    let _lock = vm::lock_limits();
    let other = |of: Measured| of.counter(memcg).map(ResCounter::limit);
    let fits = match what {
        Measured::Memory => other(Measured::MemSw).is_none_or(|memsw| limit <= memsw),
        Measured::MemSw => other(Measured::Memory).is_none_or(|memory| limit >= memory),
    };
    match what.counter(memcg) {
        Some(counter) if fits => counter.set_limit(limit),
        _ => Err(EINVAL),
    }
}

/// Sets a limit of `memcg` to `limit` pages. If more is used, reclaims first.
///
/// # Errors
///
/// `EBUSY` if there is nothing more to reclaim, `EINTR` if a signal came; the limit is then what it
/// was. `EINVAL` if less could be in memory and swap space together than in memory.
pub(crate) fn set_limit(memcg: &Counted<MemCgroup>, what: Measured, limit: usize) -> Result {
    let mut patience = Patience::new();
    stock::drain(memcg);
    loop {
        if Current::get().signal_pending() {
            return Err(EINTR);
        }
        let set = try_set_limit(memcg, what, limit);
        // Also if it has failed: for a moment there was less room than there is.
        waiters::wake(memcg);
        let busy = match set {
            Err(error) if error == EBUSY => error,
            other => return other,
        };
        // rmdir waits for us.
        if memcg.css().is_dying() {
            return Err(busy);
        }
        let usage = what.counter(memcg).map_or(0, ResCounter::usage);
        let excess = usage.saturating_sub(limit).clamp(1, STEP);
        let reclaimed = vm::reclaim(memcg, excess, Gfp::KERNEL, what == Measured::Memory);
        // Stocks may be what is in excess. But those who are at work fill them again and again: to
        // take them back is no progress.
        stock::drain(memcg);
        if !patience.goes_on(reclaimed) {
            return Err(busy);
        }
    }
}

/// Sets the limit of `memcg` to `limit` pages at once. If more is used, reclaims, and then kills,
/// until it no longer is; not if `nonblock`.
pub(crate) fn force_limit(memcg: &Counted<MemCgroup>, limit: usize, nonblock: bool) {
    let mut patience = Patience::new();
    let mut reclaims = true;
    memcg.memory().force_limit(limit);
    waiters::wake(memcg);
    stock::drain(memcg);

    while !nonblock && limit == memcg.memory().limit() {
        let usage = memcg.memory().usage();
        if usage <= limit || Current::get().signal_pending() || memcg.css().is_dying() {
            break;
        }
        if reclaims {
            let reclaimed = vm::reclaim(memcg, usage - limit, Gfp::KERNEL, true);
            stock::drain(memcg);
            reclaims = patience.goes_on(reclaimed);
            continue;
        }
        events::notify(memcg, MemoryEvent::OOM, true);
        if !oom::kill_now(memcg, Gfp::KERNEL, 1, 0) {
            break;
        }
        sched::cond_resched();
    }
    vm::size_changed(memcg);
}

/// Sets the boundary of `memcg` beyond which those who charge are slowed to `high` pages. If more
/// is used, tries to reclaim that first; not if `nonblock`.
pub(crate) fn set_high(memcg: &Counted<MemCgroup>, high: usize, nonblock: bool) {
    let mut patience = Patience::new();
    memcg.high().store(high, Relaxed);
    stock::drain(memcg);

    while !nonblock && high == memcg.high().load(Relaxed) {
        let usage = memcg.memory().usage();
        // rmdir waits for us.
        if usage <= high || Current::get().signal_pending() || memcg.css().is_dying() {
            break;
        }
        let reclaimed = vm::reclaim(memcg, usage - high, Gfp::KERNEL, true);
        stock::drain(memcg);
        if !patience.goes_on(reclaimed) {
            break;
        }
    }
    vm::size_changed(memcg);
}

/// Reclaims as much of `memcg` as can be.
///
/// # Errors
///
/// `EINTR` if a signal came.
pub(crate) fn force_empty(memcg: &Counted<MemCgroup>) -> Result {
    let mut patience = Patience::new();

    lruvec::add_drain_all();
    stock::drain(memcg);

    while !memcg.css().is_dying() {
        let usage = memcg.memory().usage();
        if usage == 0 {
            break;
        }
        if Current::get().signal_pending() {
            return Err(EINTR);
        }
        let reclaimed = vm::reclaim(memcg, usage.min(STEP), Gfp::KERNEL, true);
        stock::drain(memcg);
        if !patience.goes_on(reclaimed) {
            break;
        }
    }
    Ok(())
}

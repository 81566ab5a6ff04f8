// SPDX-License-Identifier: GPL-2.0

//! The OOM killer scoped to a container, and waiting in its stead.
//!
//! When reclaim cannot make room, [`kill`] ends a process of the container that has none, or of one
//! below it; all others live. A cgroup v1 container may disable that (`memory.oom_control`): then a
//! task that cannot charge in a page fault remembers the container, returns from the fault with all
//! locks released, and [`synchronize`] lets it sleep until there is room again: pages were
//! uncharged, the limit was raised, the killer was enabled, or the task itself was killed.
//!
//! Lock order: `oom_lock` is taken inside all locks of those who charge.
#![deny(unsafe_code)]

use super::listeners;
use crate::{
    c::{
        events::MemoryEvent,
        gfp::Gfp,
        memcg::MemCgroup,
        task::{
            self,
            Current, //
        },
        vm::{
            self,
            OomLock, //
        },
    },
    stats::events,
    tree::iter::Tree,
    usage::{
        counters, stock,
        waiters::{
            self,
            UnderOom, //
        },
    },
};
use kernel::{
    bindings::{
        HZ,
        PAGE_ALLOC_COSTLY_ORDER, //
    },
    cgroup::CssData,
    mm::swap,
    sched,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        counted::{
            Counted,
            TryRefCounted, //
        },
    },
};

/// Whether tasks wait for room in `memcg` or above it.
pub(crate) fn is_under_oom(memcg: &MemCgroup) -> bool {
    memcg.up().any(|m| m.oom_waiters().load(Relaxed) > 0)
}

/// Sets whether tasks wait in `memcg` instead of being killed.
pub(crate) fn set_kill_disable(memcg: &MemCgroup, disable: bool) {
    // A full barrier: who has not seen it is seen to wait.
    memcg.oom_kill_disable().xchg(disable, Full);
    if !disable {
        waiters::wake(memcg);
    }
}

/// Kills a process of `memcg` or below it, for a charge of `nr` pages that does not fit there. May
/// sleep.
///
/// Returns whether it makes sense to charge again.
pub(crate) fn kill(memcg: &Counted<MemCgroup>, gfp: Gfp, nr: usize) -> bool {
    let order = nr.next_power_of_two().trailing_zeros();
    if order > PAGE_ALLOC_COSTLY_ORDER {
        return false;
    }

    events::notify(memcg, MemoryEvent::OOM, true);

    if memcg.oom_kill_disable().load(Relaxed) {
        let current = Current::get();
        if current.in_user_fault() {
            current.set_memcg_oom(memcg.into());
        }
        return false;
    }

    let (_under_oom, is_first) = UnderOom::new(memcg);
    if is_first {
        listeners::tell_oom(memcg);
    }
    kill_now(memcg, gfp, nr, order as i32)
}

/// For how many jiffies a victim's memory is waited for before another process is killed.
const PATIENCE: u32 = HZ / 4;

/// Whether a process of `memcg` or below it was killed for memory and is about to free it.
///
/// To find out takes time in proportion to the threads below. So only one of those who wait looks,
/// and each time after it has been as long as from the kill to the last look: some six times in
/// all.
fn has_victims(memcg: &MemCgroup, now: u32) -> bool {
    let (killed, looked) = (
        memcg.oom_killed().load(Relaxed),
        memcg.oom_looked().load(Relaxed),
    );
    let pause = looked.wrapping_sub(killed).clamp(1, PATIENCE / 4);
    if now.wrapping_sub(looked) < pause {
        return true;
    }
    let found = Tree::new(memcg)
        .filter_map(|memcg| memcg.try_get())
        .any(|memcg| MemCgroup::any_task(&memcg, task::frees_oom_mm));
    if found {
        memcg.oom_looked().store(now, Relaxed);
    }
    found
}

/// Kills for a charge of `nr` pages, unless there is room for it by now. Sleeps, killable.
///
/// The killer of the kernel is done with a victim when its address space is unmapped, and does not
/// see one that exits. The pages are free, and uncharged, only after that, and what its files hold
/// later still; and if the victim does not get a CPU in between, the next process would be killed
/// for nothing. So victims are waited for here, for a while. Only who has the lock looks for them:
/// all tasks of a container may be here.
pub(crate) fn kill_now(memcg: &Counted<MemCgroup>, gfp: Gfp, nr: usize, order: i32) -> bool {
    let started = sched::now() as u32;
    loop {
        // Who is killed while waiting for the lock will free memory.
        let Some(lock) = OomLock::killable() else {
            return true;
        };
        if counters::margin(memcg) >= nr {
            return true;
        }
        let now = sched::now() as u32;
        let killed = memcg.oom_killed().load(Relaxed);
        let patient = [started, killed].map(|since| now.wrapping_sub(since) < PATIENCE);
        if patient == [false; 2] || Current::get().is_dying() || !has_victims(memcg, now) {
            // What the last one has freed may be in stocks.
            stock::drain(memcg);
            if counters::margin(memcg) >= nr {
                return true;
            }
            memcg.oom_killed().store(now, Relaxed);
            return lock.kill(memcg, gfp, order);
        }
        drop(lock);
        sched::sleep_killable(1);
    }
}

/// Ends a page fault that ran into an out-of-memory situation: waits for it to be resolved if
/// `handle`, else just forgets it. Says whether there was one.
///
/// Called without locks. Sleeps, killable.
#[cfg(CONFIG_MEMCG_V1)]
pub(crate) fn synchronize(handle: bool) -> bool {
    let Some(memcg) = Current::get().take_memcg_oom() else {
        return false;
    };
    if handle {
        let (under_oom, is_first) = UnderOom::new(&memcg);
        if is_first {
            listeners::tell_oom(&memcg);
        }
        under_oom.wait_until(|| {
            !memcg.oom_kill_disable().load(Relaxed) || memcg.css().is_dying() || {
                stock::drain(&memcg);
                counters::margin(&memcg) != 0
            }
        });
    }
    true
}

/// The topmost container in which all processes are to be killed together, if `victim`'s container
/// or one above it, up to `domain`, says so.
pub(crate) fn group<'a>(victim: &'a MemCgroup, domain: &MemCgroup) -> Option<&'a MemCgroup> {
    if !vm::on_v2() || !victim.up().any(|m| core::ptr::eq(m, domain)) {
        return None;
    }
    let mut found = None;
    for memcg in victim.up_below_root() {
        if memcg.oom_group().load(Relaxed) {
            found = Some(memcg);
        }
        if core::ptr::eq(memcg, domain) {
            break;
        }
    }
    found
}

/// How much memory a process can have at the most: pages of `memcg`'s limit, and the swap space it
/// may have on top.
pub(crate) fn total_pages(memcg: &MemCgroup) -> usize {
    let max = memcg.memory().limit();
    let swappiness = if vm::on_v2() || memcg.is_root() {
        swap::swappiness()
    } else {
        memcg.swappiness().load(Relaxed)
    };
    if swappiness == 0 {
        return max;
    }
    let swap = match memcg.memsw() {
        Some(memsw) => memsw.limit().saturating_sub(max),
        None => memcg.swap().limit(),
    };
    max.saturating_add(swap.min(swap::total_pages()))
}

// SPDX-License-Identifier: GPL-2.0

//! Charging pages to containers, and taking them back.
//!
//! The street a charge goes: the stock of this CPU; the counters of the container and all above it,
//! a batch at once; the same for just the pages needed; reclaim in the container without room; all
//! stocks there; the OOM killer there. The first two are the common case: they take no reference,
//! no lock, and no atomic operation on a line that other CPUs write unless the stock is empty.
//!
//! May sleep only where the [`Gfp`] says so.
#![deny(unsafe_code)]

use crate::{
    c::{
        binding::Rebindable,
        events::MemoryEvent,
        gfp::Gfp,
        memcg::MemCgroup,
        meta_page::MetaPage,
        objcg::{
            ObjCgroup,
            Owner, //
        },
        task::Current,
        vm, //
    },
    pressure::{
        oom,
        patience::{
            Again,
            Patience, //
        },
        throttle, //
    },
    stats::{
        count,
        events, //
    },
    usage::{
        counters::{
            self,
            Full, //
        },
        shared,
        stock,
        waiters, //
    },
};
use kernel::{
    bindings::vm_event_item_PGPGIN,
    cgroup::CssData,
    mm::numa::NodeId,
    prelude::*,
    psi,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

/// Charges of more pages than this rather fail than insist: their callers can do with less.
const COSTLY_PAGES: usize = 1 << kernel::bindings::PAGE_ALLOC_COSTLY_ORDER;

/// What to do after reclaim has not made enough room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Try to charge again.
    Retry,
    /// Try again later.
    Wait(Again),
    /// Kill a process, then try again.
    Kill,
    /// Give up.
    Fail,
}

/// How far a charge that did not fit has insisted.
pub(crate) struct Insistence {
    gfp: Gfp,
    patience: Patience,
    killed: bool,
    stocks: bool,
}

impl Insistence {
    /// Of a charge that may be met as `gfp` says. Who can do with less, as for a huge page, or
    /// without, as for what is read ahead, looks through no stocks: it fails, and who then asks for
    /// what it needs does so.
    pub(crate) fn new(gfp: Gfp) -> Self {
        Self {
            gfp,
            patience: Patience::new(),
            killed: false,
            stocks: !gfp.has(Gfp::NORETRY),
        }
    }

    /// Whether to take back the stocks now: once, and again after a kill. They may fill up again
    /// meanwhile, but to look through all of them takes time in proportion to the CPUs.
    fn takes_stocks(&mut self) -> bool {
        core::mem::replace(&mut self.stocks, false)
    }

    /// What to do with a charge of `nr` pages after reclaim got `reclaimed` pages, but not enough.
    /// `dying` says that the task is going to exit.
    pub(crate) fn after_reclaim(&mut self, nr: usize, reclaimed: usize, dying: bool) -> Next {
        if self.gfp.has(Gfp::NORETRY) {
            return Next::Fail;
        }
        if reclaimed != 0 && nr <= COSTLY_PAGES {
            return Next::Retry;
        }
        match self.patience.again() {
            Again::Now => return Next::Retry,
            Again::Never => {}
            // Who is going to free memory, or can do with less, does not wait.
            _ if dying || nr > COSTLY_PAGES => {}
            again => return Next::Wait(again),
        }
        if self.gfp.has(Gfp::RETRY_MAYFAIL) || (self.killed && dying) {
            return Next::Fail;
        }
        Next::Kill
    }

    /// A process was killed: its memory will come back. What was taken before has been waited for.
    pub(crate) fn killed(&mut self) {
        self.killed = true;
        self.stocks = true;
        self.patience = Patience::without_waiting();
    }
}

/// Charges `nr` pages to the counters, a batch if there is room. Returns the container without
/// room if there is not. May sleep if `gfp` says so.
fn charge_counters(memcg: &MemCgroup, gfp: Gfp, nr: usize, batch: usize) -> Result<(), Full<'_>> {
    shared::note();
    // Who may hold any lock wakes nobody.
    let may_wake = gfp.may_lock();
    let ahead = may_wake && batch > nr && stock::has_room(memcg, batch);
    let charged = if ahead && counters::try_charge(memcg, batch).is_ok() {
        stock::refill(memcg, batch - nr, &rcu::read_lock());
        Ok(batch)
    } else {
        counters::try_charge(memcg, nr).map(|()| nr)
    };
    // Who has looked for room in between has not found the pages that were charged where there was
    // room until it came out that there is none above.
    if may_wake {
        waiters::wake_after_charge(memcg);
    }
    throttle::note_charge(memcg, charged?, gfp);
    Ok(())
}

/// Charges `nr` pages to `memcg`, which is not the root. Sleeps if `gfp` says so; any context if
/// it does not even let that take a lock.
///
/// # Errors
///
/// `ENOMEM` if there is no room, nothing can be reclaimed and nobody killed, or `gfp` forbids it.
pub(crate) fn try_charge(memcg: &Counted<MemCgroup>, gfp: Gfp, nr: usize) -> Result {
    charge_or_reclaim(memcg, Some(memcg), gfp, nr)
}

/// As above, but for one that is only seen: does not sleep, whatever `gfp` says.
pub(super) fn try_charge_seen(memcg: &MemCgroup, gfp: Gfp, nr: usize) -> Result {
    charge_or_reclaim(memcg, None, gfp, nr)
}

/// Charges `nr` pages to `memcg`, which is `held`, if that may sleep.
fn charge_or_reclaim(
    memcg: &MemCgroup,
    held: Option<&Counted<MemCgroup>>,
    gfp: Gfp,
    nr: usize,
) -> Result {
    let held = held.filter(|_| gfp.may_sleep());
    let current = Current::get();
    let mut insistence = Insistence::new(gfp);
    let mut batch = nr.max(stock::BATCH);
    let mut noted = false;
    let mut reclaimed = 0;

    let over: &MemCgroup = loop {
        if stock::consume(memcg, nr) {
            // What reclaim has freed is charged ahead, as a batch is.
            throttle::note_charge(memcg, reclaimed.min(stock::BATCH), gfp);
            return Ok(());
        }
        let Err(full) = charge_counters(memcg, gfp, nr, batch) else {
            return Ok(());
        };
        let over = full.memcg;
        // Where room is short, nobody takes more than needed.
        batch = nr;

        // Reclaim may have to allocate: better to exceed the limit than to recurse.
        if current.frees_memory() {
            if !noted {
                events::notify(over, MemoryEvent::MAX, gfp.may_lock());
            }
            counters::charge(memcg, nr);
            return Ok(());
        }
        let drains_here = held.is_none() && gfp.may_lock();
        if drains_here && insistence.takes_stocks() && stock::drain_here(over) != 0 {
            continue;
        }
        if current.in_memcg_oom() || current.is_reaped() {
            break over;
        }
        let mut above = held.into_iter().flat_map(MemCgroup::counted_up);
        let Some(over) = above.nth(full.level) else {
            break over;
        };

        events::notify(over, MemoryEvent::MAX, true);
        noted = true;

        reclaimed = psi::stalled(|| vm::reclaim(over, nr, gfp, full.swaps));
        if counters::margin(over) >= nr {
            continue;
        }
        // What is charged but not in use is no reason to kill, to fail, or to reclaim more.
        if insistence.stocks {
            if let Some(drained) = stock::drain_in_turn(over) {
                insistence.stocks = false;
                if drained != 0 {
                    continue;
                }
            }
        }
        match insistence.after_reclaim(nr, reclaimed, current.is_dying()) {
            Next::Retry => continue,
            Next::Wait(again) => {
                again.in_time();
            }
            Next::Kill | Next::Fail if insistence.takes_stocks() && stock::drain(over) != 0 => {
                continue;
            }
            Next::Kill if oom::kill(over, gfp, nr) => insistence.killed(),
            Next::Kill | Next::Fail => break over,
        }
    };

    if !noted {
        events::notify(over, MemoryEvent::MAX, gfp.may_lock());
    }
    // Whoever cannot fail, or draws on reserves so that memory can be freed, exceeds the limit.
    if gfp.has(Gfp::NOFAIL) || gfp.has(Gfp::HIGH) {
        counters::charge(memcg, nr);
        return Ok(());
    }
    Err(ENOMEM)
}

/// The handle that folios of `nid` charged to `memcg` are bound to, and the container they are
/// charged to: `memcg`, or an ancestor if it has gone offline.
pub(crate) fn owner_of(memcg: &MemCgroup, nid: NodeId, rcu: &rcu::Guard) -> Option<Owner> {
    memcg
        .up()
        .find_map(|memcg| memcg.node(nid).owner(rcu)?.try_get_live(rcu))
}

/// Charges a folio to the container that `find` finds under RCU, and binds it.
///
/// # Errors
///
/// As [`try_charge`]; the folio is then not bound.
pub(crate) fn charge_folio<S, F>(mut page: MetaPage<'_, S>, gfp: Gfp, find: F) -> Result
where
    S: Rebindable,
    F: for<'a> FnOnce(&'a rcu::Guard) -> &'a MemCgroup,
{
    let nr = page.folio().nr_pages();
    let nid = page.folio().nid();
    let rcu = rcu::read_lock();
    let owner = owner_of(find(&rcu), nid, &rcu).ok_or(ENOMEM)?;

    if owner.is_root() || stock::consume_rcu(owner.memcg(&rcu), nr, &rcu) {
        count::count_event_rcu(owner.memcg(&rcu), vm_event_item_PGPGIN, 1, &rcu);
        page.bind(owner);
        return Ok(());
    }

    // The slow way may sleep: hold the container rather than RCU. It may have been removed just
    // now; then what is charged to it is charged to its ancestors, which is what counts.
    let held = held_memcg(&owner, &rcu);
    drop(rcu);
    if !held.is_root() {
        try_charge(&held, gfp, nr)?;
    }
    count::count_event(&held, vm_event_item_PGPGIN, 1);
    page.bind(owner);
    Ok(())
}

/// A reference on the container of `owner`. If it is just being released, the handle will soon
/// point at its parent.
pub(super) fn held_memcg(owner: &ObjCgroup, rcu: &rcu::Guard) -> ARef<Counted<MemCgroup>> {
    loop {
        if let Some(memcg) = owner.memcg(rcu).try_get() {
            return memcg;
        }
    }
}

/// Charges `nr` pages to `memcg` even if there is no room.
pub(crate) fn charge_anyway(memcg: &MemCgroup, nr: usize) {
    if !memcg.is_root() {
        counters::charge(memcg, nr);
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/charge.rs"]
mod tests;

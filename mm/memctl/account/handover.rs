// SPDX-License-Identifier: GPL-2.0

//! A page of a file that reclaim takes from a container, and that only others have used lately, is
//! not thrown out: it becomes the charge of one who uses it.
//!
//! Reclaim looks at the references of those outside of what it reclaims, too, and asks each whether
//! it could [take](taker) the folio; the first who can is remembered. When the folio has been
//! unmapped, and would be freed, it is [handed over](hand_over) instead. Nobody else has a
//! reference on it then, so nobody relies on whose it is or changes its statistics; and it is
//! unmapped, clean or of tmpfs, so that there are few. The next access is a minor fault.
//!
//! Who has just had to reclaim has room for nothing but what it wanted. So there must be more room
//! than one reclaim makes: two containers at their limits do not pass a page to and fro. And the
//! one who gets it always has limits of its own, or is the root, whose processes have used it: if
//! it were the parent of several, they could leave there what none has room for.
#![deny(unsafe_code)]

use super::charge;
use crate::{
    c::{
        binding::Locked,
        frozen,
        gfp::Gfp,
        items::{
            PGHANDOVER_IN,
            PGHANDOVER_OUT, //
        },
        memcg::MemCgroup,
        meta_page::{
            bound_to,
            MetaPage, //
        },
        node::Node,
        objcg::ObjCgroup,
        trace, //
    },
    stats::count,
    usage::{
        counters,
        waiters, //
    },
};
use core::ptr::eq;
use kernel::{
    bindings::{
        node_stat_item_NR_FILE_PAGES,
        node_stat_item_NR_FILE_THPS,
        node_stat_item_NR_SHMEM,
        node_stat_item_NR_SHMEM_THPS,
        vm_event_item_PGPGIN,
        vm_event_item_PGPGOUT, //
    },
    cgroup::CssData,
    mm::folio::Folio,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// How many pages must be left, at most. Reclaim takes 32 pages at a time, or a huge one.
const SPARE: usize = 512;

/// Whether `nr` pages more than `usage` leave some room below `bound`: what one reclaim makes, or
/// an eighth where that is little.
fn leaves_room(usage: usize, nr: usize, bound: usize) -> bool {
    let spare = SPARE.min(bound / 8);
    usage.saturating_add(nr).saturating_add(spare) <= bound
}

/// Whether `nr` pages more leave `memcg` some room below its limits, and below what slows it.
fn has_room(memcg: &MemCgroup, nr: usize) -> bool {
    let (memory, high) = (memcg.memory(), memcg.high().load(Relaxed));
    leaves_room(memory.usage(), nr, memory.limit().min(high))
        && memcg
            .memsw()
            .is_none_or(|memsw| leaves_room(memsw.usage(), nr, memsw.limit()))
}

/// The same of `to` and those above it, but for those above `from`, to whom it makes no difference.
/// Steps: levels.
fn have_room(to: &MemCgroup, from: &MemCgroup, nr: usize) -> bool {
    let common = to.memory().common(from.memory());
    let is_common = |memcg: &MemCgroup| common.is_some_and(|common| eq(common, memcg.memory()));
    to.up_below_root()
        .take_while(|memcg| !is_common(memcg))
        .all(|memcg| has_room(memcg, nr))
}

/// Whether `to` can take over `nr` pages of `from`: it and those above it want that, and have room.
/// Steps: levels.
fn can_take(to: &MemCgroup, from: &MemCgroup, nr: usize) -> bool {
    !eq(to, from)
        && !to.css().is_dying()
        && to
            .up_below_root()
            .all(|memcg| memcg.takes_over().load(Relaxed))
        && have_room(to, from, nr)
}

/// The id of `to`, whose processes have used the folio, if it can take it over.
pub(crate) fn taker(page: &MetaPage<'_, Locked>, to: &MemCgroup, rcu: &rcu::Guard) -> Option<u32> {
    let from = bound_to(page.folio(), rcu)?.memcg(rcu);
    can_take(to, from, page.folio().nr_pages()).then(|| to.id())
}

/// Moves what is counted of a folio that is not mapped, and of which nothing has to be written.
fn move_statistics(folio: &Folio, from: &Node, to: &Node) {
    let nr = folio.nr_pages() as isize;
    let move_item = |item| {
        count::mod_node(from, item as usize, -nr);
        count::mod_node(to, item as usize, nr);
    };
    move_item(node_stat_item_NR_FILE_PAGES);
    match (folio.is_swapbacked(), folio.is_pmd_mappable()) {
        (true, huge) => {
            move_item(node_stat_item_NR_SHMEM);
            if huge {
                move_item(node_stat_item_NR_SHMEM_THPS);
            }
        }
        (false, true) => move_item(node_stat_item_NR_FILE_THPS),
        (false, false) => {}
    }
}

/// Hands a folio that reclaim would free over to the container with the id `taker`, which
/// [`taker()`] has found to be able to take it. May sleep if `gfp` says so.
///
/// Returns whether that was done. If not, the folio is whose it was; buffers of the file system may
/// be gone.
pub(crate) fn hand_over(page: MetaPage<'_, Locked>, taker: u32, gfp: Gfp) -> bool {
    frozen::release(&page, gfp) && try_hand_over(page, taker).is_some()
}

fn try_hand_over(page: MetaPage<'_, Locked>, taker: u32) -> Option<()> {
    let folio = page.folio();
    let nr = folio.nr_pages();
    let rcu = rcu::read_lock();
    // Whatever becomes of the container meanwhile, it is not freed, and what is counted for it is
    // carried up.
    let from_node = bound_to(folio, &rcu)
        .filter(|_| !page.is_kernel())?
        .node(&rcu);
    let (from, to) = (from_node.memcg(), MemCgroup::from_id(taker, &rcu)?);
    if from.is_root() || !can_take(to, from, nr) {
        return None;
    }
    let owner = charge::owner_of(to, folio.nid(), &rcu)?;
    let to_node = owner.node(&rcu);
    if !eq(to_node.memcg(), to) {
        ObjCgroup::put(owner, &rcu);
        return None;
    }
    let refuse = |owner| {
        // For a moment there may have been less room.
        waiters::wake_after_charge(to);
        ObjCgroup::put(owner, &rcu);
        None
    };
    if counters::try_charge_beside(to, from, nr).is_err() {
        return refuse(owner);
    }
    // Others may have seen the same room, and taken it.
    if !have_room(to, from, 0) {
        counters::uncharge_beside(to, from, nr);
        return refuse(owner);
    }

    let mut owner = Some(owner);
    let old = frozen::while_frozen(page, |mut page| {
        let old = page.unbind();
        if let Some(owner) = owner.take() {
            page.bind(owner);
        }
        move_statistics(folio, from_node, to_node);
        old
    });
    if let Some(owner) = owner {
        counters::uncharge_beside(to, from, nr);
        return refuse(owner);
    }

    counters::uncharge_beside(from, to, nr);
    // The one has room now; who listens wants to hear of either.
    waiters::wake(from);
    waiters::wake_after_charge(to);
    for (memcg, event, n) in [
        (from, vm_event_item_PGPGOUT, 1),
        (to, vm_event_item_PGPGIN, 1),
        (from, PGHANDOVER_OUT, nr),
        (to, PGHANDOVER_IN, nr),
    ] {
        count::count_event_rcu(memcg, event, n, &rcu);
    }
    trace::handed_over(folio, from, to);
    if let Some(old) = old.flatten() {
        ObjCgroup::put(old, &rcu);
    }
    Some(())
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/handover.rs"]
mod tests;

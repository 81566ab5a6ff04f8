// SPDX-License-Identifier: GPL-2.0

//! Charging what the kernel allocates for a container: pages of its own, and bytes. Objects of slab
//! caches are in `objects.rs`.
//!
//! A charge is made as the allocation may be made: in NMI and under any lock if `gfp` says so. Then
//! nobody is woken, and nothing is held but RCU.
#![deny(unsafe_code)]

use super::charge::{
    self,
    try_charge, //
};
use crate::{
    c::{
        gfp::Gfp,
        memcg::MemCgroup,
        meta_page::KernelPages,
        objcg::{
            ObjCgroup,
            Owner, //
        },
        task::Current,
    },
    stats::count,
    usage::{
        bytes::{
            self,
            Kind, //
        },
        stock,
    },
};
use kernel::{
    mm::numa::NodeId,
    prelude::*,
    sync::rcu, //
};

/// A reference on the handle that kernel memory of the node `nid` belongs to now; the root's if
/// that is nobody's.
pub(crate) fn current_owner(nid: NodeId) -> Option<Owner> {
    let rcu = rcu::read_lock();
    charge::owner_of(Current::get().kernel_memcg(&rcu), nid, &rcu)
}

/// Charges pages to the container that the current task works for, and binds them. Those of the
/// root are neither charged nor bound.
///
/// # Errors
///
/// As [`try_charge`]; they are then not bound.
pub(crate) fn charge_pages(pages: KernelPages<'_>, gfp: Gfp) -> Result {
    let nr = pages.nr();
    let rcu = rcu::read_lock();
    let memcg = Current::get().kernel_memcg(&rcu);
    if memcg.is_root() {
        return Ok(());
    }
    let owner = memcg.node(pages.nid()).owner(&rcu);
    if let Some(owner) = owner.and_then(|owner| owner.on_each_cpu(&rcu)) {
        if stock::consume_rcu(memcg, nr, &rcu) {
            count_pages(memcg, nr, &rcu);
            pages.bind(owner.get());
            return Ok(());
        }
    }
    drop(rcu);
    charge_pages_slowly(pages, gfp)
}

/// As [`charge_pages`], where that takes more than a stock.
#[cold]
#[inline(never)]
fn charge_pages_slowly(pages: KernelPages<'_>, gfp: Gfp) -> Result {
    let nr = pages.nr();
    let owner = current_owner(pages.nid()).ok_or(ENOMEM)?;
    let charged = charge_slowly(&owner, gfp, nr, |owner, rcu| {
        count_pages(owner.memcg(rcu), nr, rcu);
    })?;
    if let Some(owner) = charged {
        pages.bind(owner);
    }
    Ok(())
}

/// Takes back the charge of pages that are freed, if they are bound.
pub(crate) fn uncharge_pages(pages: KernelPages<'_>) {
    let nr = pages.nr();
    if let Some(owner) = pages.unbind() {
        let rcu = rcu::read_lock();
        uncharge(owner.memcg(&rcu), nr, &rcu);
        ObjCgroup::put(owner, &rcu);
    }
}

/// Takes back a charge of `nr` pages of the kernel's own, which were bound.
pub(crate) fn uncharge(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    count::count_kernel_pages(memcg, (nr as i32).wrapping_neg(), rcu);
    bytes::uncharge(memcg, nr, rcu);
}

/// Counts `nr` pages of the kernel's own that were charged.
#[inline]
fn count_pages(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    count::count_kernel_pages(memcg, nr as i32, rcu);
    bytes::note_charge(memcg, nr);
}

/// Charges `nr` pages to the container of `owner`, and has `count` tell that of the handle they
/// belong to then: of that container or, if it has been removed meanwhile, of one above. Nothing is
/// charged if that would be the root's.
///
/// # Errors
///
/// As [`try_charge`].
#[cold]
fn charge_slowly(
    owner: &ObjCgroup,
    gfp: Gfp,
    nr: usize,
    count: impl FnOnce(&ObjCgroup, &rcu::Guard),
) -> Result<Option<Owner>> {
    let bind = |memcg: &MemCgroup, nid: NodeId| {
        let rcu = rcu::read_lock();
        let owner = charge::owner_of(memcg, nid, &rcu).filter(|owner| !owner.is_root());
        match &owner {
            Some(owner) => count(owner, &rcu),
            None => stock::give_back_quietly(memcg, nr),
        }
        owner
    };
    let rcu = rcu::read_lock();
    let (memcg, nid) = (owner.memcg(&rcu), owner.node(&rcu).nid());
    if memcg.is_root() {
        return Ok(None);
    }
    if !gfp.may_sleep() {
        // RCU will do.
        charge::try_charge_seen(memcg, gfp, nr)?;
        return Ok(bind(memcg, nid));
    }
    let held = charge::held_memcg(owner, &rcu);
    drop(rcu);
    if held.is_root() {
        return Ok(None);
    }
    try_charge(&held, gfp, nr)?;
    Ok(bind(&held, nid))
}

/// Uses `n` grains of the container of `owner`, for which pages are charged; `left` is what there
/// was. Returns who has them, or nothing if there is nobody any more that they could be charged to.
///
/// # Errors
///
/// As [`try_charge`].
#[cold]
pub(super) fn grant(
    owner: &ObjCgroup,
    (kind, n, left): (Kind, u32, i32),
    gfp: Gfp,
) -> Result<Option<Owner>> {
    let missing = (n as i32).wrapping_sub(left).max(1) as u32;
    let pages = missing.div_ceil(bytes::PAGE) as usize;
    charge_slowly(owner, gfp, pages, |owner, rcu| {
        let node = owner.node(rcu);
        bytes::note_charge(node.memcg(), pages);
        bytes::grant(node, kind, pages, n, rcu);
    })
}

/// Charges `size` bytes, which are those of no object, to the container of `owner`.
///
/// # Errors
///
/// As [`try_charge`].
pub(crate) fn charge_bytes(owner: &ObjCgroup, gfp: Gfp, size: usize) -> Result {
    let n = bytes::grains(size);
    let rcu = rcu::read_lock();
    let left = match bytes::take(owner.node(&rcu), Kind::Other, n, &rcu) {
        Ok(taken) => {
            taken.note();
            return Ok(());
        }
        Err(left) => left,
    };
    drop(rcu);
    if grant(owner, (Kind::Other, n, left), gfp)?.is_none() {
        // The handle is the root's by now, which is charged nothing.
        let rcu = rcu::read_lock();
        bytes::grant(owner.node(&rcu), Kind::Other, 0, n, &rcu);
    }
    Ok(())
}

/// Takes that back.
pub(crate) fn uncharge_bytes(owner: &ObjCgroup, size: usize) {
    let rcu = rcu::read_lock();
    let node = owner.node(&rcu);
    bytes::put(node, Kind::Other, bytes::grains(size), &rcu).note(node, &rcu);
}

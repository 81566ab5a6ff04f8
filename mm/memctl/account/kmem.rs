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
        items::KMEM,
        memcg::MemCgroup,
        meta_page::KernelPages,
        objcg::{
            ObjCgroup,
            Owner, //
        },
        task::Current,
    },
    usage::{
        bytes::{
            self,
            Kind, //
        },
        stock,
    },
};
use kernel::{
    cgroup::CssData,
    mm::numa::NodeId,
    prelude::*,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
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
    let (nr, nid) = (pages.nr(), pages.nid());
    let rcu = rcu::read_lock();
    let memcg = Current::get().kernel_memcg(&rcu);
    if memcg.is_root() {
        return Ok(());
    }
    let owner = charge::owner_of(memcg, nid, &rcu).ok_or(ENOMEM)?;
    if owner.is_root() {
        return Ok(());
    }
    let memcg = owner.memcg(&rcu);
    if stock::consume_rcu(memcg, nr, &rcu) {
        count_pages(memcg, nr as i32, &rcu);
        pages.bind(owner);
        return Ok(());
    }
    let held = hold(memcg, gfp);
    let charged = match &held {
        Some(held) => {
            drop(rcu);
            charge_pages_slowly(held, gfp, nr, nid)?
        }
        None => charge_pages_slowly(memcg, gfp, nr, nid)?,
    };
    if let Some(owner) = charged {
        pages.bind(owner);
    }
    Ok(())
}

#[cold]
fn charge_pages_slowly(
    memcg: &MemCgroup,
    gfp: Gfp,
    nr: usize,
    nid: NodeId,
) -> Result<Option<Owner>> {
    charge_slowly(memcg, gfp, nr, |rcu| {
        let owner = owner_below_root(memcg, nid, rcu)?;
        count_pages(owner.memcg(rcu), nr as i32, rcu);
        Some(owner)
    })
}

/// Takes back the charge of pages that are freed, if they are bound.
pub(crate) fn uncharge_pages(pages: KernelPages<'_>) {
    let nr = pages.nr();
    if let Some(owner) = pages.unbind() {
        let rcu = rcu::read_lock();
        uncharge(owner.memcg(&rcu), nr, &rcu);
    }
}

/// Takes back a charge of `nr` pages of the kernel's own, which were bound.
pub(crate) fn uncharge(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    if let Some(row) = memcg.rows().add_rcu(KMEM, (nr as i32).wrapping_neg(), rcu) {
        row.changed();
    }
    bytes::uncharge(memcg, nr, rcu);
}

/// Counts `nr` pages of the kernel's own that were charged.
#[inline]
fn count_pages(memcg: &MemCgroup, nr: i32, rcu: &rcu::Guard) {
    if let Some(row) = memcg.rows().add_rcu(KMEM, nr, rcu) {
        row.changed();
    }
    if let Some(kmem) = memcg.kmem() {
        kmem.charge(nr as usize);
    }
}

/// A reference on `memcg`, or on one above if it goes right now; nothing if a charge as `gfp` says
/// does not sleep, so that RCU will do.
pub(super) fn hold(memcg: &MemCgroup, gfp: Gfp) -> Option<ARef<Counted<MemCgroup>>> {
    match gfp.may_sleep() {
        true => memcg.up().find_map(TryRefCounted::try_get),
        false => None,
    }
}

/// Charges `nr` pages to `memcg`, which is held if that sleeps, and has `give` find who has them
/// then: `memcg` or, if it has been removed meanwhile, one above. Nothing is charged if that is
/// nobody.
fn charge_slowly<R>(
    memcg: &MemCgroup,
    gfp: Gfp,
    nr: usize,
    give: impl FnOnce(&rcu::Guard) -> Option<R>,
) -> Result<Option<R>> {
    if memcg.is_root() {
        return Ok(None);
    }
    try_charge(memcg, gfp, nr)?;
    let given = give(&rcu::read_lock());
    if given.is_none() {
        stock::give_back_quietly(memcg, nr);
    }
    Ok(given)
}

/// Uses `n` grains in the share of `memcg` of the node `nid`, for which pages are charged; `left`
/// is what there was. `memcg` is held if that sleeps. Returns who has them, or nothing if there is
/// nobody any more that they could be charged to.
///
/// # Errors
///
/// As [`try_charge`].
#[cold]
pub(super) fn grant(
    memcg: &MemCgroup,
    nid: NodeId,
    (kind, n, left): (Kind, u32, i32),
    gfp: Gfp,
) -> Result<Option<Owner>> {
    let missing = (n as i32).wrapping_sub(left).max(1) as u32;
    let pages = missing.div_ceil(bytes::PAGE) as usize;
    charge_slowly(memcg, gfp, pages, |rcu| {
        let owner = owner_below_root(memcg, nid, rcu)?;
        let node = owner.node(rcu);
        if let Some(kmem) = node.memcg().kmem() {
            kmem.charge(pages);
        }
        bytes::grant(node, kind, pages, n, rcu);
        Some(owner)
    })
}

fn owner_below_root(memcg: &MemCgroup, nid: NodeId, rcu: &rcu::Guard) -> Option<Owner> {
    charge::owner_of(memcg, nid, rcu).filter(|owner| !owner.is_root())
}

/// Charges `size` bytes, which are those of no object, to the container of `owner`.
///
/// # Errors
///
/// As [`try_charge`].
pub(crate) fn charge_bytes(owner: &ObjCgroup, gfp: Gfp, size: usize) -> Result {
    let n = bytes::grains(size);
    let rcu = rcu::read_lock();
    let node = owner.node(&rcu);
    if let Err(left) = bytes::take(node, Kind::Other, n, &rcu) {
        let (nid, need) = (node.nid(), (Kind::Other, n, left));
        let held = hold(node.memcg(), gfp);
        let charged = match &held {
            Some(held) => {
                drop(rcu);
                grant(held, nid, need, gfp)?
            }
            None => grant(node.memcg(), nid, need, gfp)?,
        };
        if charged.is_none() {
            // The handle is the root's by now, which is charged nothing.
            let rcu = rcu::read_lock();
            bytes::grant(owner.node(&rcu), Kind::Other, 0, n, &rcu);
        }
    }
    Ok(())
}

/// Takes that back.
pub(crate) fn uncharge_bytes(owner: &ObjCgroup, size: usize) {
    let rcu = rcu::read_lock();
    bytes::put(owner.node(&rcu), Kind::Other, bytes::grains(size), &rcu);
}

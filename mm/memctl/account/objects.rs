// SPDX-License-Identifier: GPL-2.0

//! Objects of slab caches are charged when they are allocated, and uncharged when they are freed:
//! by their size, to the byte stock of the CPU.
//!
//! An object belongs to the handle of the node that it is on, on which it has a reference. So it
//! becomes the parent's when its container is removed, as folios do.
#![deny(unsafe_code)]

use super::{
    charge,
    kmem, //
};
use crate::{
    c::{
        gfp::Gfp,
        items::GRAIN,
        memcg::MemCgroup,
        objcg::{
            ObjCgroup,
            Owner, //
        },
        slab::{
            Cache,
            FreedObject,
            FreedObjects,
            ListLru,
            NewObject,
            NewObjects,
            SeveralFreed,
            SeveralNew, //
        },
        task::Current,
        vm,
    },
    usage::bytes::{
        self,
        Kind, //
    },
};
use kernel::{
    cgroup::CssData,
    prelude::*,
    sync::{
        counted::TryRefCounted,
        rcu, //
    },
};

/// What an object of a cache uses, in grains.
#[derive(Clone, Copy)]
struct Need {
    kind: Kind,
    n: u32,
}

impl Need {
    #[inline]
    fn of(cache: Cache<'_>) -> Self {
        Self {
            kind: match cache.is_reclaimable() {
                true => Kind::Reclaimable,
                false => Kind::Unreclaimable,
            },
            // Sizes are multiples of it.
            n: (cache.object_size() / GRAIN) as u32,
        }
    }
}

/// Charges new objects of `cache` to the container that the current task works for. What is the
/// root's, or has no place for an owner, is left alone. If they go on `list`, there will be one of
/// the container.
///
/// Whether that was done: not if [`try_charge`](super::charge::try_charge) fails, or there is no
/// memory for the list. Those that were charged before have owners then, others have none.
#[inline(always)]
pub(crate) fn charge(
    objects: NewObjects<'_>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> bool {
    // By far the most come alone: what that takes has all it needs in registers.
    match objects {
        NewObjects::None => true,
        NewObjects::One(object) => match list {
            Some(list) => charge_listed(object, list, gfp, slab_flags),
            None => match quickly(object, None) {
                Ok(()) => true,
                Err(object) => charge_slowly(object, None, gfp, slab_flags).is_ok(),
            },
        },
        NewObjects::Several(objects) => charge_many(objects, list, gfp, slab_flags),
    }
}

/// Charges one that goes on `list`.
#[inline(never)]
fn charge_listed(object: NewObject<'_>, list: ListLru<'_>, gfp: Gfp, slab_flags: u32) -> bool {
    match quickly(object, Some(list)) {
        Ok(()) => true,
        Err(object) => charge_slowly(object, Some(list), gfp, slab_flags).is_ok(),
    }
}

/// Charges an object if that can be done without charging pages or allocating anything.
///
/// # Errors
///
/// The object if not.
#[inline(always)]
fn quickly<'a>(object: NewObject<'a>, list: Option<ListLru<'_>>) -> Result<(), NewObject<'a>> {
    let rcu = rcu::read_lock();
    let memcg = Current::get().kernel_memcg(&rcu);
    if memcg.is_root() {
        return Ok(());
    }
    match list.is_none_or(|list| list.is_there_for(memcg)) {
        true => charge_stock(object, memcg, &rcu),
        false => Err(object),
    }
}

/// Charges objects of which there are several. Steps: objects.
#[inline(never)]
fn charge_many(
    mut objects: SeveralNew<'_>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> bool {
    let rcu = rcu::read_lock();
    let memcg = Current::get().kernel_memcg(&rcu);
    if memcg.is_root() {
        return true;
    }
    let has_list = list.is_none_or(|list| list.is_there_for(memcg));
    while let Some(object) = objects.next() {
        let done = match has_list {
            true => charge_stock(object, memcg, &rcu),
            false => Err(object),
        };
        if let Err(object) = done {
            drop(rcu);
            // Each has its container looked for from here on: such a batch is rare.
            return Iterator::chain(core::iter::once(object), objects)
                .all(|object| charge_slowly(object, list, gfp, slab_flags).is_ok());
        }
    }
    true
}

/// Charges an object to the stock of this CPU, if it has enough, and neither that nor the reference
/// on its owner takes more than a few instructions.
#[inline(always)]
fn charge_stock<'a>(
    object: NewObject<'a>,
    memcg: &MemCgroup,
    rcu: &rcu::Guard,
) -> Result<(), NewObject<'a>> {
    let cache = object.cache();
    let object = object.placed()?;
    let node = memcg.node(object.nid());
    let owner = match node.owner(rcu).and_then(|owner| owner.on_each_cpu(rcu)) {
        Some(owner) => owner,
        // It is being taken away.
        None => return Err(object.into_object()),
    };
    // Not before: by then it is less that has to be in registers.
    let need = Need::of(cache);
    match bytes::take(node, need.kind, need.n, rcu) {
        Ok(taken) => {
            object.own(owner.get());
            taken.note();
            Ok(())
        }
        Err(_) => Err(object.into_object()),
    }
}

/// Charges an object for which more has to be charged or allocated.
///
/// # Errors
///
/// As [`try_charge`](super::charge::try_charge), and `ENOMEM` if there is no memory for the list.
#[cold]
#[inline(never)]
fn charge_slowly(
    object: NewObject<'_>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> Result {
    let need = Need::of(object.cache());
    let gfp = vm::allowed(gfp);
    // The list that is made must be that of the container which is charged.
    let held = match list {
        Some(list) => {
            let held = {
                let rcu = rcu::read_lock();
                let memcg = Current::get().kernel_memcg(&rcu);
                let held = memcg.up().find_map(TryRefCounted::try_get);
                held.ok_or(ENOMEM)?
            };
            list.make_for(&held, gfp)?;
            Some(held)
        }
        None => None,
    };
    object.make_place(gfp, slab_flags);
    let Ok(object) = object.placed() else {
        return Ok(());
    };
    let nid = object.nid();
    let rcu = rcu::read_lock();
    let memcg = match &held {
        Some(held) => held,
        None => Current::get().kernel_memcg(&rcu),
    };
    let owner = charge::owner_of(memcg, nid, &rcu).ok_or(ENOMEM)?;
    if owner.is_root() {
        return Ok(());
    }
    let left = match bytes::take(owner.node(&rcu), need.kind, need.n, &rcu) {
        Ok(taken) => {
            object.own(owner);
            taken.note();
            return Ok(());
        }
        Err(left) => left,
    };
    drop(rcu);
    if let Some(owner) = kmem::grant(&owner, (need.kind, need.n, left), gfp)? {
        object.own(owner);
    }
    Ok(())
}

/// Takes back the charges of objects that are freed. Any context.
#[inline(always)]
pub(crate) fn uncharge(objects: FreedObjects<'_>) {
    match objects {
        FreedObjects::One(object) => uncharge_one(object),
        FreedObjects::Several(objects) => uncharge_many(objects),
    }
}

/// Steps: objects.
#[inline(never)]
fn uncharge_many(objects: SeveralFreed<'_>) {
    objects.for_each(uncharge_one);
}

#[inline(always)]
fn uncharge_one(object: FreedObject<'_>) {
    let cache = object.cache();
    let rcu = rcu::read_lock();
    let Some(owner) = object.into_owner() else {
        return;
    };
    let node = owner.node(&rcu);
    match ObjCgroup::put_on_each_cpu(owner, &rcu) {
        Ok(owner) => {
            let need = Need::of(cache);
            let put = bytes::put(node, need.kind, need.n, &rcu);
            owner.put();
            put.note(node, &rcu);
        }
        Err(owner) => uncharge_slowly(owner, cache, &rcu),
    }
}

/// Its container is being removed.
#[cold]
#[inline(never)]
fn uncharge_slowly(owner: Owner, cache: Cache<'_>, rcu: &rcu::Guard) {
    let (node, need) = (owner.node(rcu), Need::of(cache));
    let put = bytes::put(node, need.kind, need.n, rcu);
    ObjCgroup::put(owner, rcu);
    put.note(node, rcu);
}

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
        objcg::ObjCgroup,
        slab::{
            Cache,
            FreedObjects,
            ListLru,
            NewObject,
            NewObjects, //
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
/// # Errors
///
/// As [`try_charge`](super::charge::try_charge), and `ENOMEM` if there is no memory for the list.
/// Those that were charged before have owners then, others have none.
#[inline]
pub(crate) fn charge(
    mut objects: NewObjects<'_>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> Result {
    let need = Need::of(objects.cache());
    let rcu = rcu::read_lock();
    let memcg = Current::get().kernel_memcg(&rcu);
    if memcg.is_root() {
        return Ok(());
    }
    let has_list = list.as_ref().is_none_or(|list| list.is_there_for(memcg));
    while let Some(object) = objects.next() {
        let done = match has_list {
            true => charge_fast(object, memcg, need, &rcu),
            false => Err(object),
        };
        if let Err(object) = done {
            drop(rcu);
            return charge_rest(object, objects, list, gfp, slab_flags);
        }
    }
    Ok(())
}

/// Charges `object` and those behind it in the slow way. Each has its container looked for: a batch
/// is rare, and takes its time.
#[cold]
#[inline(never)]
fn charge_rest(
    object: NewObject<'_>,
    rest: NewObjects<'_>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> Result {
    let need = Need::of(rest.cache());
    let gfp = vm::allowed(gfp);
    Iterator::chain(core::iter::once(object), rest)
        .try_for_each(|object| charge_slowly(object, need, list.as_ref(), gfp, slab_flags))
}

/// Charges an object to the stock of this CPU, if it has enough.
#[inline(always)]
fn charge_fast<'a>(
    object: NewObject<'a>,
    memcg: &MemCgroup,
    need: Need,
    rcu: &rcu::Guard,
) -> Result<(), NewObject<'a>> {
    let node = memcg.node(object.nid());
    let object = object.placed()?;
    let Some(owner) = node.owner(rcu) else {
        return Err(object.into_object());
    };
    if bytes::take(node, need.kind, need.n, rcu).is_err() {
        return Err(object.into_object());
    }
    match owner.try_get_live(rcu) {
        Some(owner) => {
            object.own(owner);
            Ok(())
        }
        None => {
            // It is being taken away.
            bytes::put(node, need.kind, need.n, rcu);
            Err(object.into_object())
        }
    }
}

fn charge_slowly(
    object: NewObject<'_>,
    need: Need,
    list: Option<&ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> Result {
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
    let nid = object.nid();
    let Ok(object) = object.placed() else {
        return Ok(());
    };
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
        Ok(()) => {
            object.own(owner);
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
#[inline]
pub(crate) fn uncharge(objects: FreedObjects<'_>) {
    let need = Need::of(objects.cache());
    let rcu = rcu::read_lock();
    for owner in objects.into_owners() {
        bytes::put(owner.node(&rcu), need.kind, need.n, &rcu);
        ObjCgroup::put(owner, &rcu);
    }
}

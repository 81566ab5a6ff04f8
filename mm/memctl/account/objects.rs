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
        memcg::MemCgroup,
        slab::{
            Cache,
            FreedObjects,
            ListLru,
            NewObject, //
        },
        task::Current,
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
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

fn kind(cache: Cache<'_>) -> Kind {
    match cache.is_reclaimable() {
        true => Kind::Reclaimable,
        false => Kind::Unreclaimable,
    }
}

/// Charges new objects of `cache` to the container that the current task works for. What is the
/// root's, or has no place for an owner, is left alone. If they go on `list`, there will be one of
/// the container.
///
/// # Errors
///
/// As [`charge::try_charge`], and `ENOMEM` if there is no memory for the list. Those that were
/// charged before have owners then, others have none.
pub(crate) fn charge<'a>(
    cache: Cache<'a>,
    objects: impl Iterator<Item = NewObject<'a>>,
    list: Option<ListLru<'_>>,
    gfp: Gfp,
    slab_flags: u32,
) -> Result {
    let current = Current::get();
    let held = {
        let rcu = rcu::read_lock();
        let memcg = current.kernel_memcg(&rcu);
        if memcg.is_root() {
            return Ok(());
        }
        // The list that is made must be that of the container which is charged.
        list.as_ref()
            .and_then(|_| memcg.up().find_map(TryRefCounted::try_get))
    };
    if let (Some(list), Some(held)) = (&list, &held) {
        list.make_for(held, gfp)?;
    }

    let (kind, n) = (kind(cache), bytes::grains(cache.object_size()));
    for object in objects {
        if object.has_place() || object.make_place(gfp, slab_flags) {
            charge_one(object, held.as_ref(), kind, n, gfp)?;
        }
    }
    Ok(())
}

#[inline]
fn charge_one(
    object: NewObject<'_>,
    held: Option<&ARef<Counted<MemCgroup>>>,
    kind: Kind,
    n: u32,
    gfp: Gfp,
) -> Result {
    let rcu = rcu::read_lock();
    let memcg = match held {
        Some(held) => held,
        None => Current::get().kernel_memcg(&rcu),
    };
    let nid = object.nid();
    let owner = charge::owner_of(memcg, nid, &rcu).ok_or(ENOMEM)?;
    if owner.is_root() {
        return Ok(());
    }
    let node = owner.node(&rcu);
    match bytes::take(node, kind, n, &rcu) {
        Ok(()) => object.own(owner),
        Err(left) => {
            let need = (kind, n, left);
            let held = kmem::hold(node.memcg(), gfp);
            let charged = match &held {
                Some(held) => {
                    drop(owner);
                    drop(rcu);
                    kmem::grant(held, nid, need, gfp)?
                }
                None => kmem::grant(node.memcg(), nid, need, gfp)?,
            };
            if let Some(owner) = charged {
                object.own(owner);
            }
        }
    }
    Ok(())
}

/// Takes back the charges of objects that are freed. Any context.
pub(crate) fn uncharge(objects: FreedObjects<'_>) {
    let cache = objects.cache();
    let (kind, n) = (kind(cache), bytes::grains(cache.object_size()));
    for owner in objects.into_owners() {
        let rcu = rcu::read_lock();
        bytes::put(owner.node(&rcu), kind, n, &rcu);
    }
}

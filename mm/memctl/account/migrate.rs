// SPDX-License-Identifier: GPL-2.0

//! Folios that take the place of others, and folios that become several.
//!
//! A handle is one container's on one node, and the lists of a folio are found by its handle. So a
//! folio that is moved to another node gets the handle of that node.
#![deny(unsafe_code)]

use super::{
    charge,
    uncharge, //
};
use crate::{
    c::{
        binding::{
            Locked,
            LockedOffLists, //
        },
        meta_page::MetaPage,
        objcg::{
            ObjCgroup,
            Owner, //
        },
    },
    stats::count,
};
use kernel::{
    bindings::vm_event_item_PGPGIN,
    mm::folio::Folio,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            Many, //
        },
        rcu,
    },
    warn_on_once, //
};

/// The handle for `new`, which takes the place of a folio of `owner`.
fn owner_for(owner: &Counted<ObjCgroup>, old: &Folio, new: &Folio) -> Option<Owner> {
    let nid = new.nid();
    if old.nid() == nid {
        return Some(ARef::from(owner));
    }
    let rcu = rcu::read_lock();
    charge::owner_of(owner.memcg(&rcu), nid, &rcu)
}

/// Charges `new`, which replaces `old` in the page cache, to the container of `old`, over its limit
/// if need be: `old` will be freed soon.
pub(crate) fn replace(old: MetaPage<'_, Locked>, mut new: MetaPage<'_, LockedOffLists>) {
    if new.is_bound() {
        return;
    }
    let Some(owner) = old.owner() else {
        return;
    };
    let Some(owner) = owner_for(owner, old.folio(), new.folio()) else {
        return;
    };

    let rcu = rcu::read_lock();
    let memcg = owner.memcg(&rcu);
    if !owner.is_root() {
        charge::charge_anyway(memcg, new.folio().nr_pages());
    }
    count::count_event(memcg, vm_event_item_PGPGIN, 1);
    new.bind(owner);
}

/// Hands the charge of `old` over to `new`, to which its contents have moved.
pub(crate) fn migrate(
    mut old: MetaPage<'_, LockedOffLists>,
    mut new: MetaPage<'_, LockedOffLists>,
) {
    let Some(owner) = old.owner() else {
        return;
    };
    let Some(new_owner) = owner_for(owner, old.folio(), new.folio()) else {
        return;
    };

    // The handle of the other node may be the root's, if the container and all above it have just
    // been removed: what is bound to that will not be uncharged, so do it now.
    if new_owner.is_root() && !owner.is_root() {
        let rcu = rcu::read_lock();
        uncharge::uncharge(owner.memcg(&rcu), old.folio().nr_pages(), &rcu);
    }

    new.bind(new_owner);
    warn_on_once!(old.unqueue_deferred_split());
    drop(old.unbind());
}

/// Prepares a folio to become `2^shift`: each will be bound to its handle.
pub(crate) fn split(page: MetaPage<'_, Locked>, shift: u32) {
    if let Some(owner) = page.owner() {
        // Those who bind the new folios know of them.
        let more = (1u32 << shift.min(u32::BITS - 1)) - 1;
        if let Some(more) = Many::get(owner, more) {
            more.leave();
        }
    }
}

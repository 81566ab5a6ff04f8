// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of containers: there are no others.
//!
//! Each container has one set of lists a node. Global reclaim walks the containers; a limit
//! reclaims from the lists of one container and those below it.
//!
//! A folio's lists are found by its handle, and the handle may be re-pointed to the parent until
//! the lists are locked: so lock first, then look again. When a container is removed, folios and
//! handles move in one section under both locks, see `container/reparent.rs`.
#![deny(unsafe_code)]

use crate::c::{
    binding::Stable,
    lists,
    memcg::MemCgroup,
    meta_page::MetaPage,
    node::Node, //
};
use kernel::{
    mm::{
        lruvec::{
            Guard,
            Lruvec,
            Mode, //
        },
        numa::NodeId,
    },
    sync::rcu,
    warn_on_once, //
};

/// The lists that `page` is on or goes to. They are its lists until the container is removed: the
/// caller who wants to be sure holds their lock.
pub(crate) fn of<'a, S: Stable>(
    page: &MetaPage<'_, S>,
    nid: NodeId,
    rcu: &'a rcu::Guard,
) -> &'a Lruvec {
    lists::of(memcg_of(page, rcu), nid)
}

/// The container `page` is bound to; the root if none.
fn memcg_of<'a, S: Stable>(page: &MetaPage<'_, S>, rcu: &'a rcu::Guard) -> &'a MemCgroup {
    match page.owner() {
        Some(owner) => owner.memcg(rcu),
        None => MemCgroup::root(),
    }
}

/// Locks the lists of `page` in the way of `M`, such that they are its lists as long as they are
/// locked.
#[inline]
pub(crate) fn lock_for<'a, M: Mode, S: Stable>(
    page: &MetaPage<'_, S>,
    nid: NodeId,
    rcu: &'a rcu::Guard,
) -> Guard<'a, M> {
    loop {
        let guard = of(page, nid, rcu).lock::<M>();
        if core::ptr::eq(guard.lruvec(), of(page, nid, rcu)) {
            return guard;
        }
    }
}

/// Adds `nr` pages to the size of a list in a zone, under its lock.
pub(crate) fn update_zone_size(node: &Node, lru: usize, zid: usize, nr: isize) {
    let size = node.add_zone_lru_size(zid, lru, nr);
    if warn_on_once!(size < 0) {
        // Fewer than none: start again at 0.
        node.add_zone_lru_size(zid, lru, size.wrapping_neg());
    }
}

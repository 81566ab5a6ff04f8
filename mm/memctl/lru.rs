// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of containers: there are no others.
//!
//! Each container has one set of lists a node. Global reclaim walks the containers; a limit
//! reclaims from the lists of one container and those below it.
//!
//! A folio's lists are found by its handle, and the handle may be re-pointed to the parent until
//! the lists are locked: so lock first, then look again. When a container is removed, [`reparent`]
//! moves folios and handles in one section under both locks.
//!
//! Lock order: `cgroup_mutex`, `memctl_objcg_lock`, child's `lru_lock`, parent's `lru_lock`.
#![deny(unsafe_code)]

use crate::{
    memcg::MemCgroup,
    meta_page::{
        MetaPage,
        Stable, //
    },
    node::{
        Node,
        NR_LRU, //
    },
    objcg::HandleLock,
    stats, vm,
};
use kernel::{
    mm::{
        lruvec::Lruvec,
        numa::NodeId, //
    },
    sync::rcu,
    warn_on, //
};

/// The lists that `page` is on or goes to. They are its lists until the container is removed: the
/// caller who wants to be sure holds their lock.
pub(crate) fn of<'a, S: Stable>(
    page: &MetaPage<'_, S>,
    nid: NodeId,
    rcu: &'a rcu::Guard,
) -> &'a Lruvec {
    vm::lruvec(memcg_of(page, rcu), nid)
}

/// The container `page` is bound to; the root if none.
fn memcg_of<'a, S: Stable>(page: &MetaPage<'_, S>, rcu: &'a rcu::Guard) -> &'a MemCgroup {
    match page.owner() {
        Some(owner) => owner.memcg(rcu),
        None => MemCgroup::root(),
    }
}

/// Locks the lists of `page` by `lock`, such that they are its lists as long as they are locked.
/// `unlock` undoes `lock`. Returns the lists and what `lock` returned.
pub(crate) fn lock_for<'a, S: Stable, T>(
    page: &MetaPage<'_, S>,
    nid: NodeId,
    rcu: &'a rcu::Guard,
    lock: impl Fn(&Lruvec) -> T,
    unlock: impl Fn(&Lruvec, T),
) -> (&'a Lruvec, T) {
    loop {
        let lruvec = of(page, nid, rcu);
        let state = lock(lruvec);
        if core::ptr::eq(lruvec, of(page, nid, rcu)) {
            return (lruvec, state);
        }
        unlock(lruvec, state);
    }
}

/// Adds `nr` pages to the size of a list in a zone, under its lock.
pub(crate) fn update_zone_size(node: &Node, lru: usize, zid: usize, nr: isize) {
    let size = node.add_zone_lru_size(zid, lru, nr);
    if warn_on!(size < 0) {
        // Fewer than none: start again at 0.
        node.add_zone_lru_size(zid, lru, size.wrapping_neg());
    }
}

/// Moves all folios of `child`, which goes offline, to `parent`. Under `cgroup_mutex`; may sleep.
pub(crate) fn reparent(child: &MemCgroup, parent: &MemCgroup) {
    for nid in NodeId::possible() {
        while !reparent_node(child, parent, nid) {
            vm::cond_resched();
        }
    }
}

fn reparent_node(child: &MemCgroup, parent: &MemCgroup, nid: NodeId) -> bool {
    let lru_gen = vm::lru_gen_enabled();
    if lru_gen {
        vm::lru_gen_fill(parent, nid);
    }

    let handles = HandleLock::new();
    let lists = vm::lruvec(child, nid).lock_with_parent(vm::lruvec(parent, nid));

    if lru_gen && !vm::lru_gen_is_full(parent, nid) {
        return false;
    }
    vm::splice_lists(child, parent, nid, lru_gen);

    let (from, to) = (child.node(nid), parent.node(nid));
    let moving = stats::Moving::begin();
    for lru in 0..NR_LRU {
        let size = from.lru_size(lru) as isize;
        from.add_lru_size(lru, size.wrapping_neg());
        to.add_lru_size(lru, size);
    }
    drop(moving);

    let owner = from.retire_owner();
    if let Some(owner) = owner {
        to.inherited().adopt(from.inherited(), owner, to, &handles);
    }

    drop(lists);
    drop(handles);
    if let Some(owner) = owner {
        owner.kill();
    }
    true
}

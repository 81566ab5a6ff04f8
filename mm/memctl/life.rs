// SPDX-License-Identifier: GPL-2.0

//! The life of a container, as the cgroup core calls it: alloc, online, offline, released, free.
//!
//! Offline is where a container lets go of everything: its folios, counts and inherited handles
//! move to the parent, its stocks are drained, its id is given up. No folio keeps a removed
//! container alive; it is freed a grace period later, unless a part of the kernel holds a
//! reference, or swap space is recorded as its.
//!
//! All of this but free is under `cgroup_mutex`, and may sleep.
#![deny(unsafe_code)]

use crate::{
    iter,
    lru,
    memcg::{
        MemCgroup,
        Unpublished, //
    },
    objcg::ObjCgroup,
    oom,
    stats,
    stock,
    vm,
    PAGES, //
};
use kernel::{
    prelude::*,
    res_counter::Protection,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// Makes a container below `parent`, or the root.
///
/// # Errors
///
/// `ENOMEM`; `EBUSY` if there are too many containers.
pub(crate) fn alloc(parent: Option<&MemCgroup>) -> Result<Unpublished> {
    let new = MemCgroup::create(parent)?;
    if let Some(parent) = parent {
        let memcg = new.get();
        let swappiness = if parent.is_root() {
            vm::swappiness()
        } else {
            parent.swappiness().load(Relaxed)
        };
        memcg.swappiness().store(swappiness, Relaxed);
        memcg
            .oom_kill_disable()
            .store(parent.oom_kill_disable().load(Relaxed), Relaxed);
    }
    Ok(new)
}

/// Brings `memcg` online: from now on folios are charged to it.
///
/// # Errors
///
/// `ENOMEM`; `memcg` then is as it was, and will be freed.
pub(crate) fn online(memcg: &MemCgroup) -> Result {
    vm::alloc_shrinker_info(memcg).inspect_err(|_| memcg.cancel_id())?;
    publish_owners(memcg).inspect_err(|_| {
        retire_owners(memcg);
        vm::free_shrinker_info(memcg);
        memcg.cancel_id();
    })?;
    vm::lru_gen_online(memcg);
    memcg.publish_id();
    Ok(())
}

fn publish_owners(memcg: &MemCgroup) -> Result {
    for node in memcg.nodes() {
        node.publish_owner(ObjCgroup::new(node)?);
    }
    Ok(())
}

fn retire_owners(memcg: &MemCgroup) {
    for node in memcg.nodes() {
        if let Some(owner) = node.retire_owner() {
            owner.kill();
        }
    }
}

/// Takes `memcg` offline: what it has goes to its parent.
pub(crate) fn offline(memcg: &MemCgroup) {
    let Some(parent) = memcg.parent() else {
        return;
    };

    unprotect(memcg);
    vm::zswap_offline(memcg);
    lru::reparent(memcg, parent);
    vm::offline(memcg);
    stock::drain(memcg);
    let moving = stats::Moving::begin();
    stats::reparent(memcg, parent);
    drop(moving);
    oom::wake_waiters();
    memcg.put_id(1);
}

/// The last reference on `memcg` is gone: nobody may find it any more.
pub(crate) fn released(memcg: &MemCgroup) {
    iter::forget(memcg);
    vm::lru_gen_release(memcg);
}

/// Nobody can come by `memcg` any more: it is about to be freed. Not under `cgroup_mutex`.
pub(crate) fn free(memcg: &MemCgroup) {
    // Who had found it before it went offline may have counted something since.
    if let Some(parent) = memcg.parent() {
        let _rcu = rcu::read_lock();
        stats::reparent(memcg, parent.not_dying());
    }
    // It still has its id if it never came online.
    memcg.cancel_id();
}

/// Nothing of `memcg` is protected any more, and nothing above it for its sake.
fn unprotect(memcg: &MemCgroup) {
    for kind in [Protection::Min, Protection::Low] {
        memcg.memory().set_protection(kind, 0);
    }
}

/// Lets `memcg`, which is disabled but cannot go, have no limits.
pub(crate) fn reset(memcg: &MemCgroup) {
    for counter in [memcg.memory(), memcg.swap()] {
        counter.force_limit(PAGES.unlimited());
    }
    unprotect(memcg);
    for high in [memcg.high(), memcg.swap_high()] {
        high.store(PAGES.unlimited(), Relaxed);
    }
    memcg.oom_group().store(false, Relaxed);
    vm::size_changed(memcg);
}

// SPDX-License-Identifier: GPL-2.0

//! The life of a container, as the cgroup core calls it: alloc, online, offline, released, free.
//!
//! Offline is where a container lets go of everything: its folios, kernel memory, counts and
//! inherited handles move to the parent, its stocks are drained, its id is given up. Neither folios
//! nor objects keep a removed container alive; it is freed a grace period later, unless a part of
//! the kernel holds a reference, or swap space is recorded as its. What is then left of bytes goes
//! to the parent, too.
//!
//! All of this but free is under `cgroup_mutex`, and may sleep.
#![deny(unsafe_code)]

use super::reparent;
use crate::{
    c::{
        create::Unpublished,
        life::{
            Freeing,
            Offlining,
            Released, //
        },
        memcg::MemCgroup,
        task::Current,
        vm, //
    },
    stats::flush,
    tree::iter,
    usage::{
        bytes,
        stock,
        waiters, //
    },
    PAGES,
};
use kernel::{
    cgroup::CssData,
    mm::swap,
    prelude::*,
    res_counter::Protection,
    sync::{
        atomic::Relaxed,
        counted::Counted, //
    },
};

/// Makes a container below `parent`, or the root.
///
/// # Errors
///
/// `ENOMEM`; `EBUSY` if there are too many containers.
pub(crate) fn alloc(parent: Option<&Counted<MemCgroup>>) -> Result<Unpublished<'_>> {
    // What the kernel needs for a container is its parent's.
    let new = match parent {
        Some(parent) => Current::working_for(parent, || MemCgroup::create(Some(parent)))?,
        None => MemCgroup::create(None)?,
    };
    if let Some(parent) = parent {
        new.set_swappiness(match parent.is_root() {
            true => swap::swappiness(),
            false => parent.swappiness().load(Relaxed),
        });
        new.set_oom_kill_disable(parent.oom_kill_disable().load(Relaxed));
    }
    Ok(new)
}

/// Takes a container offline: what it has goes to its parent.
pub(crate) fn offline(offlining: Offlining<'_>) {
    let (memcg, parent) = (offlining.memcg(), offlining.parent());

    memcg.close_listeners();
    unprotect(memcg);
    offlining.tell_zswap();
    offlining.move_list_lrus();
    reparent::folios(&offlining);
    let offlined = offlining.tell_all();
    stock::drain_last(memcg);
    flush::reparent(memcg, parent);
    waiters::wake(memcg);
    offlined.retire_id();
}

/// The last reference on a container is gone: nobody may find it any more.
pub(crate) fn released(released: Released<'_>) {
    iter::forget(&released);
    released.tell_lru_gen();
}

/// Nobody can come by a container any more: it is freed. Not under `cgroup_mutex`.
pub(crate) fn free(freeing: Freeing) {
    let memcg = freeing.memcg();
    if let Some(heir) = memcg.parent().map(MemCgroup::not_dying) {
        bytes::hand_over(memcg, heir);
    }
    flush::retire(&freeing);
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
    memcg.takes_over().store(true, Relaxed);
    #[cfg(CONFIG_ZSWAP)]
    {
        memcg.zswap_max().store(PAGES.unlimited(), Relaxed);
        memcg.zswap_writeback().store(true, Relaxed);
    }
    if let Some(tcp) = memcg.tcp() {
        tcp.force_limit(PAGES.unlimited());
    }
    vm::size_changed(memcg);
}

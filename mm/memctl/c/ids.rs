// SPDX-License-Identifier: GPL-2.0

//! The ids by which swap and shadow entries know containers.
//!
//! An id may outlive the removal of its container: it has users, and with the last one nothing is
//! found by it. Swap entries are such users, and so is the container while it is online. As long as
//! there are users the container is not freed; when it is, the id is free for others.
#![deny(unsafe_code)]

#[cfg(CONFIG_SWAP)]
use super::{
    binding::{
        Frozen,
        Locked, //
    },
    meta_page::MetaPage,
    swap::{
        self,
        FreedEntries, //
    }, //
};
use super::{
    id_count::{
        self,
        table, //
    },
    life::{
        Offlined,
        Onlining, //
    },
    memcg::MemCgroup,
    vm, //
};
#[cfg(CONFIG_SWAP)]
use kernel::cgroup::CssData;
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::Relaxed,
        counted::TryRefCounted,
        rcu, //
    },
};

/// The largest id of a container; swap entries have 16 bits for it.
const ID_MAX: u32 = (1 << bindings::MEM_CGROUP_ID_SHIFT) - 1;

impl MemCgroup {
    /// The id by which swap and shadow entries know it; 0 if it has none any more.
    pub(crate) fn id(&self) -> u32 {
        self.id_word().load(Relaxed) as u32
    }

    /// Reserves an id, by which it is not found yet. May sleep.
    pub(super) fn alloc_id(&self) -> Result {
        let id = table().reserve(ID_MAX)?;
        self.id_word().store(id as i32, Relaxed);
        Ok(())
    }

    /// Gives up an id by which it is not found: nobody has found it, or nobody does any more.
    pub(super) fn cancel_id(&self) {
        let id = self.id();
        // There are users from `publish_id()` until the id is retired.
        if id != 0 && self.id_users() == 0 {
            drop(table().remove(id));
            self.id_word().store(0, Relaxed);
        }
    }

    /// Lets kernel memory be charged to it, and have lists of its own in caches: by the number that
    /// is its id. Who has come by the container under RCU may look for such a list later: so the
    /// number is not free for others before the container is.
    pub(super) fn begin_kmem(&self) {
        if self.is_root() || vm::nokmem() {
            return;
        }
        id_count::kmem_begins();
        self.kmem_id_word().store(self.id() as i32, Relaxed);
    }

    /// The nearest container from here up whose id is still in use, as that of `nr` users more.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn get_id(&self, nr: u32) -> IdUsers<'_> {
        let mut memcg = self;
        while !memcg.add_id_users(nr) {
            // The root's is never given up.
            match memcg.parent() {
                Some(parent) => memcg = parent,
                None => break,
            }
        }
        // INVARIANT: They have just been added.
        IdUsers { memcg, nr }
    }

    /// The container with this id, if it is online or was when something took a hold of the id.
    pub(crate) fn from_id(id: u32, rcu: &rcu::Guard) -> Option<&Self> {
        table().get(id, rcu)
    }
}

impl Onlining<'_> {
    /// Lets the container be found by its id from now on. May sleep.
    pub(super) fn publish_id(self) {
        let memcg = self.memcg();
        // What comes online has a reference of the core's. `IdUsers` gives this one up.
        if let Some(counted) = memcg.try_get() {
            memcg.begin_id();
            drop(table().publish(memcg.id(), counted));
        }
    }
}

impl Offlined<'_> {
    /// The container needs its id no more; swap entries may. Not in interrupts.
    pub(crate) fn retire_id(self) {
        // INVARIANT: It has been the user that `publish_id()` counted.
        drop(IdUsers {
            memcg: self.0,
            nr: 1,
        });
    }
}

/// Users of the id of a container. Dropping them gives them up: with the last one nothing is found
/// by the id. Not in interrupts.
///
/// # Invariants
///
/// `nr` users of the id of `memcg` are ours.
pub(crate) struct IdUsers<'a> {
    memcg: &'a MemCgroup,
    nr: u32,
}

impl<'a> IdUsers<'a> {
    /// Whose id it is.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn memcg(&self) -> &'a MemCgroup {
        self.memcg
    }

    /// Lets the entries of swap space of a folio be these, if it has as many.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn record(self, page: &MetaPage<'_, Locked>) {
        let folio = page.folio();
        if folio.is_in_swapcache() && folio.nr_pages() == self.nr as usize {
            swap::record_owner(page, self.memcg.id());
            core::mem::forget(self);
        }
    }

    /// As [`IdUsers::record`], for a folio that is about to leave the swap cache, whose entries are
    /// in `cluster`.
    #[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
    pub(crate) fn record_in(self, page: &MetaPage<'_, Frozen>, cluster: swap::Cluster<'_>) {
        if page.folio().nr_pages() == self.nr as usize {
            cluster.record_owner(page, self.memcg.id());
            core::mem::forget(self);
        }
    }

    /// The users that `entries` were.
    #[cfg(CONFIG_SWAP)]
    pub(super) fn of_entries(entries: FreedEntries, rcu: &'a rcu::Guard) -> Option<Self> {
        let memcg = MemCgroup::from_id(entries.id(), rcu)?;
        // INVARIANT: As many were recorded, and this is told once.
        Some(Self {
            memcg,
            nr: entries.nr_pages() as u32,
        })
    }
}

impl Drop for IdUsers<'_> {
    fn drop(&mut self) {
        if self.memcg.sub_id_users(self.nr) {
            // The reference of `publish_id()`; RCU or the core keeps the container for `'a`.
            drop(table().retire(self.memcg.id()));
        }
    }
}

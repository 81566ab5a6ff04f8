// SPDX-License-Identifier: GPL-2.0

//! The ids by which swap and shadow entries know containers.
//!
//! An id may outlive the removal of its container: it has users, and with the last one nothing is
//! found by it. Swap entries are such users, and so is the container while it is online. As long as
//! there are users the container is not freed; when it is, the id is free for others.

#[cfg(CONFIG_SWAP)]
use super::{
    binding::{
        Exclusive,
        Locked, //
    },
    meta_page::MetaPage,
    swap, //
};
use super::{
    life::{
        Offlined,
        Onlining, //
    },
    memcg::MemCgroup,
    vm, //
};
use core::ptr::NonNull;
#[cfg(CONFIG_SWAP)]
use kernel::cgroup::CssData;
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        counted::TryRefCounted,
        id_table::IdTable,
        rcu,
    },
};

/// The largest id of a container; swap entries have 16 bits for it.
const ID_MAX: u32 = (1 << bindings::MEM_CGROUP_ID_SHIFT) - 1;

/// All containers by their ids.
fn table() -> &'static IdTable<MemCgroup> {
    // SAFETY: The array is initialized statically, and nobody else uses it.
    unsafe { IdTable::from_raw(&raw mut bindings::memctl_ids) }
}

impl MemCgroup {
    /// The id by which swap and shadow entries know it; 0 if it has none any more.
    pub(crate) fn id(&self) -> u32 {
        // SAFETY: The field is only written by `set_id()`.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id.id) }.load(Relaxed) as u32
    }

    fn set_id(&self, id: u32) {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id.id) }.store(id as i32, Relaxed);
    }

    /// Reserves an id, by which it is not found yet. May sleep.
    pub(super) fn alloc_id(&self) -> Result {
        self.set_id(table().reserve(ID_MAX)?);
        Ok(())
    }

    /// Gives up an id by which it is not found: nobody has found it, or nobody does any more.
    pub(super) fn cancel_id(&self) {
        let id = self.id();
        // SAFETY: The count is that of a container; it is not 0 from `publish_id()` until the id is
        // retired.
        if id != 0 && unsafe { bindings::private_id_users(self.as_raw()) } == 0 {
            table().remove(id);
            self.set_id(0);
        }
    }

    /// Lets kernel memory be charged to it, and have lists of its own in caches: by the number that
    /// is its id. Who has come by the container under RCU may look for such a list later: so the
    /// number is not free for others before the container is.
    pub(super) fn begin_kmem(&self) {
        if self.is_root() || vm::nokmem() {
            return;
        }
        // SAFETY: The field is only accessed atomically, by C too; the caller may sleep.
        unsafe {
            bindings::memctl_kmem_online();
            Atomic::from_ptr(&raw mut (*self.as_raw()).kmemcg_id).store(self.id() as i32, Relaxed);
        }
    }

    /// The nearest container from here up whose id is still in use, as that of `nr` users more.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn get_id(&self, nr: u32) -> IdUsers<'_> {
        let mut memcg = self;
        // SAFETY: The count is that of a container.
        while !unsafe { bindings::private_id_ref_get(memcg.as_raw(), nr) } {
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
        // SAFETY: What comes online has a reference of the core's. `IdUsers` gives this one up
        // after the id is removed from the array; a css is freed after a grace period. Nobody else
        // knows the count of users yet.
        unsafe {
            TryRefCounted::inc_ref(memcg);
            bindings::private_id_ref_set(memcg.as_raw(), 1);
            table().publish(memcg.id(), memcg);
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
    pub(crate) fn record_in(self, page: &MetaPage<'_, Exclusive>, cluster: swap::Cluster<'_>) {
        if page.folio().nr_pages() == self.nr as usize {
            cluster.record_owner(page, self.memcg.id());
            core::mem::forget(self);
        }
    }

    /// The users that `nr` entries of swap space have been, which are free now.
    ///
    /// # Safety
    ///
    /// [`IdUsers::record`] has recorded `id` for them, and nobody else takes them back.
    #[cfg(CONFIG_SWAP)]
    pub(super) unsafe fn of_entries(id: u32, nr: u32, rcu: &'a rcu::Guard) -> Option<Self> {
        let memcg = MemCgroup::from_id(id, rcu)?;
        // INVARIANT: By the requirement of this function.
        Some(Self { memcg, nr })
    }
}

impl Drop for IdUsers<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the users are ours.
        if unsafe { bindings::private_id_ref_put(self.memcg.as_raw(), self.nr) } {
            table().retire(self.memcg.id());
            // SAFETY: The reference of `publish_id()`; RCU or the core keeps the container for
            // `'a`.
            unsafe { MemCgroup::dec_ref(NonNull::from(self.memcg)) };
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The numbers of containers, and how many users each has: `struct mem_cgroup_private_id`.

use super::memcg::MemCgroup;
use kernel::{
    bindings,
    sync::{
        atomic::Atomic,
        id_table::IdTable, //
    },
};

/// All containers by their ids.
pub(super) fn table() -> &'static IdTable<MemCgroup> {
    // SAFETY: The array is initialized statically, and nobody else uses it.
    unsafe { IdTable::from_raw(&raw mut bindings::memctl_ids) }
}

impl MemCgroup {
    /// The id; 0 if it has none.
    pub(super) fn id_word(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id.id) }
    }

    /// The number by which caches have lists for it; -1 if it has none.
    pub(super) fn kmem_id_word(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically, by C too.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).kmemcg_id) }
    }

    /// How many users its id has.
    pub(super) fn id_users(&self) -> u32 {
        // SAFETY: The count is that of a container.
        unsafe { bindings::private_id_users(self.as_raw()) }
    }

    /// Its id has one user. For one that has none.
    pub(super) fn begin_id(&self) {
        // SAFETY: The count is that of a container.
        unsafe { bindings::private_id_ref_set(self.as_raw(), 1) }
    }

    /// Adds `nr` users, unless there are none any more. Says whether it did.
    #[cfg(CONFIG_SWAP)]
    pub(super) fn add_id_users(&self, nr: u32) -> bool {
        // SAFETY: The count is that of a container.
        unsafe { bindings::private_id_ref_get(self.as_raw(), nr) }
    }

    /// Takes `nr` users away. Says whether there are none any more; if there were fewer, warns.
    pub(super) fn sub_id_users(&self, nr: u32) -> bool {
        // SAFETY: The count is that of a container.
        unsafe { bindings::private_id_ref_put(self.as_raw(), nr) }
    }
}

/// The first container that is charged for kernel memory is there. May sleep.
pub(super) fn kmem_begins() {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::memctl_kmem_online() }
}

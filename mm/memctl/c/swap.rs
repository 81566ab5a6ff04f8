// SPDX-License-Identifier: GPL-2.0

//! Swap space, as `mm/swapfile.c` has it.

#[cfg(CONFIG_SWAP)]
use super::{
    binding::{
        Frozen,
        Locked, //
    },
    ids::IdUsers,
    meta_page::MetaPage, //
};
#[cfg(CONFIG_SWAP)]
use core::marker::PhantomData;
#[cfg(CONFIG_SWAP)]
use kernel::bindings;
#[cfg(CONFIG_MEMCTL_DEBUG)]
use kernel::prelude::*;
#[cfg(CONFIG_SWAP)]
use kernel::sync::rcu;

/// Writes down that the swap space of a folio, which is in the swap cache, belongs to the container
/// with this id.
#[cfg(CONFIG_SWAP)]
pub(super) fn record_owner(page: &MetaPage<'_, Locked>, id: u32) {
    // SAFETY: The swap entries of a locked folio stay; ids have 16 bits.
    unsafe { bindings::swap_record_owner(page.folio().as_raw(), id as u16) }
}

/// The cluster that the swap entries of a folio are in, locked.
///
/// # Invariants
///
/// The caller has locked it, and keeps it locked for `'a`.
#[cfg(CONFIG_SWAP)]
pub(crate) struct Cluster<'a>(
    *mut bindings::swap_cluster_info,
    PhantomData<&'a bindings::swap_cluster_info>,
);

#[cfg(CONFIG_SWAP)]
impl Cluster<'_> {
    /// # Safety
    ///
    /// The cluster is locked during `'a`, and the entries of the folio that it goes with are in it.
    pub(crate) unsafe fn new(cluster: *mut bindings::swap_cluster_info) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(cluster, PhantomData)
    }

    /// As [`record_owner`], for a folio that is about to leave the swap cache.
    pub(super) fn record_owner(&self, page: &MetaPage<'_, Frozen>, id: u32) {
        // SAFETY: By the type invariant, and the requirement of `new()`; ids have 16 bits.
        unsafe { bindings::swap_record_owner_locked(self.0, page.folio().as_raw(), id as u16) }
    }
}

/// The swap entries of a folio, which is in the swap cache, are nobody's any more. Returns whose
/// they were.
#[cfg(CONFIG_SWAP)]
pub(crate) fn forget_owner(page: &MetaPage<'_, Locked>) -> FreedEntries {
    let folio = page.folio();
    // SAFETY: The swap entries of a locked folio stay. What was written down is not any more.
    unsafe {
        let id = bindings::swap_forget_owner(folio.as_raw());
        FreedEntries::new(id.into(), folio.nr_pages() as u32)
    }
}

/// Entries of swap space that are free now, or at least nobody's, and the id that had been written
/// down for them.
///
/// # Invariants
///
/// `nr` entries with `id` are free or do not have it any more, which nobody else has taken notice
/// of.
#[cfg(CONFIG_SWAP)]
pub(crate) struct FreedEntries {
    id: u32,
    nr: u32,
}

#[cfg(CONFIG_SWAP)]
impl FreedEntries {
    /// # Safety
    ///
    /// `nr` entries for which `id` was written down are free, or it no longer is, and this is said
    /// once.
    pub(crate) unsafe fn new(id: u32, nr: u32) -> Self {
        // INVARIANT: By the requirement of this function.
        Self { id, nr }
    }

    /// The id that had been written down for them.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// How many there are, in pages.
    pub(crate) fn nr_pages(&self) -> usize {
        self.nr as usize
    }

    /// The users of the id of their container that they were; nothing if they were nobody's.
    pub(crate) fn into_users(self, rcu: &rcu::Guard) -> Option<IdUsers<'_>> {
        IdUsers::of_entries(self, rcu)
    }
}

/// Visits the ids of those whose pages are in swap space, one for each page. May sleep between
/// them.
///
/// # Errors
///
/// `ENOMEM`.
#[cfg(all(CONFIG_SWAP, CONFIG_MEMCTL_DEBUG))]
pub(crate) fn for_each_owner(mut visit: impl FnMut(u32)) -> Result {
    let mut ids = KVec::from_elem(0u16, bindings::SWAPFILE_CLUSTER as usize, GFP_KERNEL)?;
    let (mut device, mut offset) = (0, 0);
    loop {
        // SAFETY: `ids` has room for a cluster.
        let nr =
            unsafe { bindings::swap_cluster_owners(&mut device, &mut offset, ids.as_mut_ptr()) }
                as usize;
        if nr == 0 {
            return Ok(());
        }
        ids.iter()
            .take(nr)
            .filter(|id| **id != 0)
            .for_each(|id| visit((*id).into()));
        kernel::sched::cond_resched();
    }
}

/// As above; without swap there is none.
#[cfg(all(not(CONFIG_SWAP), CONFIG_MEMCTL_DEBUG))]
pub(crate) fn for_each_owner(_visit: impl FnMut(u32)) -> Result {
    Ok(())
}

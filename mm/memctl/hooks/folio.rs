// SPDX-License-Identifier: GPL-2.0

//! Folios are charged, uncharged, replaced, migrated and split: for page cache, page faults, shmem,
//! hugetlb, khugepaged.
//!
//! A new folio is known to nobody but its caller until it is mapped or in the page cache, and
//! nobody has a reference on one that is freed: see `folio_memcg()` in `include/linux/memcontrol.h`
//! for why that makes a binding stable, as the folio's lock does.

use super::seam::Batch;
use crate::{
    account::{
        charge::charge_folio,
        migrate,
        uncharge::Uncharge, //
    },
    c::{
        binding::{
            Exclusive,
            Locked,
            LockedOffLists, //
        },
        gfp::Gfp,
        memcg::MemCgroup,
        meta_page::MetaPage,
        mount,
        task::{
            self,
            Current, //
        },
        vm,
    },
};
use kernel::{
    cgroup::CssData,
    ffi::c_int,
    mm::Mm,
    sync::rcu, //
};

/// The container that a charge on behalf of `mm` goes to.
#[inline]
pub(super) fn charged_memcg<'a>(mm: Option<&Mm>, rcu: &'a rcu::Guard) -> &'a MemCgroup {
    if let Some(mm) = mm {
        return task::of_mm(mm, rcu);
    }
    let current = Current::get();
    match current.active_memcg(rcu) {
        Some(memcg) => memcg,
        None => current.mm_memcg(rcu),
    }
}

kernel::seam! {
    /// # Safety
    ///
    /// The folio is new and the caller's alone, as `mem_cgroup_charge()` wants it.
    fn __mem_cgroup_charge(
        page: MetaPage<'_, Exclusive>,
        mm: Option<&Mm>,
        gfp: Gfp,
    ) -> c_int {
        charge_folio(page, gfp, |rcu| charged_memcg(mm, rcu))
    }

    /// # Safety
    ///
    /// As above, for `alloc_hugetlb_folio()`.
    fn mem_cgroup_charge_hugetlb(
        page: MetaPage<'_, Exclusive>,
        mm: Option<&Mm>,
        gfp: Gfp,
    ) -> c_int {
        if vm::disabled() || !vm::on_v2() || !mount::accounts_hugetlb() {
            return Ok(());
        }
        charge_folio(page, gfp, |rcu| charged_memcg(mm, rcu))
    }

    /// # Safety
    ///
    /// The folio is locked and not bound. It is in the swap cache already, where others may find it
    /// and wait for the lock: `__swap_cache_alloc()` in `mm/swap_state.c`.
    fn mem_cgroup_swapin_charge_folio(
        page: MetaPage<'_, LockedOffLists>,
        id: u16,
        mm: Option<&Mm>,
        gfp: Gfp,
    ) -> c_int {
        if vm::disabled() {
            return Ok(());
        }
        charge_folio(page, gfp, |rcu| {
            // Its id is known from the time it is online.
            match MemCgroup::from_id(id.into(), rcu).filter(|m| !m.css().is_dying()) {
                Some(memcg) => memcg,
                None => charged_memcg(mm, rcu),
            }
        })
    }

    /// # Safety
    ///
    /// The caller has the last reference on the folio, or none is left: `__folio_put()`.
    fn __mem_cgroup_uncharge(page: MetaPage<'_, Exclusive>) {
        Uncharge::new().add(page);
    }

    /// # Safety
    ///
    /// No reference is left on any of the folios: `folios_put_refs()`.
    fn __mem_cgroup_uncharge_folios(folios: Batch<'_>) {
        let mut uncharge = Uncharge::new();
        for page in folios.into_pages() {
            uncharge.add(page);
        }
    }

    /// # Safety
    ///
    /// Both folios are locked, and the new one is on no list yet: `replace_page_cache_folio()` and
    /// `shmem_replace_folio()`.
    fn mem_cgroup_replace_folio(old: MetaPage<'_, Locked>, new: MetaPage<'_, LockedOffLists>) {
        if !vm::disabled() {
            migrate::replace(old, new);
        }
    }

    /// # Safety
    ///
    /// Both folios are locked, and `old` has no references but the caller's:
    /// `folio_migrate_flags()`.
    fn mem_cgroup_migrate(old: MetaPage<'_, LockedOffLists>, new: MetaPage<'_, LockedOffLists>) {
        if !vm::disabled() {
            migrate::migrate(old, new);
        }
    }

    /// # Safety
    ///
    /// The folio is locked and its references are frozen: `__split_unmapped_folio()`.
    fn folio_split_memcg_refs(page: MetaPage<'_, Locked>, old: u32, new: u32) {
        if !vm::disabled() {
            migrate::split(page, old.saturating_sub(new));
        }
    }
}

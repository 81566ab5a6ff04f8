// SPDX-License-Identifier: GPL-2.0

//! Who could have a folio that reclaim takes from a container, and lets it be had: `mm/rmap.c`,
//! `mm/vmscan.c`.

use crate::{
    account::handover,
    c::{
        binding::Locked,
        gfp::Gfp,
        meta_page::MetaPage,
        task,
        vm, //
    },
};
use kernel::{
    ffi::c_int,
    mm::Mm,
    sync::rcu, //
};

kernel::seam! {
    /// # Safety
    ///
    /// The folio is locked, and of a file; the caller keeps `mm`, which maps it:
    /// `folio_referenced()`.
    fn mem_cgroup_taker(page: MetaPage<'_, Locked>, mm: Option<&Mm>) -> c_int {
        let rcu = rcu::read_lock();
        // Who is about to exit has no owner, and needs nothing any more.
        let to = mm.and_then(|mm| task::owner_of_mm(mm, &rcu));
        to.and_then(|to| handover::taker(&page, to, &rcu))
            .unwrap_or(0) as c_int
    }

    /// # Safety
    ///
    /// The folio is locked and not a slab page, and the caller has a reference on it:
    /// `shrink_folio_list()`.
    fn mem_cgroup_hand_over(page: MetaPage<'_, Locked>, taker: c_int, gfp: Gfp) -> bool {
        !vm::disabled() && handover::hand_over(page, taker as u32, gfp)
    }
}

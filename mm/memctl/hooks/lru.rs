// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of folios: `mm/folio.c`, `mm/vmscan.c`, `mm/huge_memory.c`.
//!
//! Who asks for the lists of a folio has taken it off them, or means to because it is about to be
//! freed, or has a reference; see `folio_lruvec()` in `include/linux/memcontrol.h`.

use super::seam::AnyLists;
use crate::{
    account::lru,
    c::{
        binding::Isolated,
        meta_page::MetaPage,
        vm, //
    },
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_long,
        c_ulong, //
    },
    mm::lruvec::{
        Irq,
        IrqSave,
        Lruvec,
        Mode,
        Plain, //
    },
    seam::Out,
    sync::rcu,
};

/// Locks the lists of a folio. The RCU read lock stays held: the caller unlocks both.
#[inline]
fn lock<M: Mode>(page: &MetaPage<'_, Isolated>) -> (*mut lruvec, M::State) {
    let nid = page.folio().nid();
    let rcu = rcu::read_lock();
    let raw = if vm::disabled() {
        Lruvec::of_node(nid).lock::<M>().into_raw()
    } else {
        lru::lock_for::<M, _>(page, nid, &rcu).into_raw()
    };
    core::mem::forget(rcu);
    raw
}

kernel::seam! {
    /// # Safety
    ///
    /// The folio stays, and is no slab: `__folio_freeze_and_split_unmapped()`.
    fn folio_lruvec_lock(page: MetaPage<'_, Isolated>) -> *mut lruvec {
        lock::<Plain>(&page).0
    }

    /// # Safety
    ///
    /// The folio was isolated, is about to be freed or about to be isolated: `mm/vmscan.c` and
    /// `mm/folio.c`.
    fn folio_lruvec_lock_irq(page: MetaPage<'_, Isolated>) -> *mut lruvec {
        lock::<Irq>(&page).0
    }

    /// # Safety
    ///
    /// As above, and `flags` is the caller's own.
    fn folio_lruvec_lock_irqsave(
        page: MetaPage<'_, Isolated>,
        flags: Out<'_, c_ulong>,
    ) -> *mut lruvec {
        let (lruvec, state) = lock::<IrqSave>(&page);
        flags.set(state);
        lruvec
    }

    /// # Safety
    ///
    /// The caller has locked the lists, which are those of a container:
    /// `include/linux/mm_inline.h`.
    fn mem_cgroup_update_lru_size(
        lists: AnyLists<'_>,
        lru: lru_list,
        zid: c_int,
        nr_pages: c_long,
    ) {
        if let Some(node) = lists.node() {
            lru::update_zone_size(node, lru as usize, zid as usize, nr_pages);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: walks over all memory and all swap space.
//!
//! Nothing is locked for the length of a walk: what changes meanwhile may be seen twice or not at
//! all, and is seen as it was at some time in between.

use crate::{
    node::NR_LRU,
    vm, //
};
use core::ptr::null_mut;
use kernel::{
    bindings,
    mm::{
        folio::Folio,
        lruvec::Lruvec, //
    },
    prelude::*,
    sync::rcu, //
};

/// How many pages are looked at before others get a chance to run.
const STRIDE: usize = 4096;

/// Memory does not go away while this is held.
struct Online(());

impl Online {
    fn get() -> Self {
        // SAFETY: FFI call without requirements but to be able to sleep.
        unsafe { bindings::get_online_mems() };
        Self(())
    }
}

impl Drop for Online {
    fn drop(&mut self) {
        // SAFETY: Undoes `get()`.
        unsafe { bindings::put_online_mems() };
    }
}

/// Visits all folios that somebody has a reference on. May sleep between them.
pub(crate) fn folios(mut visit: impl FnMut(&Folio, &rcu::Guard)) {
    let mut pfn = 0;
    loop {
        let online = Online::get();
        // SAFETY: Only changes when memory comes or goes.
        let end = unsafe { (&raw const bindings::max_pfn).read_volatile() };
        if pfn >= end {
            return;
        }
        let stop = end.min(pfn + STRIDE);
        let rcu = rcu::read_lock();
        while pfn < stop {
            pfn += step(pfn, &mut |folio| visit(folio, &rcu));
        }
        drop(rcu);
        drop(online);
        vm::cond_resched();
    }
}

/// Visits the folio that begins at `pfn`, if one does. Returns after how many pages to go on.
fn step(pfn: usize, visit: &mut impl FnMut(&Folio)) -> usize {
    const SUBSECTION: usize = bindings::PAGES_PER_SUBSECTION as usize;

    // SAFETY: Any number will do. The result is a page as long as memory stays online.
    unsafe {
        let page = bindings::pfn_to_online_page(pfn);
        if page.is_null() {
            return SUBSECTION - pfn % SUBSECTION;
        }
        let free = bindings::page_nr_free(page);
        if free != 0 {
            return free;
        }
        let raw = bindings::folio_get_nontail_page(page);
        if raw.is_null() {
            return 1;
        }
        // While there is a reference, a folio is neither freed nor split.
        let folio = Folio::from_raw(raw);
        visit(folio);
        let nr = folio.nr_pages();
        bindings::folio_put(raw);
        nr
    }
}

/// What the statistics count a folio as.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Pages of anonymous memory that are mapped.
    pub(crate) anon: usize,
    /// In the page cache.
    pub(crate) cached: bool,
    /// In the page cache, of tmpfs or shared memory.
    pub(crate) shmem: bool,
    /// With a place in swap space.
    pub(crate) swapcache: bool,
    /// Of hugetlb.
    pub(crate) hugetlb: bool,
}

/// What `folio` is at the moment. The caller holds a reference on it.
pub(crate) fn kind(folio: &Folio) -> Kind {
    let raw = folio.as_raw();
    // SAFETY: `folio` is a folio, and stays one.
    unsafe {
        let hugetlb = bindings::folio_test_hugetlb(raw);
        let anon = !hugetlb && bindings::folio_test_anon(raw);
        let in_file = !hugetlb
            && !anon
            && (&raw const (*raw).__bindgen_anon_1.__bindgen_anon_1.mapping).read_volatile()
                != null_mut();
        let swapcache = !hugetlb && folio.is_in_swapcache();
        Kind {
            anon: if anon {
                bindings::folio_nr_anon_mapped(raw)
            } else {
                0
            },
            cached: in_file,
            shmem: in_file && bindings::folio_test_swapbacked(raw),
            swapcache,
            hugetlb,
        }
    }
}

/// The list of `lruvec` that `folio` is on, if it is on one. The caller holds a reference on it.
pub(crate) fn list(folio: &Folio, lruvec: &Lruvec) -> Option<usize> {
    if !folio.is_lru() {
        return None;
    }
    // SAFETY: `folio` is a folio, and stays one.
    let lru = unsafe { bindings::folio_counted_lru(folio.as_raw(), lruvec.as_raw()) } as usize;
    (lru < NR_LRU).then_some(lru)
}

/// Whether `folio` is in a generation of the multi-gen LRU, and if so, whether as one of a file. The
/// caller holds a reference on it.
#[cfg(CONFIG_LRU_GEN)]
pub(crate) fn in_generation(folio: &Folio) -> Option<bool> {
    // SAFETY: `folio` is a folio, and stays one.
    match unsafe { bindings::folio_gen_type(folio.as_raw()) } {
        -1 => None,
        kind => Some(kind != 0),
    }
}

/// Visits the ids of those whose pages are in swap space, one for each page. May sleep between
/// them.
///
/// # Errors
///
/// `ENOMEM`.
#[cfg(CONFIG_SWAP)]
pub(crate) fn swapped(mut visit: impl FnMut(u32)) -> Result {
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
        vm::cond_resched();
    }
}

/// As above; without swap there is none.
#[cfg(not(CONFIG_SWAP))]
pub(crate) fn swapped(_visit: impl FnMut(u32)) -> Result {
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Walks over all memory of the machine.
//!
//! Nothing is locked for the length of a walk: what changes meanwhile may be seen twice or not at
//! all, and is seen as it was at some time in between. A walk takes time in proportion to the
//! memory there is: this is for debugging.

use super::folio::Folio;
use crate::{
    bindings,
    sched,
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

/// Visits all folios that somebody has a reference on. May sleep between them, but `visit` must
/// not.
///
/// # Examples
///
/// ```
/// let mut pages = 0;
/// kernel::mm::pages::folios(|folio, _rcu| pages += folio.nr_pages());
/// assert!(pages > 0);
/// ```
pub fn folios(mut visit: impl FnMut(&Folio, &rcu::Guard)) {
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
        sched::cond_resched();
    }
}

/// Visits the folio that begins at `pfn`, if one does. Returns after how many pages to go on.
fn step(pfn: usize, visit: &mut impl FnMut(&Folio)) -> usize {
    // SAFETY: Any number will do. The result is a page as long as memory stays online.
    unsafe {
        let page = bindings::pfn_to_online_page(pfn);
        if page.is_null() {
            return bindings::pages_to_next_subsection(pfn);
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

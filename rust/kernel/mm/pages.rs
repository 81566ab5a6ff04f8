// SPDX-License-Identifier: GPL-2.0

//! Walks over all memory of the machine.
//!
//! Nothing is locked for the length of a walk: what changes meanwhile may be seen twice or not at
//! all, and is seen as it was at some time in between. A walk takes time in proportion to the
//! memory there is: this is for debugging.

use super::{
    folio::Folio,
    numa::NodeId, //
};
use crate::{
    bindings,
    sched,
    sync::rcu, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
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

    /// The page `pfn`, if it is there and not free.
    ///
    /// # Errors
    ///
    /// How many pages to pass over, then.
    fn at(&self, pfn: usize) -> Result<Passed<'_>, usize> {
        // SAFETY: Any number will do. The result is a page as long as memory stays online.
        unsafe {
            let page = bindings::pfn_to_online_page(pfn);
            let Some(there) = NonNull::new(page) else {
                return Err(bindings::pages_to_next_subsection(pfn));
            };
            match bindings::page_nr_free(page) {
                // INVARIANT: Memory stays online while `self` is borrowed.
                0 => Ok(Passed(there, PhantomData)),
                free => Err(free),
            }
        }
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
    walk(|page, rcu| {
        // SAFETY: The page is there as long as memory stays online.
        let raw = unsafe { bindings::folio_get_nontail_page(page.as_raw()) };
        if raw.is_null() {
            return 1;
        }
        // SAFETY: While there is a reference, a folio is neither freed nor split.
        let folio = unsafe { Folio::from_raw(raw) };
        visit(folio, rcu);
        let nr = folio.nr_pages();
        // SAFETY: Gives back the reference.
        unsafe { bindings::folio_put(raw) };
        nr
    });
}

/// A page that a walk passes, and nobody keeps: it may be freed or become something else at any
/// time. What it says was so a moment ago, or is not even that if it was changed meanwhile.
///
/// # Invariants
///
/// The pointer is that of a page of memory that stays online during `'a`.
pub struct Passed<'a>(NonNull<bindings::page>, PhantomData<&'a Online>);

impl Passed<'_> {
    /// A page that somebody has come across who does not keep it, either.
    ///
    /// # Safety
    ///
    /// `page` points at a page, of memory that is not taken away during the lifetime.
    pub unsafe fn from_raw(page: NonNull<bindings::page>) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(page, PhantomData)
    }

    /// The pointer C knows it by.
    pub fn as_raw(&self) -> *mut bindings::page {
        self.0.as_ptr()
    }

    /// The word that belongs to the memory controller; 0 behind the first one of pages that were
    /// allocated as one.
    pub fn memcg_word(&self) -> usize {
        // SAFETY: By the type invariant.
        unsafe { bindings::page_memcg_word(self.as_raw()) }
    }

    /// The node that it is on.
    pub fn nid(&self) -> NodeId {
        // SAFETY: By the type invariant; memory is on nodes that may exist.
        unsafe { NodeId::new_unchecked(bindings::page_nid(self.as_raw())) }
    }

    /// How many pages were allocated as one with this one, which is the first; 1 if they are no
    /// compound page.
    pub fn nr_pages(&self) -> usize {
        // SAFETY: By the type invariant.
        unsafe { bindings::page_nr_compound(self.as_raw()) }
    }

    /// Whether it is a page table.
    pub fn is_page_table(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::page_is_table(self.as_raw()) }
    }

    /// Whether it is an allocation of `kmalloc()` that is too large for a cache.
    pub fn is_large_kmalloc(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::page_is_large_kmalloc(self.as_raw()) }
    }
}

/// Visits all pages that are not free, be there a reference on them or not; of those that were
/// allocated as one, the first. May sleep between them, but `visit` must not.
///
/// # Examples
///
/// ```
/// let mut tables = 0;
/// kernel::mm::pages::passed(|page, _rcu| tables += usize::from(page.is_page_table()));
/// ```
pub fn passed(mut visit: impl FnMut(&Passed<'_>, &rcu::Guard)) {
    walk(|page, rcu| {
        visit(page, rcu);
        page.nr_pages()
    });
}

/// Calls `visit` for pages that are not free. It says after how many to go on.
fn walk(mut visit: impl FnMut(&Passed<'_>, &rcu::Guard) -> usize) {
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
            pfn += match online.at(pfn) {
                Ok(page) => visit(&page, &rcu),
                Err(nr) => nr,
            };
        }
        drop(rcu);
        drop(online);
        sched::cond_resched();
    }
}

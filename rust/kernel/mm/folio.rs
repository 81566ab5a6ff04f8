// SPDX-License-Identifier: GPL-2.0

//! Folios: the pages that are managed as one.
//!
//! C header: [`include/linux/mm_types.h`](srctree/include/linux/mm_types.h)

use super::numa::NodeId;
use crate::{bindings, sync::atomic::Atomic, types::Opaque};

/// A folio.
///
/// A reference says that its `struct folio` does not go away or become something else, not that it
/// is locked or that its contents may be looked at.
#[repr(transparent)]
pub struct Folio(Opaque<bindings::folio>);

impl Folio {
    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at a folio, which stays one during `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::folio) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::folio {
        self.0.get()
    }

    /// How many pages it has.
    #[inline]
    pub fn nr_pages(&self) -> usize {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_nr_pages(self.as_raw()) }
    }

    /// The node its memory is on.
    #[inline]
    pub fn nid(&self) -> NodeId {
        // SAFETY: `self` is a folio, and memory is on nodes that may exist.
        unsafe { NodeId::new_unchecked(bindings::folio_nid(self.as_raw())) }
    }

    /// The node its memory is on, as C knows it.
    #[inline]
    pub fn pgdat(&self) -> *mut bindings::pglist_data {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_pgdat(self.as_raw()) }
    }

    /// Whether it is on an LRU list.
    pub fn is_lru(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_lru(self.as_raw()) }
    }

    /// Whether it has a place in swap space.
    pub fn is_in_swapcache(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_swapcache(self.as_raw()) }
    }

    /// Takes it off the queue of huge folios to be split, if it is there. Says whether it was.
    pub fn unqueue_deferred_split(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_unqueue_deferred_split(self.as_raw()) }
    }

    /// The word that belongs to the memory controller. What it means is the controller's business.
    #[inline]
    pub fn memcg_data(&self) -> &Atomic<usize> {
        // SAFETY: The field is part of every folio, and changes of it are word-sized.
        unsafe {
            let raw = self.as_raw();
            Atomic::from_ptr(&raw mut (*raw).__bindgen_anon_1.__bindgen_anon_1.memcg_data)
        }
    }
}

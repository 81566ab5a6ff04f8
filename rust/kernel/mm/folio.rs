// SPDX-License-Identifier: GPL-2.0

//! Folios: the pages that are managed as one.
//!
//! C header: [`include/linux/mm_types.h`](srctree/include/linux/mm_types.h)

use super::{
    lruvec::Lruvec,
    numa::NodeId, //
};
#[cfg(CONFIG_MEMCG)]
use crate::sync::atomic::{
    Atomic,
    Relaxed, //
};
use crate::{
    bindings,
    types::Opaque, //
};

/// A folio.
///
/// A reference says that its `struct folio` does not go away or become something else, not that it
/// is locked or that its contents may be looked at.
///
/// # Examples
///
/// ```
/// use kernel::{mm::folio::Folio, page::PAGE_SIZE};
///
/// /// Bytes of `folio`, as those who count pages on lists want to know.
/// fn bytes_on_list(folio: &Folio) -> usize {
///     if folio.is_lru() {
///         folio.nr_pages() * PAGE_SIZE
///     } else {
///         0
///     }
/// }
/// ```
#[repr(transparent)]
pub struct Folio(Opaque<bindings::folio>);

impl Folio {
    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at a folio, which stays one during `'a`.
    #[inline]
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

    /// How many references there are on it right now.
    pub fn nr_refs(&self) -> i32 {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_ref_count(self.as_raw()) }
    }

    /// Whether it is locked right now, be it by whom it may.
    pub fn is_locked(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_locked(self.as_raw()) }
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

    /// Whether its pages are anonymous memory. The folio is not one of hugetlb.
    pub fn is_anon(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_anon(self.as_raw()) }
    }

    /// Whether it belongs to hugetlb.
    pub fn is_hugetlb(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_hugetlb(self.as_raw()) }
    }

    /// Whether what is in it can only go to swap space: it is anonymous, or of tmpfs.
    pub fn is_swapbacked(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_swapbacked(self.as_raw()) }
    }

    /// Whether it is large enough to be mapped by one entry of a page middle directory.
    pub fn is_pmd_mappable(&self) -> bool {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_test_pmd_mappable(self.as_raw()) }
    }

    /// Whether it is mapped by a file or by anonymous memory, at the moment.
    pub fn has_mapping(&self) -> bool {
        // SAFETY: The field is part of every folio, and a word.
        unsafe {
            let mapping = &raw const (*self.as_raw()).__bindgen_anon_1.__bindgen_anon_1.mapping;
            !mapping.read_volatile().is_null()
        }
    }

    /// How many of its pages are mapped, as the statistics of anonymous memory count them. The
    /// folio is anonymous.
    pub fn nr_anon_mapped(&self) -> usize {
        // SAFETY: `self` is a folio.
        unsafe { bindings::folio_nr_anon_mapped(self.as_raw()) }
    }

    /// The list of `lruvec` that it counts as being on, as an index; nothing if it is on none.
    pub fn list(&self, lruvec: &Lruvec) -> Option<usize> {
        if !self.is_lru() {
            return None;
        }
        // SAFETY: `self` is a folio, `lruvec` initialized.
        let lru = unsafe { bindings::folio_counted_lru(self.as_raw(), lruvec.as_raw()) };
        (lru < bindings::lru_list_NR_LRU_LISTS).then_some(lru as usize)
    }

    /// Whether it is in a generation of the multi-gen LRU, and if so, whether as one of a file.
    #[cfg(CONFIG_LRU_GEN)]
    pub fn in_generation(&self) -> Option<bool> {
        // SAFETY: `self` is a folio.
        match unsafe { bindings::folio_gen_type(self.as_raw()) } {
            -1 => None,
            kind => Some(kind != 0),
        }
    }

    /// Takes it off the queue of huge folios to be split, if it is there. Says whether it was.
    ///
    /// # Safety
    ///
    /// Nobody else has a reference on it, or gets one, and it is bound to the memory cgroup that it
    /// was bound to when it was queued.
    pub unsafe fn unqueue_deferred_split(&self) -> bool {
        // SAFETY: `self` is a folio; the rest is required.
        unsafe { bindings::folio_unqueue_deferred_split(self.as_raw()) }
    }

    /// The word that belongs to the memory controller, as it is at the moment. What it means is the
    /// controller's business.
    #[cfg(CONFIG_MEMCG)]
    #[inline]
    pub fn memcg_word(&self) -> usize {
        self.memcg_data().load(Relaxed)
    }

    /// Sets the word that belongs to the memory controller.
    ///
    /// # Safety
    ///
    /// The caller is the memory controller, and knows that nobody else sets the word meanwhile;
    /// what it means is true from now on. See `folio_memcg()` in `include/linux/memcontrol.h`.
    #[cfg(CONFIG_MEMCG)]
    #[inline]
    pub unsafe fn set_memcg_word(&self, word: usize) {
        self.memcg_data().store(word, Relaxed);
    }

    #[cfg(CONFIG_MEMCG)]
    #[inline]
    fn memcg_data(&self) -> &Atomic<usize> {
        // SAFETY: The field is part of every folio, and changes of it are word-sized.
        unsafe {
            let raw = self.as_raw();
            Atomic::from_ptr(&raw mut (*raw).__bindgen_anon_1.__bindgen_anon_1.memcg_data)
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What the word of a folio says, or of pages of the kernel's own, and the reasons why it stays as
//! it is. These are rules of the kernel, see `folio_memcg()` in `include/linux/memcontrol.h`.
#![deny(unsafe_code)]

use super::objcg::ObjCgroup;
use core::ptr::NonNull;
use kernel::{
    bindings,
    mm::folio::Folio, //
};

/// What the word of a folio says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(pub(super) usize);

impl Word {
    /// Bound to nobody.
    pub(crate) const NONE: Self = Self(0);

    const KMEM: usize = bindings::page_memcg_data_flags_MEMCG_DATA_KMEM as usize;
    const OBJEXTS: usize = bindings::page_memcg_data_flags_MEMCG_DATA_OBJEXTS as usize;
    const TAGS: usize = (bindings::objext_flags___NR_OBJEXTS_FLAGS - 1) as usize;

    #[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
    pub(crate) const fn new(word: usize) -> Self {
        Self(word)
    }

    /// Bound to the handle at `owner`, for user pages and page cache.
    pub(crate) fn owned(owner: *const ObjCgroup) -> Self {
        Self(owner as usize)
    }

    /// Bound to the handle at `owner`, for pages of the kernel's own.
    pub(crate) fn kernel(owner: *const ObjCgroup) -> Self {
        Self(owner as usize | Self::KMEM)
    }

    /// Whether it is that of pages of the kernel's own.
    #[inline]
    pub(crate) fn is_kernel(self) -> bool {
        self.0 & (Self::KMEM | Self::OBJEXTS) == Self::KMEM
    }

    /// Where the handle is, if the word is that of a folio: slab pages use it for another thing.
    pub(crate) fn owner(self) -> Option<NonNull<ObjCgroup>> {
        if self.0 & Self::OBJEXTS != 0 {
            return None;
        }
        NonNull::new((self.0 & !Self::TAGS) as *mut ObjCgroup)
    }
}

// The tags must fit below the alignment of a handle.
kernel::static_assert!(align_of::<bindings::obj_cgroup>() > Word::TAGS);

/// The reasons are those below, and no others: what they are good for is relied on.
mod sealed {
    use super::Folio;

    pub(crate) trait Reason {
        /// Whether it is true of `folio`, as far as that can be seen of it.
        fn seems_true(folio: &Folio) -> bool;
    }
    pub(crate) trait ReasonToRebind {}
}

/// A reason why the binding of a folio does not change, or at least not to another handle while the
/// one that has been seen is used.
pub(crate) trait Stable: sealed::Reason {}
impl<R: sealed::Reason> Stable for R {}

/// Nobody else has the folio: it is new, or on its way to be freed.
pub(crate) struct Exclusive;
impl sealed::Reason for Exclusive {
    fn seems_true(folio: &Folio) -> bool {
        !folio.is_lru() && !folio.is_in_swapcache()
    }
}
impl sealed::ReasonToRebind for Exclusive {}

/// The folio is locked.
pub(crate) struct Locked;
impl sealed::Reason for Locked {
    fn seems_true(folio: &Folio) -> bool {
        folio.is_locked()
    }
}

/// The folio was taken off the LRU lists, or is on none since nobody has a reference on it.
pub(crate) struct Isolated;
impl sealed::Reason for Isolated {
    fn seems_true(folio: &Folio) -> bool {
        !folio.is_lru() || folio.nr_refs() == 0
    }
}

/// There is a reference on the folio, or a mapping, which is one, or it is locked: it may be bound
/// meanwhile if it is not, but what it is bound to is not unbound before the last reference has
/// gone, or nobody but the one who moves it has one. Or the caller has it alone: it was allocated
/// for the kernel, whose pages need no reference, or is one of hugetlb that is about to be freed.
pub(crate) struct Referenced;
impl sealed::Reason for Referenced {
    fn seems_true(folio: &Folio) -> bool {
        let word = Word(folio.memcg_word());
        let kept = folio.nr_refs() > 0 || folio.is_locked();
        kept || word == Word::NONE || word.is_kernel() || folio.is_hugetlb()
    }
}

/// The folio is locked, and on no LRU list: new in the page cache or in the swap cache, isolated to
/// be migrated.
pub(crate) struct LockedOffLists;
impl sealed::Reason for LockedOffLists {
    fn seems_true(folio: &Folio) -> bool {
        folio.is_locked() && !folio.is_lru()
    }
}
impl sealed::ReasonToRebind for LockedOffLists {}

/// The folio is locked, on no LRU list, and its references are frozen: nobody else has one, or gets
/// one.
pub(crate) struct Frozen;
impl sealed::Reason for Frozen {
    fn seems_true(folio: &Folio) -> bool {
        folio.is_locked() && !folio.is_lru() && folio.nr_refs() == 0
    }
}
impl sealed::ReasonToRebind for Frozen {}

/// Reasons that are good enough to change the binding.
pub(crate) trait Rebindable: Stable + sealed::ReasonToRebind {}
impl<R: sealed::Reason + sealed::ReasonToRebind> Rebindable for R {}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/meta_page.rs"]
mod tests;

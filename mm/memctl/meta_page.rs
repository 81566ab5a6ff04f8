// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`MetaPage`], which container a folio is charged to.
//!
//! The `meta_page` of 2007 was a structure of its own for every page: its place on an LRU list, the
//! page, the container, a reference count. Here all four are in the folio: `lru` is `folio->lru`,
//! `page` is the folio, `ref_cnt` is the folio's, and the container is one tagged word,
//! `folio->memcg_data`. A `MetaPage` is a view of that word and takes no memory.
//!
//! There is no flag that locks it. Whoever looks at the binding or changes it has a reason why
//! nobody else changes it meanwhile, and names the reason by a type: [`Exclusive`] or [`Locked`].
//! These are rules of the kernel, see `folio_memcg()` in `include/linux/memcontrol.h`.

use crate::objcg::ObjCgroup;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
#[cfg(CONFIG_MEMCTL_DEBUG)]
use kernel::sync::rcu;
use kernel::{
    bindings,
    mm::folio::Folio,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    },
};

/// What the word of a folio says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(pub(crate) usize);

impl Word {
    /// Bound to nobody.
    pub(crate) const NONE: Self = Self(0);

    const OBJEXTS: usize = bindings::page_memcg_data_flags_MEMCG_DATA_OBJEXTS as usize;
    const TAGS: usize = (bindings::objext_flags___NR_OBJEXTS_FLAGS - 1) as usize;

    /// Bound to the handle at `owner`, for user pages and page cache.
    pub(crate) fn owned(owner: *const ObjCgroup) -> Self {
        Self(owner as usize)
    }

    /// Where the handle is, if the word is that of a folio: slab pages use it for another thing.
    pub(crate) fn owner(self) -> Option<NonNull<ObjCgroup>> {
        if self.0 & Self::OBJEXTS != 0 {
            return None;
        }
        NonNull::new((self.0 & !Self::TAGS) as *mut ObjCgroup)
    }
}

/// The handle that `folio` is bound to at the moment. It may be bound to another one meanwhile, but
/// the handle stays as long as RCU lets it.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn bound_to<'a>(folio: &Folio, _rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
    let owner = Word(folio.memcg_data().load(Relaxed)).owner()?;
    // SAFETY: Handles are freed after an RCU grace period. The load carries the dependency.
    Some(unsafe { &*owner.as_ptr() })
}

// The tags must fit below the alignment of a handle.
kernel::static_assert!(align_of::<bindings::obj_cgroup>() > Word::TAGS);

/// A reason why the binding of a folio does not change.
pub(crate) trait Stable {}

/// Nobody else has the folio: it is new, or on its way to be freed.
pub(crate) struct Exclusive;
impl Stable for Exclusive {}

/// The folio is locked.
pub(crate) struct Locked;
impl Stable for Locked {}

/// The binding of a folio to a container, while it is stable because of `S`.
///
/// # Invariants
///
/// Nobody else changes the word of the folio.
pub(crate) struct MetaPage<'a, S: Stable> {
    folio: &'a Folio,
    _reason: PhantomData<S>,
}

impl<'a, S: Stable> MetaPage<'a, S> {
    /// Views the binding of `folio`.
    ///
    /// # Safety
    ///
    /// `S` is true of `folio` during `'a`, and it is no slab page.
    #[inline]
    pub(crate) unsafe fn new(folio: &'a Folio) -> Self {
        // INVARIANT: By the requirement of this function.
        Self {
            folio,
            _reason: PhantomData,
        }
    }

    /// The folio.
    #[inline]
    pub(crate) fn folio(&self) -> &'a Folio {
        self.folio
    }

    #[inline]
    fn word(&self) -> Word {
        Word(self.folio.memcg_data().load(Relaxed))
    }

    /// The handle that it is bound to.
    #[inline]
    pub(crate) fn owner(&self) -> Option<&ObjCgroup> {
        // SAFETY: The folio holds a reference on its handle until it is unbound, which by the type
        // invariant nobody else does.
        self.word().owner().map(|owner| unsafe { &*owner.as_ptr() })
    }

    /// Whether it is bound to anyone.
    #[inline]
    pub(crate) fn is_bound(&self) -> bool {
        self.word() != Word::NONE
    }

    /// Binds it to `owner`. It must not be bound.
    #[inline]
    pub(crate) fn bind(&self, owner: ARef<ObjCgroup>) {
        // The folio keeps the reference.
        let owner = ARef::into_raw(owner);
        self.folio
            .memcg_data()
            .store(Word::owned(owner.as_ptr()).0, Relaxed);
    }

    /// Unbinds it. The reference of the folio on its handle comes back.
    #[inline]
    pub(crate) fn unbind(&self) -> Option<ARef<ObjCgroup>> {
        let owner = self.word().owner()?;
        self.folio.memcg_data().store(Word::NONE.0, Relaxed);
        // SAFETY: The folio had a reference, and has forgotten it.
        Some(unsafe { ARef::from_raw(owner) })
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "tests/meta_page.rs"]
mod tests;

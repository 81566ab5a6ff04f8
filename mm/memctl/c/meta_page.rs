// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`MetaPage`], which container a folio is charged to.
//!
//! The `meta_page` of 2007 was a structure of its own for every page: its place on an LRU list, the
//! page, the container, a reference count. Here all four are in the folio: `lru` is `folio->lru`,
//! `page` is the folio, `ref_cnt` is the folio's, and the container is one tagged word,
//! `folio->memcg_data`. A `MetaPage` is a view of that word and takes no memory.
//!
//! There is no flag that locks it. Whoever looks at the binding or changes it has a reason why
//! nobody else changes it meanwhile, and names the reason by a type: see `binding.rs`. Who has no
//! reason only gets a look, by [`bound_to`].
//!
//! Pages that the kernel has allocated for itself have the same word, with a tag: [`KernelPages`].

use super::{
    binding::{
        Exclusive,
        Rebindable,
        Stable,
        Word, //
    },
    objcg::{
        ObjCgroup,
        Owner, //
    },
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    mm::{
        folio::Folio,
        pages::Passed, //
    },
    sync::{
        aref::ARef,
        counted::Counted,
        rcu, //
    },
    warn_on_once, //
};

/// The handle that `folio` is bound to at the moment. It may be bound to another one meanwhile, but
/// the handle stays as long as RCU lets it.
pub(crate) fn bound_to<'a>(folio: &Folio, _rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
    let owner = Word(folio.memcg_word()).owner()?;
    // SAFETY: Handles are freed after an RCU grace period. The load carries the dependency.
    Some(unsafe { &*owner.as_ptr() })
}

/// The handle that a page which nobody keeps was bound to a moment ago.
pub(crate) fn was_bound_to<'a>(page: &Passed<'_>, _rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
    let owner = Word(page.memcg_word()).owner()?;
    // SAFETY: As above, and what a page of memory has there is a word of ours, whatever it is.
    Some(unsafe { &*owner.as_ptr() })
}

/// Whether `folio` is what the kernel has allocated for itself at the moment, or of user space.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn is_kernel(folio: &Folio) -> bool {
    Word(folio.memcg_word()).is_kernel()
}

/// The binding of a folio to a container, while it is stable because of `S`.
///
/// # Invariants
///
/// `S` is true of the folio, so that nobody else changes its word; it is no slab page.
pub(crate) struct MetaPage<'a, S: Stable> {
    folio: &'a Folio,
    _reason: PhantomData<S>,
}

impl<'a, S: Stable> MetaPage<'a, S> {
    /// Views the binding of `folio`.
    ///
    /// # Safety
    ///
    /// `S` is true of `folio` during `'a`, and it is no slab page. A reason that is good enough to
    /// change the binding is the only such view there is.
    #[inline]
    pub(crate) unsafe fn new(folio: &'a Folio) -> Self {
        // INVARIANT: By the requirement of this function.
        Self {
            folio,
            _reason: PhantomData,
        }
    }

    /// It, after a look at whether `S` seems to be true of it, in kernels that check themselves
    /// (`CONFIG_DEBUG_VM`): who claims what is not so is told the first time.
    #[inline]
    pub(crate) fn checked(self) -> Self {
        if cfg!(CONFIG_DEBUG_VM) {
            warn_on_once!(!S::seems_true(self.folio));
        }
        self
    }

    /// The folio.
    #[inline]
    pub(crate) fn folio(&self) -> &'a Folio {
        self.folio
    }

    #[inline]
    fn word(&self) -> Word {
        Word(self.folio.memcg_word())
    }

    /// The handle that it is bound to.
    #[inline]
    pub(crate) fn owner(&self) -> Option<&Counted<ObjCgroup>> {
        let owner = self.word().owner()?;
        // SAFETY: The folio holds a reference on its handle until it is unbound, which by the type
        // invariant nobody else does; and we do not while `self` is borrowed.
        Some(unsafe { Counted::new(&*owner.as_ptr()) })
    }

    /// Whether it is bound as pages of the kernel's own.
    #[inline]
    pub(crate) fn is_kernel(&self) -> bool {
        self.word().is_kernel()
    }

    /// Whether it is bound to anyone.
    #[inline]
    pub(crate) fn is_bound(&self) -> bool {
        self.word() != Word::NONE
    }
}

/// Pages that somebody has allocated for the kernel, of which nobody else knows: 2^order of them,
/// one behind the other.
pub(crate) struct KernelPages<'a> {
    pub(super) first: MetaPage<'a, Exclusive>,
    pub(super) order: u32,
}

impl<'a> KernelPages<'a> {
    /// # Safety
    ///
    /// At `first` there are as many pages, of one node, which nobody else uses during `'a`, and
    /// they are no slab pages. If they are not one folio each has a word of its own.
    pub(crate) unsafe fn new(first: *mut bindings::page, order: u32) -> Self {
        // SAFETY: By the requirement of this function; a page has the word of a folio, and what
        // says on which node it is.
        let first = unsafe { MetaPage::new(Folio::from_raw(first.cast())) };
        Self { first, order }
    }

    /// All but the first one, each with a word of its own.
    pub(super) fn rest(&self) -> impl Iterator<Item = MetaPage<'a, Exclusive>> + use<'a> {
        let first = self.first.folio.as_raw().cast::<bindings::page>();
        // SAFETY: By the requirement of `new()`.
        (1..1 << self.order).map(move |i| unsafe {
            let page = first.add(i);
            MetaPage::new(Folio::from_raw(page.cast()))
        })
    }
}

impl<S: Rebindable> MetaPage<'_, S> {
    /// Takes it off the queue of huge folios to be split, if it is there. Says whether it was.
    pub(crate) fn unqueue_deferred_split(&self) -> bool {
        // SAFETY: By the type invariant nobody else has a reference on it, or it is new or was
        // isolated to be migrated: then it is in no queue. It is bound to whom it was, as nobody
        // else binds it, and who unbinds it here has it taken off before.
        unsafe { self.folio().unqueue_deferred_split() }
    }

    /// Binds it to `owner`. If it is bound, the reference on the handle it was bound to is lost.
    #[inline]
    pub(crate) fn bind(&mut self, owner: Owner) {
        self.bind_as(owner, Word::owned);
    }

    /// As [`MetaPage::bind`], as pages of the kernel's own.
    #[inline]
    pub(super) fn bind_as_kernel(&mut self, owner: Owner) {
        self.bind_as(owner, Word::kernel);
    }

    #[inline]
    fn bind_as(&mut self, owner: Owner, word: fn(*const ObjCgroup) -> Word) {
        // The folio keeps the reference.
        let owner = ARef::into_raw(owner);
        // SAFETY: By the type invariant nobody else sets it; the handle has a reference for it.
        unsafe { self.folio.set_memcg_word(word(owner.as_ptr().cast()).0) }
    }

    /// Unbinds it. The reference of the folio on its handle comes back.
    #[inline]
    pub(crate) fn unbind(&mut self) -> Option<Owner> {
        self.unbind_kind().map(|(owner, _)| owner)
    }

    /// As [`MetaPage::unbind`]; says whether it was bound as pages of the kernel's own, too.
    #[inline]
    pub(crate) fn unbind_kind(&mut self) -> Option<(Owner, bool)> {
        let word = self.word();
        let owner = word.owner()?;
        // SAFETY: By the type invariant nobody else sets it.
        unsafe { self.folio.set_memcg_word(Word::NONE.0) };
        // SAFETY: The folio had a reference, and has forgotten it.
        Some((unsafe { ARef::from_raw(owner.cast()) }, word.is_kernel()))
    }
}

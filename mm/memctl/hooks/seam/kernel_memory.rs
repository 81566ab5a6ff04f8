// SPDX-License-Identifier: GPL-2.0

//! What C hands over that the kernel has allocated: pages, and objects of slab caches.

use crate::c::{
    meta_page::KernelPages,
    slab::{
        Allocated,
        Cache,
        FreedObjects,
        ListLru,
        NewObjects, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    ffi::c_void,
    seam::{
        Arg,
        ArgType, //
    },
};

/// The first of pages that the kernel has allocated.
pub(in crate::hooks) struct FirstPage<'a>(*mut bindings::page, PhantomData<&'a bindings::page>);

/// Where pointers at objects of a slab cache are.
pub(in crate::hooks) struct ObjectsOf<'a>(*mut *mut c_void, PhantomData<&'a *mut c_void>);

/// A slab of objects.
pub(in crate::hooks) struct Slab<'a>(*mut bindings::slab, PhantomData<&'a bindings::slab>);

/// A list of objects that can be reclaimed, if there is one.
pub(in crate::hooks) struct MayList<'a>(pub(in crate::hooks) Option<ListLru<'a>>);

args! {
    "At the page there are as many as `pages()` is told, of which the caller of the hook says more."
    FirstPage<'a> = *mut bindings::page, |raw| FirstPage(raw, PhantomData);
    "The cache stays."
    Cache<'a> = *mut bindings::kmem_cache, |raw| Cache::new(raw);
    "There are as many objects as its methods are told, of which the caller of the hook says more."
    ObjectsOf<'a> = *mut *mut c_void, |raw| ObjectsOf(raw, PhantomData);
    "The slab stays."
    Slab<'a> = *mut bindings::slab, |raw| Slab(raw, PhantomData);
    "The list stays, if it is not null."
    MayList<'a> = *mut bindings::list_lru,
        |raw| MayList(NonNull::new(raw).map(|list| ListLru::new(list)));
    "It is in memory of the linear map that is not freed."
    Allocated<'a> = *mut c_void, |raw| Allocated::new(raw);
}

impl<'a> FirstPage<'a> {
    /// The pages, of which there are 2^`order`.
    pub(in crate::hooks) fn pages(self, order: u32) -> KernelPages<'a> {
        // SAFETY: By the claim.
        unsafe { KernelPages::new(self.0, order) }
    }
}

impl<'a> ObjectsOf<'a> {
    /// Those that were just allocated, of which there are `nr`; none if the only one is null.
    #[inline]
    pub(in crate::hooks) fn new_ones(self, cache: Cache<'a>, nr: usize) -> NewObjects<'a> {
        // SAFETY: By the claim.
        unsafe { NewObjects::new(cache, core::slice::from_raw_parts(self.0, nr)) }
    }

    /// Those that are about to be freed, of which there are `nr` in `slab` with `vector`.
    #[inline]
    pub(in crate::hooks) fn freed_ones(
        self,
        cache: Cache<'a>,
        slab: Slab<'a>,
        nr: usize,
        vector: usize,
    ) -> FreedObjects<'a> {
        // SAFETY: By the claim.
        unsafe {
            let objects = core::slice::from_raw_parts(self.0, nr);
            FreedObjects::new(cache, slab.0, objects, vector)
        }
    }
}

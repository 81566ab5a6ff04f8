// SPDX-License-Identifier: GPL-2.0

//! Objects of slab caches, and who owns each: `mm/slab.h`.
//!
//! A slab whose cache may have accounted objects has a vector, with a handle for each object or
//! nothing. Who has an object alone, because it is new or about to be freed, changes its owner;
//! who keeps it reads.

use super::{
    gfp::Gfp,
    memcg::MemCgroup,
    objcg::{
        ObjCgroup,
        Owner, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::{
        to_result,
        Result, //
    },
    ffi::c_void,
    mm::{
        folio::Folio,
        numa::NodeId, //
    },
    sync::{
        aref::ARef,
        counted::Counted,
        rcu, //
    },
};

/// How many bytes the place of an owner takes.
pub(super) const PLACE: usize = size_of::<*mut bindings::obj_cgroup>();

/// A cache of objects.
///
/// # Invariants
///
/// The pointer is that of a cache which lives for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Cache<'a>(
    NonNull<bindings::kmem_cache>,
    PhantomData<&'a Counted<ObjCgroup>>,
);

impl Cache<'_> {
    /// # Safety
    ///
    /// At `cache` there is a cache, which stays during `'a`.
    #[inline]
    pub(crate) unsafe fn new(cache: *mut bindings::kmem_cache) -> Self {
        // INVARIANT: By the requirement of this function.
        // SAFETY: As above.
        Self(unsafe { NonNull::new_unchecked(cache) }, PhantomData)
    }

    /// That of `slab`.
    ///
    /// # Safety
    ///
    /// There is an object in the slab that is not freed during the lifetime of what is returned.
    #[inline]
    unsafe fn of(slab: *mut bindings::slab) -> Self {
        // SAFETY: By the requirement of this function: a slab with objects has a cache.
        unsafe { Self::new(bindings::memctl_slab_cache(slab)) }
    }

    /// How many bytes an object takes, with the place of its owner.
    #[inline]
    pub(crate) fn object_size(&self) -> usize {
        // SAFETY: By the type invariant; the size is constant.
        let size = unsafe { (*self.0.as_ptr()).size };
        size as usize + PLACE
    }

    /// Whether its objects are counted as reclaimable.
    #[inline]
    pub(crate) fn is_reclaimable(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::memctl_cache_is_reclaimable(self.0.as_ptr()) }
    }
}

/// Objects that have just been allocated together.
pub(crate) enum NewObjects<'a> {
    /// There was no memory for one.
    None,
    One(NewObject<'a>),
    Several(SeveralNew<'a>),
}

impl<'a> NewObjects<'a> {
    /// # Safety
    ///
    /// The objects are those of `cache` and were just allocated; nobody else uses them during `'a`,
    /// and this is the only `NewObjects` of them. They have no owners. Or the only one is null.
    #[inline]
    pub(crate) unsafe fn new(cache: Cache<'a>, objects: &'a [*mut c_void]) -> Self {
        // INVARIANT: By the requirement of this function.
        match *objects {
            [object] => match NonNull::new(object) {
                Some(object) => Self::One(NewObject { cache, object }),
                None => Self::None,
            },
            _ => Self::Several(SeveralNew(objects)),
        }
    }
}

/// Several that have just been allocated together, or none. They fit into two registers.
///
/// # Invariants
///
/// Nobody else uses them during `'a`, and they have no owners; none is null.
pub(crate) struct SeveralNew<'a>(&'a [*mut c_void]);

impl<'a> Iterator for SeveralNew<'a> {
    type Item = NewObject<'a>;

    #[inline]
    fn next(&mut self) -> Option<NewObject<'a>> {
        let (&object, rest) = self.0.split_first()?;
        self.0 = rest;
        // SAFETY: By the type invariant it is in a slab, whose cache stays as long as it does.
        let cache = unsafe { Cache::of(slab_of(object)) };
        // INVARIANT: It is not one of those any more.
        NonNull::new(object).map(|object| NewObject { cache, object })
    }
}

/// The slab of an object.
///
/// # Safety
///
/// It is an object of a slab.
#[inline]
unsafe fn slab_of(object: *const c_void) -> *mut bindings::slab {
    // SAFETY: By the requirement of this function.
    unsafe { bindings::memctl_slab_of_object(object) }
}

/// An object that has just been allocated, of a cache that may have accounted objects.
///
/// # Invariants
///
/// It is one of `cache`; nobody else knows it, and it has no owner.
pub(crate) struct NewObject<'a> {
    cache: Cache<'a>,
    object: NonNull<c_void>,
}

impl<'a> NewObject<'a> {
    /// Its cache.
    #[inline]
    pub(crate) fn cache(&self) -> Cache<'a> {
        self.cache
    }

    #[inline]
    fn slab(&self) -> *mut bindings::slab {
        // SAFETY: By the type invariant.
        unsafe { slab_of(self.object.as_ptr()) }
    }

    /// With the place of its owner.
    ///
    /// # Errors
    ///
    /// The object, if there is none.
    #[inline]
    pub(crate) fn placed(self) -> Result<Placed<'a>, Self> {
        let (cache, slab) = (self.cache.0.as_ptr(), self.slab());
        // SAFETY: By the type invariant.
        let vector = unsafe { bindings::memctl_slab_exts(slab) };
        if vector == 0 {
            return Err(self);
        }
        // SAFETY: By the type invariant, and it is the vector of the slab.
        let place =
            unsafe { bindings::memctl_slab_place(cache, slab, vector, self.object.as_ptr()) };
        // INVARIANT: It was just found.
        Ok(Placed {
            object: self,
            slab,
            vector,
            place,
        })
    }

    /// Makes a place for its owner if there is none, with those of all objects of the slab. Sleeps
    /// if `gfp` lets it.
    pub(crate) fn make_place(&self, gfp: Gfp, slab_flags: u32) {
        let (cache, slab) = (self.cache.0.as_ptr(), self.slab());
        // SAFETY: By the type invariants. Whether it worked is seen by who looks for the place.
        unsafe {
            if bindings::memctl_slab_exts(slab) == 0
                && !bindings::memctl_is_kfence(self.object.as_ptr())
            {
                bindings::alloc_slab_obj_exts(slab, cache, gfp.0, slab_flags);
            }
        }
    }
}

/// A new object, and where its owner will be.
///
/// # Invariants
///
/// It is in `slab`, which has `vector`, in which `place` is that of the object.
pub(crate) struct Placed<'a> {
    object: NewObject<'a>,
    slab: *mut bindings::slab,
    vector: usize,
    place: *mut c_void,
}

impl<'a> Placed<'a> {
    /// The object alone.
    #[inline]
    pub(crate) fn into_object(self) -> NewObject<'a> {
        self.object
    }

    /// The node that it is on.
    #[inline]
    pub(crate) fn nid(&self) -> NodeId {
        // SAFETY: By the type invariant; memory is on nodes that may exist.
        unsafe { NodeId::new_unchecked(bindings::memctl_slab_nid(self.slab)) }
    }

    /// Lets `owner` be its owner.
    #[inline]
    pub(crate) fn own(self, owner: Owner) {
        // SAFETY: By the type invariants; the object keeps the reference.
        unsafe {
            let owner = ARef::into_raw(owner).as_ptr().cast();
            bindings::memctl_slab_set_owner(self.slab, self.vector, self.place, owner);
        }
    }
}

/// An object that is about to be freed.
///
/// # Invariants
///
/// It is one of `cache` in `slab`, which has `vector`; nobody else uses it during `'a`, and its
/// owner has not been taken off by a `FreedObject` of it. This is where vectors may be looked at.
pub(crate) struct FreedObject<'a> {
    cache: Cache<'a>,
    slab: *mut bindings::slab,
    vector: usize,
    object: *mut c_void,
}

impl<'a> FreedObject<'a> {
    /// Its cache.
    #[inline]
    pub(crate) fn cache(&self) -> Cache<'a> {
        self.cache
    }

    /// Takes its owner off, if it has one.
    #[inline]
    pub(crate) fn into_owner(self) -> Option<Owner> {
        let (cache, slab) = (self.cache.0.as_ptr(), self.slab);
        // SAFETY: By the type invariant. The reference of the object comes back.
        unsafe {
            let owner = bindings::memctl_slab_take_owner(cache, slab, self.vector, self.object);
            NonNull::new(owner).map(|owner| ARef::from_raw(owner.cast()))
        }
    }
}

/// Objects that are about to be freed.
pub(crate) enum FreedObjects<'a> {
    One(FreedObject<'a>),
    Several(SeveralFreed<'a>),
}

impl<'a> FreedObjects<'a> {
    /// # Safety
    ///
    /// The objects are those of `cache` in `slab`, and `vector` is the vector of that; nobody else
    /// uses them during `'a`, and this is the only `FreedObjects` of them. The caller is where
    /// vectors may be looked at.
    #[inline]
    pub(crate) unsafe fn new(
        cache: Cache<'a>,
        slab: *mut bindings::slab,
        objects: &'a [*mut c_void],
        vector: usize,
    ) -> Self {
        // INVARIANT: By the requirement of this function.
        match *objects {
            [object] => Self::One(FreedObject {
                cache,
                slab,
                vector,
                object,
            }),
            _ => Self::Several(SeveralFreed(objects)),
        }
    }
}

/// Several that are about to be freed, or none. They fit into two registers.
///
/// # Invariants
///
/// Each is as a [`FreedObject`].
pub(crate) struct SeveralFreed<'a>(&'a [*mut c_void]);

impl<'a> Iterator for SeveralFreed<'a> {
    type Item = FreedObject<'a>;

    #[inline]
    fn next(&mut self) -> Option<FreedObject<'a>> {
        let (&object, rest) = self.0.split_first()?;
        self.0 = rest;
        // SAFETY: By the type invariant it is in a slab that has a vector, and whose cache stays as
        // long as it does.
        let (cache, slab, vector) = unsafe {
            let slab = slab_of(object);
            (Cache::of(slab), slab, bindings::memctl_slab_exts(slab))
        };
        // INVARIANT: By the type invariant; it is not one of those any more.
        Some(FreedObject {
            cache,
            slab,
            vector,
            object,
        })
    }
}

/// What the kernel has allocated somewhere: an object of a slab cache, or pages.
///
/// # Invariants
///
/// It is not freed during `'a`.
pub(crate) struct Allocated<'a>(*const c_void, PhantomData<&'a c_void>);

impl<'a> Allocated<'a> {
    /// # Safety
    ///
    /// `object` is in memory of the linear map that is not freed during `'a`.
    pub(crate) unsafe fn new(object: *const c_void) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(object, PhantomData)
    }

    /// The node that it is on.
    pub(crate) fn nid(&self) -> NodeId {
        // SAFETY: By the type invariant there is a page, which is in a folio.
        unsafe { NodeId::new_unchecked(bindings::folio_nid(bindings::virt_to_folio(self.0))) }
    }

    /// The handle of its owner, if it has one: the object keeps a reference on it.
    pub(crate) fn owner(&self, rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
        // SAFETY: By the type invariant. What is in a slab is an object of its cache, whose vector
        // is freed with the slab; handles are freed after a grace period.
        unsafe {
            let slab = bindings::memctl_slab_of(self.0);
            if slab.is_null() {
                let folio = Folio::from_raw(bindings::virt_to_folio(self.0));
                return super::meta_page::bound_to(folio, rcu);
            }
            let vector = bindings::memctl_slab_exts(slab);
            if vector == 0 || !bindings::memctl_slab_has_owners(slab) {
                return None;
            }
            bindings::memctl_slab_owner(slab, vector, self.0)
                .cast::<ObjCgroup>()
                .as_ref()
        }
    }
}

/// A list of objects that can be reclaimed, of which each container may have its own:
/// `include/linux/list_lru.h`.
///
/// # Invariants
///
/// The list stays during `'a`.
#[derive(Clone, Copy)]
pub(crate) struct ListLru<'a>(NonNull<bindings::list_lru>, PhantomData<&'a c_void>);

impl ListLru<'_> {
    /// # Safety
    ///
    /// The list stays during `'a`.
    pub(crate) unsafe fn new(list: NonNull<bindings::list_lru>) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(list, PhantomData)
    }

    fn as_raw(&self) -> *mut bindings::list_lru {
        self.0.as_ptr()
    }

    /// Whether there is a list for objects of `memcg`.
    pub(crate) fn is_there_for(&self, memcg: &MemCgroup) -> bool {
        // SAFETY: The list stays, and the container does.
        unsafe { bindings::memctl_has_list(memcg.as_raw(), self.as_raw()) }
    }

    /// Makes lists for objects of `memcg`, and of all above it. Sleeps if `gfp` lets it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn make_for(&self, memcg: &Counted<MemCgroup>, gfp: Gfp) -> Result {
        // SAFETY: The list stays, and the container is counted.
        to_result(unsafe { bindings::memcg_list_lru_alloc(memcg.as_raw(), self.as_raw(), gfp.0) })
    }
}

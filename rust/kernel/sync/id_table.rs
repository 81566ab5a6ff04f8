// SPDX-License-Identifier: GPL-2.0

//! Small ids of objects that RCU frees.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::rcu;
use crate::{
    bindings,
    error::{
        to_result,
        Result, //
    },
    types::Opaque,
};
use core::{
    marker::PhantomData,
    ptr::null_mut, //
};

/// A table of objects by their ids, over an xarray of C that allocates (`DEFINE_XARRAY_ALLOC1()`).
///
/// # Examples
///
/// ```
/// use kernel::sync::{id_table::IdTable, rcu};
///
/// struct Lamp;
///
/// fn is_lit(lamps: &IdTable<Lamp>, id: u32) -> bool {
///     lamps.get(id, &rcu::read_lock()).is_some()
/// }
///
/// fn new_id(lamps: &IdTable<Lamp>) -> Result<u32> {
///     lamps.reserve(u16::MAX.into())
/// }
/// ```
///
/// # Invariants
///
/// The array is initialized; what is in it is null or a `T` that is not freed before a grace period
/// after it has been removed.
#[repr(transparent)]
pub struct IdTable<T> {
    array: Opaque<bindings::xarray>,
    _holds: PhantomData<T>,
}

// SAFETY: The array has a lock of its own.
unsafe impl<T: Sync> Sync for IdTable<T> {}

impl<T> IdTable<T> {
    /// Wraps an array that C has defined.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized, allocating array that lives for `'a`, and that is used as a
    /// table of `T` alone.
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::xarray) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    fn locked<R>(&self, work: impl FnOnce(*mut bindings::xarray) -> R) -> R {
        let array = self.array.get();
        // SAFETY: By the type invariant the array is initialized.
        unsafe { bindings::xa_lock(array) };
        let result = work(array);
        // SAFETY: It was locked just now.
        unsafe { bindings::xa_unlock(array) };
        result
    }

    /// Reserves an id from 1 to `max`, by which nothing is found yet. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EBUSY` if none is free.
    pub fn reserve(&self, max: u32) -> Result<u32> {
        let mut id = 0;
        let limit = bindings::xa_limit { max, min: 1 };
        // SAFETY: The array is locked; it holds nothing for the id.
        to_result(self.locked(|array| unsafe {
            bindings::__xa_alloc(array, &mut id, null_mut(), limit, bindings::GFP_KERNEL)
        }))?;
        Ok(id)
    }

    /// Lets `this` be found by `id`, which is reserved: so this needs no memory.
    ///
    /// # Safety
    ///
    /// `this` is not freed before a grace period after `id` is removed.
    pub unsafe fn publish(&self, id: u32, this: &T) {
        let entry = core::ptr::from_ref(this).cast_mut().cast();
        // SAFETY: The array is locked, and by the requirement of this function its invariant holds.
        self.locked(|array| unsafe {
            bindings::__xa_store(array, id as usize, entry, bindings::GFP_KERNEL);
        });
    }

    /// Nothing is found by `id` any more, which stays reserved.
    pub fn retire(&self, id: u32) {
        // SAFETY: The array is locked; where there was something, nothing needs no memory.
        self.locked(|array| unsafe {
            bindings::__xa_store(array, id as usize, null_mut(), bindings::GFP_NOWAIT);
        });
    }

    /// Nothing is found by `id` any more, which is free for others.
    pub fn remove(&self, id: u32) {
        // SAFETY: The array is locked.
        self.locked(|array| unsafe {
            bindings::__xa_erase(array, id as usize);
        });
    }

    /// What has this id.
    #[inline]
    pub fn get<'a>(&self, id: u32, _rcu: &'a rcu::Guard) -> Option<&'a T> {
        // SAFETY: By the type invariant.
        unsafe {
            bindings::xa_load(self.array.get(), id as usize)
                .cast::<T>()
                .as_ref()
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Small ids of objects that RCU frees.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    aref::ARef,
    counted::{
        Counted,
        FreedByRcu, //
    },
    rcu, //
};
use crate::{
    bindings,
    error::{
        to_result,
        Result, //
    },
    ffi::c_void,
    types::Opaque,
};
use core::{
    marker::PhantomData,
    ptr::{
        null_mut,
        NonNull, //
    },
};

/// A table of objects by their ids, over an xarray of C that allocates (`DEFINE_XARRAY_ALLOC1()`).
/// It has a reference on each.
///
/// # Examples
///
/// ```
/// use kernel::sync::{
///     aref::ARef,
///     counted::{Counted, FreedByRcu},
///     id_table::IdTable,
///     rcu, //
/// };
///
/// fn is_lit<Lamp: FreedByRcu + 'static>(lamps: &IdTable<Lamp>, id: u32) -> bool {
///     lamps.get(id, &rcu::read_lock()).is_some()
/// }
///
/// fn light<Lamp: FreedByRcu + 'static>(
///     lamps: &IdTable<Lamp>,
///     lamp: ARef<Counted<Lamp>>, //
/// ) -> Result<u32> {
///     let id = lamps.reserve(u16::MAX.into())?;
///     drop(lamps.publish(id, lamp));
///     Ok(id)
/// }
///
/// fn put_out<Lamp: FreedByRcu + 'static>(lamps: &IdTable<Lamp>, id: u32) {
///     drop(lamps.remove(id));
/// }
/// ```
///
/// # Invariants
///
/// The array is initialized; what is in it is null or a `T` on which it has a reference.
#[repr(transparent)]
pub struct IdTable<T> {
    array: Opaque<bindings::xarray>,
    _holds: PhantomData<T>,
}

// SAFETY: The array has a lock of its own; what is in it goes from thread to thread.
unsafe impl<T: Send + Sync> Sync for IdTable<T> {}

impl<T: FreedByRcu + 'static> IdTable<T> {
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

    /// The reference of the table on `entry`, which was in it; nothing if it was nothing, or says
    /// why that could not be looked up.
    fn taken(entry: *mut c_void) -> Option<ARef<Counted<T>>> {
        // SAFETY: It looks at the pointer alone.
        if unsafe { bindings::xa_err(entry) } != 0 {
            return None;
        }
        // SAFETY: By the type invariant, and it is not there any more.
        NonNull::new(entry.cast()).map(|this| unsafe { ARef::from_raw(this) })
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

    /// Lets `this` be found by `id`, which is reserved: so this needs no memory. Returns what is
    /// found by it no more; `this` itself, if it was not reserved and there is no memory.
    #[must_use = "a reference comes back"]
    pub fn publish(&self, id: u32, this: ARef<Counted<T>>) -> Option<ARef<Counted<T>>> {
        // The array keeps the lowest two bits for itself.
        const { assert!(align_of::<T>() >= 4) };
        let this = ARef::into_raw(this);
        // INVARIANT: The reference is handed over.
        // SAFETY: The array is locked.
        let old = self.locked(|array| unsafe {
            let entry = this.as_ptr().cast();
            bindings::__xa_store(array, id as usize, entry, bindings::GFP_NOWAIT)
        });
        // SAFETY: It looks at the pointer alone.
        if unsafe { bindings::xa_err(old) } != 0 {
            // SAFETY: It is not in the table.
            return Some(unsafe { ARef::from_raw(this) });
        }
        Self::taken(old)
    }

    /// Nothing is found by `id` any more, which stays reserved. Returns what was.
    #[must_use = "a reference comes back"]
    pub fn retire(&self, id: u32) -> Option<ARef<Counted<T>>> {
        // SAFETY: The array is locked; where there was something, nothing needs no memory.
        Self::taken(self.locked(|array| unsafe {
            bindings::__xa_store(array, id as usize, null_mut(), bindings::GFP_NOWAIT)
        }))
    }

    /// Nothing is found by `id` any more, which is free for others. Returns what was.
    #[must_use = "a reference comes back"]
    pub fn remove(&self, id: u32) -> Option<ARef<Counted<T>>> {
        // SAFETY: The array is locked.
        Self::taken(self.locked(|array| unsafe { bindings::__xa_erase(array, id as usize) }))
    }

    /// What has this id.
    #[inline]
    pub fn get<'a>(&self, id: u32, _rcu: &'a rcu::Guard) -> Option<&'a T> {
        // SAFETY: By the type invariant there was a reference on it under RCU, and by the
        // requirement of `FreedByRcu`.
        unsafe {
            bindings::xa_load(self.array.get(), id as usize)
                .cast::<T>()
                .as_ref()
        }
    }
}

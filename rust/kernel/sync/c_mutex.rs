// SPDX-License-Identifier: GPL-2.0

//! Mutexes that C has defined, and that guard what is C's.
//!
//! C header: [`include/linux/mutex.h`](srctree/include/linux/mutex.h)

use crate::{
    bindings,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A mutex, `struct mutex`.
///
/// # Examples
///
/// ```
/// use kernel::sync::c_mutex::CMutex;
///
/// fn alone<T>(mutex: &CMutex, work: impl FnOnce() -> T) -> Option<T> {
///     let _guard = mutex.lock_killable()?;
///     Some(work())
/// }
/// ```
///
/// # Invariants
///
/// The mutex is initialized.
#[repr(transparent)]
pub struct CMutex(Opaque<bindings::mutex>);

// SAFETY: That is what a mutex is for.
unsafe impl Sync for CMutex {}

impl CMutex {
    /// Wraps a mutex that C has defined.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized mutex that lives for `'a`.
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::mutex) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Waits for the lock. May sleep.
    pub fn lock(&self) -> Guard<'_> {
        // SAFETY: By the type invariant.
        unsafe { bindings::mutex_lock(self.0.get()) };
        // INVARIANT: It has just been locked.
        Guard(self, NotThreadSafe)
    }

    /// Waits for the lock, unless this task is killed meanwhile. May sleep.
    pub fn lock_killable(&self) -> Option<Guard<'_>> {
        // SAFETY: By the type invariant.
        let locked = unsafe { bindings::mutex_lock_unless_killed(self.0.get()) };
        // INVARIANT: It has just been locked.
        locked.then(|| Guard(self, NotThreadSafe))
    }
}

/// A locked mutex.
///
/// # Invariants
///
/// It is held by this task.
pub struct Guard<'a>(&'a CMutex, NotThreadSafe);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::mutex_unlock(self.0 .0.get()) }
    }
}

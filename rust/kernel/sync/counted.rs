// SPDX-License-Identifier: GPL-2.0

//! Objects that may be looked at by who has no reference on them.
//!
//! An object that RCU frees may be *seen* after its last reference has gone: a `&'a T` that was
//! found under RCU says that its memory stays for `'a`, and no more. To take a reference on what
//! is merely seen could raise it from the dead; so [`ARef::from()`] must not be had from it. *Seen*
//! and *counted* are two types here: `T` is seen, [`Counted<T>`] has a reference for as long as it
//! is borrowed, and only [`TryRefCounted::try_get()`] leads from one to the other.

use super::aref::{
    ARef,
    AlwaysRefCounted, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// An object with a count of references that may be 0 while it is looked at.
///
/// # Safety
///
/// An object on which somebody has a reference is not freed. The count of a shared object may be
/// changed by any thread.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use kernel::sync::{
///     aref::ARef,
///     atomic::{Atomic, Relaxed},
///     counted::{Counted, Many, TryRefCounted},
/// };
///
/// /// A lamp that stays in place for ever, and burns as long as somebody wants light.
/// struct Lamp(Atomic<i32>);
///
/// // SAFETY: A lamp is never freed, and its count is atomic.
/// unsafe impl TryRefCounted for Lamp {
///     fn try_inc_ref(&self) -> bool {
///         let mut old = self.0.load(Relaxed);
///         while old != 0 {
///             match self.0.cmpxchg(old, old + 1, Relaxed) {
///                 Ok(_) => return true,
///                 Err(now) => old = now,
///             }
///         }
///         false
///     }
///
///     unsafe fn inc_ref(&self) {
///         self.0.add(1, Relaxed);
///     }
///
///     unsafe fn dec_ref(this: NonNull<Self>) {
///         // SAFETY: A lamp is never freed.
///         unsafe { this.as_ref() }.0.fetch_sub(1, Relaxed);
///     }
/// }
///
/// static LAMP: Lamp = Lamp(Atomic::new(1));
///
/// let light: ARef<Counted<Lamp>> = LAMP.try_get().ok_or(ENOENT)?;
/// let more = light.clone();
/// assert_eq!(LAMP.0.load(Relaxed), 3);
/// drop((light, more));
///
/// // Several are given back at once.
/// let mut many = Many::new(LAMP.try_get().ok_or(ENOENT)?);
/// assert!(many.add(LAMP.try_get().ok_or(ENOENT)?).is_ok());
/// assert_eq!(LAMP.0.load(Relaxed), 3);
/// drop(many);
/// assert_eq!(LAMP.0.load(Relaxed), 1);
///
/// // The last one puts it out; then it is seen, but not to be had.
/// // SAFETY: The reference that the lamp was made with.
/// unsafe { Lamp::dec_ref(NonNull::from(&LAMP)) };
/// assert!(LAMP.try_get().is_none());
/// # Ok::<(), Error>(())
/// ```
///
/// `ARef::from(&LAMP)` does not compile.
pub unsafe trait TryRefCounted: Sized {
    /// Takes a reference, unless the last one is gone. Says whether it did. Any context.
    fn try_inc_ref(&self) -> bool;

    /// Takes a reference.
    ///
    /// # Safety
    ///
    /// Somebody has a reference meanwhile.
    unsafe fn inc_ref(&self);

    /// Gives a reference back.
    ///
    /// # Safety
    ///
    /// The caller owns a reference, and uses `this` no more.
    unsafe fn dec_ref(this: NonNull<Self>);

    /// Takes `nr` references.
    ///
    /// # Safety
    ///
    /// Somebody has a reference meanwhile.
    unsafe fn inc_refs(&self, nr: usize) {
        for _ in 0..nr {
            // SAFETY: By the requirement of this function.
            unsafe { self.inc_ref() };
        }
    }

    /// Gives `nr` references back.
    ///
    /// # Safety
    ///
    /// The caller owns them, and uses `this` no more.
    #[inline]
    unsafe fn dec_refs(this: NonNull<Self>, nr: usize) {
        for _ in 0..nr {
            // SAFETY: By the requirement of this function.
            unsafe { Self::dec_ref(this) };
        }
    }

    /// A reference, unless the last one is gone.
    #[inline]
    fn try_get(&self) -> Option<ARef<Counted<Self>>> {
        if !self.try_inc_ref() {
            return None;
        }
        // SAFETY: The reference that was just taken is handed over; the layout is transparent.
        Some(unsafe { ARef::from_raw(NonNull::from(self).cast()) })
    }
}

/// An object that stays a while when its last reference has gone: who has come by it under RCU may
/// look at it as long as RCU lets it.
///
/// # Safety
///
/// It is not freed before a grace period after its last reference has gone.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use kernel::sync::counted::{FreedByRcu, TryRefCounted};
///
/// /// There is one, which is never freed.
/// struct Sun;
///
/// // SAFETY: It needs no count.
/// unsafe impl TryRefCounted for Sun {
///     fn try_inc_ref(&self) -> bool {
///         true
///     }
///     unsafe fn inc_ref(&self) {}
///     unsafe fn dec_ref(_this: NonNull<Self>) {}
/// }
///
/// // SAFETY: It is never freed.
/// unsafe impl FreedByRcu for Sun {}
/// ```
pub unsafe trait FreedByRcu: TryRefCounted {}

/// An object on which somebody has a reference for as long as this is borrowed.
///
/// # Invariants
///
/// The count is not 0 while a `&Counted` exists.
#[repr(transparent)]
pub struct Counted<T: TryRefCounted>(T);

impl<T: TryRefCounted> Counted<T> {
    /// An object of which the caller knows that it is counted.
    ///
    /// # Safety
    ///
    /// Somebody has a reference on `seen` during `'a`, and gives it up only after that.
    #[inline]
    pub unsafe fn new(seen: &T) -> &Self {
        // SAFETY: The layout is transparent.
        // INVARIANT: By the requirement of this function.
        unsafe { &*core::ptr::from_ref(seen).cast() }
    }
}

impl<T: TryRefCounted> Deref for Counted<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

// SAFETY: By the type invariant there is a reference whenever another one is taken, and by the
// requirements of `TryRefCounted` the object stays as long as there is one.
unsafe impl<T: TryRefCounted> AlwaysRefCounted for Counted<T> {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: By the type invariant.
        unsafe { self.0.inc_ref() }
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the requirement of this function; the layout is transparent.
        unsafe { T::dec_ref(obj.cast()) }
    }
}

/// Several references on one object, given back at once.
///
/// # Invariants
///
/// `nr` references on `this` are ours, at least one.
pub struct Many<T: TryRefCounted> {
    this: NonNull<T>,
    nr: usize,
}

impl<T: TryRefCounted> Many<T> {
    /// Begins with one.
    #[inline]
    pub fn new(first: ARef<Counted<T>>) -> Self {
        // INVARIANT: The reference is handed over.
        Self {
            this: ARef::into_raw(first).cast(),
            nr: 1,
        }
    }

    /// Takes `nr` references on `this`, at least one.
    pub fn get(this: &Counted<T>, nr: u32) -> Option<Self> {
        if nr == 0 {
            return None;
        }
        // Not so many that a count of words could wrap in anybody's time.
        let nr = nr as usize;
        // SAFETY: By the type invariant there is one.
        unsafe { this.inc_refs(nr) };
        // INVARIANT: They have just been taken.
        Some(Self {
            this: NonNull::from(&**this),
            nr,
        })
    }

    /// Takes a reference more, or gives it back if it is one on another object.
    #[inline]
    pub fn add(&mut self, more: ARef<Counted<T>>) -> Result<(), ARef<Counted<T>>> {
        if !core::ptr::eq(&**more, self.this.as_ptr()) {
            return Err(more);
        }
        // INVARIANT: The reference is handed over.
        let _ = ARef::into_raw(more);
        self.nr += 1;
        Ok(())
    }

    /// Leaves the references to others, who know of them.
    pub fn leave(self) {
        core::mem::forget(self);
    }
}

impl<T: TryRefCounted> Deref for Many<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant.
        unsafe { self.this.as_ref() }
    }
}

impl<T: TryRefCounted> Drop for Many<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the references are ours.
        unsafe { T::dec_refs(self.this, self.nr) }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of one container on one node.
//!
//! C header: [`include/linux/mmzone.h`](srctree/include/linux/mmzone.h)

use crate::{
    bindings,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A set of LRU lists and their lock, `struct lruvec`.
#[repr(transparent)]
pub struct Lruvec(Opaque<bindings::lruvec>);

impl Lruvec {
    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized lruvec that lives for `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::lruvec) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::lruvec {
        self.0.get()
    }

    /// How many pages the multi-gen LRU counts in all its generations: anonymous ones, or those of
    /// files. Can be momentarily wrong while they change.
    #[cfg(CONFIG_LRU_GEN)]
    pub fn gen_pages(&self, files: bool) -> isize {
        // SAFETY: `self` is an initialized lruvec.
        unsafe { bindings::lruvec_gen_pages(self.as_raw(), files.into()) }
    }

    /// Locks the lists. Who calls this unlocks, be it in C.
    #[inline]
    pub fn lock(&self) {
        // SAFETY: `self` is an initialized lruvec.
        unsafe { bindings::lruvec_spin_lock(self.as_raw()) }
    }

    /// Undoes [`Lruvec::lock`].
    ///
    /// # Safety
    ///
    /// The lists are locked by the caller.
    #[inline]
    pub unsafe fn unlock(&self) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock(self.as_raw()) }
    }

    /// Locks the lists and disables interrupts, which were enabled.
    #[inline]
    pub fn lock_irq(&self) {
        // SAFETY: `self` is an initialized lruvec.
        unsafe { bindings::lruvec_spin_lock_irq(self.as_raw()) }
    }

    /// Undoes [`Lruvec::lock_irq`].
    ///
    /// # Safety
    ///
    /// The lists are locked by the caller.
    #[inline]
    pub unsafe fn unlock_irq(&self) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock_irq(self.as_raw()) }
    }

    /// Locks the lists and disables interrupts. Returns what [`Lruvec::unlock_irqrestore`] takes.
    #[inline]
    pub fn lock_irqsave(&self) -> usize {
        // SAFETY: `self` is an initialized lruvec.
        unsafe { bindings::lruvec_spin_lock_irqsave(self.as_raw()) }
    }

    /// Undoes [`Lruvec::lock_irqsave`].
    ///
    /// # Safety
    ///
    /// The lists are locked by the caller, and `flags` are those it got.
    #[inline]
    pub unsafe fn unlock_irqrestore(&self, flags: usize) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock_irqrestore(self.as_raw(), flags) }
    }

    /// Locks these lists and then those of `parent`, with interrupts already off.
    ///
    /// The order child, parent is the rule for whoever holds two.
    pub fn lock_with_parent<'a>(&'a self, parent: &'a Lruvec) -> PairGuard<'a> {
        // SAFETY: Both are initialized lruvecs, and not the same: one is the other's child.
        unsafe {
            bindings::lruvec_lock_nested(self.as_raw(), 1);
            bindings::lruvec_lock_nested(parent.as_raw(), 2);
        }
        // INVARIANT: Both have just been locked.
        PairGuard {
            child: self,
            parent,
            _not_send: NotThreadSafe,
        }
    }
}

/// Two locked sets of lists, one the child's and one the parent's.
///
/// # Invariants
///
/// Both are locked by this guard.
pub struct PairGuard<'a> {
    child: &'a Lruvec,
    parent: &'a Lruvec,
    _not_send: NotThreadSafe,
}

impl Drop for PairGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are locked.
        unsafe {
            self.parent.unlock();
            self.child.unlock();
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of one container on one node.
//!
//! C header: [`include/linux/mmzone.h`](srctree/include/linux/mmzone.h)

use super::numa::NodeId;
use crate::{
    bindings,
    interrupt::LocalInterruptDisabled,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A set of LRU lists and their lock, `struct lruvec`.
#[repr(transparent)]
pub struct Lruvec(Opaque<bindings::lruvec>);

// SAFETY: The lists have a lock of their own.
unsafe impl Send for Lruvec {}
// SAFETY: As above.
unsafe impl Sync for Lruvec {}

impl Lruvec {
    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized lruvec that lives for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::lruvec) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The lists of the node itself, which are in use if there is no memory controller.
    pub fn of_node(nid: NodeId) -> &'static Self {
        // SAFETY: The lists of a node are initialized with it, and nodes are not freed.
        unsafe { Self::from_raw(&raw const (*nid.data()).__lruvec) }
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

    /// Locks the lists, in the way `M` says. Any context but NMI.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::mm::lruvec::{IrqSave, Lruvec};
    ///
    /// fn with_lists_locked<T>(lists: &Lruvec, work: impl FnOnce() -> T) -> T {
    ///     let _guard = lists.lock::<IrqSave>();
    ///     work()
    /// }
    /// ```
    #[inline]
    pub fn lock<M: Mode>(&self) -> Guard<'_, M> {
        // INVARIANT: It has just been locked.
        Guard {
            lruvec: self,
            // SAFETY: `self` is an initialized lruvec.
            state: unsafe { M::lock(self.as_raw()) },
            _not_send: NotThreadSafe,
        }
    }

    /// Locks these lists and then those of `parent`; nothing if they are the same.
    ///
    /// The order child, parent is the rule for whoever holds two.
    pub fn lock_with_parent<'a>(
        &'a self,
        parent: &'a Lruvec,
        _irq: &'a LocalInterruptDisabled,
    ) -> Option<PairGuard<'a>> {
        if core::ptr::eq(self, parent) {
            return None;
        }
        // SAFETY: Both are initialized lruvecs, and not the same.
        unsafe {
            bindings::lruvec_lock_nested(self.as_raw(), 1);
            bindings::lruvec_lock_nested(parent.as_raw(), 2);
        }
        // INVARIANT: Both have just been locked.
        Some(PairGuard {
            child: self,
            parent,
            _not_send: NotThreadSafe,
        })
    }
}

/// How lists are locked.
///
/// # Safety
///
/// After `lock()` the lists are locked by this thread until `unlock()` gets what it returned.
pub unsafe trait Mode {
    /// What unlocking has to know.
    type State: Copy;

    /// Locks.
    ///
    /// # Safety
    ///
    /// `lruvec` is initialized.
    unsafe fn lock(lruvec: *mut bindings::lruvec) -> Self::State;

    /// Unlocks.
    ///
    /// # Safety
    ///
    /// `lruvec` is locked in this way by this thread, which got `state`.
    unsafe fn unlock(lruvec: *mut bindings::lruvec, state: Self::State);
}

/// With interrupts as they are.
pub struct Plain;

// SAFETY: A spinlock is held until it is unlocked.
unsafe impl Mode for Plain {
    type State = ();

    #[inline]
    unsafe fn lock(lruvec: *mut bindings::lruvec) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_lock(lruvec) }
    }

    #[inline]
    unsafe fn unlock(lruvec: *mut bindings::lruvec, (): ()) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock(lruvec) }
    }
}

/// With interrupts off, which were on.
pub struct Irq;

// SAFETY: A spinlock is held until it is unlocked.
unsafe impl Mode for Irq {
    type State = ();

    #[inline]
    unsafe fn lock(lruvec: *mut bindings::lruvec) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_lock_irq(lruvec) }
    }

    #[inline]
    unsafe fn unlock(lruvec: *mut bindings::lruvec, (): ()) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock_irq(lruvec) }
    }
}

/// With interrupts off, and afterwards as they were.
pub struct IrqSave;

// SAFETY: A spinlock is held until it is unlocked.
unsafe impl Mode for IrqSave {
    type State = usize;

    #[inline]
    unsafe fn lock(lruvec: *mut bindings::lruvec) -> usize {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_lock_irqsave(lruvec) }
    }

    #[inline]
    unsafe fn unlock(lruvec: *mut bindings::lruvec, flags: usize) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::lruvec_spin_unlock_irqrestore(lruvec, flags) }
    }
}

/// A locked set of lists.
///
/// # Invariants
///
/// They are locked in the way of `M` by this thread, which got `state`.
pub struct Guard<'a, M: Mode> {
    lruvec: &'a Lruvec,
    state: M::State,
    _not_send: NotThreadSafe,
}

impl<'a, M: Mode> Guard<'a, M> {
    /// The lists.
    #[inline]
    pub fn lruvec(&self) -> &'a Lruvec {
        self.lruvec
    }

    /// Leaves the lists locked: C unlocks them. Returns what it needs for that.
    #[inline]
    pub fn into_raw(self) -> (*mut bindings::lruvec, M::State) {
        let this = core::mem::ManuallyDrop::new(self);
        (this.lruvec.as_raw(), this.state)
    }
}

impl<M: Mode> Drop for Guard<'_, M> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { M::unlock(self.lruvec.as_raw(), self.state) }
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

impl PairGuard<'_> {
    /// Whether these are the lists that are locked.
    pub fn are(&self, child: &Lruvec, parent: &Lruvec) -> bool {
        core::ptr::eq(self.child, child) && core::ptr::eq(self.parent, parent)
    }
}

impl Drop for PairGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are locked.
        unsafe {
            bindings::lruvec_spin_unlock(self.parent.as_raw());
            bindings::lruvec_spin_unlock(self.child.as_raw());
        }
    }
}

/// Puts the pages that CPUs hold back onto the LRU lists, on all CPUs. May sleep.
pub fn add_drain_all() {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::lru_add_drain_all() }
}

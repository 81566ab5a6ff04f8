// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`ObjCgroup`], the owner handle between folios and their container.
//!
//! Folios do not point at their container but at a handle, of which every container has one a node.
//! When a container is removed, its handles are re-pointed to the parent ([`HandleList::adopt`]),
//! and all its folios have moved with one store. The parent keeps the inherited handles on a list,
//! so as to pass them on when it is removed itself.
//!
//! Lock order: `cgroup_mutex`, `memctl_objcg_lock`, child's `lru_lock`, parent's `lru_lock`.

use crate::{
    memcg::MemCgroup,
    node::Node, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator,
        NumaNode, //
    },
    bindings, container_of,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Atomic,
            Relaxed,
            Release, //
        },
        rcu,
    },
    types::Opaque,
};

/// A handle that says which container a folio is charged to, `struct obj_cgroup`.
///
/// Every folio bound to a handle holds a reference on it.
///
/// # Invariants
///
/// `memcg` points at a container that is not freed before the handle points elsewhere and an RCU
/// grace period has passed, `node` at its share of the node that all folios of the handle are on.
#[repr(transparent)]
pub(crate) struct ObjCgroup(Opaque<bindings::obj_cgroup>);

// SAFETY: The reference count is atomic, and the other fields are written under locks.
unsafe impl Send for ObjCgroup {}
// SAFETY: As above.
unsafe impl Sync for ObjCgroup {}

// SAFETY: `obj_cgroup_get()` and `obj_cgroup_put()` count references; the root's handles are never
// freed.
unsafe impl AlwaysRefCounted for ObjCgroup {
    #[inline]
    fn inc_ref(&self) {
        self.get_many(1);
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives away a reference.
        unsafe { bindings::obj_cgroup_put(obj.as_ptr().cast()) }
    }
}

impl ObjCgroup {
    /// A new handle for `node`'s container, with one reference that [`ObjCgroup::kill`] gives up. May
    /// sleep.
    pub(crate) fn new(node: &Node) -> Result<NonNull<Self>> {
        let memcg = node.memcg();
        let layout = core::alloc::Layout::new::<bindings::obj_cgroup>();
        let ptr = Kmalloc::alloc(layout, GFP_KERNEL | __GFP_ZERO, NumaNode::NO_NODE)?
            .cast::<bindings::obj_cgroup>();
        let raw = ptr.as_ptr();
        // SAFETY: `raw` is a fresh allocation, and the callback fits the type it is in.
        let ret = unsafe {
            bindings::percpu_ref_init(
                &raw mut (*raw).refcnt,
                Some(release),
                0,
                bindings::GFP_KERNEL,
            )
        };
        if ret != 0 {
            // SAFETY: `ptr` is ours, and was allocated with this layout.
            unsafe { Kmalloc::free(ptr.cast(), layout) };
            return Err(Error::from_errno(ret));
        }
        // SAFETY: `raw` is valid and nobody else knows it.
        unsafe {
            (*raw).memcg = memcg.as_raw();
            (*raw).node = node.as_raw();
            (*raw).is_root = memcg.is_root();
            bindings::INIT_LIST_HEAD(&raw mut (*raw).__bindgen_anon_1.list);
        }
        Ok(ptr.cast())
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::obj_cgroup {
        self.0.get()
    }

    #[inline]
    fn memcg_atomic(&self) -> &Atomic<*mut bindings::mem_cgroup> {
        // SAFETY: The field is valid as long as `self`, and only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).memcg) }
    }

    /// The container that the folios of this handle are charged to now.
    #[inline]
    pub(crate) fn memcg<'a>(&self, _rcu: &'a rcu::Guard) -> &'a MemCgroup {
        // SAFETY: By the type invariant the container outlives the RCU critical section.
        unsafe { MemCgroup::from_raw(self.memcg_atomic().load(Relaxed)) }
    }

    #[inline]
    fn node_atomic(&self) -> &Atomic<*mut bindings::mem_cgroup_per_node> {
        // SAFETY: The field is valid as long as `self`, and only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).node) }
    }

    /// That container's share of the node that the folios are on.
    #[inline]
    pub(crate) fn node<'a>(&self, _rcu: &'a rcu::Guard) -> &'a Node {
        // SAFETY: By the type invariant; a share lives as long as its container.
        unsafe { Node::from_raw(self.node_atomic().load(Relaxed)) }
    }

    /// Whether it is a handle of the root container, whose folios are not charged.
    #[inline]
    pub(crate) fn is_root(&self) -> bool {
        // SAFETY: The field is set before the handle is published, and constant.
        unsafe { (*self.as_raw()).is_root }
    }

    /// A reference, unless the last one is gone.
    #[inline]
    pub(crate) fn try_get(&self) -> Option<ARef<Self>> {
        // SAFETY: `self` is an initialized handle.
        if !unsafe { bindings::obj_cgroup_tryget(self.as_raw()) } {
            return None;
        }
        // SAFETY: The reference that was just taken is handed over.
        Some(unsafe { ARef::from_raw(NonNull::from(self)) })
    }

    /// Takes `nr` references, for folios that are about to be bound.
    #[inline]
    pub(crate) fn get_many(&self, nr: usize) {
        // SAFETY: `self` is an initialized handle, of which the caller has a reference.
        unsafe { bindings::obj_cgroup_get_many(self.as_raw(), nr) }
    }

    /// Gives back `nr` references.
    ///
    /// # Safety
    ///
    /// The caller owns them, and uses `this` no more.
    #[inline]
    pub(crate) unsafe fn put_many(this: *const Self, nr: usize) {
        // SAFETY: By the requirements of this function.
        unsafe { bindings::obj_cgroup_put_many(this.cast_mut().cast(), nr) }
    }

    /// Gives up the reference of [`ObjCgroup::new`]: from now on the folios keep it alive.
    pub(crate) fn kill(&self) {
        // SAFETY: `self` is an initialized handle that has not been killed yet.
        unsafe { bindings::obj_cgroup_kill(self.as_raw()) }
    }
}

/// Several references on one handle, given back at once.
///
/// # Invariants
///
/// `nr` references on `owner` are ours, at least one.
pub(crate) struct Owners {
    owner: NonNull<ObjCgroup>,
    nr: usize,
}

impl Owners {
    pub(crate) fn new(owner: ARef<ObjCgroup>) -> Self {
        // INVARIANT: The reference is handed over.
        Self {
            owner: ARef::into_raw(owner),
            nr: 1,
        }
    }

    /// Takes a reference more, or gives it back if it is one on another handle.
    #[inline]
    pub(crate) fn add(&mut self, owner: ARef<ObjCgroup>) -> Result<(), ARef<ObjCgroup>> {
        if !core::ptr::eq(&*owner, self.owner.as_ptr()) {
            return Err(owner);
        }
        // INVARIANT: The reference is handed over.
        let _ = ARef::into_raw(owner);
        self.nr += 1;
        Ok(())
    }
}

impl core::ops::Deref for Owners {
    type Target = ObjCgroup;

    fn deref(&self) -> &ObjCgroup {
        // SAFETY: By the type invariant.
        unsafe { self.owner.as_ref() }
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the references are ours.
        unsafe { ObjCgroup::put_many(self.owner.as_ptr(), self.nr) }
    }
}

/// Called when the last folio of a removed container's handle is gone. Any context but NMI.
///
/// # Safety
///
/// `refcnt` is that of a handle.
unsafe extern "C" fn release(refcnt: *mut bindings::percpu_ref) {
    // SAFETY: The count is part of a handle.
    let raw = unsafe { container_of!(refcnt, bindings::obj_cgroup, refcnt) };
    {
        let _lock = HandleLock::new();
        // SAFETY: The handle is on a list or alone, and the lock that protects it is held.
        unsafe { bindings::list_del(&raw mut (*raw).__bindgen_anon_1.list) };
    }
    // SAFETY: The count is at 0 and nobody looks at it any more; readers of the handle's memory are
    // under RCU, for which the second call waits.
    unsafe {
        bindings::percpu_ref_exit(refcnt);
        bindings::obj_cgroup_free_rcu(raw);
    }
}

/// Holds `memctl_objcg_lock`, with interrupts off.
///
/// # Invariants
///
/// The lock is held.
pub(crate) struct HandleLock(usize);

impl HandleLock {
    pub(crate) fn new() -> Self {
        // SAFETY: The lock is initialized statically.
        Self(unsafe { bindings::objcg_lock_irqsave() })
    }
}

impl Drop for HandleLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held, and the flags are those it gave.
        unsafe { bindings::objcg_unlock_irqrestore(self.0) }
    }
}

/// The handles a container has inherited from removed children on one node.
#[repr(transparent)]
pub(crate) struct HandleList(Opaque<bindings::list_head>);

impl HandleList {
    /// Wraps the list in a container's node.
    ///
    /// # Safety
    ///
    /// `ptr` is an initialized head of a list of handles only, and lives for `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::list_head) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Puts `active`, the handle of the child itself, on the child's list, re-points all handles of
    /// the list to `parent`, and moves them to the list of the parent, `self`.
    pub(crate) fn adopt(
        &self,
        child: &HandleList,
        active: &ObjCgroup,
        parent: &Node,
        _lock: &HandleLock,
    ) {
        let head = child.0.get();
        // SAFETY: The lists are initialized, hold handles alone, and their lock is held. `active`
        // was on no list.
        unsafe {
            bindings::list_add_tail(&raw mut (*active.as_raw()).__bindgen_anon_1.list, head);

            let mut pos = (*head).next;
            while pos != head {
                let handle = container_of!(pos, bindings::obj_cgroup, __bindgen_anon_1.list)
                    .cast::<ObjCgroup>();
                (*handle).node_atomic().store(parent.as_raw(), Release);
                (*handle)
                    .memcg_atomic()
                    .store(parent.memcg().as_raw(), Release);
                pos = (*pos).next;
            }

            bindings::list_splice_init(head, self.0.get());
        }
    }
}

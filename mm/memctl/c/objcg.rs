// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`ObjCgroup`], the owner handle between folios and their container, and between
//! what the kernel has allocated and its container.
//!
//! Folios do not point at their container but at a handle, of which every container has one a node.
//! When a container is removed, its handles are re-pointed to the parent (see `lists.rs`), and all
//! its folios have moved with one store. The parent keeps the inherited handles on a list, so as to
//! pass them on when it is removed itself.
//!
//! A `&ObjCgroup` is *seen*; `Counted<ObjCgroup>` has a reference, see `kernel::sync::counted`.
//!
//! Lock order: `cgroup_mutex`, `memctl_objcg_lock`, child's `lru_lock`, parent's `lru_lock`.

use super::{
    memcg::MemCgroup,
    node::Node, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator,
        NumaNode, //
    },
    bindings, container_of,
    interrupt::LocalInterruptDisabled,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed,
            Release, //
        },
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A handle that says which container a folio is charged to, `struct obj_cgroup`.
///
/// Every folio bound to a handle holds a reference on it, and so does every object, every block of
/// per-CPU memory, and every page of the kernel, or compound page, that it owns.
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
unsafe impl TryRefCounted for ObjCgroup {
    #[inline]
    fn try_inc_ref(&self) -> bool {
        // SAFETY: `self` is an initialized handle.
        unsafe { bindings::obj_cgroup_tryget(self.as_raw()) }
    }

    #[inline]
    unsafe fn inc_ref(&self) {
        // SAFETY: By the requirement of this function somebody has a reference.
        unsafe { bindings::obj_cgroup_get_many(self.as_raw(), 1) }
    }

    #[inline]
    unsafe fn dec_ref(this: NonNull<Self>) {
        // SAFETY: The caller gives away a reference.
        unsafe { bindings::obj_cgroup_put(this.as_ptr().cast()) }
    }

    unsafe fn inc_refs(&self, nr: usize) {
        // SAFETY: By the requirement of this function somebody has a reference.
        unsafe { bindings::obj_cgroup_get_many(self.as_raw(), nr) }
    }

    #[inline]
    unsafe fn dec_refs(this: NonNull<Self>, nr: usize) {
        // SAFETY: The caller gives away the references.
        unsafe { bindings::obj_cgroup_put_many(this.as_ptr().cast(), nr) }
    }
}

/// A reference on a handle.
pub(crate) type Owner = ARef<Counted<ObjCgroup>>;

impl ObjCgroup {
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

    /// A reference on it, unless it has been taken away from its share. Cheaper than `try_get()`.
    #[inline]
    pub(crate) fn try_get_live(&self, _rcu: &rcu::Guard) -> Option<Owner> {
        // SAFETY: `self` is an initialized handle, and we are under RCU.
        let got = unsafe { bindings::obj_cgroup_tryget_live_rcu(self.as_raw()) };
        // SAFETY: The reference was taken just now.
        got.then(|| unsafe { ARef::from_raw(NonNull::from(self).cast()) })
    }

    /// Whether each CPU counts references on it for itself, as is so until it has been taken away
    /// from its share. Then what adds one or takes one away takes an instruction.
    #[inline]
    pub(crate) fn on_each_cpu<'a>(&'a self, _rcu: &'a rcu::Guard) -> Option<OnEachCpu<'a>> {
        let mut count = core::ptr::null_mut();
        // SAFETY: `self` is an initialized handle.
        let found = unsafe { bindings::obj_cgroup_percpu_count(self.as_raw(), &mut count) };
        // INVARIANT: It was just found, under RCU.
        found.then_some(OnEachCpu {
            handle: self,
            count,
        })
    }

    /// The reference `owner` as one of [`OnEachCpu`], to be given up at once.
    ///
    /// # Errors
    ///
    /// `owner`, if references on its handle are counted in one place.
    #[inline]
    pub(crate) fn put_on_each_cpu<'a>(
        owner: Owner,
        rcu: &'a rcu::Guard,
    ) -> Result<PutOnEachCpu<'a>, Owner> {
        match owner.on_each_cpu(rcu).map(|here| here.count) {
            Some(count) => {
                core::mem::forget(owner);
                // INVARIANT: It was just found, under RCU, and the reference is ours.
                Ok(PutOnEachCpu(count, PhantomData))
            }
            None => Err(owner),
        }
    }

    /// Gives up a reference. Cheaper than to drop it.
    #[inline]
    pub(crate) fn put(owner: Owner, _rcu: &rcu::Guard) {
        // SAFETY: The reference is given away, and we are under RCU.
        unsafe { bindings::obj_cgroup_put_rcu(ARef::into_raw(owner).as_ptr().cast()) }
    }

    /// Whether it is a handle of the root container, whose folios are not charged.
    #[inline]
    pub(crate) fn is_root(&self) -> bool {
        // SAFETY: The field is set before the handle is published, and constant.
        unsafe { (*self.as_raw()).is_root }
    }
}

/// A handle, each CPU of which counts references for itself.
///
/// # Invariants
///
/// `count` is the per-CPU count of `handle`, and in use until those have left RCU who are under it,
/// as who has `'a` is.
pub(crate) struct OnEachCpu<'a> {
    handle: &'a ObjCgroup,
    count: *mut usize,
}

impl OnEachCpu<'_> {
    /// A reference on it. That counts for root handles as well, where nobody asks.
    #[inline]
    pub(crate) fn get(self) -> Owner {
        // SAFETY: By the type invariant it is the count, in which there is one reference more now.
        unsafe {
            bindings::obj_cgroup_percpu_add(self.count, 1);
            ARef::from_raw(NonNull::from(self.handle).cast())
        }
    }
}

/// A reference on such a handle. [`PutOnEachCpu::put`] has to be called.
///
/// # Invariants
///
/// It is the per-CPU count of a handle, in use as that of [`OnEachCpu`] is, on which this has a
/// reference.
#[must_use]
pub(crate) struct PutOnEachCpu<'a>(*mut usize, PhantomData<&'a rcu::Guard>);

impl PutOnEachCpu<'_> {
    /// Gives it up.
    #[inline]
    pub(crate) fn put(self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::obj_cgroup_percpu_add(self.0, -1) }
    }
}

/// A handle that nobody else knows. Dropping it frees it.
///
/// # Invariants
///
/// `raw` is an initialized handle of `node` with one reference, and ours alone.
pub(super) struct NewHandle<'a> {
    raw: NonNull<bindings::obj_cgroup>,
    node: &'a Node,
}

impl<'a> NewHandle<'a> {
    const LAYOUT: core::alloc::Layout = core::alloc::Layout::new::<bindings::obj_cgroup>();

    /// A new handle for the container of `node`, which may be going to be the root. May sleep.
    pub(super) fn new(node: &'a Node, is_root: bool) -> Result<Self> {
        let memcg = node.memcg();
        let ptr = Kmalloc::alloc(
            Self::LAYOUT,
            GFP_KERNEL_ACCOUNT | __GFP_ZERO,
            NumaNode::NO_NODE,
        )?
        .cast::<bindings::obj_cgroup>();
        let raw = ptr.as_ptr();
        // SAFETY: `raw` is a fresh allocation, and the callback fits the type it is in.
        let ret = unsafe {
            bindings::percpu_ref_init(
                &raw mut (*raw).refcnt,
                Some(bindings::memctl_objcg_release),
                0,
                bindings::GFP_KERNEL_ACCOUNT,
            )
        };
        if ret != 0 {
            // SAFETY: `ptr` is ours, and was allocated with this layout.
            unsafe { Kmalloc::free(ptr.cast(), Self::LAYOUT) };
            return Err(Error::from_errno(ret));
        }
        // SAFETY: `raw` is valid and nobody else knows it.
        unsafe {
            (*raw).memcg = memcg.as_raw();
            (*raw).node = node.as_raw();
            (*raw).is_root = is_root;
            bindings::INIT_LIST_HEAD(&raw mut (*raw).__bindgen_anon_1.list);
        }
        // INVARIANT: It was made just now.
        Ok(Self { raw: ptr, node })
    }

    pub(super) fn as_raw(&self) -> *mut bindings::obj_cgroup {
        self.raw.as_ptr()
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// Has two references from now on: one of the share, and one that [`Adopted::kill`] gives up.
    pub(super) fn publish(self) {
        // SAFETY: By the type invariant there is one reference.
        unsafe { bindings::obj_cgroup_get_many(self.as_raw(), 1) };
        core::mem::forget(self);
    }
}

impl Drop for NewHandle<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours alone.
        unsafe {
            bindings::percpu_ref_exit(&raw mut (*self.as_raw()).refcnt);
            Kmalloc::free(self.raw.cast(), Self::LAYOUT);
        }
    }
}

/// A handle that was taken away from its share: from now on its folios keep it.
///
/// # Invariants
///
/// The reference of [`NewHandle::new`] is ours; the handle is on no list.
pub(super) struct Retired<'a>(&'a ObjCgroup);

impl<'a> Retired<'a> {
    /// # Safety
    ///
    /// `owner` was published, and only one `Retired` is made of it.
    pub(super) unsafe fn new(owner: &'a ObjCgroup) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(owner)
    }
}

/// A [`Retired`] handle that the parent has inherited.
///
/// # Invariants
///
/// The reference of [`NewHandle::new`] is ours.
pub(crate) struct Adopted<'a>(&'a ObjCgroup);

impl Adopted<'_> {
    /// Gives up the reference.
    pub(crate) fn kill(self) {
        // SAFETY: By the type invariant it has not been given up yet.
        unsafe { bindings::obj_cgroup_kill(self.0.as_raw()) }
    }
}

/// Holds `memctl_objcg_lock`, with interrupts off.
///
/// # Invariants
///
/// The lock is held by this thread.
pub(crate) struct HandleLock(usize, NotThreadSafe);

impl HandleLock {
    pub(crate) fn new() -> Self {
        // SAFETY: The lock is initialized statically.
        let flags = unsafe { bindings::objcg_lock_irqsave() };
        // INVARIANT: It has just been locked.
        Self(flags, NotThreadSafe)
    }

    /// Interrupts are off.
    pub(super) fn irq(&self) -> &LocalInterruptDisabled {
        // SAFETY: By the type invariant, for as long as `self` is borrowed.
        unsafe { LocalInterruptDisabled::assume_disabled() }
    }
}

impl Drop for HandleLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held, and the flags are those it gave.
        unsafe { bindings::objcg_unlock_irqrestore(self.0) }
    }
}

/// The handles a container has inherited from removed children on one node.
///
/// # Invariants
///
/// An initialized head of a list of handles alone.
#[repr(transparent)]
pub(super) struct HandleList(Opaque<bindings::list_head>);

impl HandleList {
    /// # Safety
    ///
    /// `this` is valid for writes, stays in place, and nobody else uses it yet.
    pub(super) unsafe fn init(this: *mut Self) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::INIT_LIST_HEAD(this.cast()) }
    }

    /// Adds references on all handles of the list to `owners`, as long as there is room. Returns
    /// how many there was none for.
    #[cfg(CONFIG_MEMCTL_DEBUG)]
    pub(super) fn add_to(&self, owners: &mut KVVec<Owner>, _lock: &HandleLock) -> usize {
        let head = self.0.get();
        let mut missing = 0;
        // SAFETY: By the type invariant the list is initialized and has handles alone; its lock is
        // held, and who frees a handle takes it off the list before.
        unsafe {
            let mut pos = (*head).next;
            while pos != head {
                let handle = &*container_of!(pos, bindings::obj_cgroup, __bindgen_anon_1.list)
                    .cast::<ObjCgroup>();
                if let Some(owner) = handle.try_get() {
                    missing += usize::from(owners.push_within_capacity(owner).is_err());
                }
                pos = (*pos).next;
            }
        }
        missing
    }

    /// Puts `active`, the handle of the child itself, on the child's list, re-points all handles of
    /// the list to `parent`, and moves them to the list of the parent.
    ///
    /// # Safety
    ///
    /// `parent` is the share of the same node of the parent of `child`'s container, which is going
    /// offline.
    pub(super) unsafe fn pass_on<'a>(
        child: &Node,
        parent: &Node,
        active: Option<Retired<'a>>,
        _lock: &HandleLock,
    ) -> Option<Adopted<'a>> {
        let head = child.inherited().0.get();
        // SAFETY: By the type invariants the lists are initialized and hold handles alone, and
        // `active` is on none; their lock is held. The invariant of a handle holds for the parent,
        // which is freed after its child and passes on its handles before.
        unsafe {
            if let Some(Retired(active)) = &active {
                bindings::list_add_tail(&raw mut (*active.as_raw()).__bindgen_anon_1.list, head);
            }

            // As many as the child has inherited, a few for each removed container below it that
            // has folios left. Under both lists' locks, as in C.
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

            bindings::list_splice_init(head, parent.inherited().0.get());
        }
        // INVARIANT: The reference is handed over.
        active.map(|active| Adopted(active.0))
    }
}

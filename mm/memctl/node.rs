// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Node`], a container's share of one NUMA node.

use crate::{
    memcg::MemCgroup,
    objcg::{
        HandleList,
        ObjCgroup, //
    },
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    mm::{
        lruvec::Lruvec,
        numa::NodeId, //
    },
    percpu::PerCpuSlots,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu,
    },
    types::Opaque,
};

/// The lists a folio can be on, as an index.
pub(crate) const NR_LRU: usize = bindings::lru_list_NR_LRU_LISTS as usize;

/// The share of a container on a node, `struct mem_cgroup_per_node`.
#[repr(transparent)]
pub(crate) struct Node(Opaque<bindings::mem_cgroup_per_node>);

impl Node {
    /// Allocates the share of `memcg` of the node `nid`, with `slots` statistics. May sleep.
    pub(crate) fn new(memcg: &MemCgroup, nid: NodeId, slots: usize) -> Result<NonNull<Self>> {
        let slots = PerCpuSlots::new(slots, GFP_KERNEL)?;
        // SAFETY: The cache was made when the kernel started, and `nid` is a possible node.
        let raw = unsafe {
            bindings::memctl_cache_alloc(
                bindings::memctl_node_cachep,
                bindings::GFP_KERNEL | bindings::__GFP_ZERO,
                nid.as_raw(),
            )
        }
        .cast::<bindings::mem_cgroup_per_node>();
        let ptr = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: `raw` is a fresh, zeroed allocation that nobody else knows.
        unsafe {
            (*raw).memcg = memcg.as_raw();
            (*raw).nid = nid.as_raw();
            (&raw mut (*raw).slots).cast::<PerCpuSlots>().write(slots);
            bindings::INIT_LIST_HEAD(&raw mut (*raw).objcg_list);
            bindings::lruvec_init(&raw mut (*raw).lruvec);
        }
        Ok(ptr.cast())
    }

    /// Frees a share and the last reference on its handle.
    ///
    /// # Safety
    ///
    /// `this` comes from [`Node::new`], and nobody uses it any more.
    pub(crate) unsafe fn free(this: NonNull<Self>) {
        let raw: *mut bindings::mem_cgroup_per_node = this.as_ptr().cast();
        // SAFETY: By the requirements of this function `this` is ours alone.
        unsafe {
            bindings::obj_cgroup_put((*raw).orig_objcg);
            (&raw mut (*raw).slots)
                .cast::<PerCpuSlots>()
                .drop_in_place();
            bindings::kmem_cache_free(bindings::memctl_node_cachep, raw.cast());
        }
    }

    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` comes from [`Node::new`] and is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *const bindings::mem_cgroup_per_node) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The share whose lists `lruvec` are.
    ///
    /// # Safety
    ///
    /// `lruvec` is that of a share which is not freed during `'a`: not the one of a node itself,
    /// which is in use when the controller is disabled.
    #[inline]
    pub(crate) unsafe fn from_lruvec<'a>(lruvec: *mut bindings::lruvec) -> &'a Self {
        // SAFETY: The caller vouches that `lruvec` is embedded in a share.
        unsafe {
            Self::from_raw(kernel::container_of!(
                lruvec,
                bindings::mem_cgroup_per_node,
                lruvec
            ))
        }
    }

    /// The pointer C knows it by.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::mem_cgroup_per_node {
        self.0.get()
    }

    /// The container whose share it is.
    #[inline]
    pub(crate) fn memcg(&self) -> &MemCgroup {
        // SAFETY: The pointer is constant, and the container frees its shares.
        unsafe { MemCgroup::from_raw((*self.as_raw()).memcg) }
    }

    /// The node.
    pub(crate) fn nid(&self) -> NodeId {
        // SAFETY: The field is constant, and was that of a node when the share was made.
        unsafe { NodeId::new_unchecked((*self.as_raw()).nid) }
    }

    /// The lists.
    #[inline]
    pub(crate) fn lruvec(&self) -> &Lruvec {
        // SAFETY: The lists are initialized with the share.
        unsafe { Lruvec::from_raw(&raw const (*self.as_raw()).lruvec) }
    }

    /// The statistics.
    #[inline]
    pub(crate) fn slots(&self) -> &PerCpuSlots {
        // SAFETY: The field was written by `new()`, and `PerCpuSlots` has the layout of C's.
        unsafe { &*(&raw const (*self.as_raw()).slots).cast() }
    }

    /// The handle for folios charged from now on; none if the container is offline.
    #[inline]
    pub(crate) fn owner<'a>(&'a self, _rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
        // SAFETY: The field is valid as long as `self`, and only accessed atomically.
        let owner = unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).objcg) };
        // SAFETY: Handles are freed after an RCU grace period. The load carries the dependency.
        unsafe { owner.load(Relaxed).cast::<ObjCgroup>().as_ref() }
    }

    /// Sets the handle when the container comes online; the share takes two references.
    pub(crate) fn publish_owner(&self, owner: NonNull<ObjCgroup>) {
        // SAFETY: `owner` is a fresh handle; the share is not online yet, so only we write.
        unsafe {
            owner.as_ref().get_many(1);
            (*self.as_raw()).orig_objcg = owner.as_ptr().cast();
            Atomic::from_ptr(&raw mut (*self.as_raw()).objcg).xchg(owner.as_ptr().cast(), Full);
        }
    }

    /// Takes the handle away: what is charged from now on goes to an ancestor. The memory of the
    /// result lives as long as the share.
    pub(crate) fn retire_owner(&self) -> Option<&ObjCgroup> {
        // SAFETY: The field is only accessed atomically; `orig_objcg` holds a reference until the
        // share is freed.
        unsafe {
            Atomic::from_ptr(&raw mut (*self.as_raw()).objcg)
                .xchg(core::ptr::null_mut(), Full)
                .cast::<ObjCgroup>()
                .as_ref()
        }
    }

    /// The handles inherited from removed children.
    pub(crate) fn inherited(&self) -> &HandleList {
        // SAFETY: The list is initialized with the share, and holds handles alone.
        unsafe { HandleList::from_raw(&raw mut (*self.as_raw()).objcg_list) }
    }

    #[inline]
    fn lru_size_atomic(&self, lru: usize) -> Option<&Atomic<usize>> {
        if lru >= NR_LRU {
            return None;
        }
        // SAFETY: `lru` is within the array, which is only accessed atomically.
        Some(unsafe {
            Atomic::from_ptr(
                (&raw mut (*self.as_raw()).lru_size)
                    .cast::<usize>()
                    .add(lru),
            )
        })
    }

    /// Pages on the list `lru`.
    pub(crate) fn lru_size(&self, lru: usize) -> usize {
        self.lru_size_atomic(lru)
            .map_or(0, |size| size.load(Relaxed))
    }

    /// Adds `n` pages to the size of the list `lru`, under its lock.
    #[inline]
    pub(crate) fn add_lru_size(&self, lru: usize, n: isize) {
        if let Some(size) = self.lru_size_atomic(lru) {
            // Only the holder of the lock writes: no need for an atomic addition.
            size.store(size.load(Relaxed).wrapping_add_signed(n), Relaxed);
        }
    }

    /// Adds `n` pages to the size of the list `lru` in the zone `zid`, under the lock of the lists.
    /// Returns the new size.
    #[inline]
    pub(crate) fn add_zone_lru_size(&self, zid: usize, lru: usize, n: isize) -> isize {
        const ZONES: usize = bindings::zone_type___MAX_NR_ZONES as usize;
        if lru >= NR_LRU || zid >= ZONES {
            return 0;
        }
        // SAFETY: Both indices are within the array, which is only accessed atomically.
        let size = unsafe {
            Atomic::from_ptr(
                (&raw mut (*self.as_raw()).lru_zone_size)
                    .cast::<usize>()
                    .add(zid * NR_LRU + lru),
            )
        };
        let new = size.load(Relaxed).wrapping_add_signed(n);
        size.store(new, Relaxed);
        new as isize
    }

    /// How many round trips of shared reclaim walks were completed here.
    pub(crate) fn generation(&self) -> &Atomic<i32> {
        // SAFETY: The counter is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).iter.generation.counter) }
    }

    fn position_atomic(&self) -> &Atomic<*mut bindings::mem_cgroup> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).iter.position) }
    }

    /// Where the shared reclaim walk below the container of this share is.
    pub(crate) fn position<'a>(&'a self, _rcu: &'a rcu::Guard) -> Option<&'a MemCgroup> {
        // SAFETY: A container is taken off every position before it is freed, which RCU delays.
        unsafe {
            self.position_atomic()
                .load(Relaxed)
                .cast::<MemCgroup>()
                .as_ref()
        }
    }

    /// Moves the shared walk from `from` to `to`, if it still is at `from`.
    pub(crate) fn move_position(&self, from: Option<&MemCgroup>, to: Option<&MemCgroup>) -> bool {
        let raw = |m: Option<&MemCgroup>| m.map_or(core::ptr::null_mut(), MemCgroup::as_raw);
        self.position_atomic()
            .cmpxchg(raw(from), raw(to), Full)
            .is_ok()
    }
}

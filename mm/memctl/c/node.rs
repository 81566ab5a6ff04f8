// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Node`], a container's share of one NUMA node.

mod counts;
mod parts;
pub(crate) mod position;

use super::{
    counts::{
        Local,
        Rare,
        Totals, //
    },
    items::{
        NR_LRU,
        NR_NODE_OFTEN, //
    },
    memcg::MemCgroup,
    objcg::{
        HandleList,
        ObjCgroup,
        Retired, //
    },
    sizes::{
        ListSizes,
        ZoneSizes, //
    },
};
use core::{
    mem::offset_of,
    ptr::{
        null_mut,
        NonNull, //
    },
};
use kernel::{
    bindings,
    cgroup::{
        CssData,
        Place, //
    },
    mm::{
        lruvec::Lruvec,
        numa::NodeId, //
    },
    percpu::Rows,
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

/// The share of a container on a node, `struct mem_cgroup_per_node`, field by field.
///
/// # Invariants
///
/// `memcg` is the container that frees it. `objcg` is null or `orig_objcg`; that is null or a
/// handle on which there is a reference until the share is freed, and does not change once it is
/// set. `position` is null, or `memcg` or a container below it that is not freed before a grace
/// period after it has been replaced.
#[repr(C)]
pub(crate) struct Node {
    memcg: *mut bindings::mem_cgroup,
    objcg: Atomic<*mut bindings::obj_cgroup>,
    nid: NodeId,
    lru_changed: Atomic<u32>,
    rows: Rows<Self, NR_NODE_OFTEN>,
    orig_objcg: Atomic<*mut bindings::obj_cgroup>,
    shrinker_info: Opaque<*mut bindings::shrinker_info>,
    objcg_list: HandleList,
    position: Atomic<*mut bindings::mem_cgroup>,
    generation: Atomic<i32>,
    lru_seen: [Atomic<u32>; NR_LRU],
    local: Local<NR_COUNTS>,
    #[cfg(CONFIG_SMP)]
    _pad1_: Opaque<bindings::cacheline_padding>,
    lruvec: Lruvec,
    lru_size: ListSizes,
    #[cfg(CONFIG_SMP)]
    _pad2_: Opaque<bindings::cacheline_padding>,
    lru_zone_size: ZoneSizes,
    rare: Rare<{ bindings::MEMCTL_NR_RARE_ITEMS as usize }>,
    totals: Totals<NR_COUNTS>,
}

const NR_COUNTS: usize = bindings::MEMCTL_NR_NODE_COUNTS as usize;

super::same_layout!(Node, bindings::mem_cgroup_per_node, {
    memcg, objcg, nid, lru_changed, rows, orig_objcg, shrinker_info, objcg_list, position,
    generation, lru_seen, local, lruvec, lru_size, lru_zone_size, totals,
});
kernel::static_assert!(
    offset_of!(Node, rare) == offset_of!(bindings::mem_cgroup_per_node, rare_changed)
);

// SAFETY: What changes is atomic, or C's under locks of C.
unsafe impl Send for Node {}
// SAFETY: As above.
unsafe impl Sync for Node {}

impl Node {
    /// Where its rows are, in bytes.
    pub(super) const ROWS: usize = offset_of!(Node, rows);

    /// What reclaim has found it to cost to take anonymous pages (0) or page cache (1) of these.
    #[cfg(CONFIG_DEBUG_VM)]
    pub(crate) fn reclaim_cost(&self, of: usize) -> usize {
        // SAFETY: The share stays; others change the number meanwhile.
        let costs = unsafe { (&raw const (*self.as_raw()).lruvec.cost).read_volatile() };
        costs.get(of).map_or(0, |cost| cost.count)
    }

    /// Allocates the share of `memcg` of the node `nid`, with totals of this container `alone` or
    /// without. May sleep.
    pub(super) fn create(memcg: &MemCgroup, nid: NodeId, alone: bool) -> Result<NonNull<Self>> {
        let rows = Rows::new(GFP_KERNEL_ACCOUNT)?;
        let local = Local::new(alone)?;
        // SAFETY: The cache was made when the kernel started, and `nid` is a possible node.
        let raw = unsafe {
            bindings::memctl_cache_alloc(
                bindings::memctl_node_cachep,
                bindings::GFP_KERNEL | bindings::__GFP_ZERO,
                nid.as_raw(),
            )
        }
        .cast::<Self>();
        let this = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: `raw` is a fresh, zeroed allocation that nobody else knows.
        unsafe {
            (*raw).memcg = memcg.as_raw();
            (*raw).nid = nid;
            (&raw mut (*raw).rows).write(rows);
            (&raw mut (*raw).local).write(local);
            HandleList::init(&raw mut (*raw).objcg_list);
            bindings::lruvec_init((*raw).lruvec.as_raw());
        }
        Ok(this)
    }

    /// Frees a share and the last reference on its handle.
    ///
    /// # Safety
    ///
    /// `this` comes from [`Node::create`], and nobody uses it any more.
    pub(super) unsafe fn free(this: NonNull<Self>) {
        let raw = this.as_ptr();
        // SAFETY: By the requirements of this function `this` is ours alone.
        unsafe {
            bindings::obj_cgroup_put_orig((*raw).orig_objcg.load(Relaxed));
            (&raw mut (*raw).rows).drop_in_place();
            (&raw mut (*raw).local).drop_in_place();
            bindings::kmem_cache_free(bindings::memctl_node_cachep, raw.cast());
        }
    }

    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` comes from [`Node::create`] and is not freed during `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(ptr: *const bindings::mem_cgroup_per_node) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is that of C.
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
        unsafe { &*kernel::container_of!(lruvec.cast::<Lruvec>(), Node, lruvec) }
    }

    /// The pointer C knows it by.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::mem_cgroup_per_node {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// The container whose share it is.
    #[inline]
    pub(crate) fn memcg(&self) -> &MemCgroup {
        // SAFETY: By the type invariant; the pointer is constant.
        unsafe { MemCgroup::from_raw(self.memcg) }
    }

    /// The handle for folios charged from now on; none if the container is offline.
    #[inline]
    pub(crate) fn owner<'a>(&'a self, _rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
        // SAFETY: By the type invariant. The load carries the dependency.
        unsafe { self.objcg.load(Relaxed).cast::<ObjCgroup>().as_ref() }
    }

    /// Takes the handle away: what is charged from now on goes to an ancestor.
    pub(super) fn retire_owner(&self) -> Option<Retired<'_>> {
        let raw = self.objcg.xchg(null_mut(), Full).cast::<ObjCgroup>();
        // SAFETY: By the type invariant the share has a reference. Only one caller gets what was
        // published once.
        unsafe { raw.as_ref().map(|owner| Retired::new(owner)) }
    }

    /// Where the shared reclaim walk over the container of this share and all below it is.
    #[inline]
    pub(crate) fn position<'a>(&'a self, rcu: &'a rcu::Guard) -> Option<Place<'a, MemCgroup>> {
        let position = self.position.load(Relaxed).cast::<MemCgroup>();
        // SAFETY: By the type invariant.
        unsafe { Some(self.memcg().walk_from_below(position.as_ref()?, rcu)) }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Objects of slab caches: `mm/slub.c`, and who asks whose one is.

use super::seam::{
    MayList,
    ObjectsOf,
    Slab, //
};
use crate::{
    account::objects,
    c::{
        gfp::Gfp,
        slab::{
            Allocated,
            Cache, //
        },
    },
    stats::count,
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_uint,
        c_ulong, //
    },
    mm::vmstat::NodeItem,
    sync::rcu, //
};

kernel::seam! {
    /// # Safety
    ///
    /// At `objects` there are `size` objects of the cache, which were just allocated, or the only
    /// one is null: `slab_post_alloc_hook()`; or it is one without an owner, of which the caller
    /// takes care: `kmem_cache_charge()`. Any context, if `gfp` says so.
    fn __memcg_slab_post_alloc_hook(
        cache: Cache<'_>,
        list: MayList<'_>,
        gfp: Gfp,
        slab_flags: c_uint,
        size: usize,
        objects: ObjectsOf<'_>,
    ) -> bool {
        objects::charge(objects.new_ones(cache, size), list.0, gfp, slab_flags)
    }

    /// # Safety
    ///
    /// At `objects` there are `nr` objects of the slab, which is one of the cache; `vector` is that
    /// of the slab, and they are about to be freed: `memcg_slab_free_hook()` in `mm/slub.c`. Any
    /// context, and under any lock.
    fn __memcg_slab_free_hook(
        cache: Cache<'_>,
        slab: Slab<'_>,
        objects: ObjectsOf<'_>,
        nr: c_int,
        vector: c_ulong,
    ) {
        objects::uncharge(objects.freed_ones(cache, slab, nr as usize, vector));
    }

    /// # Safety
    ///
    /// The caller keeps what is at `p`, and is under RCU for as long as it uses what it gets:
    /// `mm/list_lru.c`.
    fn mem_cgroup_from_virt(p: Allocated<'_>) -> *mut mem_cgroup {
        let rcu = rcu::read_lock();
        p.owner(&rcu).map(|owner| owner.memcg(&rcu).as_raw())
    }

    /// # Safety
    ///
    /// The caller keeps what is at `p`: `kernel/fork.c`, `mm/workingset.c`.
    fn mod_lruvec_kmem_state(p: Allocated<'_>, item: NodeItem, n: c_int) {
        p.nid().mod_state(item, n as isize);
        let rcu = rcu::read_lock();
        if let Some(owner) = p.owner(&rcu) {
            count::mod_node(owner.node(&rcu), item.index(), n as isize);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Kernel memory: slab, the page allocator, and others. It is not accounted yet.
//!
//! These behave as the C controller does with `cgroup.memory=nokmem`. The table "Not there yet" of
//! `Documentation/admin-guide/memctl.rst` says what users see of that.

use crate::{
    account::kmem,
    c::{binding::Referenced, gfp::Gfp, meta_page::MetaPage, objcg::ObjCgroup},
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    mm::{
        numa::NodeId,
        vmstat::NodeItem, //
    },
    seam::{
        Ignored,
        LinearAddress, //
    },
    sync::{
        aref::ARef,
        rcu, //
    },
};

kernel::seam! {
    /// # Safety
    ///
    /// `p` is in memory of the kernel's linear map: `include/linux/vmstat.h`.
    fn mod_lruvec_kmem_state(p: LinearAddress, item: NodeItem, n: c_int) {
        p.nid().mod_state(item, n as isize);
    }

    /// Splits pages of the kernel's own, which are not bound.
    ///
    /// # Safety
    ///
    /// None is needed.
    fn split_page_memcg(_first: Ignored<page>, _order: c_uint) {}

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_kmem_disabled() -> bool {
        kmem::DISABLED
    }

    /// # Safety
    ///
    /// None is needed.
    fn __memcg_kmem_charge_page(_page: Ignored<page>, _gfp: Gfp, _order: c_int) -> c_int {
        Ok(())
    }

    /// # Safety
    ///
    /// None is needed.
    fn __memcg_kmem_uncharge_page(_page: Ignored<page>, _order: c_int) {}

    /// # Safety
    ///
    /// The caller is under RCU, or the current task's container is the one it stays in:
    /// `include/linux/memcontrol.h`.
    fn current_obj_cgroup() -> *mut obj_cgroup {
        let rcu = rcu::read_lock();
        NodeId::with_memory()
            .next()
            .and_then(|nid| kmem::owner(nid, &rcu))
            .map(ObjCgroup::as_raw)
    }

    /// # Safety
    ///
    /// The folio is locked, or the caller has a reference on it: `mm/zswap.c`, `mm/page_io.c`.
    fn get_obj_cgroup_from_folio(page: MetaPage<'_, Referenced>) -> *mut obj_cgroup {
        page.owner().map(ARef::from)
    }

    /// # Safety
    ///
    /// None is needed.
    fn obj_cgroup_charge(_objcg: Ignored<obj_cgroup>, _gfp: Gfp, _size: usize) -> c_int {
        Ok(())
    }

    /// # Safety
    ///
    /// None is needed.
    fn obj_cgroup_uncharge(_objcg: Ignored<obj_cgroup>, _size: usize) {}

    /// # Safety
    ///
    /// None is needed.
    fn __memcg_slab_post_alloc_hook(
        _cache: Ignored<kmem_cache>,
        _lru: Ignored<list_lru>,
        _gfp: Gfp,
        _slab_alloc_flags: c_uint,
        _size: usize,
        _objects: Ignored<*mut c_void>,
    ) -> bool {
        true
    }

    /// # Safety
    ///
    /// None is needed.
    fn __memcg_slab_free_hook(
        _cache: Ignored<kmem_cache>,
        _slab: Ignored<slab>,
        _objects: Ignored<*mut c_void>,
        _nr: c_int,
        _exts: c_ulong,
    ) {
    }
}

/// Memory and swap together, on cgroup v1: not counted yet.
#[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
mod memsw {
    use super::*;

    kernel::seam! {
        /// # Safety
        ///
        /// None is needed.
        fn __memcg1_swapout(_folio: Ignored<folio>, _cluster: Ignored<swap_cluster_info>) {}

        /// # Safety
        ///
        /// None is needed.
        fn memcg1_swapin(_folio: Ignored<folio>) {}
    }
}

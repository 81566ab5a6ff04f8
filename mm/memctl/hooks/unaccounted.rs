// SPDX-License-Identifier: GPL-2.0

//! The functions that the rest of the kernel calls for what is not accounted yet.
//!
//! They behave as the C controller does when told not to account: with
//! `cgroup.memory=nokmem,nosocket`, and without the limits in question. The
//! table "Not there yet" of `Documentation/admin-guide/memctl.rst` says what users see of that.

use crate::{
    kmem,
    meta_page::{
        Locked,
        MetaPage, //
    },
    objcg::ObjCgroup, //
};
use core::ptr::null_mut;
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    mm::{
        folio::Folio,
        numa::NodeId, //
    },
    prelude::*,
    sync::rcu, //
};

// --- soft limits: not there yet ---

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn memcg1_soft_limit_reclaim(
    _pgdat: *mut pg_data_t,
    _order: c_int,
    _gfp: gfp_t,
    _scanned: *mut c_ulong,
) -> c_ulong {
    0
}

// --- pressure: those who listen on cgroup v1 are not there yet ---

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn vmpressure_prio(_gfp: gfp_t, _memcg: *mut mem_cgroup, _prio: c_int) {}

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn vmpressure_v1_init(_vmpressure: *mut vmpressure) {}

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn vmpressure_v1_cleanup(_vmpressure: *mut vmpressure) {}

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn vmpressure_v1_account_tree(
    _vmpressure: *mut vmpressure,
    _scanned: c_ulong,
    _reclaimed: c_ulong,
) {
}

// --- memory and swap together, on cgroup v1: not counted yet ---

#[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
#[export]
unsafe extern "C" fn __memcg1_swapout(_folio: *mut folio, _cluster: *mut swap_cluster_info) {}

#[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
#[export]
unsafe extern "C" fn memcg1_swapin(_folio: *mut folio) {}

// --- kernel memory: not accounted yet ---

/// Splits pages of the kernel's own, which are not bound.
#[export]
unsafe extern "C" fn split_page_memcg(_first: *mut page, _order: c_uint) {}

#[export]
unsafe extern "C" fn mem_cgroup_kmem_disabled() -> bool {
    kmem::DISABLED
}

#[export]
unsafe extern "C" fn __memcg_kmem_charge_page(
    _page: *mut page,
    _gfp: gfp_t,
    _order: c_int,
) -> c_int {
    0
}

#[export]
unsafe extern "C" fn __memcg_kmem_uncharge_page(_page: *mut page, _order: c_int) {}

#[export]
unsafe extern "C" fn current_obj_cgroup() -> *mut obj_cgroup {
    let rcu = rcu::read_lock();
    NodeId::with_memory()
        .next()
        .and_then(|nid| kmem::owner(nid, &rcu))
        .map_or(null_mut(), ObjCgroup::as_raw)
}

#[export]
unsafe extern "C" fn get_obj_cgroup_from_folio(folio: *mut folio) -> *mut obj_cgroup {
    // SAFETY: The caller keeps the folio, and its binding is stable.
    let page = unsafe { MetaPage::<Locked>::new(Folio::from_raw(folio)) };
    page.owner().map_or(null_mut(), |owner| {
        owner.get_many(1);
        owner.as_raw()
    })
}

#[export]
unsafe extern "C" fn obj_cgroup_charge(
    _objcg: *mut obj_cgroup,
    _gfp: gfp_t,
    _size: usize,
) -> c_int {
    0
}

#[export]
unsafe extern "C" fn obj_cgroup_uncharge(_objcg: *mut obj_cgroup, _size: usize) {}

#[export]
unsafe extern "C" fn __memcg_slab_post_alloc_hook(
    _cache: *mut kmem_cache,
    _lru: *mut list_lru,
    _gfp: gfp_t,
    _slab_alloc_flags: c_uint,
    _size: usize,
    _objects: *mut *mut c_void,
) -> bool {
    true
}

#[export]
unsafe extern "C" fn __memcg_slab_free_hook(
    _cache: *mut kmem_cache,
    _slab: *mut slab,
    _objects: *mut *mut c_void,
    _nr: c_int,
    _exts: c_ulong,
) {
}

// --- sockets: not accounted yet ---

#[export]
unsafe extern "C" fn mem_cgroup_sk_alloc(_sk: *mut sock) {}

#[export]
unsafe extern "C" fn mem_cgroup_sk_free(_sk: *mut sock) {}

#[export]
unsafe extern "C" fn mem_cgroup_sk_inherit(_sk: *const sock, _new: *mut sock) {}

#[export]
unsafe extern "C" fn mem_cgroup_sk_charge(
    _sk: *const sock,
    _nr_pages: c_uint,
    _gfp: gfp_t,
) -> bool {
    true
}

#[export]
unsafe extern "C" fn mem_cgroup_sk_uncharge(_sk: *const sock, _nr_pages: c_uint) {}

// --- zswap: not accounted yet ---

#[cfg(CONFIG_ZSWAP)]
#[export]
unsafe extern "C" fn obj_cgroup_may_zswap(_objcg: *mut obj_cgroup) -> bool {
    true
}

#[cfg(CONFIG_ZSWAP)]
#[export]
unsafe extern "C" fn obj_cgroup_charge_zswap(_objcg: *mut obj_cgroup, _size: usize) {}

#[cfg(CONFIG_ZSWAP)]
#[export]
unsafe extern "C" fn obj_cgroup_uncharge_zswap(_objcg: *mut obj_cgroup, _size: usize) {}

#[cfg(CONFIG_ZSWAP)]
#[export]
unsafe extern "C" fn mem_cgroup_zswap_writeback_enabled(_memcg: *mut mem_cgroup) -> bool {
    true
}

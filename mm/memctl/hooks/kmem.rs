// SPDX-License-Identifier: GPL-2.0

//! Kernel memory, but for objects of slab caches: the page allocator, per-CPU memory, zswap, BPF.

use super::seam::FirstPage;
use crate::{
    account::kmem,
    c::{binding::Referenced, gfp::Gfp, meta_page::MetaPage, objcg::ObjCgroup, vm},
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_uint, //
    },
    mm::numa::NodeId,
    sync::aref::ARef,
};

/// The node whose handles own what is on no node in particular.
fn some_node() -> Option<NodeId> {
    NodeId::with_memory().next()
}

kernel::seam! {
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_kmem_disabled() -> bool {
        vm::nokmem()
    }

    /// # Safety
    ///
    /// The pages are of a kind that is charged as kernel memory, and the caller's alone:
    /// `__alloc_frozen_pages_noprof()`, `memcg_charge_kernel_stack()`, `memcg_slab_post_charge()`.
    /// Any context, if `gfp` says so.
    fn __memcg_kmem_charge_page(first: FirstPage<'_>, gfp: Gfp, order: c_int) -> c_int {
        kmem::charge_pages(first.pages(order as c_uint), gfp)
    }

    /// # Safety
    ///
    /// They were charged as above, and nobody else has them: `__free_pages_prepare()`,
    /// `exit_task_stack_account()`, `anon_pipe_buf_try_steal()`. Any context.
    fn __memcg_kmem_uncharge_page(first: FirstPage<'_>, order: c_int) {
        kmem::uncharge_pages(first.pages(order as c_uint));
    }

    /// # Safety
    ///
    /// The pages are no compound page, and the caller's alone: `__split_page()`.
    fn split_page_memcg(first: FirstPage<'_>, order: c_uint) {
        first.pages(order).split();
    }

    /// The handle may be freed when the caller leaves RCU.
    ///
    /// # Safety
    ///
    /// The caller is under RCU, or the current task's container is the one it stays in:
    /// `include/linux/memcontrol.h`.
    fn current_obj_cgroup() -> *mut obj_cgroup {
        some_node().and_then(kmem::current_owner).map(|owner| owner.as_raw())
    }

    /// # Safety
    ///
    /// None is needed. Any context.
    fn get_obj_cgroup_from_current() -> *mut obj_cgroup {
        some_node().and_then(kmem::current_owner)
    }

    /// # Safety
    ///
    /// The folio is locked, or the caller has a reference on it: `mm/zswap.c`, `mm/page_io.c`.
    fn get_obj_cgroup_from_folio(page: MetaPage<'_, Referenced>) -> *mut obj_cgroup {
        page.owner().map(ARef::from)
    }

    /// # Safety
    ///
    /// The caller has a reference on the handle: `mm/percpu.c`.
    fn obj_cgroup_charge(owner: &ObjCgroup, gfp: Gfp, size: usize) -> c_int {
        kmem::charge_bytes(owner, gfp, size)
    }

    /// # Safety
    ///
    /// As above. Any context: `pcpu_memcg_free_hook()` holds a lock, with interrupts off.
    fn obj_cgroup_uncharge(owner: &ObjCgroup, size: usize) {
        kmem::uncharge_bytes(owner, size);
    }
}

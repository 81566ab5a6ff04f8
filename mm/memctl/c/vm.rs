// SPDX-License-Identifier: GPL-2.0

//! What the controller asks of the rest of the memory management, and of the kernel.

use super::{
    gfp::Gfp,
    memcg::MemCgroup, //
};
use kernel::{
    bindings,
    cgroup::{
        CssData,
        Text, //
    },
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};

/// Whether the controller was disabled at boot (`cgroup_disable=memory`).
#[inline]
pub(crate) fn disabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::mem_cgroup_disabled() }
}

/// Whether the controller is on a cgroup v2 mount, or on none.
#[inline]
pub(crate) fn on_v2() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::memory_cgrp_on_dfl() }
}

/// Whether cgroup v2 was mounted with an option.
fn mounted_with(flag: u32) -> bool {
    // SAFETY: The flags only change at mount.
    let flags = unsafe { (&raw const bindings::cgrp_dfl_root.flags).read_volatile() };
    flags & flag != 0
}

/// Whether cgroup v2 was mounted such that events count only where they happen.
pub(crate) fn local_events() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_LOCAL_EVENTS)
}

/// Whether cgroup v2 was mounted such that hugetlb pages are charged.
pub(crate) fn accounts_hugetlb() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_HUGETLB_ACCOUNTING)
}

/// Whether cgroup v2 was mounted such that what is protected in a container is shared out below it.
pub(crate) fn protects_recursively() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_RECURSIVE_PROT)
}

/// Reclaims at least `nr` pages of `memcg` and all below it, if it can. Returns how many pages it
/// reclaimed. May sleep; must not be called from reclaim.
pub(crate) fn reclaim(memcg: &MemCgroup, nr: usize, gfp: Gfp) -> usize {
    // SAFETY: `memcg` is held by the caller.
    unsafe {
        bindings::try_to_free_mem_cgroup_pages(
            memcg.as_raw(),
            nr,
            gfp.0,
            bindings::MEMCG_RECLAIM_MAY_SWAP,
            core::ptr::null_mut(),
        )
    }
}

/// Reclaims as `text` says, which user space wrote to `memory.reclaim`. May sleep.
///
/// # Errors
///
/// `EINVAL` if it cannot be understood, `EAGAIN` if less was reclaimed than asked for, `EINTR`.
pub(crate) fn reclaim_as_told(memcg: &MemCgroup, text: &mut Text<'_>) -> Result {
    // SAFETY: `memcg` is held by the caller, and `text` is ours to take apart.
    to_result(unsafe {
        bindings::user_proactive_reclaim(text.as_raw(), memcg.as_raw(), core::ptr::null_mut())
    })
}

/// Held by whoever kills for memory: one at a time.
///
/// # Invariants
///
/// The lock is held by this task.
pub(crate) struct OomLock(NotThreadSafe);

impl OomLock {
    /// Waits for the lock, unless this task is killed meanwhile.
    pub(crate) fn killable() -> Option<Self> {
        // SAFETY: FFI call without requirements but to be able to sleep.
        unsafe { bindings::oom_lock_killable() }.then(|| Self(NotThreadSafe))
    }

    /// Kills a process of `memcg` or below it. Says whether it did, or one is dying already.
    pub(crate) fn kill(&self, memcg: &MemCgroup, gfp: Gfp, order: i32) -> bool {
        let mut oc = bindings::oom_control {
            memcg: memcg.as_raw(),
            gfp_mask: gfp.0,
            order,
            ..pin_init::zeroed()
        };
        // SAFETY: `oom_lock` is held, and `memcg` is held by the caller.
        unsafe { bindings::out_of_memory(&mut oc) }
    }
}

impl Drop for OomLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held.
        unsafe { bindings::oom_unlock() }
    }
}

/// Held by whoever sets a limit that must not be below the usage: one at a time.
///
/// # Invariants
///
/// The lock is held by this task.
pub(crate) struct LimitLock(NotThreadSafe);

impl LimitLock {
    /// Waits for the lock. May sleep.
    pub(crate) fn new() -> Self {
        // SAFETY: The mutex is initialized statically.
        unsafe { bindings::limit_mutex_lock() };
        // INVARIANT: It has just been locked.
        Self(NotThreadSafe)
    }
}

impl Drop for LimitLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held.
        unsafe { bindings::limit_mutex_unlock() }
    }
}

/// Leaves in `mask` only the nodes that the cpuset of `memcg`'s cgroup allows.
pub(crate) fn keep_allowed_nodes(memcg: &MemCgroup, mask: &mut bindings::nodemask_t) {
    // SAFETY: `memcg` is held by the caller, and so is its cgroup.
    unsafe { bindings::nodes_and_allowed(memcg.css().as_raw(), mask) }
}

/// How willingly anonymous pages are swapped where no container says so, 0 to 200.
pub(crate) fn swappiness() -> i32 {
    // SAFETY: A word-sized variable that is written by sysctl.
    unsafe { (&raw const bindings::vm_swappiness).read_volatile() }
}

/// Sets [`swappiness`].
pub(crate) fn set_swappiness(value: i32) {
    // SAFETY: A word-sized variable that readers read once.
    unsafe { (&raw mut bindings::vm_swappiness).write_volatile(value) }
}

/// Tells writeback that `memcg` may have more pages from now on, or less.
#[cfg(CONFIG_CGROUP_WRITEBACK)]
pub(crate) fn size_changed(memcg: &MemCgroup) {
    // SAFETY: The domain is initialized with the container.
    unsafe { bindings::wb_domain_size_changed(memcg.wb_domain()) }
}

/// As above; nobody wants to know.
#[cfg(not(CONFIG_CGROUP_WRITEBACK))]
pub(crate) fn size_changed(_memcg: &MemCgroup) {}

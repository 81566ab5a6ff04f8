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
    sync::{
        c_mutex::{
            CMutex,
            Guard, //
        },
        counted::Counted, //
    },
};

/// Whether the controller was disabled at boot (`cgroup_disable=memory`).
#[inline]
pub(crate) fn disabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::mem_cgroup_disabled() }
}

/// Whether kernel memory is left out, as was said at boot (`cgroup.memory=nokmem`).
#[inline]
pub(crate) fn nokmem() -> bool {
    // SAFETY: The variable is written before anything is allocated.
    unsafe { bindings::memctl_nokmem }
}

/// Whether zswap takes what is swapped out.
#[cfg(CONFIG_ZSWAP)]
pub(crate) fn zswap_is_enabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::zswap_is_enabled() }
}

/// Whether the controller is on a cgroup v2 mount, or on none.
#[inline]
pub(crate) fn on_v2() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::memory_cgrp_on_dfl() }
}

/// Whether cgroup v2 was mounted with an option.
pub(super) fn mounted_with(flag: u32) -> bool {
    // SAFETY: The flags only change at mount.
    let flags = unsafe { (&raw const bindings::cgrp_dfl_root.flags).read_volatile() };
    flags & flag != 0
}

/// How an allocation that is to be met as `gfp` says may be met now: early at boot, nothing sleeps.
#[inline]
pub(crate) fn allowed(gfp: Gfp) -> Gfp {
    // SAFETY: The variable changes when the machine boots or is suspended.
    let allowed = unsafe { (&raw const bindings::gfp_allowed_mask).read_volatile() };
    gfp & Gfp(allowed)
}

/// Reclaims at least `nr` pages of `memcg` and all below it, if it can: by swapping, too, if
/// `swaps`. Returns how many pages it reclaimed. May sleep; must not be called from reclaim.
pub(crate) fn reclaim(memcg: &Counted<MemCgroup>, nr: usize, gfp: Gfp, swaps: bool) -> usize {
    let how = match swaps {
        true => bindings::MEMCG_RECLAIM_MAY_SWAP,
        false => 0,
    };
    // SAFETY: There is a reference on `memcg`.
    unsafe {
        bindings::try_to_free_mem_cgroup_pages(
            memcg.as_raw(),
            nr,
            gfp.0,
            how,
            core::ptr::null_mut(),
        )
    }
}

/// Reclaims as `text` says, which user space wrote to `memory.reclaim`. May sleep.
///
/// # Errors
///
/// `EINVAL` if it cannot be understood, `EAGAIN` if less was reclaimed than asked for, `EINTR`.
pub(crate) fn reclaim_as_told(memcg: &Counted<MemCgroup>, text: &mut Text<'_>) -> Result {
    // SAFETY: There is a reference on `memcg`, and `text` is ours to take apart.
    to_result(unsafe {
        bindings::user_proactive_reclaim(text.as_raw(), memcg.as_raw(), core::ptr::null_mut())
    })
}

/// How many pages reclaim looks at before it is said how hard it has been.
#[cfg(CONFIG_MEMCG_V1)]
pub(crate) fn pressure_window() -> usize {
    // SAFETY: The variable is constant.
    unsafe { bindings::vmpressure_win }
}

/// How hard it is to get `reclaimed` of `scanned` pages: a level as C numbers them.
#[cfg(CONFIG_MEMCG_V1)]
pub(crate) fn pressure_level(scanned: usize, reclaimed: usize) -> u32 {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::vmpressure_calc_level(scanned, reclaimed) }
}

/// Counts as if reclaim of `memcg` had looked at as many pages as it takes, and got none.
#[cfg(CONFIG_MEMCG_V1)]
pub(crate) fn tell_critical(memcg: Option<&Counted<MemCgroup>>, gfp: Gfp) {
    let memcg = memcg.map_or(core::ptr::null_mut(), |memcg| memcg.as_raw());
    // SAFETY: There is a reference on `memcg`; none is that of the whole machine.
    unsafe { bindings::vmpressure(gfp.0, 0, memcg, true, bindings::vmpressure_win, 0) }
}

/// Held by whoever kills for memory: one at a time.
pub(crate) struct OomLock {
    _held: Guard<'static>,
}

impl OomLock {
    /// Waits for the lock, unless this task is killed meanwhile.
    pub(crate) fn killable() -> Option<Self> {
        // SAFETY: The mutex is initialized statically.
        unsafe { CMutex::from_raw(&raw mut bindings::oom_lock) }
            .lock_killable()
            .map(|held| Self { _held: held })
    }

    /// Kills a process of `memcg` or below it. Says whether it did, or one is dying already.
    pub(crate) fn kill(&self, memcg: &Counted<MemCgroup>, gfp: Gfp, order: i32) -> bool {
        let mut oc = bindings::oom_control {
            memcg: memcg.as_raw(),
            gfp_mask: gfp.0,
            order,
            ..pin_init::zeroed()
        };
        // SAFETY: `oom_lock` is held, and there is a reference on `memcg`.
        unsafe { bindings::out_of_memory(&mut oc) }
    }
}

/// Waits for the lock of whoever sets a limit that must not be below the usage: one at a time. May
/// sleep.
pub(crate) fn lock_limits() -> Guard<'static> {
    // SAFETY: The mutex is initialized statically.
    unsafe { CMutex::from_raw(&raw mut bindings::memctl_limit_mutex) }.lock()
}

/// Leaves in `mask` only the nodes that the cpuset of `memcg`'s cgroup allows.
pub(crate) fn keep_allowed_nodes(memcg: &MemCgroup, mask: &mut bindings::nodemask_t) {
    // SAFETY: A css that can be seen has a cgroup that can be, and this does not sleep.
    unsafe { bindings::nodes_and_allowed(memcg.css().as_raw(), mask) }
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

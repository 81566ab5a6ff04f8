// SPDX-License-Identifier: GPL-2.0

//! Reclaim walks over containers, asks what is protected, and tells of pressure: `mm/vmscan.c`,
//! `mm/shrinker.c`, `mm/vmpressure.c`; and tasks that return to user space are slowed.

use super::{
    results::Step,
    seam::{
        Given,
        MayCookie,
        OrRoot, //
    },
};
use crate::{
    c::{
        gfp::Gfp,
        memcg::MemCgroup,
        vm, //
    },
    pressure::{
        protection,
        throttle, //
    },
    tree::iter,
};
use kernel::bindings::*;
#[cfg(CONFIG_MEMCG_V1)]
use kernel::{
    ffi::{
        c_int,
        c_ulong, //
    },
    seam::Ignored, //
};

kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps the root of the walk, and gives its reference on `prev`, that of the last
    /// call, away; the cookie is its own, with a node: `include/linux/memcontrol.h`.
    fn mem_cgroup_iter(
        root: OrRoot<'_>,
        prev: Given,
        cookie: MayCookie<'_>,
    ) -> *mut mem_cgroup {
        let OrRoot(root) = root;
        if vm::disabled() {
            return Step(None);
        }
        let found = match cookie.into_parts() {
            None => iter::next(root, prev.get(), None),
            Some((nid, generation)) => {
                iter::next(root, prev.get(), Some(iter::Shared { nid, generation }))
            }
        };
        drop(prev.take(root));
        Step(found)
    }

    /// # Safety
    ///
    /// As above.
    fn mem_cgroup_iter_break(root: OrRoot<'_>, prev: Given) {
        drop(prev.take(root.0));
    }

    /// # Safety
    ///
    /// The caller keeps both, of which the root of the reclaim may be null:
    /// `shrink_node_memcgs()`.
    fn mem_cgroup_calculate_protection(root: OrRoot<'_>, memcg: &MemCgroup) {
        if !vm::disabled() {
            protection::update(root.0, memcg);
        }
    }

    /// # Safety
    ///
    /// The caller keeps the container, if there is one: `show_mem()` of the OOM killer.
    fn mem_cgroup_show_protected_memory(memcg: OrRoot<'_>) {
        if !vm::disabled() && vm::on_v2() {
            crate::files::log::protection(memcg.0);
        }
    }

    /// # Safety
    ///
    /// None is needed: `resume_user_mode_work()`.
    fn __mem_cgroup_handle_over_high(gfp: Gfp) {
        throttle::settle(gfp);
    }

    /// # Safety
    ///
    /// The caller keeps the container, if there is one: `vmpressure()`.
    fn memcg_to_vmpressure(memcg: OrRoot<'_>) -> *mut vmpressure {
        memcg.0.vmpressure()
    }
}

#[cfg(CONFIG_LRU_GEN)]
kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps both, of which the root of the reclaim may be null: `shrink_one()`.
    fn mem_cgroup_calculate_protection_path(root: OrRoot<'_>, memcg: &MemCgroup) {
        if !vm::disabled() {
            protection::update_path(root.0, memcg);
        }
    }
}

/// Soft limits, and those who listen to pressure on cgroup v1.
#[cfg(CONFIG_MEMCG_V1)]
mod v1 {
    use super::{
        super::seam::{
            ByPressure,
            MayHeld, //
        },
        *, //
    };
    use crate::pressure::levels;

    kernel::seam! {
        /// Nobody can set a soft limit: what is written to the file has no effect.
        ///
        /// # Safety
        ///
        /// None is needed.
        fn memcg1_soft_limit_reclaim(
            _pgdat: Ignored<pg_data_t>,
            _order: c_int,
            _gfp: Gfp,
            _scanned: Ignored<c_ulong>,
        ) -> c_ulong {
            0
        }

        /// # Safety
        ///
        /// The caller has a reference on the container, if there is one: `do_try_to_free_pages()`.
        fn vmpressure_prio(gfp: Gfp, memcg: MayHeld<'_>, prio: c_int) {
            levels::note_priority(memcg.0, prio.max(0) as u32, gfp);
        }

        /// What `mm/vmpressure.c` keeps for listeners is not used: see `pressure/levels.rs`.
        ///
        /// # Safety
        ///
        /// None is needed.
        fn vmpressure_v1_init(_vmpressure: Ignored<vmpressure>) {}

        /// # Safety
        ///
        /// None is needed.
        fn vmpressure_v1_cleanup(_vmpressure: Ignored<vmpressure>) {}

        /// # Safety
        ///
        /// It is the pressure of a container, which the caller keeps: `vmpressure()`.
        fn vmpressure_v1_account_tree(
            pressure: ByPressure<'_>,
            scanned: c_ulong,
            reclaimed: c_ulong,
        ) {
            levels::note_reclaim(pressure.0, scanned, reclaimed);
        }
    }
}

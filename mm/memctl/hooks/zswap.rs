// SPDX-License-Identifier: GPL-2.0

//! zswap: `mm/zswap.c`. What it holds is neither charged nor limited yet.

use kernel::{bindings::*, prelude::*, seam::Ignored};

kernel::seam! {
    /// # Safety
    ///
    /// None is needed.
    fn obj_cgroup_may_zswap(_objcg: Ignored<obj_cgroup>) -> bool {
        true
    }

    /// # Safety
    ///
    /// None is needed.
    fn obj_cgroup_charge_zswap(_objcg: Ignored<obj_cgroup>, _size: usize) {}

    /// # Safety
    ///
    /// None is needed.
    fn obj_cgroup_uncharge_zswap(_objcg: Ignored<obj_cgroup>, _size: usize) {}

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_zswap_writeback_enabled(_memcg: Ignored<mem_cgroup>) -> bool {
        true
    }
}

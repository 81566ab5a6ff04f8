// SPDX-License-Identifier: GPL-2.0

//! zswap: `mm/zswap.c`, and who asks whether it may write back: `mm/page_io.c`, `mm/vmscan.c`.

use crate::{
    account::zswap,
    c::{
        memcg::MemCgroup,
        objcg::ObjCgroup, //
    },
};

kernel::seam! {
    /// # Safety
    ///
    /// The caller has a reference on the handle: `zswap_store()`.
    fn obj_cgroup_may_zswap(owner: &ObjCgroup) -> bool {
        zswap::may_take(owner)
    }

    /// # Safety
    ///
    /// As above.
    fn obj_cgroup_charge_zswap(owner: &ObjCgroup, size: usize) {
        zswap::charge(owner, size);
    }

    /// # Safety
    ///
    /// As above: `zswap_entry_free()`.
    fn obj_cgroup_uncharge_zswap(owner: &ObjCgroup, size: usize) {
        zswap::uncharge(owner, size);
    }

    /// # Safety
    ///
    /// The caller keeps the container, if there is one: `shrink_memcg()`.
    fn mem_cgroup_zswap_writeback_enabled(memcg: Option<&MemCgroup>) -> bool {
        zswap::may_write_back(memcg)
    }
}

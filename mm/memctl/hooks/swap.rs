// SPDX-License-Identifier: GPL-2.0

//! Swap space is given out, freed and asked for: `mm/swapfile.c`, and reclaim.

#[cfg(CONFIG_SWAP)]
use super::seam::RecordedId;
use crate::c::{
    memcg::MemCgroup,
    vm, //
};
#[cfg(CONFIG_SWAP)]
use crate::{
    account::swap,
    c::{
        binding::{
            Locked,
            Referenced, //
        },
        meta_page::MetaPage,
    },
};
#[cfg(CONFIG_SWAP)]
use kernel::ffi::{
    c_int,
    c_long, //
};
use kernel::{bindings::*, seam::Lent};

#[cfg(CONFIG_SWAP)]
kernel::seam! {
    /// # Safety
    ///
    /// The folio is locked: `folio_alloc_swap()` says so.
    fn __mem_cgroup_try_charge_swap(page: MetaPage<'_, Locked>) -> c_int {
        swap::charge(page)
    }

    /// # Safety
    ///
    /// As many entries as `nr_pages` for which this id was written down have just been freed:
    /// `__swap_cluster_free_entries()`.
    fn __mem_cgroup_uncharge_swap(id: RecordedId, nr_pages: u32) {
        swap::uncharge(id.freed(nr_pages));
    }

    /// # Safety
    ///
    /// The caller, reclaim or `mm/workingset.c`, keeps the container.
    fn mem_cgroup_get_nr_swap_pages(memcg: &MemCgroup) -> c_long {
        if vm::disabled() {
            return kernel::mm::swap::free_pages();
        }
        swap::free_pages(memcg)
    }

    /// # Safety
    ///
    /// The folio is locked, or the caller has a reference on it: `mm/swapfile.c`, `mm/vmscan.c`,
    /// `mm/memory.c`.
    fn mem_cgroup_swap_full(page: MetaPage<'_, Referenced>) -> bool {
        swap::is_full(page)
    }
}

kernel::seam! {
    /// Pages are demoted to nodes that the container may use.
    ///
    /// # Safety
    ///
    /// Reclaim keeps the container, if there is one, and the mask is its own: `mm/vmscan.c`.
    fn mem_cgroup_node_filter_allowed(memcg: Option<&MemCgroup>, mask: Lent<'_, nodemask_t>) {
        if let Some(memcg) = memcg {
            vm::keep_allowed_nodes(memcg, mask.0);
        }
    }
}

/// Memory and swap space together, on cgroup v1.
#[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
mod memsw {
    use crate::{
        account::memsw,
        c::{
            binding::{
                Frozen,
                Locked, //
            },
            meta_page::MetaPage,
            swap::Cluster, //
        },
    };
    kernel::seam! {
        /// # Safety
        ///
        /// The folio is locked, in the swap cache, off the lists and frozen, as it is about to be
        /// freed; the cluster is that of its entries, and locked with interrupts off:
        /// `__swap_cache_del_folio()`.
        fn __memcg1_swapout(page: MetaPage<'_, Frozen>, cluster: Cluster<'_>) {
            memsw::swapped_out(page, cluster);
        }

        /// # Safety
        ///
        /// The folio is locked, in the swap cache and charged: `__swap_cache_alloc_folio()`.
        fn memcg1_swapin(page: MetaPage<'_, Locked>) {
            memsw::swapped_in(page);
        }
    }
}

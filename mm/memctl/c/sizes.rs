// SPDX-License-Identifier: GPL-2.0

//! How many pages there are on the lists of a container's share of a node.
#![deny(unsafe_code)]

use super::{
    items::NR_LRU,
    node::Node, //
};
use kernel::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

const NR_ZONES: usize = bindings::zone_type___MAX_NR_ZONES as usize;

/// The sizes of the lists, by zone and in all: the last two fields of `struct mem_cgroup_per_node`.
#[repr(C)]
pub(super) struct ListSizes {
    in_zones: [[Atomic<usize>; NR_LRU]; NR_ZONES],
    all: [Atomic<usize>; NR_LRU],
}

impl Node {
    /// Pages on the list `lru`.
    #[inline]
    pub(crate) fn lru_size(&self, lru: usize) -> usize {
        self.lists()
            .all
            .get(lru)
            .map_or(0, |size| size.load(Relaxed))
    }

    /// Adds `n` pages to the size of the list `lru`, under its lock.
    #[inline]
    pub(crate) fn add_lru_size(&self, lru: usize, n: isize) {
        if let Some(size) = self.lists().all.get(lru) {
            // Only the holder of the lock writes: no need for an atomic addition.
            size.store(size.load(Relaxed).wrapping_add_signed(n), Relaxed);
        }
    }

    /// Adds `n` pages to the size of the list `lru` in the zone `zid`, under the lock of the lists.
    /// Returns the new size.
    #[inline]
    pub(crate) fn add_zone_lru_size(&self, zid: usize, lru: usize, n: isize) -> isize {
        let Some(size) = self
            .lists()
            .in_zones
            .get(zid)
            .and_then(|zone| zone.get(lru))
        else {
            return 0;
        };
        let new = size.load(Relaxed).wrapping_add_signed(n);
        size.store(new, Relaxed);
        new as isize
    }
}

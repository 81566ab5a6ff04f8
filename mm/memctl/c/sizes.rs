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

/// The sizes of the lists.
pub(super) type ListSizes = [Atomic<usize>; NR_LRU];

/// The same by zone.
pub(super) type ZoneSizes = [ListSizes; NR_ZONES];

impl Node {
    /// Pages on the list `lru`.
    #[inline]
    pub(crate) fn lru_size(&self, lru: usize) -> usize {
        let size = self.sizes().0.get(lru);
        size.map_or(0, |size| size.load(Relaxed))
    }

    /// Adds `n` pages to the size of the list `lru`, under its lock.
    #[inline]
    pub(crate) fn add_lru_size(&self, lru: usize, n: isize) {
        if let Some(size) = self.sizes().0.get(lru) {
            // Only the holder of the lock writes: no need for an atomic addition.
            size.store(size.load(Relaxed).wrapping_add_signed(n), Relaxed);
        }
    }

    /// Adds `n` pages to the size of the list `lru` in the zone `zid`, under the lock of the lists.
    /// Returns the new size.
    #[inline]
    pub(crate) fn add_zone_lru_size(&self, zid: usize, lru: usize, n: isize) -> isize {
        let zones = self.sizes().1;
        let Some(size) = zones.get(zid).and_then(|zone| zone.get(lru)) else {
            return 0;
        };
        let new = size.load(Relaxed).wrapping_add_signed(n);
        size.store(new, Relaxed);
        new as isize
    }
}

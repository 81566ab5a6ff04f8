// SPDX-License-Identifier: GPL-2.0

//! The counts of a container and of its shares of nodes, beside what each CPU counts.
//!
//! What changes with each folio is counted on each CPU, in [`Rows`](kernel::percpu::Rows). What
//! changes rarely is counted here, once for all CPUs. Both are carried up from time to time, see
//! `stats/flush.rs`, to the totals here: of a container and all below it and, where somebody asks
//! for that, of it alone.
#![deny(unsafe_code)]

use super::changed::Carrier;
use kernel::{
    alloc::flags,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};

/// Counts of which there is one for all CPUs, as far as they have not been carried up: less than
/// 2^31 each.
#[repr(C)]
pub(crate) struct Rare<const N: usize> {
    changed: Atomic<u32>,
    counts: [Atomic<i32>; N],
}

impl<const N: usize> Rare<N> {
    /// Adds `n` to a count, with a full barrier behind.
    pub(crate) fn add(&self, at: usize, n: i32) {
        if let Some(count) = self.counts.get(at) {
            // Fully ordered: whoever takes the counts either sees this change, or has cleared the
            // mark before we look at it.
            count.fetch_add(n, Full);
        }
        if self.changed.load(Relaxed) == 0 {
            self.changed.xchg(1, Full);
        }
    }

    /// Takes what has changed, if anything has. Steps: `N`, then.
    #[inline]
    pub(crate) fn take(&self) -> Option<[isize; N]> {
        if self.changed.load(Relaxed) == 0 {
            return None;
        }
        Some(self.take_all())
    }

    fn take_all(&self) -> [isize; N] {
        self.changed.xchg(0, Full);
        let mut counts = [0; N];
        for (taken, count) in counts.iter_mut().zip(&self.counts) {
            if count.load(Relaxed) != 0 {
                *taken = count.xchg(0, Relaxed) as isize;
            }
        }
        counts
    }
}

/// Totals. Only who carries counts up writes them, and anybody reads.
#[repr(transparent)]
pub(crate) struct Totals<const N: usize>([Atomic<isize>; N]);

impl<const N: usize> Totals<N> {
    /// The total `at`.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> isize {
        self.0.get(at).map_or(0, |total| total.load(Relaxed))
    }

    /// Adds `n` to the total `at`.
    #[inline]
    pub(crate) fn add(&self, _carrier: &Carrier<'_>, at: usize, n: isize) {
        if let Some(total) = self.0.get(at) {
            // There is one writer: no need for an atomic addition.
            total.store(total.load(Relaxed).wrapping_add(n), Relaxed);
        }
    }
}

/// Totals of a container alone, if there are any: only cgroup v1 has files that show them.
#[repr(transparent)]
pub(crate) struct Local<const N: usize>(Option<KBox<Totals<N>>>);

kernel::static_assert!(size_of::<Local<1>>() == size_of::<usize>());

impl<const N: usize> Local<N> {
    /// Totals that are 0, or none. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(wanted: bool) -> Result<Self> {
        if !wanted {
            return Ok(Self(None));
        }
        let totals = Totals([const { Atomic::new(0) }; N]);
        Ok(Self(Some(KBox::new(totals, flags::GFP_KERNEL_ACCOUNT)?)))
    }

    /// Those there are.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Totals<N>> {
        self.0.as_deref()
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/counts.rs"]
mod tests;

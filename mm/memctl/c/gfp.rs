// SPDX-License-Identifier: GPL-2.0

//! How an allocation may be met.
#![deny(unsafe_code)]

use core::ops::BitAnd;
use kernel::bindings;

/// How an allocation may be met, `gfp_t`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gfp(pub(crate) bindings::gfp_t);

impl Gfp {
    /// An ordinary allocation of the kernel: it may sleep, reclaim and kill.
    pub(crate) const KERNEL: Self = Self(bindings::GFP_KERNEL);
    /// Fails rather than trying hard.
    pub(crate) const NORETRY: Self = Self(bindings::__GFP_NORETRY);
    /// Tries hard but does not kill.
    pub(crate) const RETRY_MAYFAIL: Self = Self(bindings::__GFP_RETRY_MAYFAIL);
    /// Cannot fail.
    pub(crate) const NOFAIL: Self = Self(bindings::__GFP_NOFAIL);
    /// May use reserves.
    pub(crate) const HIGH: Self = Self(bindings::__GFP_HIGH);
    const DIRECT_RECLAIM: Self = Self(bindings::__GFP_DIRECT_RECLAIM);
    const RECLAIM: Self = Self(bindings::__GFP_RECLAIM);

    /// Whether all bits of `flags` are set.
    pub(crate) fn has(self, flags: Self) -> bool {
        (self & flags) == flags
    }

    /// Whether it may sleep.
    pub(crate) fn may_sleep(self) -> bool {
        self.has(Self::DIRECT_RECLAIM)
    }

    /// Whether it may take a lock: an allocation that wakes nobody may be in any context.
    pub(crate) fn may_lock(self) -> bool {
        (self & Self::RECLAIM) != Self(0)
    }
}

impl BitAnd for Gfp {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Counting writes to what all CPUs share, where `CONFIG_MEMCTL_COUNT_SHARED` says so: to show that
//! the fast path of a charge has none. Elsewhere this is nothing.
#![deny(unsafe_code)]

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

static WRITES: Atomic<usize> = Atomic::new(0);

/// The counters of a container and all above it are about to be written.
#[inline]
pub(crate) fn note() {
    if cfg!(CONFIG_MEMCTL_COUNT_SHARED) {
        WRITES.add(1usize, Relaxed);
    }
}

/// How often that has happened, if anybody counts.
pub(crate) fn count() -> Option<usize> {
    cfg!(CONFIG_MEMCTL_COUNT_SHARED).then(|| WRITES.load(Relaxed))
}

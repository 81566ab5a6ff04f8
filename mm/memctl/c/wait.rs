// SPDX-License-Identifier: GPL-2.0

//! Those who wait for room in a container, where C keeps them.

use kernel::{
    bindings,
    sync::atomic::Atomic, //
};

/// How many wait, in all containers: read by every uncharge, and rarely written.
#[inline]
pub(crate) fn waiters() -> &'static Atomic<i32> {
    // SAFETY: The variable is only accessed atomically.
    unsafe { Atomic::from_ptr(&raw mut bindings::memctl_oom_waiters) }
}

// SPDX-License-Identifier: GPL-2.0

//! Those who wait for what happens to the usage of a container, where C keeps them.

use super::memcg::MemCgroup;
use kernel::{
    bindings,
    sync::atomic::Atomic, //
};

/// How many wait, in all containers, or want to know of a threshold: read by every uncharge, and
/// rarely written.
#[inline]
pub(crate) fn watchers() -> &'static Atomic<i32> {
    // SAFETY: The variable is only accessed atomically.
    unsafe { Atomic::from_ptr(&raw mut bindings::memctl_watchers) }
}

/// Wakes those who wait for room in `memcg` itself, soon: by an interrupt. Any context, NMI
/// included, and under any lock.
pub(crate) fn wake_soon(memcg: &MemCgroup) {
    // SAFETY: The container is there now, and waits to be freed until the interrupt has been.
    unsafe { bindings::memctl_wake_soon(memcg.as_raw()) }
}

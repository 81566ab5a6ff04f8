// SPDX-License-Identifier: GPL-2.0

//! Those who wait for room in a container, where C keeps them.

use kernel::{
    bindings,
    sync::{
        atomic::Atomic,
        wait_queue::WaitQueue, //
    },
};

/// The queue of tasks that wait for an out-of-memory situation to be resolved.
pub(crate) fn queue() -> &'static WaitQueue {
    // SAFETY: The queue is initialized statically.
    unsafe { WaitQueue::from_raw(&raw mut bindings::memctl_oom_waitq) }
}

/// How many wait, in all containers: read by every uncharge, and rarely written.
#[inline]
pub(crate) fn waiters() -> &'static Atomic<i32> {
    // SAFETY: The variable is only accessed atomically.
    unsafe { Atomic::from_ptr(&raw mut bindings::memctl_oom_waiters) }
}

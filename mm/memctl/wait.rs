// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: the queue of tasks that wait for room in a container.

use kernel::bindings;

/// Sleeps until `done` says so when asked after [`wake_all`], or this task is killed.
#[cfg(CONFIG_MEMCG_V1)]
pub(crate) fn killable(done: impl Fn() -> bool) {
    let entry = kernel::types::Opaque::<bindings::wait_queue_entry>::uninit();
    // SAFETY: `entry` stays in place until `finish_wait()`, and the queue is initialized
    // statically.
    unsafe {
        bindings::init_wait_entry(entry.get(), 0);
        loop {
            // First on the queue, then the question: a wake-up in between is not lost.
            let ret = bindings::prepare_to_wait_event(
                &raw mut bindings::memctl_oom_waitq,
                entry.get(),
                bindings::TASK_KILLABLE as i32,
            );
            if ret != 0 || done() {
                break;
            }
            bindings::schedule();
        }
        bindings::finish_wait(&raw mut bindings::memctl_oom_waitq, entry.get());
    }
}

/// Wakes all who wait, so that they ask again. Any context but NMI.
pub(crate) fn wake_all() {
    // SAFETY: The queue is initialized statically.
    unsafe {
        bindings::__wake_up(
            &raw mut bindings::memctl_oom_waitq,
            bindings::TASK_NORMAL,
            0,
            core::ptr::null_mut(),
        )
    };
}

// SPDX-License-Identifier: GPL-2.0

//! Queues of tasks that wait for something, without a lock of their own.
//!
//! [`CondVar`](super::CondVar) waits with a lock held; this is for those who wait for what changes
//! without one, as `wait_event()` does in C.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use crate::{
    bindings,
    types::Opaque, //
};

/// A queue of tasks, `struct wait_queue_head`.
///
/// # Invariants
///
/// The queue is initialized.
#[repr(transparent)]
pub struct WaitQueue(Opaque<bindings::wait_queue_head>);

// SAFETY: The queue has a lock of its own.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Wraps a queue that C has defined.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized queue that lives for `'a`.
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::wait_queue_head) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Sleeps until `done` says so when asked at first or after [`WaitQueue::wake_all`], or this
    /// task is killed. A wake-up between the question and the sleep is not lost. `done` must not
    /// sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::wait_queue::WaitQueue;
    ///
    /// fn wait_for_room(queue: &WaitQueue, room: impl Fn() -> bool) {
    ///     queue.wait_killable(room);
    /// }
    /// ```
    pub fn wait_killable(&self, done: impl Fn() -> bool) {
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: `entry` stays in place until `finish_wait()`, and by the type invariant the queue
        // is initialized.
        unsafe {
            bindings::init_wait_entry(entry.get(), 0);
            loop {
                // First on the queue, then the question.
                let ret = bindings::prepare_to_wait_event(
                    self.0.get(),
                    entry.get(),
                    bindings::TASK_KILLABLE as crate::ffi::c_int,
                );
                if ret != 0 || done() {
                    break;
                }
                bindings::schedule();
            }
            bindings::finish_wait(self.0.get(), entry.get());
        }
    }

    /// Wakes all who wait, so that they ask again. Any context but NMI.
    pub fn wake_all(&self) {
        // SAFETY: By the type invariant.
        unsafe {
            bindings::__wake_up(
                self.0.get(),
                bindings::TASK_NORMAL,
                0,
                core::ptr::null_mut(),
            )
        };
    }
}

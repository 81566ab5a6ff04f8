// SPDX-License-Identifier: GPL-2.0

//! Waiting for a variable to change, without a lock and without a queue of its own.
//!
//! [`CondVar`](super::CondVar) waits with a lock held; this is for those who wait for what changes
//! without one, as `wait_var_event()` does in C. All variables share some queues, and who changes
//! one wakes those who wait for that one alone.
//!
//! C header: [`include/linux/wait_bit.h`](srctree/include/linux/wait_bit.h)

use crate::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    types::Opaque, //
};

fn address<T>(var: &T) -> *mut c_void {
    core::ptr::from_ref(var).cast_mut().cast()
}

/// Sleeps until `done` says so when asked at first or after [`wake_all`] of the same `var`, or this
/// task is killed. A wake-up between the question and the sleep is not lost. `done` must not sleep.
///
/// # Examples
///
/// ```
/// use kernel::sync::{
///     atomic::{Atomic, Relaxed},
///     wait_var, //
/// };
///
/// fn wait_for_room(room: &Atomic<i32>) {
///     wait_var::wait_killable(room, || room.load(Relaxed) > 0);
/// }
///
/// // There is room: does not sleep.
/// let room = Atomic::new(1);
/// wait_for_room(&room);
/// wait_var::wake_all(&room);
/// ```
pub fn wait_killable<T>(var: &T, done: impl Fn() -> bool) {
    let entry = Opaque::<bindings::wait_bit_queue_entry>::uninit();
    // SAFETY: `entry` stays in place until `finish_wait()`; of `var` only the address matters.
    unsafe {
        let queue = bindings::__var_waitqueue(address(var));
        bindings::init_wait_var_entry(entry.get(), address(var), 0);
        let wait = &raw mut (*entry.get()).wq_entry;
        loop {
            // First on the queue, then the question.
            let state = bindings::TASK_KILLABLE as c_int;
            if bindings::prepare_to_wait_event(queue, wait, state) != 0 || done() {
                break;
            }
            bindings::schedule();
        }
        bindings::finish_wait(queue, wait);
    }
}

/// Wakes all who wait for `var`, so that they ask again. Any context but NMI.
///
/// Who has changed something first, and then finds by a full barrier that somebody waits, wakes
/// whoever began to wait before.
pub fn wake_all<T>(var: &T) {
    // SAFETY: Only the address matters.
    unsafe { bindings::wake_up_var(address(var)) };
}

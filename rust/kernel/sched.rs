// SPDX-License-Identifier: GPL-2.0

//! A task gives up the CPU, for a while.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h)
//!
//! # Examples
//!
//! ```
//! use kernel::sched;
//!
//! let before = sched::now();
//! sched::cond_resched();
//! sched::sleep_killable(1);
//! assert!(sched::now() > before);
//! ```

use crate::{
    bindings,
    time::Jiffies, //
};

/// Sleeps for so many jiffies, unless this task is killed.
pub fn sleep_killable(jiffies: Jiffies) {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::schedule_timeout_killable(jiffies as isize) };
}

/// Lets another task run, if one should. May sleep.
pub fn cond_resched() {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::cond_resched_() }
}

/// Jiffies since some time before the machine was started.
pub fn now() -> u64 {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_jiffies_64() }
}

// SPDX-License-Identifier: GPL-2.0

//! Pressure stall information: how long tasks wait for what is short.
//!
//! C header: [`include/linux/psi.h`](srctree/include/linux/psi.h)

use crate::bindings;

/// Does `work`, for which this task has to wait because memory is short, and counts the time as
/// stalled. Task context; sleeps if `work` does.
///
/// # Examples
///
/// ```
/// assert_eq!(kernel::psi::stalled(|| 6 * 7), 42);
/// ```
pub fn stalled<T>(work: impl FnOnce() -> T) -> T {
    let mut flags = 0;
    // SAFETY: The stall ends where it began.
    unsafe { bindings::psi_memstall_enter(&mut flags) };
    let result = work();
    // SAFETY: As above.
    unsafe { bindings::psi_memstall_leave(&mut flags) };
    result
}

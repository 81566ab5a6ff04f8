// SPDX-License-Identifier: GPL-2.0

//! How much swap space there is. Without `CONFIG_SWAP` there is none.
//!
//! C header: [`include/linux/swap.h`](srctree/include/linux/swap.h)
//!
//! # Examples
//!
//! ```
//! use kernel::mm::swap;
//!
//! assert!(swap::free_pages() <= swap::total_pages() as isize);
//! ```

use crate::bindings;

/// Pages of swap space there are.
pub fn total_pages() -> usize {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_total_swap_pages() }.max(0) as usize
}

/// Pages of swap space that are free.
#[inline]
pub fn free_pages() -> isize {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_nr_swap_pages() }
}

/// Whether so little swap space is left that copies of pages in memory are dropped.
pub fn is_full() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::vm_swap_full() }
}

/// How willingly anonymous pages are swapped where no container says so, 0 to 200.
pub fn swappiness() -> i32 {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_vm_swappiness() }
}

/// Sets [`swappiness`].
pub fn set_swappiness(value: i32) {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::set_vm_swappiness(value) }
}

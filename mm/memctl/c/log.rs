// SPDX-License-Identifier: GPL-2.0

//! Lines of the kernel log that programs look for, so that nothing may come before them:
//! `pr_info!` begins with the name of the module.

use kernel::{
    bindings,
    ffi::c_void,
    fmt,
    prelude::*, //
};

/// Writes a line of the level `info`. Any context.
pub(crate) fn info(line: fmt::Arguments<'_>) {
    // SAFETY: The format takes the one argument there is.
    unsafe {
        bindings::_printk(
            c"\x016%pA\n".as_char_ptr(),
            (&raw const line).cast::<c_void>(),
        )
    };
}

/// Begins a line of that level, which `pr_cont!` goes on with.
pub(crate) fn begin(line: fmt::Arguments<'_>) {
    // SAFETY: As above.
    unsafe {
        bindings::_printk(
            c"\x016%pA".as_char_ptr(),
            (&raw const line).cast::<c_void>(),
        )
    };
}

/// Writes a line of the level `warn`.
pub(crate) fn warn(line: fmt::Arguments<'_>) {
    // SAFETY: As above.
    unsafe {
        bindings::_printk(
            c"\x014%pA\n".as_char_ptr(),
            (&raw const line).cast::<c_void>(),
        )
    };
}

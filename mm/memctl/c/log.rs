// SPDX-License-Identifier: GPL-2.0

//! Lines of the kernel log that programs look for, so that nothing may come before them:
//! `pr_info!` begins with the name of the module.

use kernel::{
    bindings,
    ffi::c_void,
    fmt,
    prelude::*, //
};

/// Writes `text` to the log.
///
/// # Safety
///
/// `format` takes one argument, with `%pA`.
unsafe fn print(format: &CStr, text: fmt::Arguments<'_>) {
    // SAFETY: By the requirement of this function; `text` is what `%pA` wants.
    unsafe { bindings::_printk(format.as_char_ptr(), (&raw const text).cast::<c_void>()) };
}

/// Writes a line of the level `info`. Any context.
pub(crate) fn info(line: fmt::Arguments<'_>) {
    // SAFETY: The format takes the one argument.
    unsafe { print(c"\x016%pA\n", line) }
}

/// Begins a line of that level, which `pr_cont!` goes on with. Any context.
pub(crate) fn begin(line: fmt::Arguments<'_>) {
    // SAFETY: As above.
    unsafe { print(c"\x016%pA", line) }
}

/// Writes a line of the level `warn`. Any context.
pub(crate) fn warn(line: fmt::Arguments<'_>) {
    // SAFETY: As above.
    unsafe { print(c"\x014%pA\n", line) }
}

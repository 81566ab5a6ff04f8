// SPDX-License-Identifier: GPL-2.0

//! Open files of which some are those of a cgroup.

use super::memcg::MemCgroup;
use kernel::{
    bindings,
    cgroup::CssData,
    error::to_result,
    fs::LocalFile,
    prelude::*,
    sync::rcu, //
};

/// What `file` is called, if it is one of a cgroup that this process may read.
///
/// # Errors
///
/// `EACCES` if it may not; `EINVAL` if it is another kind of file.
pub(super) fn name(file: &LocalFile) -> Result<&[u8]> {
    // SAFETY: The file is open. A file of a cgroup cannot be renamed, so its name stays.
    unsafe {
        to_result(bindings::memctl_may_read(file.as_ptr()))?;
        let name = bindings::memctl_cgroup_file_name(file.as_ptr());
        match name.is_null() {
            true => Err(EINVAL),
            false => Ok(CStr::from_char_ptr(name).to_bytes()),
        }
    }
}

/// Whether `file` is in the directory of `memcg`, which is online.
pub(super) fn is_of(file: &LocalFile, memcg: &MemCgroup) -> bool {
    let _rcu = rcu::read_lock();
    // SAFETY: The file is open; a css is freed after a grace period.
    let css = unsafe { bindings::memctl_css_of_file(file.as_ptr()) };
    core::ptr::eq(css, memcg.css().as_raw())
}

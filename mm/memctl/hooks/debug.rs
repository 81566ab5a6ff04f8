// SPDX-License-Identifier: GPL-2.0

//! The file `memctl/audit` of debugfs is opened and closed.

use crate::{
    c::vm,
    debug::audit::Audit, //
};
use kernel::{
    bindings::inode,
    error::code::ENODEV,
    ffi::c_int,
    seam::Ignored,
    snapshot::{
        Closing,
        Opening, //
    },
};

kernel::seam! {
    /// # Safety
    ///
    /// The file is being opened: `memctl_audit_fops`.
    fn memctl_audit_open(_inode: Ignored<inode>, file: Opening<'_, Audit>) -> c_int {
        if vm::disabled() {
            return Err(ENODEV);
        }
        file.open()
    }

    /// # Safety
    ///
    /// The file was opened by the hook above, and nobody uses it any more.
    fn memctl_audit_release(_inode: Ignored<inode>, file: Closing<'_, Audit>) -> c_int {
        file.close();
        Ok(())
    }
}

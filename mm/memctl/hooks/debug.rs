// SPDX-License-Identifier: GPL-2.0

//! The functions behind the file `memctl/audit` of debugfs.

use crate::{
    c::vm,
    debug::audit::Audit, //
};
use kernel::{
    bindings::{
        self,
        file,
        inode,
        seq_file, //
    },
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    seq_file::SeqFile, //
};

#[export]
unsafe extern "C" fn memctl_audit_open(_inode: *mut inode, file: *mut file) -> c_int {
    from_result(|| {
        if vm::disabled() {
            return Err(ENODEV);
        }
        let audit = KBox::new(Audit::take()?, GFP_KERNEL)?;
        let size = audit.size();
        let data = KBox::into_raw(audit);
        // SAFETY: `file` is being opened; `show` fits the data.
        let ret = unsafe { bindings::single_open_size(file, Some(show), data.cast(), size) };
        if ret != 0 {
            // SAFETY: Nobody else has it.
            drop(unsafe { KBox::from_raw(data) });
        }
        Ok(ret)
    })
}

/// # Safety
///
/// `seq` was opened by [`memctl_audit_open`].
unsafe extern "C" fn show(seq: *mut seq_file, _: *mut c_void) -> c_int {
    // SAFETY: The data is that of `memctl_audit_open()`, and stays until the file is closed.
    let (audit, seq) = unsafe { (&*(*seq).private.cast::<Audit>(), SeqFile::from_raw(seq)) };
    audit.print(seq);
    0
}

#[export]
unsafe extern "C" fn memctl_audit_release(inode: *mut inode, file: *mut file) -> c_int {
    // SAFETY: The file was opened by `memctl_audit_open()`, and nobody uses it any more.
    unsafe {
        let seq: *mut seq_file = (*file).private_data.cast();
        let data: *mut Audit = (*seq).private.cast();
        let ret = bindings::single_release(inode, file);
        drop(KBox::from_raw(data));
        ret
    }
}

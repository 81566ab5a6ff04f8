// SPDX-License-Identifier: GPL-2.0

//! Files that show what was true when they were opened.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)

use crate::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    seam::{
        Arg,
        ArgType, //
    },
    seq_file::SeqFile, //
};
use core::marker::PhantomData;

/// What a file shows.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, seq_file::SeqFile, seq_print, snapshot::Snapshot};
///
/// struct Answer(u32);
///
/// impl Snapshot for Answer {
///     fn take() -> Result<Self> {
///         Ok(Self(42))
///     }
///
///     fn size(&self) -> usize {
///         4
///     }
///
///     fn print(&self, seq: &SeqFile) {
///         seq_print!(seq, "{}\n", self.0);
///     }
/// }
/// # assert_eq!(Answer::take()?.0, 42);
/// # Ok::<(), Error>(())
/// ```
pub trait Snapshot: Sized + Send + Sync {
    /// Looks. May sleep.
    fn take() -> Result<Self>;

    /// How many bytes the text takes, more or less.
    fn size(&self) -> usize;

    /// Writes the text. May sleep.
    fn print(&self, seq: &SeqFile);
}

/// A file that is being opened to show an `S`.
pub struct Opening<'a, S>(*mut bindings::file, PhantomData<(&'a (), S)>);

impl<S> ArgType for Opening<'_, S> {
    type Raw = *mut bindings::file;
}

// SAFETY: The claim is that C opens the file, and has it released as a `Closing` of the same `S`.
unsafe impl<'a, S> Arg<'a> for Opening<'a, S> {
    unsafe fn from_c(raw: Self::Raw) -> Self {
        Self(raw, PhantomData)
    }
}

impl<S: Snapshot> Opening<'_, S> {
    /// Looks, and keeps what there is to show. May sleep.
    pub fn open(self) -> Result {
        let snapshot = KBox::new(S::take()?, GFP_KERNEL)?;
        let size = snapshot.size();
        let data = KBox::into_raw(snapshot);
        // SAFETY: By the claim; `show` fits the data.
        let ret = unsafe { bindings::single_open_size(self.0, Some(show::<S>), data.cast(), size) };
        crate::error::to_result(ret).inspect_err(|_| {
            // SAFETY: Nobody else has it.
            drop(unsafe { KBox::from_raw(data) });
        })
    }
}

/// # Safety
///
/// `seq` was opened by [`Opening::open`].
unsafe extern "C" fn show<S: Snapshot>(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    // SAFETY: The data is that of `open()`, and stays until the file is closed.
    let (snapshot, seq) = unsafe { (&*(*seq).private.cast::<S>(), SeqFile::from_raw(seq)) };
    snapshot.print(seq);
    0
}

/// A file that is being closed, which showed an `S`.
pub struct Closing<'a, S>(*mut bindings::file, PhantomData<(&'a (), S)>);

impl<S> ArgType for Closing<'_, S> {
    type Raw = *mut bindings::file;
}

// SAFETY: The claim is that the file was opened as an `Opening` of the same `S`, and nobody uses it
// any more.
unsafe impl<'a, S> Arg<'a> for Closing<'a, S> {
    unsafe fn from_c(raw: Self::Raw) -> Self {
        Self(raw, PhantomData)
    }
}

impl<S: Snapshot> Closing<'_, S> {
    /// Gives up what there was to show.
    pub fn close(self) {
        // SAFETY: By the claim.
        unsafe {
            let seq: *mut bindings::seq_file = (*self.0).private_data.cast();
            let data: *mut S = (*seq).private.cast();
            bindings::single_release((*self.0).f_inode, self.0);
            drop(KBox::from_raw(data));
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Files that are on or off.
#![deny(unsafe_code)]

use crate::c::memcg::MemCgroup;
use core::marker::PhantomData;
use kernel::{
    cgroup::{
        Show,
        Text,
        WriteText, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        counted::Counted, //
    },
};

/// A file that reads as 0 or 1, and takes either.
pub(crate) struct Switch<T>(PhantomData<T>);

/// What is behind a [`Switch`].
pub(crate) trait OnOff {
    fn of(memcg: &MemCgroup) -> &Atomic<bool>;
}

impl<T: OnOff> Show for Switch<T> {
    type Data = MemCgroup;

    fn show(memcg: &Counted<MemCgroup>, seq: &SeqFile) -> Result {
        seq_print!(seq, "{}\n", u8::from(T::of(memcg).load(Relaxed)));
        Ok(())
    }
}

impl<T: OnOff> WriteText for Switch<T> {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &mut Text<'_>) -> Result {
        let on = match text.parse_int()? {
            0 => false,
            1 => true,
            _ => return Err(EINVAL),
        };
        T::of(memcg).store(on, Relaxed);
        Ok(())
    }
}

/// Whether pages of files that others give up, and that are used here, become the container's: on
/// cgroup v1 and v2.
pub(crate) struct TakesOver;

impl OnOff for TakesOver {
    fn of(memcg: &MemCgroup) -> &Atomic<bool> {
        memcg.takes_over()
    }
}

/// Whether all processes are killed together.
pub(crate) struct OomGroup;

impl OnOff for OomGroup {
    fn of(memcg: &MemCgroup) -> &Atomic<bool> {
        memcg.oom_group()
    }
}

/// Whether what zswap holds may be written to the swap device.
#[cfg(CONFIG_ZSWAP)]
pub(crate) struct ZswapWriteback;

#[cfg(CONFIG_ZSWAP)]
impl OnOff for ZswapWriteback {
    fn of(memcg: &MemCgroup) -> &Atomic<bool> {
        memcg.zswap_writeback()
    }
}

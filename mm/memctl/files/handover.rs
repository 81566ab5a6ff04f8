// SPDX-License-Identifier: GPL-2.0

//! The file `memory.handover` of cgroup v1 and v2: whether pages of files that others give up, and
//! that are used here, become the container's.
#![deny(unsafe_code)]

use super::v2::parse_switch;
use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        Show,
        Text,
        WriteText, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::Relaxed, //
};

/// 0 or 1.
pub(crate) struct TakesOver;

impl Show for TakesOver {
    type Data = MemCgroup;

    fn show(memcg: &MemCgroup, seq: &SeqFile) -> Result {
        seq_print!(seq, "{}\n", u8::from(memcg.takes_over().load(Relaxed)));
        Ok(())
    }
}

impl WriteText for TakesOver {
    type Data = MemCgroup;

    fn write(memcg: &MemCgroup, text: &mut Text<'_>) -> Result {
        memcg.takes_over().store(parse_switch(text)?, Relaxed);
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A note that pages of a container are written back for another one: see `foreign.rs`.
#![deny(unsafe_code)]

use kernel::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque,
};

/// The ids of a `Writeback`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Writer {
    pub(super) bdi: u64,
    pub(super) memcg: i32,
}

impl Writer {
    #[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
    pub(crate) const fn new(bdi: u64, memcg: i32) -> Self {
        Self { bdi, memcg }
    }
}

/// A note, `struct memctl_foreign`, field by field.
///
/// # Invariants
///
/// `done` is initialized.
#[repr(C)]
pub(crate) struct Foreign {
    pub(super) bdi_id: Atomic<u64>,
    pub(super) at: Atomic<u64>,
    pub(super) memcg_id: Atomic<i32>,
    pub(super) done: Opaque<bindings::wb_completion>,
}

super::same_layout!(Foreign, bindings::memctl_foreign, { bdi_id, at, memcg_id, done });

impl Foreign {
    /// When it was made, in jiffies; 0 if it is none.
    pub(crate) fn at(&self) -> &Atomic<u64> {
        &self.at
    }

    /// Who is to write.
    pub(crate) fn writer(&self) -> Writer {
        Writer {
            bdi: self.bdi_id.load(Relaxed),
            memcg: self.memcg_id.load(Relaxed),
        }
    }

    /// Says that `writer` is to write.
    pub(crate) fn set_writer(&self, writer: Writer) {
        self.bdi_id.store(writer.bdi, Relaxed);
        self.memcg_id.store(writer.memcg, Relaxed);
    }
}

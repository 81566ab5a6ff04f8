// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Foreign`], a note that pages of a container are written back for another one.
//!
//! A note holds ids and no references: what it speaks of may be gone. It is read and written
//! without a lock, and a wrong one costs a needless or a late writeback.

use core::mem::offset_of;
use kernel::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque,
};

/// Who writes an inode back, `struct bdi_writeback`, by ids: for a container, on a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Writer {
    bdi: u64,
    memcg: i32,
}

impl Writer {
    /// The ids of `wb`.
    ///
    /// # Safety
    ///
    /// `wb` is an initialized writeback, which the caller keeps.
    pub(crate) unsafe fn of(wb: *const bindings::bdi_writeback) -> Self {
        // SAFETY: By the requirement of this function; both ids are constant.
        unsafe {
            Self {
                bdi: (*(*wb).bdi).id,
                memcg: (*(*wb).memcg_css).id,
            }
        }
    }

    #[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
    pub(crate) const fn new(bdi: u64, memcg: i32) -> Self {
        Self { bdi, memcg }
    }
}

/// A note, `struct memctl_foreign`.
///
/// # Invariants
///
/// `done` is initialized.
#[repr(transparent)]
pub(crate) struct Foreign(Opaque<bindings::memctl_foreign>);

kernel::static_assert!(offset_of!(bindings::memctl_foreign, at) % 8 == 0);

impl Foreign {
    /// Prepares a note of nobody.
    ///
    /// # Safety
    ///
    /// `this` is valid for writes, zeroed, and nobody else uses it yet.
    pub(crate) unsafe fn init(this: *mut bindings::memctl_foreign) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::memctl_foreign_init(this) }
    }

    #[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
    pub(crate) fn new() -> Self {
        let note = Opaque::<bindings::memctl_foreign>::zeroed();
        // SAFETY: The note is ours alone.
        unsafe { Self::init(note.get()) };
        // INVARIANT: It has just been initialized.
        Self(note)
    }

    fn bdi(&self) -> &Atomic<u64> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).bdi_id) }
    }

    fn memcg(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).memcg_id) }
    }

    /// When it was made, in jiffies; 0 if it is none.
    pub(crate) fn at(&self) -> &Atomic<u64> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).at) }
    }

    /// Who is to write.
    pub(crate) fn writer(&self) -> Writer {
        Writer {
            bdi: self.bdi().load(Relaxed),
            memcg: self.memcg().load(Relaxed),
        }
    }

    /// Says that `writer` is to write.
    pub(crate) fn set_writer(&self, writer: Writer) {
        self.bdi().store(writer.bdi, Relaxed);
        self.memcg().store(writer.memcg, Relaxed);
    }

    /// Whether a writeback that this asked for is under way.
    pub(crate) fn is_busy(&self) -> bool {
        // SAFETY: The counter is only accessed atomically.
        let under_way = unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).done.cnt.counter) };
        under_way.load(Relaxed) != 1
    }

    /// Asks its writer to write. Does not wait.
    pub(crate) fn start(&self) {
        let Writer { bdi, memcg } = self.writer();
        // SAFETY: By the type invariant `done` is initialized. The container is not freed before
        // what is under way has ended. That the writer is gone is one of the answers.
        unsafe {
            bindings::cgroup_writeback_by_id(
                bdi,
                memcg,
                bindings::wb_reason_WB_REASON_FOREIGN_FLUSH,
                &raw mut (*self.0.get()).done,
            );
        }
    }

    /// Waits until what it asked for has been written. Sleeps.
    pub(crate) fn wait(&self) {
        // SAFETY: By the type invariant `done` is initialized.
        unsafe { bindings::wb_wait_for_completion(&raw mut (*self.0.get()).done) }
    }

    /// Tells those who trace that `wb` has it started.
    ///
    /// # Safety
    ///
    /// `wb` is an initialized writeback, which the caller keeps.
    pub(crate) unsafe fn trace(&self, wb: *mut bindings::bdi_writeback) {
        let Writer { bdi, memcg } = self.writer();
        // SAFETY: By the requirement of this function.
        unsafe { bindings::memctl_trace_flush_foreign(wb, bdi as u32, memcg as u32) }
    }
}

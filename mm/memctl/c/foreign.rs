// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Writeback`], who writes dirty pages of a container to a device; and [`Foreign`],
//! a note that pages of a container are written back for another one.
//!
//! A note holds ids and no references: what it speaks of may be gone. It is read and written
//! without a lock, and a wrong one costs a needless or a late writeback.

use super::memcg::MemCgroup;
pub(crate) use super::note::{
    Foreign,
    Writer, //
};
use kernel::{
    bindings,
    cgroup::CssData,
    mm::folio::Folio,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque,
};

/// Who writes inodes back, for a container and on a device, `struct bdi_writeback`.
///
/// # Invariants
///
/// It is initialized, and keeps its container and its device.
#[repr(transparent)]
pub(crate) struct Writeback(Opaque<bindings::bdi_writeback>);

impl Writeback {
    /// The container that it writes for.
    pub(crate) fn memcg(&self) -> &MemCgroup {
        // SAFETY: By the type invariant; the pointer is constant.
        unsafe { MemCgroup::from_css((*self.0.get()).memcg_css) }
    }

    /// Its ids.
    pub(crate) fn writer(&self) -> Writer {
        // SAFETY: By the type invariant; both ids are constant.
        unsafe {
            Writer {
                bdi: (*(*self.0.get()).bdi).id,
                memcg: (*(*self.0.get()).memcg_css).id,
            }
        }
    }

    /// Tells those who trace that it makes `folio` dirty, which is another container's.
    pub(crate) fn trace_foreign(&self, folio: &Folio) {
        // SAFETY: By the type invariant; a folio stays one.
        unsafe { bindings::memctl_trace_track_foreign(folio.as_raw(), self.0.get()) }
    }
}

impl Foreign {
    /// Prepares a note of nobody.
    ///
    /// # Safety
    ///
    /// `this` is valid for writes, zeroed, and nobody else uses it yet.
    pub(super) unsafe fn init(this: *mut Self) {
        // SAFETY: By the requirement of this function.
        unsafe { bindings::memctl_foreign_init(this.cast()) }
    }

    #[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
    pub(crate) fn new() -> Self {
        let mut note = Self {
            bdi_id: Atomic::new(0),
            at: Atomic::new(0),
            memcg_id: Atomic::new(0),
            done: Opaque::zeroed(),
        };
        // SAFETY: The note is ours alone.
        unsafe { Self::init(&mut note) };
        note
    }

    /// Whether a writeback that this asked for is under way.
    pub(crate) fn is_busy(&self) -> bool {
        // SAFETY: The counter is only accessed atomically.
        let under_way = unsafe { Atomic::from_ptr(&raw mut (*self.done.get()).cnt.counter) };
        under_way.load(Relaxed) != 1
    }

    /// Asks its writer to write, and tells those who trace that `wb` has it done. Does not wait.
    pub(crate) fn start(&self, wb: &Writeback) {
        let Writer { bdi, memcg } = self.writer();
        // SAFETY: By the type invariants `wb` and `done` are initialized. The container is not
        // freed before what is under way has ended. That the writer is gone is one of the answers.
        unsafe {
            bindings::memctl_trace_flush_foreign(wb.0.get(), bdi as u32, memcg as u32);
            bindings::cgroup_writeback_by_id(
                bdi,
                memcg,
                bindings::wb_reason_WB_REASON_FOREIGN_FLUSH,
                self.done.get(),
            );
        }
    }

    /// Waits until what it asked for has been written. Sleeps.
    pub(super) fn wait(&self) {
        // SAFETY: By the type invariant `done` is initialized.
        unsafe { bindings::wb_wait_for_completion(self.done.get()) }
    }
}

/// After how many jiffies dirty pages are written back anyway.
pub(crate) fn dirty_expires_after() -> u64 {
    // SAFETY: A word-sized variable that is written by sysctl; in hundredths of a second.
    let interval = unsafe { (&raw const bindings::dirty_expire_interval).read_volatile() };
    kernel::time::msecs_to_jiffies(interval.saturating_mul(10)) as u64
}

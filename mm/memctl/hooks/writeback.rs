// SPDX-License-Identifier: GPL-2.0

//! Dirty pages are limited and written back: `mm/page-writeback.c`, `fs/fs-writeback.c`.

use crate::{
    c::{binding::Referenced, foreign::Writeback, meta_page::MetaPage},
    pressure::writeback,
};
use kernel::{bindings::*, ffi::c_ulong, seam::Out, sync::rcu};

kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps the writeback, which keeps its container: `wb_over_bg_thresh()`.
    fn mem_cgroup_wb_domain(wb: &Writeback) -> *mut wb_domain {
        let memcg = wb.memcg();
        // All the dirty pages of the machine are the root's.
        (!memcg.is_root()).then(|| memcg.wb_domain())
    }

    /// # Safety
    ///
    /// The caller keeps the writeback, which keeps its container, and wants four numbers of its
    /// own: `domain_dirty_avail()`.
    fn mem_cgroup_wb_stats(
        wb: &Writeback,
        file: Out<'_, c_ulong>,
        headroom: Out<'_, c_ulong>,
        dirty: Out<'_, c_ulong>,
        writeback: Out<'_, c_ulong>,
    ) {
        let cache = writeback::cache(wb.memcg());
        file.set(cache.file as c_ulong);
        headroom.set(cache.headroom as c_ulong);
        dirty.set(cache.dirty as c_ulong);
        writeback.set(cache.writeback as c_ulong);
    }

    /// # Safety
    ///
    /// The caller keeps the writeback and has the folio locked, or mapped with its page table
    /// locked: `folio_account_dirtied()`.
    fn mem_cgroup_track_foreign_dirty_slowpath(page: MetaPage<'_, Referenced>, wb: &Writeback) {
        wb.trace_foreign(page.folio());
        if let Some(owner) = page.owner() {
            let rcu = rcu::read_lock();
            writeback::note_foreign(owner.memcg(&rcu), wb.writer());
        }
    }

    /// # Safety
    ///
    /// The caller keeps the writeback, which keeps its container: `balance_dirty_pages()`.
    fn mem_cgroup_flush_foreign(wb: &Writeback) {
        writeback::start_foreign(wb);
    }
}

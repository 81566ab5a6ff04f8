// SPDX-License-Identifier: GPL-2.0

//! Dirty pages of a container: how many it may have, and who writes them back.
//!
//! Those who dirty pages are slowed by `mm/page-writeback.c`, which keeps a domain for each
//! container: its dirty pages are held against what it has of page cache and may still have.
//!
//! Pages are charged each on its own, but an inode is written back for one container alone, the one
//! that dirties it the most. If two dirty different parts of an inode, one of them cannot get its
//! pages clean: it waits while the other sees no reason to write. So a container takes a note of
//! whoever writes its pages ([`note_foreign`]), and when it has to wait it asks them to
//! ([`start_foreign`]).
#![deny(unsafe_code)]

use crate::{
    c::{
        foreign::{
            self,
            Foreign,
            Writeback,
            Writer, //
        },
        memcg::MemCgroup, //
    },
    stats::{
        flush,
        read::{
            Source,
            Tree, //
        },
    },
    PAGES,
};
use kernel::{
    bindings as c,
    sched,
    sync::atomic::Relaxed, //
};

/// What is known of the page cache of a container, in pages.
pub(crate) struct Cache {
    /// On the lists of files.
    pub(crate) file: usize,
    /// What may still be charged, here and above.
    pub(crate) headroom: usize,
    /// To be written.
    pub(crate) dirty: usize,
    /// Being written.
    pub(crate) writeback: usize,
}

/// What is known of the page cache of `memcg` and all below it.
pub(crate) fn cache(memcg: &MemCgroup) -> Cache {
    flush::flush_if_old();
    let item = |item: c::node_stat_item| Tree(memcg).item(item as usize);
    Cache {
        file: item(c::node_stat_item_NR_INACTIVE_FILE) + item(c::node_stat_item_NR_ACTIVE_FILE),
        headroom: headroom(memcg),
        dirty: item(c::node_stat_item_NR_FILE_DIRTY),
        writeback: item(c::node_stat_item_NR_WRITEBACK),
    }
}

fn headroom(memcg: &MemCgroup) -> usize {
    memcg
        .up_below_root()
        .map(|m| {
            let ceiling = m.memory().limit().min(m.high().load(Relaxed));
            ceiling.saturating_sub(m.memory().usage())
        })
        .min()
        .unwrap_or(PAGES.unlimited())
}

/// A page of `memcg` was dirtied which `writer` writes back for another container.
pub(crate) fn note_foreign(memcg: &MemCgroup, writer: Writer) {
    note(
        memcg.foreign(),
        writer,
        sched::now(),
        foreign::dirty_expires_after(),
    );
}

/// As [`note_foreign`], at `now`; dirty pages are written after `expires` jiffies anyway.
fn note(notes: &[Foreign], writer: Writer, now: u64, expires: u64) {
    if let Some(known) = notes.iter().find(|note| note.writer() == writer) {
        // A note that is fresh enough stays as it is: many may come by here.
        let fresh = (expires / 8).min(c::HZ.into());
        if now.wrapping_sub(known.at().load(Relaxed)) > fresh {
            known.at().store(now, Relaxed);
        }
        return;
    }
    let oldest = notes
        .iter()
        .filter(|note| !note.is_busy())
        .min_by_key(|note| note.at().load(Relaxed));
    if let Some(oldest) = oldest {
        oldest.set_writer(writer);
        oldest.at().store(now, Relaxed);
    }
}

/// The container of `wb` waits for dirty pages to be written: asks those who write its pages for
/// others. Does not wait.
pub(crate) fn start_foreign(wb: &Writeback) {
    let (now, expires) = (sched::now(), foreign::dirty_expires_after());
    for note in wb.memcg().foreign() {
        if take(note, now, expires) {
            note.start(wb);
        }
    }
}

/// Whether `note` is to be followed at `now`; once. What is older than `expires` jiffies is being
/// written anyway.
fn take(note: &Foreign, now: u64, expires: u64) -> bool {
    let at = note.at().load(Relaxed);
    let due = at != 0 && now.wrapping_sub(at) < expires && !note.is_busy();
    if due {
        note.at().store(0, Relaxed);
    }
    due
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/writeback.rs"]
mod tests;

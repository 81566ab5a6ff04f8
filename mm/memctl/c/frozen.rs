// SPDX-License-Identifier: GPL-2.0

//! A folio of the page cache of which nobody else has a reference, for a moment.
//!
//! The count is set to 0, as for a folio that is removed from the page cache or split: whoever
//! finds it there tries again until it is what it was. So there is no time to lose, and nothing
//! interrupts who does this: an interrupt might be one who tries.

use super::{
    binding::{
        Frozen,
        Locked, //
    },
    gfp::Gfp,
    meta_page::MetaPage, //
};
use core::num::NonZero;
use kernel::{
    bindings,
    interrupt::{
        local_interrupt_disable,
        LocalInterruptDisabled, //
    },
    mm::folio::Folio, //
};

/// Frees what the file system has attached to a folio, if it can. Says whether there is nothing
/// now. May sleep if `gfp` says so.
pub(crate) fn release(page: &MetaPage<'_, Locked>, gfp: Gfp) -> bool {
    // SAFETY: By the type the folio is locked.
    unsafe { bindings::memctl_folio_release(page.folio().as_raw(), gfp.0) }
}

/// References that are frozen.
///
/// # Invariants
///
/// `refs` references of `folio` are: those of the page cache, and one of who has locked it.
struct Freeze<'a> {
    folio: &'a Folio,
    refs: NonZero<i32>,
    _off: LocalInterruptDisabled,
}

impl Drop for Freeze<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::memctl_folio_unfreeze(self.folio.as_raw(), self.refs.get()) }
    }
}

/// Calls `f` with a folio that is frozen meanwhile. Returns nothing, and does not call it, unless
/// the folio is in the page cache, not mapped, nothing of it has to be written to a file, and
/// nobody else has a reference on it.
pub(crate) fn while_frozen<'a, R>(
    page: MetaPage<'a, Locked>,
    f: impl FnOnce(MetaPage<'_, Frozen>) -> R,
) -> Option<R> {
    let folio = page.folio();
    let off = local_interrupt_disable();
    // SAFETY: By the type the folio is locked, and it stays.
    let refs = NonZero::new(unsafe { bindings::memctl_folio_freeze(folio.as_raw()) })?;
    // INVARIANT: They are frozen.
    let freeze = Freeze {
        folio,
        refs,
        _off: off,
    };
    // SAFETY: It is locked, since `page` is used up, and frozen until `freeze` is dropped. Who has
    // taken it off the list has a reference, and that is the one who has locked it.
    Some(f(unsafe { MetaPage::new(freeze.folio) }))
}

// SPDX-License-Identifier: GPL-2.0

//! The counters that pages are charged to: that of memory and, on cgroup v1, that of memory and
//! swap space together. What is in memory counts to both, so a page that is swapped out leaves the
//! second one as it is.
//!
//! Any context.
#![deny(unsafe_code)]

use crate::c::{
    items::item,
    memcg::MemCgroup,
    wish::Measured, //
};
use kernel::{
    bindings as c,
    cgroup::CssData,
    mm::{
        swap,
        vmstat, //
    },
    res_counter::{
        OverLimit,
        ResCounter, //
    },
};

/// A container that has no room.
#[derive(Clone, Copy)]
pub(crate) struct Full<'a> {
    pub(crate) memcg: &'a MemCgroup,
    /// How far above the one that was to be charged.
    pub(crate) level: usize,
    /// Whether there is more room when pages are swapped out.
    pub(crate) swaps: bool,
}

impl<'a> Full<'a> {
    fn above(memcg: &'a MemCgroup, over: OverLimit, swaps: bool) -> Self {
        let OverLimit { level } = over;
        Self {
            memcg: memcg.up().nth(level).unwrap_or(memcg),
            level,
            swaps,
        }
    }
}

/// Charges `nr` pages to `memcg` and all above it. Returns the one without room if there is one;
/// for a moment there was less room then than there is.
pub(crate) fn try_charge(memcg: &MemCgroup, nr: usize) -> Result<(), Full<'_>> {
    if let Some(memsw) = memcg.memsw() {
        memsw
            .try_charge(nr)
            .map_err(|over| Full::above(memcg, over, false))?;
    }
    memcg.memory().try_charge(nr).map_err(|over| {
        if let Some(memsw) = memcg.memsw() {
            memsw.uncharge(nr);
        }
        Full::above(memcg, over, true)
    })
}

/// Charges `nr` pages to `memcg` even if there is no room.
pub(crate) fn charge(memcg: &MemCgroup, nr: usize) {
    if let Some(memsw) = memcg.memsw() {
        memsw.charge(nr);
    }
    memcg.memory().charge(nr);
}

/// Takes the charge of `nr` pages back.
pub(crate) fn uncharge(memcg: &MemCgroup, nr: usize) {
    memcg.memory().uncharge(nr);
    if let Some(memsw) = memcg.memsw() {
        memsw.uncharge(nr);
    }
}

/// The counter of memory and swap space of `memcg`, if there is one, and the nearest that is above
/// that of `other`, too.
fn memsw_below<'a>(
    memcg: &'a MemCgroup,
    other: &'a MemCgroup,
) -> Option<(&'a ResCounter, Option<&'a ResCounter>)> {
    let memsw = memcg.memsw()?;
    Some((memsw, memsw.common(other.memsw()?)))
}

/// Charges `nr` pages of `from` to `to`, too, but for what is above both. Nothing is charged to the
/// root.
///
/// # Errors
///
/// There is no room.
pub(crate) fn try_charge_beside(
    to: &MemCgroup,
    from: &MemCgroup,
    nr: usize,
) -> Result<(), OverLimit> {
    if to.is_root() {
        return Ok(());
    }
    let memsw = memsw_below(to, from);
    if let Some((memsw, top)) = memsw {
        memsw.try_charge_below(nr, top)?;
    }
    let memory = to.memory();
    memory
        .try_charge_below(nr, memory.common(from.memory()))
        .inspect_err(|_| {
            if let Some((memsw, top)) = memsw {
                memsw.uncharge_below(nr, top);
            }
        })
}

/// Takes `nr` pages of `from` back, which were charged to `to` by [`try_charge_beside`]; or the
/// other way round.
pub(crate) fn uncharge_beside(from: &MemCgroup, to: &MemCgroup, nr: usize) {
    if from.is_root() {
        return;
    }
    let memory = from.memory();
    memory.uncharge_below(nr, memory.common(to.memory()));
    if let Some((memsw, top)) = memsw_below(from, to) {
        memsw.uncharge_below(nr, top);
    }
}

/// How many pages there is room for in `memcg`, whatever there is above it.
#[inline]
pub(crate) fn margin(memcg: &MemCgroup) -> usize {
    let memory = memcg.memory().margin();
    match memcg.memsw() {
        Some(memsw) => memory.min(memsw.margin()),
        None => memory,
    }
}

/// Nothing is charged to the root: how many pages of user space there are on the machine, be they
/// charged to whom they may.
pub(crate) fn in_root(of: Measured) -> usize {
    let memory = vmstat::global(item(c::node_stat_item_NR_FILE_PAGES))
        + vmstat::global(item(c::node_stat_item_NR_ANON_MAPPED));
    let swapped = || swap::total_pages().saturating_sub(swap::free_pages().max(0) as usize);
    match of {
        Measured::Memory => memory,
        Measured::MemSw => memory + swapped(),
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Protection from reclaim: `memory.min` and `memory.low`.
//!
//! Reclaim asks for each container how much of it must be left alone. What the settings of a
//! container come to depends on who reclaims, and on how much of the protection of the container
//! above is left for this one; so reclaim has it found out, parents first, before it looks. The
//! container whose limit is the reason for the reclaim is not protected from it.
//!
//! The arithmetic is that of [`kernel::res_counter::ResCounter::update_protection`].
#![deny(unsafe_code)]

use crate::{
    c::{
        memcg::MemCgroup,
        mount, //
    },
    tree::iter, //
};
use kernel::{cgroup::CssData, res_counter::Protection, sync::rcu};

/// Finds out what is protected of `memcg` in a reclaim of `root`. All containers in between have
/// been looked at. Of the root of all, which charges nothing, nothing is.
#[inline]
pub(crate) fn update(root: &MemCgroup, memcg: &MemCgroup) {
    let recursive = mount::protects_recursively();
    // That of the root of all is above no other counter: as if there was none.
    memcg
        .memory()
        .update_protection(Some(root.memory()), recursive);
}

/// The same with all containers in between, from `root` down: for reclaim of the machine by
/// generations.
#[cfg(CONFIG_LRU_GEN)]
pub(crate) fn update_path(root: &MemCgroup, memcg: &MemCgroup) {
    // Each level down is one walk up, but hierarchies are shallow.
    let depth = memcg.up().position(|m| core::ptr::eq(m, root)).unwrap_or(0);
    for above in (0..depth).rev() {
        if let Some(memcg) = memcg.up().nth(above) {
            update(root, memcg);
        }
    }
}

/// Pages in use directly below `memcg` that are protected by settings of the kind.
pub(crate) fn in_use_below(memcg: &MemCgroup, kind: Protection) -> usize {
    if !memcg.is_root() {
        return memcg.memory().children_protected(kind);
    }
    // Nobody adds them up for the root.
    let rcu = rcu::read_lock();
    iter::below(memcg, &rcu)
        .filter(|m| m.parent().is_some_and(MemCgroup::is_root))
        .map(|m| m.memory().usage_protected(kind))
        .sum()
}

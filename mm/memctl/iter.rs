// SPDX-License-Identifier: GPL-2.0

//! Walks over a container and all below it, parents before their children.
//!
//! [`Tree`] visits every container and holds a reference on the one it is at; [`below`] does so
//! under RCU. [`next`] is the step of a walk that several reclaimers may share, one for each node:
//! each takes the next container from where the last one stopped, and all end when the round is
//! complete.
//!
//! None of them sleeps, and all may be used where RCU may.
#![deny(unsafe_code)]

use crate::memcg::MemCgroup;
use core::ops::Deref;
use kernel::{
    mm::numa::NodeId,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed, //
        },
        rcu,
    },
};

/// A container that a walk has come to. All but the first one, which is the caller's, are held by a
/// reference.
pub(crate) enum Visit<'r> {
    Root(&'r MemCgroup),
    Below(ARef<MemCgroup>),
}

impl Deref for Visit<'_> {
    type Target = MemCgroup;

    fn deref(&self) -> &MemCgroup {
        match self {
            Visit::Root(memcg) => memcg,
            Visit::Below(memcg) => memcg,
        }
    }
}

fn next_rcu<'a>(
    root: &'a MemCgroup,
    pos: Option<&MemCgroup>,
    rcu: &'a rcu::Guard,
) -> Option<&'a MemCgroup> {
    root.css()
        .next_descendant(pos.map(MemCgroup::css), rcu)
        .map(MemCgroup::from_css_ref)
}

/// The first container after `pos` that still has a reference.
fn after<'r>(root: &'r MemCgroup, pos: Option<&MemCgroup>, rcu: &rcu::Guard) -> Option<Visit<'r>> {
    let mut found = next_rcu(root, pos, rcu);
    while let Some(memcg) = found {
        if core::ptr::eq(memcg, root) {
            return Some(Visit::Root(root));
        }
        if let Some(memcg) = memcg.try_get() {
            return Some(Visit::Below(memcg));
        }
        found = next_rcu(root, Some(memcg), rcu);
    }
    None
}

/// `root` and all below it that can be seen under RCU, those being removed included.
pub(crate) fn below<'a>(
    root: &'a MemCgroup,
    rcu: &'a rcu::Guard,
) -> impl Iterator<Item = &'a MemCgroup> {
    core::iter::successors(Some(root), move |pos| next_rcu(root, Some(pos), rcu))
}

/// A walk of its own over a container and all below it.
pub(crate) struct Tree<'r> {
    root: &'r MemCgroup,
    at: Option<Visit<'r>>,
}

impl<'r> Tree<'r> {
    pub(crate) fn new(root: &'r MemCgroup) -> Self {
        Self { root, at: None }
    }
}

impl<'r> Iterator for Tree<'r> {
    type Item = Visit<'r>;

    fn next(&mut self) -> Option<Visit<'r>> {
        let found = next(self.root, self.at.as_deref(), None)?;
        self.at = Some(match &found {
            Visit::Root(memcg) => Visit::Root(memcg),
            Visit::Below(memcg) => Visit::Below(memcg.clone()),
        });
        Some(found)
    }
}

/// What a reclaimer knows of the walk it shares.
pub(crate) struct Shared {
    /// Whose share of the walk's root keeps the position.
    pub(crate) nid: NodeId,
    /// The round it joined.
    pub(crate) generation: i32,
}

/// The container after `prev` in a walk over `root` and all below it; the first if `prev` is none.
/// In a shared walk, the next one nobody has taken, or none when the round is complete.
pub(crate) fn next<'r>(
    root: &'r MemCgroup,
    prev: Option<&MemCgroup>,
    shared: Option<&mut Shared>,
) -> Option<Visit<'r>> {
    let rcu = rcu::read_lock();

    let Some(shared) = shared else {
        return after(root, prev, &rcu);
    };

    let node = root.node(shared.nid);
    loop {
        let generation = node.generation().load(Relaxed);
        if prev.is_none() {
            shared.generation = generation;
        } else if shared.generation != generation {
            return None;
        }

        let pos = node.position(&rcu);
        let found = after(root, pos, &rcu);
        if !node.move_position(pos, found.as_deref()) {
            // Somebody else took it.
            continue;
        }
        if found.is_none() {
            node.generation().fetch_add(1, Full);
            if prev.is_none() {
                // Who joins at the end of a round starts the next one.
                continue;
            }
        }
        return found;
    }
}

/// Takes `dead`, which is about to be freed, off all positions of shared walks.
pub(crate) fn forget(dead: &MemCgroup) {
    for memcg in dead.up() {
        for node in memcg.nodes() {
            node.move_position(Some(dead), None);
        }
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "tests/iter.rs"]
mod tests;

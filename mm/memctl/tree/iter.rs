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

use crate::c::{
    life::Released,
    memcg::MemCgroup,
    node::position::Position, //
};
use core::ops::Deref;
use kernel::{
    cgroup::{
        CssData,
        Place, //
    },
    mm::numa::NodeId,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed, //
        },
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

/// A container that a walk has come to. All but the first one, which is the caller's, are held by a
/// reference.
pub(crate) enum Visit<'r> {
    Root(&'r MemCgroup),
    Below(ARef<Counted<MemCgroup>>),
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

/// The first container after `pos` that still has a reference, and where that is.
#[inline]
fn after<'a>(
    pos: &Place<'a, MemCgroup>,
    rcu: &'a rcu::Guard,
) -> Option<(Place<'a, MemCgroup>, ARef<Counted<MemCgroup>>)> {
    let mut found = pos.next(rcu);
    // As many steps as there are containers in a row whose last reference is gone.
    while let Some(place) = found {
        if let Some(memcg) = place.get().try_get() {
            return Some((place, memcg));
        }
        found = place.next(rcu);
    }
    None
}

/// `root` and all below it that can be seen under RCU, those being removed included.
pub(crate) fn below<'a>(
    root: &'a MemCgroup,
    rcu: &'a rcu::Guard,
) -> impl Iterator<Item = &'a MemCgroup> {
    core::iter::successors(Some(root.walk(rcu)), move |place: &Place<'a, MemCgroup>| {
        place.next(rcu)
    })
    .map(|place| place.get())
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
pub(crate) struct Shared<'a> {
    /// Whose share of the walk's root keeps the position.
    pub(crate) nid: NodeId,
    /// The round it joined.
    pub(crate) generation: &'a mut i32,
}

/// The container after `prev` in a walk over `root` and all below it; the first if `prev` is none.
/// In a shared walk, the next one nobody has taken, or none when the round is complete.
pub(crate) fn next<'r>(
    root: &'r MemCgroup,
    prev: Option<&MemCgroup>,
    shared: Option<Shared<'_>>,
) -> Option<Visit<'r>> {
    let rcu = rcu::read_lock();

    let Some(shared) = shared else {
        return match prev {
            None => Some(Visit::Root(root)),
            Some(prev) => {
                let (_, memcg) = after(&root.walk_from(prev, &rcu)?, &rcu)?;
                Some(Visit::Below(memcg))
            }
        };
    };

    let node = root.node(shared.nid);
    loop {
        let generation = node.generation().load(Relaxed);
        if prev.is_none() {
            *shared.generation = generation;
        } else if *shared.generation != generation {
            return None;
        }

        let pos = node.position(&rcu);
        let from = pos.as_ref().map(Place::get);
        let found = match &pos {
            None => node
                .move_position(from, Position::Here)
                .then_some(Some(Visit::Root(root))),
            Some(pos) => match after(pos, &rcu) {
                None => node.move_position(from, Position::Nowhere).then_some(None),
                Some((place, memcg)) => node
                    .move_position(from, Position::Below(&place, &memcg))
                    .then_some(Some(Visit::Below(memcg))),
            },
        };
        let Some(found) = found else {
            // Somebody else took it.
            continue;
        };
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

/// Takes `dead`, which is about to be freed, off all positions of shared walks: one for each node
/// and each container above.
pub(crate) fn forget(dead: &Released<'_>) {
    for memcg in dead.memcg().up() {
        for node in memcg.nodes() {
            node.take_off(dead.memcg());
        }
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/iter.rs"]
mod tests;

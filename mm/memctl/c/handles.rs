// SPDX-License-Identifier: GPL-2.0

//! Handles that are known by their addresses, for the audit.
#![deny(unsafe_code)]

use super::{
    binding::Word,
    node::Node,
    objcg::{
        HandleLock,
        ObjCgroup,
        Owner, //
    },
};
use kernel::{
    mm::pages::Passed,
    prelude::*,
    rbtree::RBTree,
    sync::{
        counted::TryRefCounted,
        rcu, //
    },
};

/// Handles by their addresses, with a reference on each: none goes away meanwhile, so that its
/// address remains its own.
pub(crate) struct Handles(RBTree<usize, Owner>);

fn address(owner: &ObjCgroup) -> usize {
    owner.as_raw() as usize
}

impl Handles {
    /// All that point at one of `nodes`, among which those of children come before those of their
    /// parents: so what a parent inherits meanwhile is found. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn of<'a>(nodes: impl Iterator<Item = &'a Node>) -> Result<Self> {
        let mut handles = RBTree::new();
        for node in nodes {
            for owner in handles_of(node)? {
                handles.try_create_and_insert(address(&owner), owner, GFP_KERNEL)?;
            }
        }
        Ok(Self(handles))
    }

    /// The one at `at`, if that is where one is.
    pub(super) fn find(&self, at: usize) -> Option<&ObjCgroup> {
        self.0.get(&at).map(|owner| &***owner)
    }

    /// Who pages of the kernel's own are bound to, of which `page` is the first.
    pub(crate) fn of_pages(&self, page: &Passed<'_>) -> Option<&ObjCgroup> {
        let word = Word(page.memcg_word());
        match word.is_kernel() {
            true => self.find(word.owner()?.as_ptr() as usize),
            false => None,
        }
    }
}

/// References on all handles that point at `node`: its own and those it has inherited. May sleep.
///
/// # Errors
///
/// `ENOMEM`.
fn handles_of(node: &Node) -> Result<KVVec<Owner>> {
    let mut owners = KVVec::new();
    loop {
        let missing = node.inherited().add_to(&mut owners, &HandleLock::new());
        if missing == 0 {
            break;
        }
        let room = owners.len() + 2 * missing;
        owners.clear();
        owners.reserve(room, GFP_KERNEL)?;
    }
    let own = node
        .owner(&rcu::read_lock())
        .and_then(TryRefCounted::try_get);
    if let Some(own) = own {
        owners.push(own, GFP_KERNEL)?;
    }
    Ok(owners)
}

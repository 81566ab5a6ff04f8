// SPDX-License-Identifier: GPL-2.0

//! The LRU lists of containers, where C keeps folios on them.
//!
//! Lock order: `cgroup_mutex`, `memctl_objcg_lock`, child's `lru_lock`, parent's `lru_lock`.

use super::{
    life::Offlining,
    memcg::MemCgroup,
    node::Node,
    objcg::{
        Adopted,
        HandleList,
        HandleLock, //
    },
};
use kernel::{
    bindings,
    mm::{
        lruvec::{
            Lruvec,
            PairGuard, //
        },
        numa::NodeId,
    },
};

/// The lists of `memcg` on `nid`, with the node known to them.
#[inline]
pub(crate) fn of(memcg: &MemCgroup, nid: NodeId) -> &Lruvec {
    let lruvec = memcg.node(nid).lruvec();
    let pgdat = nid.data();
    // SAFETY: The field is written with the same value by everybody.
    unsafe {
        let field = &raw mut (*lruvec.as_raw()).pgdat;
        if field.read_volatile() != pgdat {
            field.write_volatile(pgdat);
        }
    }
    lruvec
}

/// Whether the generational LRU is in use rather than the classic one.
fn lru_gen_enabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::lru_gen_enabled() }
}

/// The lists of a container that goes offline and those of its parent on a node, which are about to
/// take in the folios.
pub(crate) struct Prepared<'a> {
    offlining: &'a Offlining<'a>,
    nid: NodeId,
    lru_gen: bool,
}

impl<'a> Prepared<'a> {
    /// Gives the parent all generations, if there are any. May sleep.
    pub(crate) fn new(offlining: &'a Offlining<'a>, nid: NodeId) -> Self {
        let lru_gen = lru_gen_enabled();
        if lru_gen {
            // SAFETY: The parent is a container, `nid` a possible node.
            unsafe { bindings::max_lru_gen_memcg(offlining.parent().as_raw(), nid.as_raw()) }
        }
        Self {
            offlining,
            nid,
            lru_gen,
        }
    }

    /// Locks both. Nothing if the parent has given up a generation meanwhile: prepare again.
    pub(crate) fn lock<'h>(&self, handles: &'h HandleLock) -> Option<Reparenting<'a, 'h>>
    where
        'a: 'h,
    {
        let (child, parent) = (self.offlining.memcg(), self.offlining.parent());
        let lists = of(child, self.nid).lock_with_parent(of(parent, self.nid), handles.irq())?;
        if self.lru_gen {
            let (parent, nid) = (parent.as_raw(), self.nid.as_raw());
            // SAFETY: The parent is a container whose lists are locked, `nid` a possible node.
            if !unsafe { bindings::recheck_lru_gen_max_memcg(parent, nid) } {
                return None;
            }
        }
        // INVARIANT: They are what `offlining` is about, and locked.
        Some(Reparenting {
            child: child.node(self.nid),
            parent: parent.node(self.nid),
            lru_gen: self.lru_gen,
            handles,
            _lists: lists,
        })
    }
}

/// What a container that goes offline has on a node moves to its parent, in one section under all
/// locks.
///
/// # Invariants
///
/// `parent` is the share of the same node of the parent of `child`'s container; the lists of both
/// are locked.
pub(crate) struct Reparenting<'a, 'h> {
    child: &'a Node,
    parent: &'a Node,
    lru_gen: bool,
    handles: &'h HandleLock,
    _lists: PairGuard<'h>,
}

impl<'a> Reparenting<'a, '_> {
    /// Moves all: the folios from list to list, what `sizes` moves from the one share to the other,
    /// and the handles, those inherited and the container's own.
    ///
    /// Where the multi-gen LRU is off now, it may have been on a moment ago: then there are no
    /// folios in generations, but counts, until a walk over page tables has told all that it has
    /// to.
    pub(crate) fn hand_over(self, sizes: impl FnOnce(&Node, &Node)) -> Option<Adopted<'a>> {
        let (child, parent) = (self.child.memcg().as_raw(), self.parent.memcg().as_raw());
        let nid = self.child.nid().as_raw();
        // SAFETY: By the type invariants both are containers whose lists are locked.
        unsafe {
            bindings::lru_gen_reparent_memcg(child, parent, nid);
            if !self.lru_gen {
                bindings::lru_reparent_memcg(child, parent, nid);
            }
        }
        sizes(self.child, self.parent);
        let active = self.child.retire_owner();
        // SAFETY: By the type invariants.
        unsafe { HandleList::pass_on(self.child, self.parent, active, self.handles) }
    }
}

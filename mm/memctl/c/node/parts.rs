// SPDX-License-Identifier: GPL-2.0

//! What a share of a node has: its lists, its handles.
#![deny(unsafe_code)]

use super::Node;
use crate::c::{
    life::Onlining,
    objcg::{
        HandleList,
        NewHandle, //
    },
    sizes::{
        ListSizes,
        ZoneSizes, //
    },
};
use core::ptr::null_mut;
use kernel::{
    mm::{
        lruvec::Lruvec,
        numa::NodeId, //
    },
    sync::atomic::{
        Full,
        Relaxed, //
    },
};

impl Node {
    /// The node.
    #[inline]
    pub(crate) fn nid(&self) -> NodeId {
        self.nid
    }

    /// The lists.
    #[inline]
    pub(crate) fn lruvec(&self) -> &Lruvec {
        &self.lruvec
    }

    /// Keeps the handle, for which nothing is charged yet. A share has one in its life: says
    /// whether this is it.
    pub(in crate::c) fn keep_owner(&self, owner: NewHandle<'_>) -> bool {
        if !core::ptr::eq(owner.node(), self) {
            return false;
        }
        let raw = owner.as_raw();
        // INVARIANT: A reference more is taken before anybody can see the handle, the one that the
        // share keeps; the other one is given up by `Adopted::kill()`.
        if self.orig_objcg.cmpxchg(null_mut(), raw, Full).is_err() {
            return false;
        }
        owner.publish();
        true
    }

    /// Lets folios and kernel memory be charged, as the container comes online: so the handle that
    /// it keeps has not been killed.
    pub(in crate::c) fn publish_owner(&self, step: &Onlining<'_>) {
        if core::ptr::eq(step.memcg(), self.memcg()) {
            self.objcg.xchg(self.orig_objcg.load(Relaxed), Full);
        }
    }

    /// The sizes of the lists.
    #[inline]
    pub(in crate::c) fn sizes(&self) -> (&ListSizes, &ZoneSizes) {
        (&self.lru_size, &self.lru_zone_size)
    }

    /// The handles inherited from removed children.
    pub(in crate::c) fn inherited(&self) -> &HandleList {
        &self.objcg_list
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What a container that goes offline has on its lists becomes its parent's: folios and handles
//! move in one section under the locks of both.
//!
//! Lock order: `cgroup_mutex`, `memctl_objcg_lock`, child's `lru_lock`, parent's `lru_lock`.
#![deny(unsafe_code)]

use crate::{
    c::{
        life::Offlining,
        lists::Prepared,
        objcg::HandleLock, //
    },
    stats::flush::Moving,
};
use kernel::{
    mm::numa::NodeId,
    sched, //
};

/// Moves all folios of a container to its parent: a section for each node. May sleep.
pub(crate) fn folios(offlining: &Offlining<'_>) {
    for nid in NodeId::possible() {
        // Again only if reclaim has given up a generation of the parent in between.
        while !on_node(offlining, nid) {
            sched::cond_resched();
        }
    }
}

fn on_node(offlining: &Offlining<'_>, nid: NodeId) -> bool {
    let prepared = Prepared::new(offlining, nid);
    let moving = Moving::begin();
    let handles = HandleLock::new();
    let Some(lists) = prepared.lock(&handles) else {
        return false;
    };
    let owner = lists.hand_over(|from, to| moving.lists(from, to));
    drop(handles);
    if let Some(owner) = owner {
        owner.kill();
    }
    true
}

// SPDX-License-Identifier: GPL-2.0

//! Counting what containers have and what happened to them.
//!
//! A change is counted once, in a per-CPU counter of one container; statistics of a folio in its
//! share of the folio's node. The sizes of the LRU lists are no per-CPU counters at all: they only
//! change under the lock of the list, so there is one number a list. Which items containers have,
//! and where, says `c/items.rs`. A statistic that they do not have is not counted.
//!
//! All updates work in any context.
#![deny(unsafe_code)]

use crate::c::{
    items::{
        event_slot,
        node_slot,
        place,
        Place,
        NR_LRU, //
    },
    memcg::MemCgroup,
    node::Node, //
};
use kernel::{
    bindings::vm_event_item,
    mm::numa::NodeId,
    sync::rcu,
    warn_on_once, //
};

/// Adds `n` to a statistic of the folios of a share: pages, or what the item's name says.
#[inline]
pub(crate) fn mod_node(node: &Node, item: usize, n: isize) {
    if item < NR_LRU {
        node.add_lru_size(item, n);
    } else if let Some(slot) = node_slot(item) {
        node.slots().add(slot, n);
    } else {
        // A statistic that a later kernel has, and that containers should perhaps have, too.
        warn_on_once!(true);
    }
}

/// Adds `n` to a statistic of a container that belongs to no node.
pub(crate) fn mod_memcg(memcg: &MemCgroup, item: usize, n: isize) {
    // Whoever knows a removed container by its id counts for it long after it has gone.
    let _rcu = rcu::read_lock();
    let memcg = memcg.not_dying();
    match place(item) {
        Place::Memcg(slot) => memcg.slots().add(slot, n),
        // A statistic of nodes without a node: it counts on the first one.
        Place::Lru(_) | Place::Node(_) => {
            if let Some(nid) = NodeId::with_memory().next() {
                mod_node(memcg.node(nid), item, n);
            }
        }
        Place::Nowhere => {}
    }
}

/// Counts `n` events in `memcg`.
#[inline]
pub(crate) fn count_event(memcg: &MemCgroup, event: vm_event_item, n: usize) {
    if let Some(slot) = event_slot(event) {
        memcg.slots().add(slot, n as isize);
    }
}

/// One statistic of a share, this container alone.
pub(crate) fn node_local(node: &Node, item: usize) -> isize {
    if item < NR_LRU {
        node.lru_size(item) as isize
    } else {
        node_slot(item).map_or(0, |slot| node.slots().sum(slot))
    }
}

/// One statistic of a container that belongs to no node, this container alone.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn memcg_local(memcg: &MemCgroup, item: usize) -> isize {
    match place(item) {
        Place::Memcg(slot) => memcg.slots().sum(slot),
        Place::Lru(_) | Place::Node(_) | Place::Nowhere => 0,
    }
}

/// Events counted in a container, this one alone.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn event_local(memcg: &MemCgroup, event: vm_event_item) -> isize {
    event_slot(event).map_or(0, |slot| memcg.slots().sum(slot))
}

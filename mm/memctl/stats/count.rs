// SPDX-License-Identifier: GPL-2.0

//! Counting what containers have and what happened to them.
//!
//! A change is counted once, in one container: in a counter of the CPU it happens on or, where that
//! is rare, in one for all CPUs; statistics of a folio in its container's share of the folio's
//! node. The sizes of the LRU lists only change under the lock of the list, so there is one number
//! a list. Which items containers have, and where, says `c/items.rs`. A statistic that they do not
//! have is not counted. What becomes of a count is in `stats/flush.rs`.
//!
//! All updates work in any context.
#![deny(unsafe_code)]

use crate::c::{
    items::{
        event_at,
        in_bytes,
        node_at,
        often,
        often_event,
        place,
        Place,
        KMEM,
        NR_LRU,
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN,
        SOCK, //
    },
    memcg::MemCgroup,
    node::Node,
    trace, //
};
use kernel::{
    bindings::{
        memcg_stat_item_MEMCG_KMEM,
        memcg_stat_item_MEMCG_SOCK,
        vm_event_item, //
    },
    mm::numa::NodeId,
    page::PAGE_SHIFT,
    percpu::{
        Slot,
        ThisRow, //
    },
    sync::rcu,
    warn_on_once, //
};

/// Adds `n` to a statistic of the folios of a share: pages, or what the item's name says.
#[inline(always)]
pub(crate) fn mod_node(node: &Node, item: usize, n: isize) {
    trace::lruvec_state(node.memcg(), item, n);
    match often(item) {
        Some(slot) => node.rows().add(slot, n as i32),
        None => mod_other(node, item, n),
    }
}

/// What [`try_mod_node`] has left to do: to list the row, or all, if there is none.
pub(crate) type Left<'a> = Option<ThisRow<'a, Node, NR_NODE_OFTEN>>;

/// As [`mod_node`], for who is under RCU. Done in the common case; if not, [`finish_node`] does the
/// rest: so the common case has no call.
#[inline(always)]
pub(crate) fn try_mod_node<'a>(
    node: &'a Node,
    item: usize,
    n: i32,
    rcu: &rcu::Guard,
) -> Result<(), Left<'a>> {
    let slot = often(item).ok_or(None)?;
    trace::lruvec_state(node.memcg(), item, n as isize);
    match node.rows().add_rcu(slot, n, rcu) {
        None => Ok(()),
        row => Err(row),
    }
}

/// Does what [`try_mod_node`] has left.
#[cold]
pub(crate) fn finish_node(left: Left<'_>, node: &Node, item: usize, n: i32) {
    match left {
        Some(row) => row.changed(),
        None => {
            trace::lruvec_state(node.memcg(), item, n as isize);
            mod_other(node, item, n as isize);
        }
    }
}

#[inline]
fn mod_other(node: &Node, item: usize, n: isize) {
    if item < NR_LRU {
        // Under the lock of the list.
        node.add_lru_size(item, n);
        if node.note_lru_change() {
            node.rows().mark();
        }
    } else {
        mod_rare(node, item, n);
    }
}

#[inline(never)]
fn mod_rare(node: &Node, item: usize, n: isize) {
    match node_at(item) {
        Some(at) => {
            // Large allocations of slab come in bytes of whole pages.
            let n = match in_bytes(item) {
                true => n >> PAGE_SHIFT,
                false => n,
            };
            node.rare().add(at - NR_NODE_OFTEN, n as i32);
            node.rows().mark();
        }
        // A statistic that a later kernel has, and that containers should perhaps have, too.
        None => {
            warn_on_once!(true);
        }
    }
}

/// Adds `n` to a statistic of a container that belongs to no node.
pub(crate) fn mod_memcg(memcg: &MemCgroup, item: usize, n: isize) {
    // Whoever knows a removed container by its id counts for it long after it has gone.
    let _rcu = rcu::read_lock();
    let memcg = memcg.not_dying();
    match place(item) {
        Place::Memcg(at) => {
            trace::state(memcg, item, n);
            add(memcg, at, n as i32);
        }
        // A statistic of nodes without a node: it counts on the first one.
        Place::Node(_) | Place::Objects(_) => {
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
    trace::events(memcg, event, n);
    match often_event(event) {
        Some(slot) => memcg.rows().add(slot, n as i32),
        None => count_rare(memcg, event, n),
    }
}

/// As [`count_event`], for who is under RCU.
#[inline]
pub(crate) fn count_event_rcu(memcg: &MemCgroup, event: vm_event_item, n: usize, rcu: &rcu::Guard) {
    trace::events(memcg, event, n);
    match often_event(event) {
        Some(slot) => {
            if let Some(row) = memcg.rows().add_rcu(slot, n as i32, rcu) {
                row.changed();
            }
        }
        None => count_rare(memcg, event, n),
    }
}

/// Counts `n` pages of the kernel's own, charged or uncharged, in `memcg`.
#[inline]
pub(crate) fn count_kernel_pages(memcg: &MemCgroup, n: i32, rcu: &rcu::Guard) {
    trace::state(memcg, memcg_stat_item_MEMCG_KMEM as usize, n as isize);
    if let Some(row) = memcg.rows().add_rcu(KMEM, n, rcu) {
        row.changed();
    }
}

/// Counts `n` pages of sockets, charged or uncharged, in `memcg`.
#[inline]
pub(crate) fn count_socket_pages(memcg: &MemCgroup, n: i32, rcu: &rcu::Guard) {
    trace::state(memcg, memcg_stat_item_MEMCG_SOCK as usize, n as isize);
    if let Some(row) = memcg.rows().add_rcu(SOCK, n, rcu) {
        row.changed();
    }
}

#[inline(never)]
fn count_rare(memcg: &MemCgroup, event: vm_event_item, n: usize) {
    if let Some(at) = event_at(event) {
        add(memcg, at, n as i32);
    }
}

fn add(memcg: &MemCgroup, at: usize, n: i32) {
    match Slot::new(at) {
        Some(slot) => memcg.rows().add(slot, n),
        None => {
            memcg.rare().add(at - NR_MEMCG_OFTEN, n);
            memcg.rows().mark();
        }
    }
}

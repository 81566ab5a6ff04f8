// SPDX-License-Identifier: GPL-2.0

//! Statistics and events: all who count what they do, and reclaim, which reads.

use super::seam::{
    AnyLists,
    ByLists, //
};
use crate::{
    c::{
        binding::Referenced, events::MemoryEvent, items, memcg::MemCgroup, meta_page::MetaPage, vm,
    },
    stats::{
        count, events,
        read::{
            node_tree,
            Live,
            Source, //
        },
    },
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_ulong, //
    },
    mm::vmstat::NodeItem,
    seam::Ignored,
    sync::rcu,
};

/// A statistic of lists and all below them.
fn page_state(lists: &AnyLists<'_>, item: NodeItem) -> c_ulong {
    let Some(node) = lists.node() else {
        return lists.nid().state(item);
    };
    // All that is counted on a node is the root's or below it.
    if node.memcg().is_root() && !items::in_bytes(item) {
        return node.nid().state(item);
    }
    node_tree(node.memcg(), node.nid(), item.index()) as c_ulong
}

kernel::seam! {
    /// # Safety
    ///
    /// The caller, reclaim or `mm/workingset.c`, keeps the lists.
    fn lruvec_page_state(lists: AnyLists<'_>, item: NodeItem) -> c_ulong {
        (page_state(&lists, item) as isize).max(0) as c_ulong
    }

    /// # Safety
    ///
    /// As above.
    fn lruvec_page_state_monotonic(lists: AnyLists<'_>, item: NodeItem) -> c_ulong {
        page_state(&lists, item)
    }

    /// # Safety
    ///
    /// As above.
    fn lruvec_page_state_local(lists: AnyLists<'_>, item: NodeItem) -> c_ulong {
        match lists.node() {
            None => lists.nid().state(item),
            Some(node) => count::node_local(node, item.index()).max(0) as c_ulong,
        }
    }

    /// # Safety
    ///
    /// The lists are those of a container, which the caller keeps: `include/linux/mm_inline.h`.
    fn mod_memcg_lruvec_state(lists: ByLists<'_>, item: NodeItem, n: c_int) {
        count::mod_node(lists.0, item.index(), n as isize);
    }

    /// # Safety
    ///
    /// The caller keeps the lists.
    fn mod_lruvec_state(lists: AnyLists<'_>, item: NodeItem, n: c_int) {
        lists.mod_node_state(item, n as isize);
        if let Some(node) = lists.node() {
            count::mod_node(node, item.index(), n as isize);
        }
    }

    /// # Safety
    ///
    /// The folio is locked, referenced or mapped: `mm/filemap.c`, `mm/rmap.c`,
    /// `mm/page-writeback.c`.
    fn lruvec_stat_mod_folio(page: MetaPage<'_, Referenced>, item: NodeItem, n: c_int) {
        page.folio().nid().mod_state(item, n as isize);
        if let Some(owner) = page.owner() {
            let rcu = rcu::read_lock();
            count::mod_node(owner.node(&rcu), item.index(), n as isize);
        }
    }

    /// # Safety
    ///
    /// The caller keeps the container: `include/linux/memcontrol.h`.
    fn mod_memcg_state(memcg: &MemCgroup, item: memcg_stat_item, n: c_int) {
        if !vm::disabled() {
            count::mod_memcg(memcg, item as usize, n as isize);
        }
    }

    /// # Safety
    ///
    /// As above.
    fn count_memcg_events(memcg: &MemCgroup, event: vm_event_item, n: c_ulong) {
        if !vm::disabled() {
            count::count_event(memcg, event, n);
        }
    }

    /// # Safety
    ///
    /// As above: zswap.
    fn memcg_page_state(memcg: &MemCgroup, item: c_int) -> c_ulong {
        Live(memcg).item(item as usize)
    }

    /// Statistics are summed up when they are read: there is nothing to flush.
    ///
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_flush_stats(_memcg: Ignored<mem_cgroup>) {}

    /// As above.
    ///
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_flush_stats_ratelimited(_memcg: Ignored<mem_cgroup>) {}

    /// # Safety
    ///
    /// The caller keeps the container: `include/linux/memcontrol.h`.
    fn __memcg_memory_event(memcg: &MemCgroup, event: memcg_memory_event, may_lock: bool) {
        if let Some(event) = MemoryEvent::new(event) {
            events::notify(memcg, event, may_lock);
        }
    }
}

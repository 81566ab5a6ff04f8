// SPDX-License-Identifier: GPL-2.0

//! Statistics and events: all who count what they do, and reclaim, which reads.

use super::seam::{
    AnyLists,
    ByLists,
    OrRoot, //
};
use crate::{
    c::{
        binding::Referenced,
        events::MemoryEvent,
        items::{
            self,
            event_at, //
        },
        memcg::MemCgroup,
        meta_page::MetaPage,
        node::Node,
        vm,
    },
    files::v2_stat,
    stats::{
        count, events, flush,
        read::{
            node_local,
            node_tree,
            Source,
            Tree, //
        },
    },
    usage::stock,
};
use kernel::{
    bindings::*,
    ffi::{
        c_int,
        c_ulong, //
    },
    mm::vmstat::NodeItem,
    seam::Ignored,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// A statistic of lists and all below them.
fn page_state(lists: &AnyLists<'_>, item: NodeItem) -> c_ulong {
    let Some(node) = lists.node() else {
        return lists.nid().state(item);
    };
    // All that is counted on a node is the root's or below it.
    if node.memcg().is_root() && !items::in_bytes(item.index()) {
        return node.nid().state(item);
    }
    node_tree(node, item.index()) as c_ulong
}

/// The rest of `lruvec_stat_mod_folio()`, in the rare case.
#[inline(never)]
fn finish_folio(
    page: MetaPage<'_, Referenced>,
    node: &Node,
    item: NodeItem,
    n: c_int,
    left: count::Left<'_>,
) {
    count::finish_node(left, node, item.index(), n);
    page.folio().nid().mod_state(item, n as isize);
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
            Some(node) => node_local(node, item.index()).max(0) as c_ulong,
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
    /// The caller keeps the lists: `shrink_inactive_list()`.
    fn mod_lruvec_state(lists: AnyLists<'_>, item: NodeItem, n: c_int) {
        lists.mod_node_state(item, n as isize);
        if let Some(node) = lists.node() {
            count::mod_node(node, item.index(), n as isize);
        }
    }

    /// # Safety
    ///
    /// The folio is locked, referenced or mapped, or the caller's own: `mm/filemap.c`, `mm/rmap.c`,
    /// `mm/page-writeback.c`; `mm/slub.c`, `mm/hugetlb.c`.
    fn lruvec_stat_mod_folio(page: MetaPage<'_, Referenced>, item: NodeItem, n: c_int) {
        // The node comes last: a call with nothing behind it, for which no register is saved.
        if let Some(owner) = page.owner() {
            let rcu = rcu::read_lock();
            let node = owner.node(&rcu);
            if let Err(left) = count::try_mod_node(node, item.index(), n, &rcu) {
                return finish_folio(page, node, item, n, left);
            }
        }
        page.folio().nid().mod_state(item, n as isize);
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
        Tree(memcg).item(item as usize)
    }

    /// In the unit that user space sees.
    ///
    /// # Safety
    ///
    /// The caller keeps the container: `mm/bpf_memcontrol.c`, as of all that follow.
    fn memcg_page_state_output(memcg: &MemCgroup, item: c_int) -> c_ulong {
        let shown = v2_stat::shown(item as usize);
        shown.map_or(0, |shown| shown.of(Tree(memcg).item(item as usize)) as c_ulong)
    }

    /// # Safety
    ///
    /// None is needed.
    fn memcg_stat_item_valid(item: c_int) -> bool {
        usize::try_from(item).is_ok_and(|item| v2_stat::shown(item).is_some())
    }

    /// # Safety
    ///
    /// As above.
    fn memcg_events(memcg: &MemCgroup, event: c_int) -> c_ulong {
        Tree(memcg).event(event as vm_event_item)
    }

    /// # Safety
    ///
    /// None is needed.
    fn memcg_vm_event_item_valid(event: vm_event_item) -> bool {
        event_at(event).is_some()
    }

    /// In pages.
    ///
    /// # Safety
    ///
    /// As above.
    fn memcg_usage(memcg: &MemCgroup) -> c_ulong {
        stock::in_use_as_known(memcg)
    }

    /// # Safety
    ///
    /// As above.
    fn memcg_memory_event_count(memcg: &MemCgroup, event: memcg_memory_event) -> c_ulong {
        let count = |event| memcg.memory_events(event, false).load(Relaxed);
        MemoryEvent::new(event).map_or(0, count) as c_ulong
    }

    /// # Safety
    ///
    /// The caller keeps the container, and may sleep: `include/linux/memcontrol.h`.
    fn mem_cgroup_flush_stats(memcg: OrRoot<'_>) {
        flush::flush_below(memcg.0);
    }

    /// All that has changed is carried up, whoever asks: as a rule that has been done.
    ///
    /// # Safety
    ///
    /// None is needed. The caller may sleep.
    fn mem_cgroup_flush_stats_ratelimited(_memcg: Ignored<mem_cgroup>) {
        flush::flush_if_old();
    }

    /// Called every two seconds, by a work of `shim.c`. Returns after how many jiffies to call
    /// again.
    ///
    /// # Safety
    ///
    /// None is needed.
    fn memctl_flush() -> c_ulong {
        flush::flush();
        flush::PERIOD as c_ulong
    }

    /// # Safety
    ///
    /// The caller keeps the container: `include/linux/memcontrol.h`.
    fn __memcg_memory_event(memcg: &MemCgroup, event: memcg_memory_event, may_lock: bool) {
        if let Some(event) = MemoryEvent::new(event) {
            events::notify(memcg, event, may_lock);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: what the controller asks of the rest of the memory management.

use crate::memcg::MemCgroup;
use core::ops::BitAnd;
use kernel::{
    bindings,
    cgroup::Text,
    error::to_result,
    mm::{
        lruvec::Lruvec,
        numa::NodeId, //
    },
    prelude::*,
};

/// How an allocation may be met, `gfp_t`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gfp(pub(crate) bindings::gfp_t);

impl Gfp {
    /// An ordinary allocation of the kernel: it may sleep, reclaim and kill.
    pub(crate) const KERNEL: Self = Self(bindings::GFP_KERNEL);
    /// Fails rather than trying hard.
    pub(crate) const NORETRY: Self = Self(bindings::__GFP_NORETRY);
    /// Tries hard but does not kill.
    pub(crate) const RETRY_MAYFAIL: Self = Self(bindings::__GFP_RETRY_MAYFAIL);
    /// Cannot fail.
    pub(crate) const NOFAIL: Self = Self(bindings::__GFP_NOFAIL);
    /// May use reserves.
    pub(crate) const HIGH: Self = Self(bindings::__GFP_HIGH);
    const DIRECT_RECLAIM: Self = Self(bindings::__GFP_DIRECT_RECLAIM);
    const RECLAIM: Self = Self(bindings::__GFP_RECLAIM);

    /// Whether all bits of `flags` are set.
    pub(crate) fn has(self, flags: Self) -> bool {
        (self & flags) == flags
    }

    /// Whether it may sleep.
    pub(crate) fn may_sleep(self) -> bool {
        self.has(Self::DIRECT_RECLAIM)
    }

    /// Whether it may take a lock: an allocation that wakes nobody may be in any context.
    pub(crate) fn may_lock(self) -> bool {
        (self & Self::RECLAIM) != Self(0)
    }
}

impl BitAnd for Gfp {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Whether the controller was disabled at boot (`cgroup_disable=memory`).
#[inline]
pub(crate) fn disabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::mem_cgroup_disabled() }
}

/// Whether the controller is on a cgroup v2 mount, or on none.
#[inline]
pub(crate) fn on_v2() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::memory_cgrp_on_dfl() }
}

/// Whether cgroup v2 was mounted such that events count only where they happen.
pub(crate) fn local_events() -> bool {
    // SAFETY: The flags only change at mount.
    let flags = unsafe { (&raw const bindings::cgrp_dfl_root.flags).read_volatile() };
    flags & bindings::CGRP_ROOT_MEMORY_LOCAL_EVENTS != 0
}

/// Whether cgroup v2 was mounted such that hugetlb pages are charged.
pub(crate) fn accounts_hugetlb() -> bool {
    // SAFETY: The flags only change at mount.
    let flags = unsafe { (&raw const bindings::cgrp_dfl_root.flags).read_volatile() };
    flags & bindings::CGRP_ROOT_MEMORY_HUGETLB_ACCOUNTING != 0
}

/// Reclaims at least `nr` pages of `memcg` and all below it, if it can. Returns how many pages it
/// reclaimed. May sleep; must not be called from reclaim.
pub(crate) fn reclaim(memcg: &MemCgroup, nr: usize, gfp: Gfp) -> usize {
    // SAFETY: `memcg` is held by the caller.
    unsafe {
        bindings::try_to_free_mem_cgroup_pages(
            memcg.as_raw(),
            nr,
            gfp.0,
            bindings::MEMCG_RECLAIM_MAY_SWAP,
            core::ptr::null_mut(),
        )
    }
}

/// Does `work`, for which this task has to wait because memory is short: pressure stall information
/// counts that. May sleep.
pub(crate) fn stalled<T>(work: impl FnOnce() -> T) -> T {
    let mut flags = 0;
    // SAFETY: The stall ends where it began.
    unsafe { bindings::psi_memstall_enter(&mut flags) };
    let result = work();
    // SAFETY: As above.
    unsafe { bindings::psi_memstall_leave(&mut flags) };
    result
}

/// Sleeps for so many jiffies, unless this task is killed.
pub(crate) fn sleep_killable(jiffies: kernel::time::Jiffies) {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::schedule_timeout_killable(jiffies as isize) };
}

/// Reclaims as `text` says, which user space wrote to `memory.reclaim`. May sleep.
///
/// # Errors
///
/// `EINVAL` if it cannot be understood, `EAGAIN` if less was reclaimed than asked for, `EINTR`.
pub(crate) fn reclaim_as_told(memcg: &MemCgroup, text: &mut Text<'_>) -> Result {
    // SAFETY: `memcg` is held by the caller, and `text` is ours to take apart.
    to_result(unsafe {
        bindings::user_proactive_reclaim(text.as_raw(), memcg.as_raw(), core::ptr::null_mut())
    })
}

/// Whether cgroup v2 was mounted such that what is protected in a container is shared out below it.
pub(crate) fn protects_recursively() -> bool {
    // SAFETY: The flags only change at mount.
    let flags = unsafe { (&raw const bindings::cgrp_dfl_root.flags).read_volatile() };
    flags & bindings::CGRP_ROOT_MEMORY_RECURSIVE_PROT != 0
}

/// Held by whoever sets a limit that must not be below the usage: one at a time.
///
/// # Invariants
///
/// The lock is held by this task.
pub(crate) struct LimitLock(());

impl LimitLock {
    /// Waits for the lock. May sleep.
    pub(crate) fn new() -> Self {
        // SAFETY: The mutex is initialized statically.
        unsafe { bindings::limit_mutex_lock() };
        // INVARIANT: It has just been locked.
        Self(())
    }
}

impl Drop for LimitLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held.
        unsafe { bindings::limit_mutex_unlock() }
    }
}

/// Leaves in `mask` only the nodes that the cpuset of `memcg`'s cgroup allows.
///
/// # Safety
///
/// `mask` is the caller's own.
pub(crate) unsafe fn keep_allowed_nodes(memcg: &MemCgroup, mask: *mut bindings::nodemask_t) {
    // SAFETY: `memcg` is held by the caller, and so is its cgroup.
    unsafe { bindings::nodes_and_allowed(memcg.css().as_raw(), mask) }
}

/// Puts the pages that CPUs hold back onto the LRU lists, on all CPUs. May sleep.
pub(crate) fn lru_add_drain_all() {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::lru_add_drain_all() }
}

/// Lets another task run, if one should. May sleep.
pub(crate) fn cond_resched() {
    // SAFETY: FFI call without requirements but to be able to sleep.
    unsafe { bindings::cond_resched_() }
}

/// Held by whoever kills for memory: one at a time.
///
/// # Invariants
///
/// The lock is held by this task.
pub(crate) struct OomLock(());

impl OomLock {
    /// Waits for the lock, unless this task is killed meanwhile.
    pub(crate) fn killable() -> Option<Self> {
        // SAFETY: FFI call without requirements but to be able to sleep.
        unsafe { bindings::oom_lock_killable() }.then(|| Self(()))
    }

    /// Kills a process of `memcg` or below it. Says whether it did, or one is dying already.
    pub(crate) fn kill(&self, memcg: &MemCgroup, gfp: Gfp, order: i32) -> bool {
        let mut oc = bindings::oom_control {
            memcg: memcg.as_raw(),
            gfp_mask: gfp.0,
            order,
            ..pin_init::zeroed()
        };
        // SAFETY: `oom_lock` is held, and `memcg` is held by the caller.
        unsafe { bindings::out_of_memory(&mut oc) }
    }
}

impl Drop for OomLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held.
        unsafe { bindings::oom_unlock() }
    }
}

/// Whether `task`, of a walk, was killed for memory and has yet to free it.
pub(crate) fn frees_oom_mm(task: *mut bindings::task_struct) -> bool {
    // SAFETY: A walk holds its task.
    unsafe { bindings::tsk_frees_oom_mm(task) }
}

/// Tells writeback that `memcg` may have more pages from now on, or less.
#[cfg(CONFIG_CGROUP_WRITEBACK)]
pub(crate) fn size_changed(memcg: &MemCgroup) {
    // SAFETY: The domain is initialized with the container.
    unsafe { bindings::wb_domain_size_changed(memcg.wb_domain()) }
}

/// As above; nobody wants to know.
#[cfg(not(CONFIG_CGROUP_WRITEBACK))]
pub(crate) fn size_changed(_memcg: &MemCgroup) {}

/// Jiffies since some time before the machine was started.
pub(crate) fn now() -> u64 {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_jiffies_64() }
}

/// After how many jiffies dirty pages are written back anyway.
#[cfg(CONFIG_CGROUP_WRITEBACK)]
pub(crate) fn dirty_expires_after() -> u64 {
    // SAFETY: A word-sized variable that is written by sysctl; in hundredths of a second.
    let interval = unsafe { (&raw const bindings::dirty_expire_interval).read_volatile() };
    kernel::time::msecs_to_jiffies(interval.saturating_mul(10)) as u64
}

/// Pages of swap space there are.
pub(crate) fn total_swap_pages() -> usize {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_total_swap_pages() }.max(0) as usize
}

/// Pages of swap space that are free.
#[cfg(CONFIG_SWAP)]
pub(crate) fn free_swap_pages() -> isize {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::get_nr_swap_pages() }
}

/// Whether so little swap space is left that copies of pages in memory are dropped.
#[cfg(CONFIG_SWAP)]
pub(crate) fn swap_is_full() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::vm_swap_full() }
}

/// Writes down that the swap space of `folio` belongs to the container with this id.
///
/// The folio is locked and in the swap cache.
#[cfg(CONFIG_SWAP)]
pub(crate) fn record_swap_owner(folio: &kernel::mm::folio::Folio, id: u32) {
    // SAFETY: By the rule above the swap entries of the folio stay; ids have 16 bits.
    unsafe { bindings::swap_record_owner(folio.as_raw(), id as u16) }
}

/// How willingly anonymous pages are swapped where no container says so, 0 to 200.
pub(crate) fn swappiness() -> i32 {
    // SAFETY: A word-sized variable that is written by sysctl.
    unsafe { (&raw const bindings::vm_swappiness).read_volatile() }
}

/// Sets [`swappiness`].
pub(crate) fn set_swappiness(value: i32) {
    // SAFETY: A word-sized variable that readers read once.
    unsafe { (&raw mut bindings::vm_swappiness).write_volatile(value) }
}

/// Adds `n` to a statistic of a node as a whole.
#[inline]
pub(crate) fn mod_node_state(pgdat: *mut bindings::pglist_data, item: u32, n: isize) {
    // SAFETY: `pgdat` comes from a folio or a list, and nodes are not freed.
    unsafe { bindings::node_page_state_add(pgdat, item, n) }
}

/// A statistic of a node as a whole. What is momentarily negative wraps around.
pub(crate) fn node_state(pgdat: *mut bindings::pglist_data, item: u32) -> usize {
    // SAFETY: `pgdat` comes from a folio or a list, and nodes are not freed.
    unsafe { bindings::node_state_monotonic(pgdat, item) }
}

/// A statistic of all nodes.
pub(crate) fn global_node_state(item: u32) -> usize {
    NodeId::with_memory()
        .map(|nid| node_state(node_data(nid), item) as isize)
        .sum::<isize>()
        .max(0) as usize
}

/// The node `nid` as C knows it.
#[inline]
pub(crate) fn node_data(nid: NodeId) -> *mut bindings::pglist_data {
    // SAFETY: `nid` is a possible node.
    unsafe { bindings::numa_node_data(nid.as_raw()) }
}

/// Makes room for the shrinkers' bits of `memcg`. May sleep.
pub(crate) fn alloc_shrinker_info(memcg: &MemCgroup) -> Result {
    // SAFETY: `memcg` is a container that is coming online.
    to_result(unsafe { bindings::alloc_shrinker_info(memcg.as_raw()) })
}

/// Takes back [`alloc_shrinker_info`].
pub(crate) fn free_shrinker_info(memcg: &MemCgroup) {
    // SAFETY: `memcg` is a container that failed to come online.
    unsafe { bindings::free_shrinker_info(memcg.as_raw()) }
}

/// Tells the generational LRU that `memcg` is online.
pub(crate) fn lru_gen_online(memcg: &MemCgroup) {
    // SAFETY: `memcg` is a container that is coming online.
    unsafe { bindings::lru_gen_online_memcg(memcg.as_raw()) }
}

/// Tells all who keep something for `memcg` that it goes offline; its folios have gone already.
pub(crate) fn offline(memcg: &MemCgroup) {
    // SAFETY: `memcg` is a container that is going offline, under `cgroup_mutex`.
    unsafe {
        #[cfg(CONFIG_CGROUP_WRITEBACK)]
        bindings::wb_memcg_offline(memcg.as_raw());
        bindings::reparent_shrinker_deferred(memcg.as_raw());
        bindings::lru_gen_offline_memcg(memcg.as_raw());
    }
}

/// Tells zswap that `memcg` goes offline.
pub(crate) fn zswap_offline(memcg: &MemCgroup) {
    // SAFETY: `memcg` is a container that is going offline, under `cgroup_mutex`.
    unsafe { bindings::zswap_memcg_offline_cleanup(memcg.as_raw()) }
}

/// Tells the generational LRU that nobody refers to `memcg` any more.
pub(crate) fn lru_gen_release(memcg: &MemCgroup) {
    // SAFETY: `memcg` is a container without references.
    unsafe { bindings::lru_gen_release_memcg(memcg.as_raw()) }
}

/// Whether the generational LRU is in use rather than the classic one.
pub(crate) fn lru_gen_enabled() -> bool {
    // SAFETY: FFI call without requirements.
    unsafe { bindings::lru_gen_enabled() }
}

/// Gives `parent` all generations on `nid`, so that it can take in the folios of a child. May sleep.
pub(crate) fn lru_gen_fill(parent: &MemCgroup, nid: NodeId) {
    // SAFETY: `parent` is a container, `nid` a possible node.
    unsafe { bindings::max_lru_gen_memcg(parent.as_raw(), nid.as_raw()) }
}

/// Whether `parent` still has all generations on `nid`; under the lock of its lists.
pub(crate) fn lru_gen_is_full(parent: &MemCgroup, nid: NodeId) -> bool {
    // SAFETY: `parent` is a container, `nid` a possible node.
    unsafe { bindings::recheck_lru_gen_max_memcg(parent.as_raw(), nid.as_raw()) }
}

/// Moves the folios on the lists of `child` to those of `parent`; under the locks of both.
///
/// Where the multi-gen LRU is off now, it may have been on a moment ago: then there are no folios in
/// generations, but counts, until a walk over page tables has told all that it has to.
pub(crate) fn splice_lists(child: &MemCgroup, parent: &MemCgroup, nid: NodeId, lru_gen: bool) {
    // SAFETY: Both are containers, `nid` is a possible node, and the caller has locked the lists.
    unsafe {
        bindings::lru_gen_reparent_memcg(child.as_raw(), parent.as_raw(), nid.as_raw());
        if !lru_gen {
            bindings::lru_reparent_memcg(child.as_raw(), parent.as_raw(), nid.as_raw());
        }
    }
}

/// The lists of the node itself, which are in use if the controller is disabled.
pub(crate) fn node_lruvec(nid: NodeId) -> &'static Lruvec {
    // SAFETY: The lists of a node are initialized with it, and nodes are not freed.
    unsafe { Lruvec::from_raw(&raw const (*node_data(nid)).__lruvec) }
}

/// The lists of `memcg` on `nid`, with the node known to them.
#[inline]
pub(crate) fn lruvec(memcg: &MemCgroup, nid: NodeId) -> &Lruvec {
    let lruvec = memcg.node(nid).lruvec();
    let pgdat = node_data(nid);
    // SAFETY: The field is written with the same value by everybody.
    unsafe {
        let field = &raw mut (*lruvec.as_raw()).pgdat;
        if field.read_volatile() != pgdat {
            field.write_volatile(pgdat);
        }
    }
    lruvec
}

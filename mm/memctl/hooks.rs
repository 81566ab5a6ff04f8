// SPDX-License-Identifier: GPL-2.0

//! Every function of the controller that the rest of the kernel calls.
//!
//! They turn pointers into types, call one method, and turn the result back. There is no policy
//! here. What each must do is said by `include/linux/memcontrol.h` and the callers. Those for what is
//! not accounted yet are in [`unaccounted`].

// What their callers promise is said there, too.
#![allow(clippy::missing_safety_doc)]

#[cfg(CONFIG_MEMCTL_DEBUG)]
mod audit;
mod unaccounted;

#[cfg(CONFIG_SWAP)]
use crate::swap;
use crate::{
    charge, events, files, iter, life, lru,
    memcg::MemCgroup,
    meta_page::{
        Exclusive,
        Locked,
        MetaPage, //
    },
    migrate,
    node::Node,
    oom, protection,
    stats::{
        self,
        Source, //
    },
    task::{
        self,
        Current, //
    },
    throttle,
    vm::{
        self,
        Gfp, //
    },
};
#[cfg(CONFIG_CGROUP_WRITEBACK)]
use crate::{
    foreign::Writer,
    writeback, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings::*,
    cgroup::{
        CssData,
        Files, //
    },
    error::{
        from_err_ptr,
        from_result, //
    },
    ffi::{
        c_int,
        c_long,
        c_uint,
        c_ulong,
        c_ushort,
        c_void, //
    },
    mm::{
        folio::Folio,
        lruvec::Lruvec,
        numa::NodeId, //
    },
    pr_cont,
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
};

/// Hands a reference over to C.
fn into_raw(memcg: ARef<MemCgroup>) -> *mut mem_cgroup {
    ARef::into_raw(memcg).as_ptr().cast()
}

/// The container at `memcg`; the root if that is null.
///
/// # Safety
///
/// `memcg` is null, or a container that is not freed during `'a`.
unsafe fn or_root<'a>(memcg: *mut mem_cgroup) -> &'a MemCgroup {
    if memcg.is_null() {
        MemCgroup::root()
    } else {
        // SAFETY: By the requirement of this function.
        unsafe { MemCgroup::from_raw(memcg) }
    }
}

// --- charging ---

/// The container that a charge on behalf of `mm` goes to.
///
/// # Safety
///
/// `mm` is null or an address space that stays meanwhile.
unsafe fn charged_memcg(mm: *mut mm_struct, rcu: &rcu::Guard) -> &MemCgroup {
    if !mm.is_null() {
        // SAFETY: By the requirement of this function.
        return unsafe { task::of_mm(mm, rcu) };
    }
    let current = Current::get();
    match current.active_memcg(rcu) {
        Some(memcg) => memcg,
        None => current.mm_memcg(rcu),
    }
}

#[export]
unsafe extern "C" fn __mem_cgroup_charge(
    folio: *mut folio,
    mm: *mut mm_struct,
    gfp: gfp_t,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller has a new folio that nobody else knows.
        let page = unsafe { MetaPage::<Exclusive>::new(Folio::from_raw(folio)) };
        // SAFETY: The caller keeps `mm`.
        charge::charge_folio(&page, Gfp(gfp), |rcu| unsafe { charged_memcg(mm, rcu) })?;
        Ok(0)
    })
}

#[export]
unsafe extern "C" fn mem_cgroup_charge_hugetlb(
    folio: *mut folio,
    mm: *mut mm_struct,
    gfp: gfp_t,
) -> c_int {
    if vm::disabled() || !vm::on_v2() || !vm::accounts_hugetlb() {
        return 0;
    }
    // SAFETY: The caller has a new folio that nobody else knows, and keeps `mm`.
    unsafe { __mem_cgroup_charge(folio, mm, gfp) }
}

#[export]
unsafe extern "C" fn mem_cgroup_swapin_charge_folio(
    folio: *mut folio,
    id: c_ushort,
    mm: *mut mm_struct,
    gfp: gfp_t,
) -> c_int {
    if vm::disabled() {
        return 0;
    }
    from_result(|| {
        // SAFETY: The caller has a new folio that nobody else knows.
        let page = unsafe { MetaPage::<Exclusive>::new(Folio::from_raw(folio)) };
        charge::charge_folio(&page, Gfp(gfp), |rcu| {
            // Its id is known from the time it is online.
            match MemCgroup::from_id(id.into(), rcu).filter(|m| !m.css().is_dying()) {
                Some(memcg) => memcg,
                // SAFETY: The caller keeps `mm`.
                None => unsafe { charged_memcg(mm, rcu) },
            }
        })?;
        Ok(0)
    })
}

#[export]
unsafe extern "C" fn __mem_cgroup_uncharge(folio: *mut folio) {
    // SAFETY: The caller has the last reference on the folio, or none is left.
    let page = unsafe { MetaPage::<Exclusive>::new(Folio::from_raw(folio)) };
    charge::Uncharge::new().add(&page);
}

#[export]
unsafe extern "C" fn __mem_cgroup_uncharge_folios(folios: *mut folio_batch) {
    let mut uncharge = charge::Uncharge::new();
    // SAFETY: The caller has a batch of `nr` folios without references.
    unsafe {
        for i in 0..usize::from((*folios).nr).min((*folios).folios.len()) {
            let folio = (&raw const (*folios).folios)
                .cast::<*mut folio>()
                .add(i)
                .read();
            uncharge.add(&MetaPage::<Exclusive>::new(Folio::from_raw(folio)));
        }
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_replace_folio(old: *mut folio, new: *mut folio) {
    if vm::disabled() {
        return;
    }
    // SAFETY: The caller has locked both.
    unsafe {
        migrate::replace(
            &MetaPage::<Locked>::new(Folio::from_raw(old)),
            &MetaPage::<Locked>::new(Folio::from_raw(new)),
        )
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_migrate(old: *mut folio, new: *mut folio) {
    if vm::disabled() {
        return;
    }
    // SAFETY: The caller has locked both.
    unsafe {
        migrate::migrate(
            &MetaPage::<Locked>::new(Folio::from_raw(old)),
            &MetaPage::<Locked>::new(Folio::from_raw(new)),
        )
    }
}

#[export]
unsafe extern "C" fn folio_split_memcg_refs(folio: *mut folio, old: c_uint, new: c_uint) {
    if vm::disabled() {
        return;
    }
    // SAFETY: The caller has locked the folio, and holds the only reference that is left.
    let page = unsafe { MetaPage::<Locked>::new(Folio::from_raw(folio)) };
    migrate::split(&page, old.saturating_sub(new));
}

// --- swap ---

#[cfg(CONFIG_SWAP)]
#[export]
unsafe extern "C" fn __mem_cgroup_try_charge_swap(folio: *mut folio) -> c_int {
    // SAFETY: The caller has locked the folio.
    let page = unsafe { MetaPage::<Locked>::new(Folio::from_raw(folio)) };
    from_result(|| swap::charge(&page).map(|()| 0))
}

#[cfg(CONFIG_SWAP)]
#[export]
unsafe extern "C" fn __mem_cgroup_uncharge_swap(id: c_ushort, nr_pages: c_uint) {
    swap::uncharge(id.into(), nr_pages);
}

#[cfg(CONFIG_SWAP)]
#[export]
unsafe extern "C" fn mem_cgroup_get_nr_swap_pages(memcg: *mut mem_cgroup) -> c_long {
    if vm::disabled() {
        return vm::free_swap_pages();
    }
    // SAFETY: The caller keeps the container.
    swap::free_pages(unsafe { MemCgroup::from_raw(memcg) })
}

#[cfg(CONFIG_SWAP)]
#[export]
unsafe extern "C" fn mem_cgroup_swap_full(folio: *mut folio) -> bool {
    // SAFETY: The caller has locked the folio.
    swap::is_full(unsafe { &MetaPage::<Locked>::new(Folio::from_raw(folio)) })
}

/// Pages are demoted to nodes that the container may use.
#[export]
unsafe extern "C" fn mem_cgroup_node_filter_allowed(memcg: *mut mem_cgroup, mask: *mut nodemask_t) {
    // SAFETY: The caller keeps the container, if there is one, and the mask is its own.
    unsafe {
        if let Some(memcg) = memcg.cast::<MemCgroup>().as_ref() {
            vm::keep_allowed_nodes(memcg, mask);
        }
    }
}

// --- lists ---

/// Locks the lists of a folio. The RCU read lock stays held: the caller unlocks both. Returns the
/// lists and what `lock` returned.
///
/// # Safety
///
/// The folio is locked, isolated or without references, and no slab.
#[inline]
unsafe fn folio_lock<T>(
    folio: *mut folio,
    lock: impl Fn(&Lruvec) -> T,
    unlock: impl Fn(&Lruvec, T),
) -> (*mut lruvec, T) {
    // SAFETY: By the requirement of this function.
    let folio = unsafe { Folio::from_raw(folio) };
    let nid = folio.nid();
    let rcu = rcu::read_lock();
    // SAFETY: By the requirement of this function the binding is stable.
    let page = unsafe { MetaPage::<Locked>::new(folio) };
    let (lruvec, state) = if vm::disabled() {
        let lruvec = vm::node_lruvec(nid);
        let state = lock(lruvec);
        (lruvec, state)
    } else {
        lru::lock_for(&page, nid, &rcu, lock, unlock)
    };
    let raw = lruvec.as_raw();
    core::mem::forget(rcu);
    (raw, state)
}

#[export]
unsafe extern "C" fn folio_lruvec_lock(folio: *mut folio) -> *mut lruvec {
    // SAFETY: As the caller of this hook promises; what is unlocked was locked.
    unsafe { folio_lock(folio, Lruvec::lock, |l, ()| l.unlock()).0 }
}

#[export]
unsafe extern "C" fn folio_lruvec_lock_irq(folio: *mut folio) -> *mut lruvec {
    // SAFETY: As the caller of this hook promises; what is unlocked was locked.
    unsafe { folio_lock(folio, Lruvec::lock_irq, |l, ()| l.unlock_irq()).0 }
}

#[export]
unsafe extern "C" fn folio_lruvec_lock_irqsave(
    folio: *mut folio,
    flags: *mut c_ulong,
) -> *mut lruvec {
    // SAFETY: As the caller of this hook promises; what is unlocked was locked.
    unsafe {
        let (lruvec, state) = folio_lock(folio, Lruvec::lock_irqsave, |l, flags| {
            l.unlock_irqrestore(flags)
        });
        flags.write(state);
        lruvec
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_update_lru_size(
    lruvec: *mut lruvec,
    lru: lru_list,
    zid: c_int,
    nr_pages: c_long,
) {
    if vm::disabled() {
        return;
    }
    // SAFETY: The caller has locked the lists, which are those of a container.
    let node = unsafe { Node::from_lruvec(lruvec) };
    lru::update_zone_size(node, lru as usize, zid as usize, nr_pages);
}

// --- statistics ---

#[export]
unsafe extern "C" fn lruvec_page_state(lruvec: *mut lruvec, item: node_stat_item) -> c_ulong {
    // SAFETY: As the caller of this hook promises.
    unsafe { lruvec_page_state_monotonic(lruvec, item) as isize }.max(0) as c_ulong
}

#[export]
unsafe extern "C" fn lruvec_page_state_monotonic(
    lruvec: *mut lruvec,
    item: node_stat_item,
) -> c_ulong {
    // SAFETY: `lruvec` is initialized, and the caller keeps it.
    let pgdat = unsafe { (*lruvec).pgdat };
    if vm::disabled() {
        return vm::node_state(pgdat, item);
    }
    // SAFETY: The controller is enabled: the lists are those of a container.
    let node = unsafe { Node::from_lruvec(lruvec) };
    // All that is counted on a node is the root's or below it.
    if node.memcg().is_root() && !stats::in_bytes(item) {
        return vm::node_state(pgdat, item);
    }
    stats::node_tree(node.memcg(), node.nid(), item as usize) as c_ulong
}

#[export]
unsafe extern "C" fn lruvec_page_state_local(lruvec: *mut lruvec, item: node_stat_item) -> c_ulong {
    if vm::disabled() {
        // SAFETY: `lruvec` is initialized, and the caller keeps it.
        return vm::node_state(unsafe { (*lruvec).pgdat }, item);
    }
    // SAFETY: The controller is enabled: the lists are those of a container.
    let node = unsafe { Node::from_lruvec(lruvec) };
    stats::node_local(node, item as usize).max(0) as c_ulong
}

#[export]
unsafe extern "C" fn mod_memcg_lruvec_state(lruvec: *mut lruvec, item: node_stat_item, n: c_int) {
    // SAFETY: The lists are those of a container, which the caller keeps.
    let node = unsafe { Node::from_lruvec(lruvec) };
    stats::mod_node(node, item as usize, n as isize);
}

#[export]
unsafe extern "C" fn mod_lruvec_state(lruvec: *mut lruvec, item: node_stat_item, n: c_int) {
    // SAFETY: `lruvec` is initialized, and the caller keeps it.
    vm::mod_node_state(unsafe { (*lruvec).pgdat }, item, n as isize);
    if !vm::disabled() {
        // SAFETY: The controller is enabled: the lists are those of a container.
        unsafe { mod_memcg_lruvec_state(lruvec, item, n) };
    }
}

#[export]
unsafe extern "C" fn lruvec_stat_mod_folio(folio: *mut folio, item: node_stat_item, n: c_int) {
    // SAFETY: The caller keeps the folio, and its binding is stable.
    let page = unsafe { MetaPage::<Locked>::new(Folio::from_raw(folio)) };
    vm::mod_node_state(page.folio().pgdat(), item, n as isize);
    if let Some(owner) = page.owner() {
        let rcu = rcu::read_lock();
        stats::mod_node(owner.node(&rcu), item as usize, n as isize);
    }
}

/// Kernel memory is not accounted: it counts for its node alone.
#[export]
unsafe extern "C" fn mod_lruvec_kmem_state(p: *mut c_void, item: node_stat_item, n: c_int) {
    // SAFETY: `p` is in memory of the kernel's linear map.
    let pgdat = unsafe { Folio::from_raw(virt_to_folio(p)) }.pgdat();
    vm::mod_node_state(pgdat, item, n as isize);
}

#[export]
unsafe extern "C" fn mod_memcg_state(memcg: *mut mem_cgroup, item: memcg_stat_item, n: c_int) {
    if !vm::disabled() {
        // SAFETY: The caller keeps the container.
        let memcg = unsafe { MemCgroup::from_raw(memcg) };
        stats::mod_memcg(memcg, item as usize, n as isize);
    }
}

#[export]
unsafe extern "C" fn count_memcg_events(
    memcg: *mut mem_cgroup,
    event: vm_event_item,
    count: c_ulong,
) {
    if !vm::disabled() {
        // SAFETY: The caller keeps the container.
        stats::count_event(unsafe { MemCgroup::from_raw(memcg) }, event, count);
    }
}

#[export]
unsafe extern "C" fn memcg_page_state(memcg: *mut mem_cgroup, item: c_int) -> c_ulong {
    // SAFETY: The caller keeps the container.
    stats::Live(unsafe { MemCgroup::from_raw(memcg) }).item(item as usize)
}

/// Statistics are summed up when they are read: there is nothing to flush.
#[export]
unsafe extern "C" fn mem_cgroup_flush_stats(_memcg: *mut mem_cgroup) {}

/// As above.
#[export]
unsafe extern "C" fn mem_cgroup_flush_stats_ratelimited(_memcg: *mut mem_cgroup) {}

#[export]
unsafe extern "C" fn __memcg_memory_event(
    memcg: *mut mem_cgroup,
    event: memcg_memory_event,
    may_lock: bool,
) {
    if let Some(event) = events::MemoryEvent::new(event) {
        // SAFETY: The caller keeps the container.
        events::notify(unsafe { MemCgroup::from_raw(memcg) }, event, may_lock);
    }
}

// --- finding containers ---

#[export]
unsafe extern "C" fn mem_cgroup_from_task(task: *mut task_struct) -> *mut mem_cgroup {
    if task.is_null() {
        return null_mut();
    }
    // SAFETY: The caller keeps the task and is under RCU.
    unsafe { task_mem_cgroup(task) }
}

/// A reference on what `find` finds, which may be released at any time.
fn get_found<F>(find: F) -> *mut mem_cgroup
where
    F: for<'a> Fn(&'a rcu::Guard) -> &'a MemCgroup,
{
    if vm::disabled() {
        return null_mut();
    }
    let rcu = rcu::read_lock();
    loop {
        if let Some(memcg) = find(&rcu).try_get() {
            return into_raw(memcg);
        }
    }
}

#[export]
unsafe extern "C" fn get_mem_cgroup_from_mm(mm: *mut mm_struct) -> *mut mem_cgroup {
    // SAFETY: The caller keeps `mm`.
    get_found(|rcu| unsafe { charged_memcg(mm, rcu) })
}

#[export]
unsafe extern "C" fn get_mem_cgroup_from_current() -> *mut mem_cgroup {
    get_found(|rcu| Current::get().memcg(rcu))
}

#[export]
unsafe extern "C" fn get_mem_cgroup_from_folio(folio: *mut folio) -> *mut mem_cgroup {
    // SAFETY: The caller keeps the folio, and its binding is stable.
    let page = unsafe { MetaPage::<Locked>::new(Folio::from_raw(folio)) };
    get_found(|rcu| page.owner().map_or(MemCgroup::root(), |o| o.memcg(rcu)))
}

#[export]
unsafe extern "C" fn get_mem_cgroup_css_from_folio(folio: *mut folio) -> *mut cgroup_subsys_state {
    if vm::on_v2() {
        // SAFETY: As the caller of this hook promises; `css` is the first field.
        let memcg = unsafe { get_mem_cgroup_from_folio(folio) };
        if !memcg.is_null() {
            return memcg.cast();
        }
    }
    MemCgroup::root().css().as_raw()
}

#[export]
unsafe extern "C" fn page_cgroup_ino(page: *mut page) -> ino_t {
    let rcu = rcu::read_lock();
    // SAFETY: `page` is a page; nothing keeps its folio or its binding, so that the answer is but a
    // guess. The word is looked at once, and RCU protects what it points at.
    let owner = unsafe { MetaPage::<Locked>::new(Folio::from_raw(page_folio(page))) };
    let Some(owner) = owner.owner() else {
        return 0;
    };
    let memcg = owner.memcg(&rcu).up().find(|m| m.css().is_online());
    memcg.map_or(0, |memcg| memcg.css().cgroup_ino())
}

#[export]
unsafe extern "C" fn mem_cgroup_from_private_id(id: c_ushort) -> *mut mem_cgroup {
    let rcu = rcu::read_lock();
    MemCgroup::from_id(id.into(), &rcu).map_or(null_mut(), MemCgroup::as_raw)
}

#[export]
unsafe extern "C" fn mem_cgroup_get_from_id(id: u64) -> *mut mem_cgroup {
    // SAFETY: The cgroup that is found is put again; the css has a reference of its own.
    unsafe {
        let Ok(cgroup) = from_err_ptr(cgroup_get_from_id(id)) else {
            return null_mut();
        };
        let css = cgroup_get_e_css(cgroup, &raw mut memory_cgrp_subsys);
        cgroup_put(cgroup);
        css.cast()
    }
}

/// Kernel memory is not accounted: it is nobody's.
#[export]
unsafe extern "C" fn mem_cgroup_from_virt(_p: *mut c_void) -> *mut mem_cgroup {
    null_mut()
}

// --- walks ---

#[export]
unsafe extern "C" fn mem_cgroup_iter(
    root: *mut mem_cgroup,
    prev: *mut mem_cgroup,
    cookie: *mut mem_cgroup_reclaim_cookie,
) -> *mut mem_cgroup {
    if vm::disabled() {
        return null_mut();
    }
    // SAFETY: The caller keeps the root of the walk, and has a reference on `prev`.
    let (root, prev_memcg) = unsafe { (or_root(root), prev.cast::<MemCgroup>().as_ref()) };

    // SAFETY: The cookie is the caller's own.
    let cookie = unsafe { cookie.as_mut() };
    let found = match cookie {
        None => iter::next(root, prev_memcg, None),
        // SAFETY: The caller set the node of the cookie.
        Some(cookie) => NodeId::new(unsafe { (*cookie.pgdat).node_id }).and_then(|nid| {
            let mut shared = iter::Shared {
                nid,
                generation: cookie.generation,
            };
            let found = iter::next(root, prev_memcg, Some(&mut shared));
            cookie.generation = shared.generation;
            found
        }),
    };

    // SAFETY: The caller gives its reference on `prev` away.
    unsafe { mem_cgroup_iter_break(root.as_raw(), prev) };
    match found {
        Some(iter::Visit::Root(memcg)) => memcg.as_raw(),
        Some(iter::Visit::Below(memcg)) => into_raw(memcg),
        None => null_mut(),
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_iter_break(root: *mut mem_cgroup, prev: *mut mem_cgroup) {
    // SAFETY: The caller keeps the root of the walk.
    let root = unsafe { or_root(root) };
    if prev == root.as_raw() {
        return;
    }
    if let Some(prev) = NonNull::new(prev.cast::<MemCgroup>()) {
        // SAFETY: A walk gives a reference on all but its root, which the caller gives away.
        drop(unsafe { ARef::from_raw(prev) });
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_scan_tasks(
    memcg: *mut mem_cgroup,
    visit: Option<unsafe extern "C" fn(*mut task_struct, *mut c_void) -> c_int>,
    arg: *mut c_void,
) {
    let Some(visit) = visit else {
        return;
    };
    // SAFETY: The caller keeps the container.
    for memcg in iter::Tree::new(unsafe { MemCgroup::from_raw(memcg) }) {
        let stop = memcg.css().any_process(|task| {
            // SAFETY: `visit` takes a task of the walk, and `arg`.
            let stop = unsafe { visit(task, arg) } != 0;
            vm::cond_resched();
            stop
        });
        if stop {
            break;
        }
    }
}

// --- out of memory ---

#[export]
unsafe extern "C" fn mem_cgroup_get_max(memcg: *mut mem_cgroup) -> c_ulong {
    // SAFETY: The caller keeps the container.
    oom::total_pages(unsafe { MemCgroup::from_raw(memcg) })
}

#[export]
unsafe extern "C" fn mem_cgroup_print_oom_context(memcg: *mut mem_cgroup, task: *mut task_struct) {
    let _rcu = rcu::read_lock();
    // SAFETY: The caller keeps the container and the task, each of which may be null.
    unsafe {
        match memcg.cast::<MemCgroup>().as_ref() {
            Some(memcg) => {
                pr_cont!(",oom_memcg=");
                memcg.css().pr_cont_path();
            }
            None => pr_cont!(",global_oom"),
        }
        if !task.is_null() {
            pr_cont!(",task_memcg=");
            MemCgroup::from_raw(task_mem_cgroup(task))
                .css()
                .pr_cont_path();
        }
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_print_oom_meminfo(memcg: *mut mem_cgroup) {
    // SAFETY: The caller keeps the container.
    files::log_meminfo(unsafe { MemCgroup::from_raw(memcg) });
}

#[cfg(CONFIG_MEMCG_V1)]
#[export]
unsafe extern "C" fn mem_cgroup_oom_synchronize(handle: bool) -> bool {
    oom::synchronize(handle)
}

#[export]
unsafe extern "C" fn mem_cgroup_get_oom_group(
    victim: *mut task_struct,
    domain: *mut mem_cgroup,
) -> *mut mem_cgroup {
    let rcu = rcu::read_lock();
    // SAFETY: The caller keeps both, of which the domain may be null; RCU protects the css.
    let (victim, domain) = unsafe { (task::memcg_of(victim, &rcu), or_root(domain)) };
    oom::group(victim, domain)
        .and_then(MemCgroup::try_get)
        .map_or(null_mut(), into_raw)
}

#[export]
unsafe extern "C" fn mem_cgroup_print_oom_group(memcg: *mut mem_cgroup) {
    pr_info!("Tasks in ");
    // SAFETY: The caller keeps the container.
    unsafe { MemCgroup::from_raw(memcg) }.css().pr_cont_path();
    pr_cont!(" are going to be killed due to memory.oom.group set\n");
}

// --- protection and throttling ---

#[export]
unsafe extern "C" fn mem_cgroup_calculate_protection(
    root: *mut mem_cgroup,
    memcg: *mut mem_cgroup,
) {
    if !vm::disabled() {
        // SAFETY: The caller keeps both, of which the root of the reclaim may be null.
        unsafe { protection::update(or_root(root), MemCgroup::from_raw(memcg)) }
    }
}

#[cfg(CONFIG_LRU_GEN)]
#[export]
unsafe extern "C" fn mem_cgroup_calculate_protection_path(
    root: *mut mem_cgroup,
    memcg: *mut mem_cgroup,
) {
    if !vm::disabled() {
        // SAFETY: The caller keeps both, of which the root of the reclaim may be null.
        unsafe { protection::update_path(or_root(root), MemCgroup::from_raw(memcg)) }
    }
}

#[export]
unsafe extern "C" fn mem_cgroup_show_protected_memory(memcg: *mut mem_cgroup) {
    if !vm::disabled() && vm::on_v2() {
        // SAFETY: The caller keeps the container, if it is not null.
        files::log_protection(unsafe { or_root(memcg) });
    }
}

#[export]
unsafe extern "C" fn __mem_cgroup_handle_over_high(gfp: gfp_t) {
    throttle::settle(Gfp(gfp));
}

// --- writeback ---

#[cfg(CONFIG_CGROUP_WRITEBACK)]
#[export]
unsafe extern "C" fn mem_cgroup_wb_domain(wb: *mut bdi_writeback) -> *mut wb_domain {
    // SAFETY: The caller keeps the writeback, which keeps its container.
    let memcg = unsafe { MemCgroup::from_css((*wb).memcg_css) };
    // All the dirty pages of the machine are the root's.
    if memcg.is_root() {
        return null_mut();
    }
    memcg.wb_domain()
}

#[cfg(CONFIG_CGROUP_WRITEBACK)]
#[export]
unsafe extern "C" fn mem_cgroup_wb_stats(
    wb: *mut bdi_writeback,
    file: *mut c_ulong,
    headroom: *mut c_ulong,
    dirty: *mut c_ulong,
    writeback: *mut c_ulong,
) {
    // SAFETY: The caller keeps the writeback, which keeps its container, and wants four numbers.
    unsafe {
        let cache = writeback::cache(MemCgroup::from_css((*wb).memcg_css));
        *file = cache.file as c_ulong;
        *headroom = cache.headroom as c_ulong;
        *dirty = cache.dirty as c_ulong;
        *writeback = cache.writeback as c_ulong;
    }
}

#[cfg(CONFIG_CGROUP_WRITEBACK)]
#[export]
unsafe extern "C" fn mem_cgroup_track_foreign_dirty_slowpath(
    folio: *mut folio,
    wb: *mut bdi_writeback,
) {
    // SAFETY: The caller keeps both, and the binding of the folio is stable.
    let (page, writer) = unsafe {
        memctl_trace_track_foreign(folio, wb);
        (
            MetaPage::<Locked>::new(Folio::from_raw(folio)),
            Writer::of(wb),
        )
    };
    if let Some(owner) = page.owner() {
        let rcu = rcu::read_lock();
        writeback::note_foreign(owner.memcg(&rcu), writer);
    }
}

#[cfg(CONFIG_CGROUP_WRITEBACK)]
#[export]
unsafe extern "C" fn mem_cgroup_flush_foreign(wb: *mut bdi_writeback) {
    // SAFETY: The caller keeps the writeback, which keeps its container.
    let memcg = unsafe { MemCgroup::from_css((*wb).memcg_css) };
    // SAFETY: As above.
    writeback::start_foreign(memcg, |note| unsafe { note.trace(wb) });
}

// --- pressure ---

#[export]
unsafe extern "C" fn memcg_to_vmpressure(memcg: *mut mem_cgroup) -> *mut vmpressure {
    // SAFETY: The caller keeps the container.
    unsafe { or_root(memcg) }.vmpressure()
}

#[export]
unsafe extern "C" fn vmpressure_to_memcg(vmpressure: *mut vmpressure) -> *mut mem_cgroup {
    // SAFETY: The caller keeps the container that this is the pressure of.
    unsafe { MemCgroup::from_vmpressure(vmpressure) }.as_raw()
}

// --- the cgroup core ---

#[export]
unsafe extern "C" fn mem_cgroup_init() -> c_int {
    // SAFETY: Called once, when the kernel starts and can allocate.
    unsafe { memctl_create_caches() };
    0
}

/// No work is ever queued.
#[export]
unsafe extern "C" fn mem_cgroup_flush_workqueue() {}

#[export]
unsafe extern "C" fn memctl_css_alloc(
    parent: *mut cgroup_subsys_state,
) -> *mut cgroup_subsys_state {
    // SAFETY: The core keeps the parent, if there is one.
    let parent = (!parent.is_null()).then(|| unsafe { MemCgroup::from_css(parent) });
    match life::alloc(parent) {
        Ok(new) => new.publish(),
        Err(e) => e.to_ptr(),
    }
}

#[export]
unsafe extern "C" fn memctl_css_online(css: *mut cgroup_subsys_state) -> c_int {
    from_result(|| {
        // SAFETY: The core keeps the css.
        life::online(unsafe { MemCgroup::from_css(css) })?;
        Ok(0)
    })
}

#[export]
unsafe extern "C" fn memctl_css_offline(css: *mut cgroup_subsys_state) {
    // SAFETY: The core keeps the css.
    life::offline(unsafe { MemCgroup::from_css(css) });
}

#[export]
unsafe extern "C" fn memctl_css_released(css: *mut cgroup_subsys_state) {
    // SAFETY: The core keeps the css.
    life::released(unsafe { MemCgroup::from_css(css) });
}

#[export]
unsafe extern "C" fn memctl_css_free(css: *mut cgroup_subsys_state) {
    // SAFETY: The core gives the css away; it is the first field of a container.
    unsafe {
        life::free(MemCgroup::from_css(css));
        MemCgroup::free(css.cast());
    }
}

#[export]
unsafe extern "C" fn memctl_css_reset(css: *mut cgroup_subsys_state) {
    // SAFETY: The core keeps the css.
    life::reset(unsafe { MemCgroup::from_css(css) });
}

#[export]
unsafe extern "C" fn memctl_attach(tset: *mut cgroup_taskset) {
    // SAFETY: The core keeps the set and its tasks.
    unsafe { task::attach(tset) };
}

/// The files on cgroup v1, for `shim.c`.
#[no_mangle]
pub(crate) static memctl_v1_files: Files<{ files::v1::FILES.len() }> = Files::new(files::v1::FILES);

/// The files on cgroup v2, for `shim.c`.
#[no_mangle]
pub(crate) static memctl_v2_files: Files<{ files::v2::FILES.len() }> = Files::new(files::v2::FILES);

// SPDX-License-Identifier: GPL-2.0

//! Who asks whose something is: file systems, `mm/workingset.c`, procfs and others.

use super::{
    folio::charged_memcg,
    results::AsCss,
    seam::OfPage, //
};
use crate::c::{
    binding::Referenced,
    memcg::MemCgroup,
    meta_page::{
        was_bound_to,
        MetaPage, //
    },
    task::{
        self,
        Current, //
    },
    vm,
};
use kernel::{
    bindings::*,
    cgroup::CssData,
    mm::Mm,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
    task::Task,
};

type Found = Option<ARef<Counted<MemCgroup>>>;

/// A reference on what `find` finds, which may be released at any time: who looks again finds its
/// parent, or where the task has moved to.
fn get_found<F>(find: F) -> Found
where
    F: for<'a> Fn(&'a rcu::Guard) -> &'a MemCgroup,
{
    if vm::disabled() {
        return None;
    }
    let rcu = rcu::read_lock();
    loop {
        if let Some(memcg) = find(&rcu).try_get() {
            return Some(memcg);
        }
    }
}

fn of_folio(page: &MetaPage<'_, Referenced>) -> Found {
    get_found(|rcu| page.owner().map_or(MemCgroup::root(), |o| o.memcg(rcu)))
}

kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps the task, if there is one, and is under RCU for as long as it uses what it
    /// gets: `include/linux/memcontrol.h`.
    fn mem_cgroup_from_task(task: Option<&Task>) -> *mut mem_cgroup {
        let rcu = rcu::read_lock();
        task.map(|task| task::memcg_of(task, &rcu).as_raw())
    }

    /// # Safety
    ///
    /// The caller keeps the address space, if there is one: `lru_gen_migrate_mm()`, fanotify.
    fn get_mem_cgroup_from_mm(mm: Option<&Mm>) -> *mut mem_cgroup {
        get_found(|rcu| charged_memcg(mm, rcu))
    }

    /// # Safety
    ///
    /// None is needed.
    fn get_mem_cgroup_from_current() -> *mut mem_cgroup {
        get_found(|rcu| Current::get().memcg(rcu))
    }

    /// # Safety
    ///
    /// The folio is locked or the caller has a reference on it: `fs/buffer.c`, `mm/workingset.c`,
    /// `mm/list_lru.c`.
    fn get_mem_cgroup_from_folio(page: MetaPage<'_, Referenced>) -> *mut mem_cgroup {
        of_folio(&page)
    }

    /// # Safety
    ///
    /// As above: `fs/fs-writeback.c`.
    fn get_mem_cgroup_css_from_folio(page: MetaPage<'_, Referenced>) -> *mut cgroup_subsys_state {
        let found = match vm::on_v2() {
            true => of_folio(&page),
            false => None,
        };
        AsCss(found.or_else(|| MemCgroup::root().try_get()))
    }

    /// Nothing keeps the folio or its binding: the answer is but a guess.
    ///
    /// # Safety
    ///
    /// The page is one: procfs and `mm/memory-failure.c`.
    fn page_cgroup_ino(page: OfPage<'_>) -> ino_t {
        let rcu = rcu::read_lock();
        let owner = was_bound_to(&page.0, &rcu);
        let online = owner.and_then(|o| o.memcg(&rcu).up().find(|m| m.css().is_online()));
        online.map_or(0, |memcg| memcg.css().cgroup_ino())
    }

    /// # Safety
    ///
    /// The caller is under RCU for as long as it uses what it gets: `mm/workingset.c`.
    fn mem_cgroup_from_private_id(id: u16) -> *mut mem_cgroup {
        let rcu = rcu::read_lock();
        MemCgroup::from_id(id.into(), &rcu).map(MemCgroup::as_raw)
    }

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_get_from_id(id: u64) -> *mut mem_cgroup {
        MemCgroup::of_cgroup(id)
    }
}

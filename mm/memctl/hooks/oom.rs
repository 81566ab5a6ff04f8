// SPDX-License-Identifier: GPL-2.0

//! The OOM killer asks and reports: `mm/oom_kill.c`; and a page fault ends that ran out of memory.

use super::seam::OrRoot;
use crate::{
    c::{
        memcg::MemCgroup,
        task, //
    },
    files::log,
    pressure::oom,
    tree::iter::Tree,
};
use kernel::{
    bindings::*,
    cgroup::CssData,
    ffi::c_ulong,
    pr_cont, sched,
    seam::{
        Callback,
        CallbackArg, //
    },
    sync::{
        counted::TryRefCounted,
        rcu, //
    },
    task::Task,
};

kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps the container, and `visit` takes any task, with `arg`:
    /// `select_bad_process()`, `dump_tasks()`.
    fn mem_cgroup_scan_tasks(
        memcg: &MemCgroup,
        visit: Callback<'_, task_struct>,
        arg: CallbackArg<'_>,
    ) {
        // All processes of the container and below: the OOM killer looks for the one to kill.
        for memcg in Tree::new(memcg).filter_map(|memcg| memcg.try_get()) {
            let stop = MemCgroup::any_process(&memcg, |task| {
                let stop = visit.call(task, &arg) != 0;
                sched::cond_resched();
                stop
            });
            if stop {
                break;
            }
        }
    }

    /// # Safety
    ///
    /// The caller keeps the container: `constrained_alloc()`.
    fn mem_cgroup_get_max(memcg: &MemCgroup) -> c_ulong {
        oom::total_pages(memcg)
    }

    /// # Safety
    ///
    /// The caller keeps the container and the task, each of which may be null:
    /// `dump_oom_victim()`.
    fn mem_cgroup_print_oom_context(memcg: Option<&MemCgroup>, task: Option<&Task>) {
        let rcu = rcu::read_lock();
        match memcg {
            Some(memcg) => {
                pr_cont!(",oom_memcg=");
                memcg.css().pr_cont_path();
            }
            None => pr_cont!(",global_oom"),
        }
        if let Some(task) = task {
            pr_cont!(",task_memcg=");
            task::memcg_of(task, &rcu).css().pr_cont_path();
        }
    }

    /// # Safety
    ///
    /// The caller keeps the container: `dump_header()`.
    fn mem_cgroup_print_oom_meminfo(memcg: &MemCgroup) {
        log::meminfo(memcg);
    }

    /// # Safety
    ///
    /// The caller keeps both, of which the domain may be null: `oom_kill_process()`.
    fn mem_cgroup_get_oom_group(victim: &Task, domain: OrRoot<'_>) -> *mut mem_cgroup {
        let rcu = rcu::read_lock();
        oom::group(task::memcg_of(victim, &rcu), domain.0).and_then(MemCgroup::try_get)
    }

    /// # Safety
    ///
    /// The caller keeps the container: `oom_kill_process()`.
    fn mem_cgroup_print_oom_group(memcg: &MemCgroup) {
        log::group(memcg);
    }
}

#[cfg(CONFIG_MEMCG_V1)]
kernel::seam! {
    /// # Safety
    ///
    /// None is needed: page faults of user space.
    fn mem_cgroup_oom_synchronize(handle: bool) -> bool {
        oom::synchronize(handle)
    }
}

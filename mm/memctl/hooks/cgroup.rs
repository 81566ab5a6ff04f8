// SPDX-License-Identifier: GPL-2.0

//! Containers come and go, and processes move between them: the cgroup core, by
//! `memory_cgrp_subsys` in `shim.c`. It calls each of these under `cgroup_mutex`, but for
//! `css_free`, and once for each step that a css goes: `include/linux/cgroup-defs.h` and
//! `Documentation/admin-guide/cgroup-v1/`.

use super::{
    results::New,
    seam::{
        ByCss,
        MayOffline, //
    },
};
use crate::{
    c::{
        life::{
            Freeing,
            Onlining,
            Released, //
        },
        task::Moved,
    },
    container::life,
};
use kernel::{bindings::*, ffi::c_int};

kernel::seam! {
    /// Nothing waits for the work that carries counts up.
    ///
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_flush_workqueue() {}

    /// # Safety
    ///
    /// The core keeps the parent, if there is one: `css_create()`.
    fn memctl_css_alloc(parent: ByCss<'_>) -> *mut cgroup_subsys_state {
        New(life::alloc(parent.0))
    }

    /// # Safety
    ///
    /// The core brings the css online: `online_css()`.
    fn memctl_css_online(css: Onlining<'_>) -> c_int {
        css.finish()
    }

    /// # Safety
    ///
    /// The core takes the css offline: `offline_css()`.
    fn memctl_css_offline(css: MayOffline<'_>) {
        if let Some(css) = css.0 {
            life::offline(css);
        }
    }

    /// # Safety
    ///
    /// The last reference on the css has gone: `css_release_work_fn()`.
    fn memctl_css_released(css: Released<'_>) {
        life::released(css);
    }

    /// # Safety
    ///
    /// The core gives the css away: `css_free_rwork_fn()`.
    fn memctl_css_free(css: Freeing) {
        life::free(css);
    }

    /// # Safety
    ///
    /// The core keeps the css: `cgroup_apply_control_disable()`.
    fn memctl_css_reset(css: ByCss<'_>) {
        if let Some(memcg) = css.0 {
            life::reset(memcg);
        }
    }

    /// # Safety
    ///
    /// The core keeps the set and its tasks, which it moves: `cgroup_migrate_execute()`.
    fn memctl_attach(tasks: Moved<'_>) {
        tasks.tell_lru_gen();
    }
}

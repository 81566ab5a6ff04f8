// SPDX-License-Identifier: GPL-2.0

//! What C gets back from the hooks, where it is not what any seam gives back.
#![deny(unsafe_code)]

use crate::{
    c::{
        create::Unpublished,
        memcg::MemCgroup, //
    },
    tree::iter::Visit,
};
use core::ptr::null_mut;
use kernel::{
    bindings,
    error::Result,
    seam::IntoC,
    sync::{
        aref::ARef,
        counted::Counted, //
    },
};

/// What a walk has come to: the caller gets the reference, if there is one.
pub(super) struct Step<'a>(pub(super) Option<Visit<'a>>);

impl IntoC<*mut bindings::mem_cgroup> for Step<'_> {
    fn into_c(self) -> *mut bindings::mem_cgroup {
        match self.0 {
            None => null_mut(),
            Some(Visit::Root(memcg)) => memcg.as_raw(),
            Some(Visit::Below(memcg)) => Some(memcg).into_c(),
        }
    }
}

/// A reference on a container is handed over by its css; none is null.
pub(super) struct AsCss(pub(super) Option<ARef<Counted<MemCgroup>>>);

impl IntoC<*mut bindings::cgroup_subsys_state> for AsCss {
    fn into_c(self) -> *mut bindings::cgroup_subsys_state {
        self.0
            .map_or(null_mut(), |memcg| ARef::into_raw(memcg).as_ptr().cast())
    }
}

/// A container that the core does not have yet, or why there is none.
pub(super) struct New<'p>(pub(super) Result<Unpublished<'p>>);

impl IntoC<*mut bindings::cgroup_subsys_state> for New<'_> {
    fn into_c(self) -> *mut bindings::cgroup_subsys_state {
        match self.0 {
            Ok(new) => new.publish(),
            Err(e) => e.to_ptr(),
        }
    }
}

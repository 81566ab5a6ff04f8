// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`MemCgroup`], a container.
//!
//! A container is a css with counters, statistics and a share of every node behind it. It is alive
//! as long as there is a reference on its css, and may be looked at a grace period longer. A child
//! keeps its parent alive.
//!
//! A `&MemCgroup` is *seen*; `Counted<MemCgroup>` has a reference, see `kernel::sync::counted`.

#[cfg(CONFIG_CGROUP_WRITEBACK)]
use super::foreign::Foreign;
use super::{
    node::Node,
    state::State, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    cgroup::{
        Css,
        CssData, //
    },
    error::from_err_ptr,
    mm::numa::NodeId,
    sync::{
        aref::ARef,
        atomic::Atomic,
        counted::Counted, //
    },
    types::Opaque,
};

/// What comes between the css and the [`State`]: what C looks at, too.
const IDS: usize = offset_of!(bindings::mem_cgroup, state) - size_of::<Css>();

/// What comes behind the state: the same.
const REST: usize = size_of::<bindings::mem_cgroup>()
    - offset_of!(bindings::mem_cgroup, state)
    - size_of::<State>();

/// A container, `struct mem_cgroup`.
///
/// # Invariants
///
/// The object comes from [`MemCgroup::create`]: its counters, statistics and shares of all possible
/// nodes exist until it is freed, and a child is freed before its parent.
#[repr(C)]
pub(crate) struct MemCgroup {
    css: Css,
    ids: Opaque<[u8; IDS]>,
    pub(super) state: State,
    rest: Opaque<[u8; REST]>,
}

super::same_layout!(MemCgroup, bindings::mem_cgroup, { css, state });

// SAFETY: What changes is atomic, or C's under locks of C.
unsafe impl Send for MemCgroup {}
// SAFETY: As above.
unsafe impl Sync for MemCgroup {}

// SAFETY: The css is the first field, and all css of this controller are that of a container; what
// else changes is atomic, or C's under locks of C.
unsafe impl CssData for MemCgroup {}

impl MemCgroup {
    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at a container that is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *const bindings::mem_cgroup) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is that of C.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::mem_cgroup {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// The root container: the one of everybody who is in no other.
    #[inline]
    pub(crate) fn root() -> &'static Self {
        // SAFETY: The root is made before anything can be charged, and never freed.
        unsafe { Self::from_raw(bindings::root_mem_cgroup) }
    }

    /// Whether it is the root container.
    #[inline]
    pub(crate) fn is_root(&self) -> bool {
        // SAFETY: The variable is written once, when the root is made.
        core::ptr::eq(self.as_raw(), unsafe { bindings::root_mem_cgroup })
    }

    /// A reference on the container of the cgroup with this id, as user space knows it. May sleep.
    pub(crate) fn of_cgroup(id: u64) -> Option<ARef<Counted<Self>>> {
        // SAFETY: The cgroup that is found is put again; the css has a reference of its own, which
        // is handed over, and is the first field.
        unsafe {
            let cgroup = from_err_ptr(bindings::cgroup_get_from_id(id)).ok()?;
            let css = bindings::cgroup_get_e_css(cgroup, &raw mut bindings::memory_cgrp_subsys);
            bindings::cgroup_put(cgroup);
            NonNull::new(css).map(|css| ARef::from_raw(css.cast()))
        }
    }

    /// The share of the node `nid`.
    #[inline]
    pub(crate) fn node(&self, nid: NodeId) -> &Node {
        // SAFETY: By the type invariants there is a share of every possible node.
        unsafe {
            let nodes = (&raw const (*self.as_raw()).nodeinfo)
                .cast::<*const bindings::mem_cgroup_per_node>();
            Node::from_raw(*nodes.add(nid.index()))
        }
    }

    /// How willingly anonymous pages are swapped, 0 to 200.
    pub(crate) fn swappiness(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically, by C too.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).swappiness) }
    }

    /// Whether sockets were refused memory last, on cgroup v1: not 0 then.
    pub(crate) fn tcp_pressure(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically, or read by C.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).tcpmem_pressure) }
    }

    /// The notes of who else writes back its pages.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    pub(crate) fn foreign(&self) -> &[Foreign; bindings::MEMCTL_NR_FOREIGN as usize] {
        // SAFETY: The notes are initialized with the container; the layout is that of C.
        unsafe { &*(&raw const (*self.as_raw()).foreign).cast() }
    }

    /// The domain that its dirty pages are measured in.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    pub(crate) fn wb_domain(&self) -> *mut bindings::wb_domain {
        // SAFETY: The field is part of the container.
        unsafe { &raw mut (*self.as_raw()).cgwb_domain }
    }

    /// The pressure that `mm/vmpressure.c` keeps for it.
    pub(crate) fn vmpressure(&self) -> *mut bindings::vmpressure {
        // SAFETY: The field is part of the container.
        unsafe { &raw mut (*self.as_raw()).vmpressure }
    }

    /// The container that C gave `vmpressure` of.
    ///
    /// # Safety
    ///
    /// `vmpressure` comes from [`MemCgroup::vmpressure`] of a container that lives for `'a`.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) unsafe fn from_vmpressure<'a>(vmpressure: *mut bindings::vmpressure) -> &'a Self {
        // SAFETY: By the requirements of this function.
        unsafe {
            Self::from_raw(kernel::container_of!(
                vmpressure,
                bindings::mem_cgroup,
                vmpressure
            ))
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Sockets: `net/core/sock.c`, `net/ipv4/`. They are not accounted yet.
//!
//! These behave as the C controller does with `cgroup.memory=nosocket`.

use crate::c::gfp::Gfp;
use kernel::{
    bindings::*,
    ffi::c_uint,
    seam::{
        Ignored,
        IgnoredConst, //
    },
};

kernel::seam! {
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_sk_alloc(_sk: Ignored<sock>) {}

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_sk_free(_sk: Ignored<sock>) {}

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_sk_inherit(_sk: IgnoredConst<sock>, _new: Ignored<sock>) {}

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_sk_charge(_sk: IgnoredConst<sock>, _nr_pages: c_uint, _gfp: Gfp) -> bool {
        true
    }

    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_sk_uncharge(_sk: IgnoredConst<sock>, _nr_pages: c_uint) {}
}

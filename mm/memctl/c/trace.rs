// SPDX-License-Identifier: GPL-2.0

//! Trace events, with the names and fields of `include/trace/events/memcg.h`, and what only memctl
//! has, of `include/trace/events/memctl.h`. One that nobody has switched on is an instruction that
//! does nothing.
//!
//! Bytes of objects are not traced: they change one counter of their CPU, as `percpu` operations of
//! the kernel do, and kernel memory has events of its own (`kmem:*`).

use super::memcg::MemCgroup;
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_long,
        c_ulong, //
    },
    mm::folio::Folio,
    tracepoint::declare_trace, //
};

declare_trace! {
    /// # Safety
    ///
    /// At `memcg` there is a container that stays meanwhile, as for all of these.
    unsafe fn mod_memcg_state(memcg: *mut bindings::mem_cgroup, item: c_int, n: c_long);
    /// # Safety
    ///
    /// As above.
    unsafe fn mod_memcg_lruvec_state(memcg: *mut bindings::mem_cgroup, item: c_int, n: c_long);
    /// # Safety
    ///
    /// As above.
    unsafe fn count_memcg_events(memcg: *mut bindings::mem_cgroup, event: c_int, n: c_ulong);
    /// # Safety
    ///
    /// As above.
    unsafe fn memcg_flush_stats(
        memcg: *mut bindings::mem_cgroup,
        updates: i64,
        force: bool,
        needs_flush: bool,
    );
    /// # Safety
    ///
    /// As above, and at `folio` there is one.
    unsafe fn memctl_hand_over(
        folio: *mut bindings::folio,
        from: *mut bindings::mem_cgroup,
        to: *mut bindings::mem_cgroup,
    );
}

/// A statistic that belongs to no node has changed by `n`.
#[inline(always)]
pub(crate) fn state(memcg: &MemCgroup, item: usize, n: isize) {
    // SAFETY: The container stays.
    unsafe { mod_memcg_state(memcg.as_raw(), item as c_int, n as c_long) }
}

/// A statistic of a node has changed by `n`.
#[inline(always)]
pub(crate) fn lruvec_state(memcg: &MemCgroup, item: usize, n: isize) {
    // SAFETY: The container stays.
    unsafe { mod_memcg_lruvec_state(memcg.as_raw(), item as c_int, n as c_long) }
}

/// There were `n` events.
#[inline(always)]
pub(crate) fn events(memcg: &MemCgroup, event: bindings::vm_event_item, n: usize) {
    // SAFETY: The container stays.
    unsafe { count_memcg_events(memcg.as_raw(), event as c_int, n as c_ulong) }
}

/// Somebody wants to read totals, for which something has to be carried up, or nothing.
#[inline]
pub(crate) fn flush(memcg: &MemCgroup, needed: bool) {
    // SAFETY: The container stays.
    unsafe { memcg_flush_stats(memcg.as_raw(), needed.into(), false, needed) }
}

/// `folio` was `from`'s and is `to`'s.
#[inline]
pub(crate) fn handed_over(folio: &Folio, from: &MemCgroup, to: &MemCgroup) {
    // SAFETY: The folio and the containers stay.
    unsafe { memctl_hand_over(folio.as_raw(), from.as_raw(), to.as_raw()) }
}

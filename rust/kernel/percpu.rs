// SPDX-License-Identifier: GPL-2.0

//! Counters of which every CPU has its own.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use crate::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings,
    cpu,
    types::NotThreadSafe, //
};
use core::ptr::NonNull;

mod bits;
mod quota;
mod rows;
pub use bits::CpuBits;
pub use quota::Quota;
pub use rows::{
    Flusher,
    Owner,
    RowList,
    Rows,
    ThisRow, //
};

/// The ids of all CPUs that may ever be online.
///
/// # Examples
///
/// ```
/// assert!(kernel::percpu::possible_cpus().count() >= 1);
/// ```
pub fn possible_cpus() -> impl Iterator<Item = u32> {
    (0..cpu::nr_cpu_ids()).filter(|&cpu| is_possible(cpu))
}

#[inline]
fn is_possible(cpu: u32) -> bool {
    // SAFETY: `cpu_possible()` takes any number below `nr_cpu_ids`.
    cpu < cpu::nr_cpu_ids() && unsafe { bindings::cpu_possible(cpu) }
}

/// Allocates a `T` for each CPU, of zeroes: a per-CPU variable, for `free_percpu()`. May sleep if
/// `flags` say so.
fn alloc<T>(flags: Flags) -> Result<NonNull<T>, AllocError> {
    // SAFETY: FFI call without requirements.
    let base =
        unsafe { bindings::alloc_percpu_bytes(size_of::<T>(), align_of::<T>(), flags.as_raw()) };
    NonNull::new(base.cast()).ok_or(AllocError)
}

/// The place of a counter in rows of `N`.
///
/// # Invariants
///
/// It is less than `N`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot<const N: usize>(usize);

impl<const N: usize> Slot<N> {
    /// The place `slot`, if rows have it.
    #[inline]
    pub const fn new(slot: usize) -> Option<Self> {
        if slot < N {
            // INVARIANT: Checked here.
            return Some(Self(slot));
        }
        None
    }

    /// The same as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// Preemption is off for as long as this lives: what is done meanwhile is done on one CPU, and not
/// put off.
///
/// # Examples
///
/// ```
/// use kernel::percpu::PreemptionOff;
///
/// let off = PreemptionOff::new();
/// drop(off);
/// ```
///
/// # Invariants
///
/// Preemption was turned off by this thread.
pub struct PreemptionOff(NotThreadSafe);

impl PreemptionOff {
    /// Turns preemption off. Any context.
    #[inline]
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        // SAFETY: FFI call without requirements.
        unsafe { bindings::preempt_disable_() };
        // INVARIANT: Just now.
        Self(NotThreadSafe)
    }
}

impl Drop for PreemptionOff {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::preempt_enable_() };
    }
}

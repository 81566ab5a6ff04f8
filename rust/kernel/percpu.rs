// SPDX-License-Identifier: GPL-2.0

//! Counters of which every CPU has its own.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use crate::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings, cpu,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    warn_on,
};

/// The ids of all CPUs that may ever be online.
pub fn possible_cpus() -> impl Iterator<Item = u32> {
    // SAFETY: `cpu_possible()` takes any number below `nr_cpu_ids`.
    (0..cpu::nr_cpu_ids()).filter(|&cpu| unsafe { bindings::cpu_possible(cpu) })
}

/// A row of counters for every possible CPU.
///
/// [`add`] changes the row of the CPU it runs on with one instruction, without a lock and without a
/// cache line that another CPU writes; [`sum`] adds up the rows. A sum is exact when nobody adds
/// meanwhile. Both work in any context, NMI included where the architecture's `this_cpu` operations
/// do.
///
/// # Invariants
///
/// `base` is a per-CPU allocation of `nr` `long`s, which nobody accesses but through atomics and
/// `this_cpu` operations.
///
/// [`add`]: PerCpuSlots::add
/// [`sum`]: PerCpuSlots::sum
#[repr(C)]
pub struct PerCpuSlots {
    base: *mut isize,
    nr: u32,
}

// SAFETY: The rows may be used by any CPU, see the type invariant.
unsafe impl Send for PerCpuSlots {}
// SAFETY: As above.
unsafe impl Sync for PerCpuSlots {}

impl PerCpuSlots {
    /// Allocates `nr` counters a CPU, all 0. May sleep if `flags` say so.
    pub fn new(nr: usize, flags: Flags) -> Result<Self, AllocError> {
        let nr = u32::try_from(nr).map_err(|_| AllocError)?;
        // SAFETY: FFI call without requirements.
        let base = unsafe { bindings::alloc_percpu_longs(nr, flags.as_raw()) };
        if base.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: `base` was just allocated with `nr` elements.
        Ok(Self { base, nr })
    }

    /// How many counters a row has.
    pub fn len(&self) -> usize {
        self.nr as usize
    }

    /// Whether a row has no counters.
    pub fn is_empty(&self) -> bool {
        self.nr == 0
    }

    #[inline]
    fn slot_ptr(&self, slot: usize) -> Option<*mut isize> {
        if warn_on!(slot >= self.nr as usize) {
            return None;
        }
        Some(self.base.wrapping_add(slot))
    }

    /// Adds `n` to the counter `slot` of this CPU.
    #[inline]
    pub fn add(&self, slot: usize, n: isize) {
        if let Some(ptr) = self.slot_ptr(slot) {
            // SAFETY: By the type invariant `ptr` is a per-CPU variable of this type.
            unsafe { bindings::this_cpu_add_long(ptr, n) };
        }
    }

    /// The counters of the CPU `cpu`, or none if there is no such CPU.
    ///
    /// Do not mix with [`PerCpuSlots::add`] on one slot, if more than one CPU writes: that one is
    /// atomic only against its own CPU.
    pub fn row(&self, cpu: u32) -> &[Atomic<isize>] {
        // SAFETY: `cpu_possible()` takes any number below `nr_cpu_ids`.
        if cpu >= cpu::nr_cpu_ids() || !unsafe { bindings::cpu_possible(cpu) } {
            return &[];
        }
        // SAFETY: By the type invariant `base` is a per-CPU variable of `nr` elements that are only
        // accessed atomically; `cpu` is possible, and the result lives as long as the allocation.
        unsafe {
            core::slice::from_raw_parts(
                bindings::per_cpu_ptr_long(self.base, cpu).cast(),
                self.len(),
            )
        }
    }

    /// The counter `slot` of the CPU `cpu`, or nothing if there is no such counter or CPU; see
    /// [`PerCpuSlots::row`].
    pub fn get(&self, slot: usize, cpu: u32) -> Option<&Atomic<isize>> {
        let counter = self.row(cpu).get(slot);
        warn_on!(counter.is_none());
        counter
    }

    /// The counter `slot` of this CPU. The task may be on another one by the time it is used, so
    /// this is for counters that take changes from any CPU.
    #[inline]
    pub fn local(&self, slot: usize) -> Option<&Atomic<isize>> {
        let ptr = self.slot_ptr(slot)?;
        // SAFETY: By the type invariant `ptr` is a per-CPU variable, and the result lives as long
        // as the allocation.
        Some(unsafe { Atomic::from_ptr(bindings::raw_cpu_ptr_long(ptr)) })
    }

    /// The sum of the counters `slot` of all CPUs.
    pub fn sum(&self, slot: usize) -> isize {
        possible_cpus()
            .filter_map(|cpu| self.get(slot, cpu))
            .fold(0, |sum, counter| sum.wrapping_add(counter.load(Relaxed)))
    }

    /// Adds the sums of all counters to `sums`, counter by counter.
    pub fn add_to(&self, sums: &mut [isize]) {
        for cpu in possible_cpus() {
            for (sum, counter) in sums.iter_mut().zip(self.row(cpu)) {
                *sum = sum.wrapping_add(counter.load(Relaxed));
            }
        }
    }
}

impl Drop for PerCpuSlots {
    fn drop(&mut self) {
        // SAFETY: By the type invariant `base` is a per-CPU allocation, and it is ours.
        unsafe { bindings::free_percpu(self.base.cast()) };
    }
}

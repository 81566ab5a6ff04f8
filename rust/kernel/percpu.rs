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

fn is_possible(cpu: u32) -> bool {
    // SAFETY: `cpu_possible()` takes any number below `nr_cpu_ids`.
    cpu < cpu::nr_cpu_ids() && unsafe { bindings::cpu_possible(cpu) }
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

/// A row of `N` counters for every possible CPU.
///
/// [`add`] changes the row of the CPU it runs on with one instruction, without a lock and without a
/// cache line that another CPU writes; [`sum`] adds up the rows. A sum is exact when nobody adds
/// meanwhile. Both work in any context, NMI included where the architecture's `this_cpu` operations
/// do.
///
/// # Examples
///
/// ```
/// use kernel::percpu::{PerCpuSlots, Slot};
///
/// const BURNT: Slot<2> = Slot::new(0).unwrap();
/// const BROKEN: Slot<2> = Slot::new(1).unwrap();
///
/// let lamps = PerCpuSlots::<2>::new(GFP_KERNEL)?;
/// lamps.add(BURNT, 3);
/// lamps.add(BROKEN, 1);
/// lamps.add(BURNT, -1);
/// assert_eq!(lamps.sum(BURNT), 2);
/// let mut sums = [0; 2];
/// lamps.add_to(&mut sums);
/// assert_eq!(sums, [2, 1]);
/// // A row has no third counter.
/// assert!(Slot::<2>::new(2).is_none());
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is a per-CPU allocation of `N` `long`s, which nobody accesses but through atomics
/// and `this_cpu` operations.
///
/// [`add`]: PerCpuSlots::add
/// [`sum`]: PerCpuSlots::sum
#[repr(transparent)]
pub struct PerCpuSlots<const N: usize>(*mut isize);

// SAFETY: The rows may be used by any CPU, see the type invariant.
unsafe impl<const N: usize> Send for PerCpuSlots<N> {}
// SAFETY: As above.
unsafe impl<const N: usize> Sync for PerCpuSlots<N> {}

impl<const N: usize> PerCpuSlots<N> {
    /// Allocates `N` counters a CPU, all 0. May sleep if `flags` say so.
    pub fn new(flags: Flags) -> Result<Self, AllocError> {
        let nr = u32::try_from(N).map_err(|_| AllocError)?;
        // SAFETY: FFI call without requirements.
        let base = unsafe { bindings::alloc_percpu_longs(nr, flags.as_raw()) };
        if base.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: `base` was just allocated with `N` elements.
        Ok(Self(base))
    }

    #[inline]
    fn slot_ptr(&self, slot: Slot<N>) -> *mut isize {
        self.0.wrapping_add(slot.index())
    }

    /// Adds `n` to the counter `slot` of this CPU.
    #[inline]
    pub fn add(&self, slot: Slot<N>, n: isize) {
        // SAFETY: By the type invariants it is a per-CPU variable of this type.
        unsafe { bindings::this_cpu_add_long(self.slot_ptr(slot), n) };
    }

    /// The counters of the CPU `cpu`, or nothing if there is no such CPU.
    ///
    /// Do not mix with [`PerCpuSlots::add`] on one slot, if more than one CPU writes: that one is
    /// atomic only against its own CPU.
    pub fn row(&self, cpu: u32) -> Option<&[Atomic<isize>; N]> {
        if !is_possible(cpu) {
            return None;
        }
        // SAFETY: By the type invariant it is a per-CPU variable of `N` elements that are only
        // accessed atomically; `cpu` is possible, and the result lives as long as the allocation.
        Some(unsafe { &*bindings::per_cpu_ptr_long(self.0, cpu).cast() })
    }

    /// The counter `slot` of the CPU `cpu`, or nothing if there is no such CPU; see
    /// [`PerCpuSlots::row`].
    pub fn get(&self, slot: Slot<N>, cpu: u32) -> Option<&Atomic<isize>> {
        self.row(cpu)?.get(slot.index())
    }

    /// The counter `slot` of this CPU. The task may be on another one by the time it is used, so
    /// this is for counters that take changes from any CPU.
    #[inline]
    pub fn local(&self, slot: Slot<N>) -> &Atomic<isize> {
        // SAFETY: By the type invariants it is a per-CPU variable, and the result lives as long as
        // the allocation.
        unsafe { Atomic::from_ptr(bindings::raw_cpu_ptr_long(self.slot_ptr(slot))) }
    }

    /// The sum of the counters `slot` of all CPUs. As many steps as there are possible CPUs.
    pub fn sum(&self, slot: Slot<N>) -> isize {
        possible_cpus()
            .filter_map(|cpu| self.get(slot, cpu))
            .fold(0, |sum, counter| sum.wrapping_add(counter.load(Relaxed)))
    }

    /// Adds the sums of all counters to `sums`, counter by counter. As many steps as there are
    /// possible CPUs, times `N`.
    pub fn add_to(&self, sums: &mut [isize; N]) {
        for row in possible_cpus().filter_map(|cpu| self.row(cpu)) {
            for (sum, counter) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(counter.load(Relaxed));
            }
        }
    }
}

impl<const N: usize> Drop for PerCpuSlots<N> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a per-CPU allocation, and it is ours.
        unsafe { bindings::free_percpu(self.0.cast()) };
    }
}

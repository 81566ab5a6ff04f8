// SPDX-License-Identifier: GPL-2.0

//! Where what has changed is listed: a list for each CPU.

use super::{
    Flusher,
    Owner,
    Rows, //
};
use crate::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings,
    percpu::{
        self,
        CpuBits,
        PreemptionOff, //
    },
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    },
};
use core::{
    marker::PhantomData,
    ptr::null_mut, //
};

/// The list of a CPU.
#[repr(C)]
pub(super) struct Head<T: Owner<N>, const N: usize> {
    pub(super) first: Atomic<*mut Rows<T, N>>,
    /// How many are about to list something: a task, and who has interrupted it.
    pub(super) claims: Atomic<u32>,
}

/// Lists of owners of which rows have changed, one for each CPU.
///
/// # Invariants
///
/// `heads` is null or a per-CPU variable of [`Head`] that is never freed. All on lists are adopted,
/// see [`Rows::adopt`].
pub struct RowList<T: Owner<N>, const N: usize> {
    heads: Atomic<*mut Head<T, N>>,
    /// On the list of which CPUs there may be something.
    pub(super) filled: CpuBits,
    flushed: Atomic<bool>,
    _owner: PhantomData<*const T>,
}

// SAFETY: All fields are atomic; rows are `Sync`.
unsafe impl<T: Owner<N>, const N: usize> Sync for RowList<T, N> {}

impl<T: Owner<N>, const N: usize> RowList<T, N> {
    /// Lists for no CPU yet.
    ///
    /// # Safety
    ///
    /// It is the one that [`Owner::list`] returns, and there is no other of this type.
    pub const unsafe fn new() -> Self {
        Self {
            heads: Atomic::new(null_mut()),
            filled: CpuBits::new(),
            flushed: Atomic::new(false),
            _owner: PhantomData,
        }
    }

    /// Makes the lists, which are never freed. What changes before that is not listed. May sleep if
    /// `flags` say so.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn init(&self, flags: Flags) -> Result<(), AllocError> {
        let heads = percpu::alloc(flags)?.as_ptr();
        if self.heads.cmpxchg(null_mut(), heads, Full).is_err() {
            // SAFETY: It was allocated just now.
            unsafe { bindings::free_percpu(heads.cast()) };
        }
        Ok(())
    }

    /// The one who takes rows off the lists: there is only one.
    pub fn flusher(&'static self) -> Option<Flusher<T, N>> {
        let first = !self.flushed.xchg(true, Full);
        // Nobody has got one before.
        first.then(|| Flusher::new(self))
    }

    /// The list of `cpu`, which is possible.
    pub(super) fn head(&self, cpu: u32) -> Option<&Head<T, N>> {
        let heads = self.heads.load(Relaxed);
        if heads.is_null() {
            return None;
        }
        // SAFETY: By the type invariant; `cpu` is a possible one.
        unsafe {
            bindings::per_cpu_ptr_bytes(heads.cast(), cpu)
                .cast::<Head<T, N>>()
                .as_ref()
        }
    }

    /// Says that this CPU is about to list something.
    pub(super) fn claim(&self) -> Option<Claim<'_, T, N>> {
        let off = PreemptionOff::new();
        let cpu = crate::cpu::CpuId::current().as_u32();
        let head = self.head(cpu)?;
        // The flusher clears the bit before it looks: if the bit is still there, so is who will
        // look.
        head.claims.fetch_add(1, Full);
        self.filled.set(cpu);
        Some(Claim {
            head,
            cpu,
            _off: off,
        })
    }
}

/// Somebody is about to list something, on this CPU.
pub(super) struct Claim<'a, T: Owner<N>, const N: usize> {
    head: &'a Head<T, N>,
    cpu: u32,
    /// Others wait for us.
    _off: PreemptionOff,
}

impl<T: Owner<N>, const N: usize> Claim<'_, T, N> {
    pub(super) fn first(&self) -> &Atomic<*mut Rows<T, N>> {
        &self.head.first
    }

    pub(super) fn cpu(&self) -> u32 {
        self.cpu
    }
}

impl<T: Owner<N>, const N: usize> Drop for Claim<'_, T, N> {
    fn drop(&mut self) {
        self.head.claims.fetch_sub(1, Full);
    }
}

/// Waits until nobody is about to list something: those who were are on other CPUs, and may not be
/// preempted.
pub(super) fn wait_for(claims: &Atomic<u32>) {
    while claims.load(Acquire) != 0 {
        crate::sched::cond_resched();
        core::hint::spin_loop();
    }
}

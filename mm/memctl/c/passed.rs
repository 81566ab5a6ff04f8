// SPDX-License-Identifier: GPL-2.0

//! Kernel memory as who walks over all of it comes across it, for the audit.
//!
//! Who has allocated an object or a page may free it at any time, and cannot be kept from that: so
//! what is looked at here may be gone. Slabs and what they say are read as memory that may not be
//! there, and of what is read only that counts as an owner which is one of the [`Handles`] that
//! were known before.

use super::{
    handles::Handles,
    objcg::ObjCgroup,
    slab::{
        Allocated,
        PLACE, //
    },
};
use kernel::{
    bindings,
    mm::pages::Passed,
    sched,
    sync::rcu,
    types::NotThreadSafe, //
};

impl Handles {
    /// Visits the owners of the objects that are in the slab at `page`, if it is one. Steps:
    /// objects.
    pub(crate) fn of_objects(&self, page: &Passed<'_>, mut visit: impl FnMut(&ObjCgroup, Object)) {
        let word = page.memcg_word();
        let mut places = bindings::memctl_owners::default();
        // SAFETY: The page is there, be it a slab or not.
        if word == 0 || !unsafe { bindings::memctl_find_owners(page.as_raw(), &mut places) } {
            return;
        }
        let object = Object {
            size: places.size as usize + PLACE,
            reclaimable: places.reclaimable,
        };
        for i in 0..places.nr as usize {
            let place = places.first as usize + i * places.stride as usize;
            // SAFETY: Whatever is there, if anything is.
            let owner = unsafe { bindings::memctl_peek(place) };
            if page.memcg_word() != word {
                // The slab has been freed.
                return;
            }
            if let Some(owner) = self.find(owner) {
                visit(owner, object);
            }
        }
    }
}

/// An object in a slab.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    /// How many bytes it takes, with the place of its owner.
    pub(crate) size: usize,
    /// Whether it is counted as reclaimable.
    pub(crate) reclaimable: bool,
}

/// Visits the owners of the kernel stacks of all tasks, and how many bytes they have of each: of
/// all, or of one page after the other. May sleep between tasks, but `visit` must not. Steps:
/// tasks.
pub(crate) fn stacks(mut visit: impl FnMut(&ObjCgroup, usize, &rcu::Guard)) {
    let mut nr = 0;
    loop {
        let rcu = rcu::read_lock();
        // SAFETY: We are under RCU.
        let task = unsafe { bindings::memctl_next_stack(&mut nr) };
        if task.is_null() {
            return;
        }
        let (mut i, mut size) = (0, 0);
        loop {
            // SAFETY: There is a reference on the stack.
            let part = unsafe { bindings::memctl_stack_part(task, i, &mut size) };
            if part.is_null() {
                break;
            }
            // SAFETY: As above; what has been allocated is in the linear map, too.
            if let Some(owner) = unsafe { Allocated::new(part) }.owner(&rcu) {
                visit(owner, size, &rcu);
            }
            i += 1;
        }
        // SAFETY: Gives back the reference.
        unsafe { bindings::put_task_stack(task) };
        drop(rcu);
        sched::cond_resched();
    }
}

/// Holds `pcpu_lock`, with interrupts off.
///
/// # Invariants
///
/// The lock is held by this thread.
struct PerCpuLock(usize, NotThreadSafe);

impl PerCpuLock {
    fn new() -> Self {
        // SAFETY: The lock is initialized statically.
        let flags = unsafe { bindings::pcpu_lock_irqsave() };
        // INVARIANT: It has just been locked.
        Self(flags, NotThreadSafe)
    }
}

impl Drop for PerCpuLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held, and the flags are those it gave.
        unsafe { bindings::pcpu_unlock_irqrestore(self.0) }
    }
}

/// Visits the owners of all per-CPU memory, and how many bytes each piece takes on all CPUs.
/// Nobody allocates or frees any meanwhile; `visit` must not either. Steps: 4 bytes of the per-CPU
/// memory of a CPU.
pub(crate) fn per_cpu(mut visit: impl FnMut(&ObjCgroup, usize)) {
    let mut at = bindings::memctl_percpu::default();
    let _lock = PerCpuLock::new();
    // SAFETY: The lock is held since the walk began. What is not freed keeps a reference on its
    // owner.
    while unsafe { bindings::memctl_next_percpu(&mut at) } {
        // SAFETY: As above.
        if let Some(owner) = unsafe { at.owner.cast::<ObjCgroup>().as_ref() } {
            visit(owner, at.size);
        }
    }
}

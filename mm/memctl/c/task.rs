// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Current`], what the task that runs is to the controller; and the containers of
//! other tasks.

use super::memcg::MemCgroup;
use core::{
    cell::Cell,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    mm::Mm,
    sync::{aref::ARef, counted::Counted, rcu},
    task::Task,
    types::NotThreadSafe, //
};

/// The task that runs, for as long as it does.
///
/// # Invariants
///
/// `raw` is the task that runs.
pub(crate) struct Current {
    raw: *mut bindings::task_struct,
    _not_send: NotThreadSafe,
}

impl Current {
    #[inline]
    pub(crate) fn get() -> Self {
        // INVARIANT: That is what it is.
        Self {
            raw: Task::current_raw(),
            _not_send: NotThreadSafe,
        }
    }

    pub(super) fn task(&self) -> &Task {
        // SAFETY: By the type invariant it stays while it runs; the layout is transparent.
        unsafe { &*self.raw.cast() }
    }

    pub(super) fn has_flag(&self, flag: u32) -> bool {
        // SAFETY: The task that runs alone changes its flags.
        unsafe { (*self.raw).flags & flag != 0 }
    }

    /// Whether it runs as itself, not interrupted.
    #[inline]
    pub(crate) fn in_task(&self) -> bool {
        // SAFETY: FFI call without requirements.
        unsafe { bindings::in_task() }
    }

    /// Pages that it has to reclaim before it returns to user space, see `pressure/throttle.rs`.
    pub(super) fn debt(&self) -> &Cell<u32> {
        // SAFETY: The task that runs alone looks at the field and changes it; so does a `Current`,
        // which does not leave it.
        unsafe { &*(&raw const (*self.raw).memcg_nr_pages_over_high).cast() }
    }

    /// Has it come by the hooks for that.
    pub(super) fn notify_resume(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::set_notify_resume(self.raw) }
    }

    /// Whether it is going to exit, be it of its own will or not.
    pub(crate) fn is_dying(&self) -> bool {
        if self.has_flag(bindings::PF_EXITING) {
            return true;
        }
        // SAFETY: By the type invariant.
        unsafe { bindings::tsk_is_oom_victim(self.raw) || bindings::fatal_signal_pending(self.raw) }
    }

    /// Whether it was killed for memory and the OOM reaper has finished with it.
    pub(crate) fn is_reaped(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::tsk_oom_mm_reaped(self.raw) }
    }

    /// Whether it is in a page fault of user space, at the end of which it can wait without a lock.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn in_user_fault(&self) -> bool {
        // SAFETY: The task that runs alone changes the field.
        unsafe { (*self.raw).in_user_fault() != 0 }
    }

    /// As above; without cgroup v1 nobody waits.
    #[cfg(not(CONFIG_MEMCG_V1))]
    pub(crate) fn in_user_fault(&self) -> bool {
        false
    }

    /// Where it remembers an out-of-memory situation, see `pressure/oom.rs`; without cgroup v1,
    /// nowhere.
    fn memcg_oom_slot(&self) -> Option<*mut *mut bindings::mem_cgroup> {
        #[cfg(CONFIG_MEMCG_V1)]
        {
            // SAFETY: The field is part of every task.
            Some(unsafe { &raw mut (*self.raw).memcg_in_oom })
        }
        #[cfg(not(CONFIG_MEMCG_V1))]
        None
    }

    /// Whether it has remembered an out-of-memory situation.
    pub(crate) fn in_memcg_oom(&self) -> bool {
        self.memcg_oom_slot()
            // SAFETY: The slot is this task's, which alone changes it.
            .is_some_and(|slot| unsafe { !slot.read().is_null() })
    }

    /// Remembers that `memcg` is out of memory, until the end of the page fault.
    pub(crate) fn set_memcg_oom(&self, memcg: ARef<Counted<MemCgroup>>) {
        drop(self.take_memcg_oom());
        if let Some(slot) = self.memcg_oom_slot() {
            // SAFETY: The slot is this task's, which alone changes it. It keeps the reference.
            unsafe { slot.write(ARef::into_raw(memcg).as_ptr().cast()) }
        }
    }

    /// Forgets the container it remembered, and returns it.
    pub(crate) fn take_memcg_oom(&self) -> Option<ARef<Counted<MemCgroup>>> {
        let slot = self.memcg_oom_slot()?;
        // SAFETY: The slot is this task's, which alone changes it.
        let raw = unsafe { slot.replace(core::ptr::null_mut()) };
        // SAFETY: The reference that `set_memcg_oom()` kept is handed over.
        NonNull::new(raw.cast()).map(|memcg| unsafe { ARef::from_raw(memcg) })
    }

    /// The container that charges without an address space go to, if one was set by
    /// `set_active_memcg()`.
    #[inline]
    pub(crate) fn active_memcg<'a>(&self, _rcu: &'a rcu::Guard) -> Option<&'a MemCgroup> {
        // SAFETY: Who sets an active container keeps it; the fields are this task's or this CPU's.
        unsafe {
            let raw = if bindings::in_task() {
                (*self.raw).active_memcg
            } else {
                bindings::read_int_active_memcg()
            };
            raw.cast::<MemCgroup>().as_ref()
        }
    }

    /// The container that kernel memory it allocates goes to: the one set by `set_active_memcg()`,
    /// or the one it is in; the root's for a thread of the kernel, and in an interrupt.
    #[inline]
    pub(crate) fn kernel_memcg<'a>(&self, _rcu: &'a rcu::Guard) -> &'a MemCgroup {
        // SAFETY: Who sets an active container keeps it; the fields are this task's or this CPU's.
        // A task always has a css, which RCU protects.
        unsafe {
            let raw = if !bindings::in_task() {
                let active = bindings::read_int_active_memcg();
                return active
                    .cast::<MemCgroup>()
                    .as_ref()
                    .unwrap_or(MemCgroup::root());
            } else if !(*self.raw).active_memcg.is_null() {
                (*self.raw).active_memcg
            } else if !self.has_flag(bindings::PF_KTHREAD) {
                bindings::task_mem_cgroup(self.raw)
            } else {
                return MemCgroup::root();
            };
            MemCgroup::from_raw(raw)
        }
    }

    /// Lets what `work` allocates be charged to `memcg`. In a task.
    pub(crate) fn working_for<R>(memcg: &Counted<MemCgroup>, work: impl FnOnce() -> R) -> R {
        // SAFETY: There is a reference on `memcg` meanwhile, and what was set before is set again.
        unsafe {
            let before = bindings::set_active_memcg(memcg.as_raw());
            let result = work();
            bindings::set_active_memcg(before);
            result
        }
    }

    /// Its address space, if it has one of user space.
    #[inline]
    pub(super) fn mm(&self) -> Option<&Mm> {
        // SAFETY: The task that runs alone gives its address space up; the layout is transparent.
        unsafe { (*self.raw).mm.cast::<Mm>().as_ref() }
    }
}

/// The container that `task` is in.
#[inline]
pub(crate) fn memcg_of<'a>(task: &Task, _rcu: &'a rcu::Guard) -> &'a MemCgroup {
    // SAFETY: A task always has a css, which RCU protects.
    unsafe { MemCgroup::from_raw(bindings::task_mem_cgroup(task.as_ptr())) }
}

/// The container of the owner of `mm`; nobody's if the last one has just left it.
#[inline]
pub(crate) fn owner_of_mm<'a>(mm: &Mm, _rcu: &'a rcu::Guard) -> Option<&'a MemCgroup> {
    // SAFETY: RCU protects the owner and its css.
    unsafe {
        let owner = bindings::mm_owner(mm.as_raw());
        if owner.is_null() {
            return None;
        }
        Some(MemCgroup::from_raw(bindings::task_mem_cgroup(owner)))
    }
}

/// The container that a charge for `mm` goes to: the root if there is no owner.
#[inline]
pub(crate) fn of_mm<'a>(mm: &Mm, rcu: &'a rcu::Guard) -> &'a MemCgroup {
    owner_of_mm(mm, rcu).unwrap_or(MemCgroup::root())
}

/// Whether `task` was killed for memory and has yet to free it.
pub(crate) fn frees_oom_mm(task: &Task) -> bool {
    // SAFETY: `task` stays meanwhile, and so does what its signals have.
    unsafe { bindings::tsk_frees_oom_mm(task.as_ptr()) }
}

/// Tasks that the cgroup core moves to another container right now, `struct cgroup_taskset`.
pub(crate) struct Moved<'a>(&'a mut bindings::cgroup_taskset);

impl<'a> Moved<'a> {
    /// # Safety
    ///
    /// The core moves `tset` during `'a`.
    pub(crate) unsafe fn new(tset: &'a mut bindings::cgroup_taskset) -> Self {
        Self(tset)
    }

    /// Tells the generational LRU that a process has moved.
    pub(crate) fn tell_lru_gen(self) {
        // SAFETY: By the requirement of `new()`; the lock of the task keeps its address space.
        unsafe {
            let task = bindings::cgroup_taskset_first_leader(self.0);
            if task.is_null() {
                return;
            }
            bindings::task_lock(task);
            let mm = (*task).mm;
            if !mm.is_null() && bindings::mm_owner_is(mm, task) {
                bindings::lru_gen_migrate_mm(mm);
            }
            bindings::task_unlock(task);
        }
    }
}

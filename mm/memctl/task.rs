// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`Current`], what the task that runs is to the controller.

use crate::memcg::MemCgroup;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    sync::{
        aref::ARef,
        rcu, //
    },
    task::Task,
};

/// The task that runs, for as long as it does.
pub(crate) struct Current {
    raw: *mut bindings::task_struct,
    _not_send: PhantomData<*mut ()>,
}

impl Current {
    pub(crate) fn get() -> Self {
        Self {
            raw: Task::current_raw(),
            _not_send: PhantomData,
        }
    }

    fn has_flag(&self, flag: u32) -> bool {
        // SAFETY: `raw` is the task that runs, which alone changes its flags.
        unsafe { (*self.raw).flags & flag != 0 }
    }

    /// Whether it frees memory right now, and must not be kept from it.
    pub(crate) fn frees_memory(&self) -> bool {
        self.has_flag(bindings::PF_MEMALLOC)
    }

    /// Whether it runs as itself, not interrupted.
    pub(crate) fn in_task(&self) -> bool {
        // SAFETY: FFI call without requirements.
        unsafe { bindings::in_task() }
    }

    /// Lets it reclaim `nr` pages more before it returns to user space, see `throttle.rs`.
    pub(crate) fn owe_reclaim(&self, nr: usize) {
        // SAFETY: `raw` is the task that runs, which alone changes the field.
        unsafe {
            let field = &raw mut (*self.raw).memcg_nr_pages_over_high;
            field.write(field.read().saturating_add(nr as u32));
            bindings::set_notify_resume(self.raw);
        }
    }

    /// The pages that it has to reclaim.
    pub(crate) fn owed_reclaim(&self) -> usize {
        // SAFETY: `raw` is the task that runs, which alone changes the field.
        unsafe { (*self.raw).memcg_nr_pages_over_high as usize }
    }

    /// The pages that it has to reclaim, of which it now takes care.
    pub(crate) fn take_owed_reclaim(&self) -> usize {
        // SAFETY: `raw` is the task that runs, which alone changes the field.
        unsafe { (&raw mut (*self.raw).memcg_nr_pages_over_high).replace(0) as usize }
    }

    /// The container that its charges go to, held: that of the owner of its address space, or, for a
    /// thread of the kernel, that which it works for.
    pub(crate) fn held_memcg(&self) -> Option<ARef<MemCgroup>> {
        let rcu = rcu::read_lock();
        // SAFETY: `raw` is the task that runs.
        let has_mm = unsafe { !(*self.raw).mm.is_null() };
        match self.active_memcg(&rcu) {
            Some(memcg) if !has_mm => memcg.try_get(),
            _ => self.mm_memcg(&rcu).try_get(),
        }
    }

    /// Whether it is going to exit, be it of its own will or not.
    pub(crate) fn is_dying(&self) -> bool {
        if self.has_flag(bindings::PF_EXITING) {
            return true;
        }
        // SAFETY: `raw` is the task that runs.
        unsafe { bindings::tsk_is_oom_victim(self.raw) || bindings::fatal_signal_pending(self.raw) }
    }

    /// Whether it was killed for memory and the OOM reaper has finished with it.
    pub(crate) fn is_reaped(&self) -> bool {
        // SAFETY: `raw` is the task that runs.
        unsafe { bindings::tsk_oom_mm_reaped(self.raw) }
    }

    /// Whether a signal waits for it.
    pub(crate) fn signal_pending(&self) -> bool {
        // SAFETY: `raw` is the task that runs.
        unsafe { bindings::signal_pending(self.raw) != 0 }
    }

    /// Whether it is in a page fault of user space, at the end of which it can wait without a lock.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn in_user_fault(&self) -> bool {
        // SAFETY: `raw` is the task that runs, which alone changes the field.
        unsafe { (*self.raw).in_user_fault() != 0 }
    }

    /// As above; without cgroup v1 nobody waits.
    #[cfg(not(CONFIG_MEMCG_V1))]
    pub(crate) fn in_user_fault(&self) -> bool {
        false
    }

    /// Where it remembers an out-of-memory situation, see `oom.rs`; without cgroup v1, nowhere.
    fn memcg_oom_slot(&self) -> Option<*mut *mut bindings::mem_cgroup> {
        #[cfg(CONFIG_MEMCG_V1)]
        {
            // SAFETY: `raw` is the task that runs.
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
    pub(crate) fn set_memcg_oom(&self, memcg: ARef<MemCgroup>) {
        drop(self.take_memcg_oom());
        if let Some(slot) = self.memcg_oom_slot() {
            // SAFETY: The slot is this task's, which alone changes it. It keeps the reference.
            unsafe { slot.write(ARef::into_raw(memcg).as_ptr().cast()) }
        }
    }

    /// Forgets the container it remembered, and returns it.
    pub(crate) fn take_memcg_oom(&self) -> Option<ARef<MemCgroup>> {
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

    /// The container it is in.
    pub(crate) fn memcg<'a>(&self, _rcu: &'a rcu::Guard) -> &'a MemCgroup {
        // SAFETY: A task always has a css, which RCU protects.
        unsafe { MemCgroup::from_raw(bindings::task_mem_cgroup(self.raw)) }
    }

    /// The container of the owner of its address space; the root if it has none.
    #[inline]
    pub(crate) fn mm_memcg<'a>(&self, rcu: &'a rcu::Guard) -> &'a MemCgroup {
        // SAFETY: `raw` is the task that runs, whose address space stays.
        unsafe { of_mm((*self.raw).mm, rcu) }
    }
}

/// The container that `task` is in.
///
/// # Safety
///
/// `task` is a task that stays meanwhile.
pub(crate) unsafe fn memcg_of<'a>(
    task: *mut bindings::task_struct,
    _rcu: &'a rcu::Guard,
) -> &'a MemCgroup {
    // SAFETY: By the requirement of this function; a task always has a css, which RCU protects.
    unsafe { MemCgroup::from_raw(bindings::task_mem_cgroup(task)) }
}

/// The container of the owner of `mm`; the root if there is no owner.
///
/// # Safety
///
/// `mm` is null or an address space that stays meanwhile.
#[inline]
pub(crate) unsafe fn of_mm(mm: *mut bindings::mm_struct, _rcu: &rcu::Guard) -> &MemCgroup {
    if mm.is_null() {
        return MemCgroup::root();
    }
    // SAFETY: By the requirement of this function; RCU protects the owner and its css.
    unsafe {
        let owner = bindings::mm_owner(mm);
        if owner.is_null() {
            return MemCgroup::root();
        }
        MemCgroup::from_raw(bindings::task_mem_cgroup(owner))
    }
}

/// Tells the generational LRU that a process has moved to another container.
///
/// # Safety
///
/// `tset` is a set of tasks that the cgroup core moves right now.
pub(crate) unsafe fn attach(tset: *mut bindings::cgroup_taskset) {
    // SAFETY: By the requirement of this function; the lock of the task keeps its address space.
    unsafe {
        let task = bindings::cgroup_taskset_first_leader(tset);
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

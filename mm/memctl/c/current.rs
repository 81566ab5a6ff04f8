// SPDX-License-Identifier: GPL-2.0

//! What follows of the fields of the task that runs.
#![deny(unsafe_code)]

use super::{
    memcg::MemCgroup,
    task::{
        memcg_of,
        of_mm,
        Current, //
    },
};
use kernel::{
    bindings,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

impl Current {
    /// Lets it reclaim `nr` pages more before it returns to user space.
    pub(crate) fn owe_reclaim(&self, nr: usize) {
        let nr = self.owed_reclaim().saturating_add(nr);
        self.debt().set(nr.min(u32::MAX as usize) as u32);
        self.notify_resume();
    }

    /// The pages that it has to reclaim.
    pub(crate) fn owed_reclaim(&self) -> usize {
        self.debt().get() as usize
    }

    /// The pages that it has to reclaim, of which it now takes care.
    pub(crate) fn take_owed_reclaim(&self) -> usize {
        self.debt().replace(0) as usize
    }

    /// Whether it frees memory right now, and must not be kept from it.
    pub(crate) fn frees_memory(&self) -> bool {
        self.has_flag(bindings::PF_MEMALLOC)
    }

    /// The container that its charges go to, held: that of the owner of its address space, or, for
    /// a thread of the kernel, that which it works for.
    pub(crate) fn held_memcg(&self) -> Option<ARef<Counted<MemCgroup>>> {
        let rcu = rcu::read_lock();
        match self.active_memcg(&rcu) {
            Some(memcg) if self.mm().is_none() => memcg.try_get(),
            _ => self.mm_memcg(&rcu).try_get(),
        }
    }

    /// Whether a signal waits for it.
    pub(crate) fn signal_pending(&self) -> bool {
        self.task().signal_pending()
    }

    /// The container it is in.
    pub(crate) fn memcg<'a>(&self, rcu: &'a rcu::Guard) -> &'a MemCgroup {
        memcg_of(self.task(), rcu)
    }

    /// The container of the owner of its address space; the root if it has none.
    #[inline]
    pub(crate) fn mm_memcg<'a>(&self, rcu: &'a rcu::Guard) -> &'a MemCgroup {
        self.mm().map_or(MemCgroup::root(), |mm| of_mm(mm, rcu))
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What a CPU has noted, and where.

use super::NR;
use crate::c::memcg::MemCgroup;
use core::ptr::null_mut;
use kernel::{
    bindings,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu,
    },
};

/// Where a container is noted, if one is.
///
/// # Invariants
///
/// It is null or a container that was online when it was noted. It is forgotten when it goes
/// offline, a grace period after it could be noted for the last time, and freed another one later.
#[repr(transparent)]
pub(super) struct Place(Atomic<*mut bindings::mem_cgroup>);

impl Place {
    /// Whether it is `memcg`.
    #[inline]
    pub(super) fn is(&self, memcg: &MemCgroup) -> bool {
        self.0.load(Relaxed) == memcg.as_raw()
    }

    /// The container.
    pub(super) fn get<'a>(&self, _rcu: &'a rcu::Guard) -> Option<&'a MemCgroup> {
        // SAFETY: By the type invariant it lives as long as we are under RCU.
        unsafe { self.0.load(Relaxed).cast::<MemCgroup>().as_ref() }
    }

    /// Notes `memcg`, which is online as long as we are under RCU, instead of what is returned.
    pub(super) fn replace<'a>(
        &self,
        memcg: &'a MemCgroup,
        _rcu: &'a rcu::Guard,
    ) -> Option<&'a MemCgroup> {
        let old = self.0.xchg(memcg.as_raw(), Full);
        // SAFETY: By the type invariant it lives as long as we are under RCU.
        unsafe { old.cast::<MemCgroup>().as_ref() }
    }

    /// Forgets `memcg`, if it is that.
    pub(super) fn forget(&self, memcg: &MemCgroup) {
        if self.is(memcg) {
            // Nobody else notes it any more; another one may have taken its place.
            let _ = self.0.cmpxchg(memcg.as_raw(), null_mut(), Full);
        }
    }
}

/// What a CPU has noted, `struct memctl_stocks`.
#[repr(C)]
pub(super) struct Noted {
    pub(super) containers: [Place; NR],
    pub(super) next: Atomic<usize>,
}

crate::c::same_layout!(Noted, bindings::memctl_stocks, { containers, next });

/// A CPU.
///
/// # Invariants
///
/// Something has run on it.
#[derive(Clone, Copy)]
pub(crate) struct Cpu(pub(super) u32);

impl Cpu {
    /// This one; the task may be on another one by the time it is used.
    #[inline]
    pub(crate) fn this() -> Self {
        // INVARIANT: We do.
        Self(kernel::cpu::CpuId::current().as_u32())
    }

    /// Its number.
    #[inline]
    pub(crate) fn id(self) -> u32 {
        self.0
    }

    pub(super) fn noted(self) -> &'static Noted {
        // SAFETY: By the type invariant it is a possible CPU; the variable is only accessed here.
        unsafe { &*bindings::memctl_stocks_of(self.0).cast() }
    }
}

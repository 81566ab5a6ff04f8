// SPDX-License-Identifier: GPL-2.0

//! Which containers have a stock on a CPU: no more than [`NR`] at a time.

use super::memcg::MemCgroup;
use core::ptr::null_mut;
use kernel::{
    bindings,
    cgroup::CssData,
    percpu::CpuBits,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu,
    },
};

/// How many containers have a stock on a CPU.
pub(crate) const NR: usize = bindings::MEMCTL_NR_STOCKS as usize;

/// The CPUs that have ever noted a container.
static CPUS: CpuBits = CpuBits::new();

/// What a CPU has noted, `struct memctl_stocks`.
///
/// # Invariants
///
/// Each is null or a container that was online when it was noted. It is forgotten when it goes
/// offline, a grace period after it could be noted for the last time, and freed another one later.
#[repr(C)]
struct Noted {
    containers: [Atomic<*mut bindings::mem_cgroup>; NR],
    next: Atomic<usize>,
}

super::same_layout!(Noted, bindings::memctl_stocks, { containers, next });

/// A CPU.
///
/// # Invariants
///
/// Something has run on it.
#[derive(Clone, Copy)]
pub(crate) struct Cpu(u32);

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

    fn noted(self) -> &'static Noted {
        // SAFETY: By the type invariant it is a possible CPU; the variable is only accessed here.
        unsafe { &*bindings::memctl_stocks_of(self.0).cast() }
    }
}

/// The CPUs that have ever noted a container.
fn cpus() -> impl Iterator<Item = Cpu> {
    // INVARIANT: They are set by who has a `Cpu`.
    CPUS.iter().map(Cpu)
}

/// Notes that `memcg` has a stock on `cpu`, as of now. Returns the one that is not noted there any
/// more: it may be `memcg` itself, if it is on its way to be removed.
pub(crate) fn note<'a>(
    memcg: &'a MemCgroup,
    cpu: Cpu,
    _rcu: &'a rcu::Guard,
) -> Option<&'a MemCgroup> {
    let css = memcg.css();
    if css.is_dying() || !css.is_online() {
        return Some(memcg);
    }
    let (noted, raw) = (cpu.noted(), memcg.as_raw());
    // Often it is the last one.
    let last = noted.next.load(Relaxed).wrapping_sub(1) % NR;
    if noted.containers.get(last).is_some_and(|at| at.load(Relaxed) == raw) {
        return None;
    }
    CPUS.set(cpu.id());
    if noted.containers.iter().any(|at| at.load(Relaxed) == raw) {
        return None;
    }
    // The oldest one goes.
    let next = noted.next.fetch_add(1, Relaxed) % NR;
    let old = noted.containers.get(next)?.xchg(raw, Full);
    // SAFETY: By the type invariant it lives as long as we are under RCU.
    unsafe { old.cast::<MemCgroup>().as_ref() }
}

/// All containers that are noted anywhere, with the CPU. Steps: CPUs that have ever noted one,
/// times [`NR`].
pub(crate) fn all<'a>(rcu: &'a rcu::Guard) -> impl Iterator<Item = (Cpu, &'a MemCgroup)> {
    cpus().flat_map(|cpu| on(cpu, rcu))
}

fn on<'a>(cpu: Cpu, _rcu: &'a rcu::Guard) -> impl Iterator<Item = (Cpu, &'a MemCgroup)> {
    let noted = cpu.noted().containers.iter();
    // SAFETY: By the type invariant they live as long as we are under RCU.
    let found = noted.filter_map(|at| unsafe { at.load(Relaxed).cast::<MemCgroup>().as_ref() });
    found.map(move |memcg| (cpu, memcg))
}

/// Those that are noted on this CPU.
pub(crate) fn here<'a>(rcu: &'a rcu::Guard) -> impl Iterator<Item = (Cpu, &'a MemCgroup)> {
    on(Cpu::this(), rcu)
}

/// Forgets a container that a test has made, before that is freed.
#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
pub(crate) fn forget_test(memcg: &MemCgroup) {
    forget(memcg);
}

/// Forgets `memcg`, which goes offline, everywhere.
pub(super) fn forget(memcg: &MemCgroup) {
    for cpu in cpus() {
        for at in &cpu.noted().containers {
            if at.load(Relaxed) == memcg.as_raw() {
                // Nobody else notes it any more; another one may have taken its place.
                let _ = at.cmpxchg(memcg.as_raw(), null_mut(), Full);
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Which containers have a stock on a CPU: no more than [`NR`] at a time.
#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod noted;
pub(crate) use noted::Cpu;

use super::memcg::MemCgroup;
use kernel::{
    bindings,
    cgroup::CssData,
    percpu::CpuBits,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
};

/// How many containers have a stock on a CPU.
pub(crate) const NR: usize = bindings::MEMCTL_NR_STOCKS as usize;

/// The CPUs that have ever noted a container.
static CPUS: CpuBits = CpuBits::new();

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
    rcu: &'a rcu::Guard,
) -> Option<&'a MemCgroup> {
    let css = memcg.css();
    if css.is_dying() || !css.is_online() {
        return Some(memcg);
    }
    let noted = cpu.noted();
    // Often it is the last one.
    let last = noted.next.load(Relaxed).wrapping_sub(1) % NR;
    if noted.containers.get(last).is_some_and(|at| at.is(memcg)) {
        return None;
    }
    CPUS.set(cpu.id());
    if noted.containers.iter().any(|at| at.is(memcg)) {
        return None;
    }
    // The oldest one goes.
    let next = noted.next.fetch_add(1, Relaxed) % NR;
    noted.containers.get(next)?.replace(memcg, rcu)
}

/// All containers that are noted anywhere, with the CPU. Steps: CPUs that have ever noted one,
/// times [`NR`].
pub(crate) fn all<'a>(rcu: &'a rcu::Guard) -> impl Iterator<Item = (Cpu, &'a MemCgroup)> {
    cpus().flat_map(|cpu| on(cpu, rcu))
}

fn on<'a>(cpu: Cpu, rcu: &'a rcu::Guard) -> impl Iterator<Item = (Cpu, &'a MemCgroup)> {
    let found = cpu.noted().containers.iter();
    found.filter_map(move |at| Some((cpu, at.get(rcu)?)))
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
    for at in cpus().flat_map(|cpu| &cpu.noted().containers) {
        at.forget(memcg);
    }
}

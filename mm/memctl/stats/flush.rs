// SPDX-License-Identifier: GPL-2.0

//! Carrying counts up: from CPUs to the totals of their container and of all above it.
//!
//! A flush takes time in proportion to what has changed since the last one, wherever: not to the
//! containers there are, nor to the CPUs. Files flush before they show totals; what the kernel asks
//! for itself are totals as they are, as a rule no older than [`PERIOD`].
//!
//! Those who flush take turns. Who has waited while somebody else did, and began after it came,
//! need not do so itself.
//!
//! When a container goes offline, its folios become those of its parent, and with them what is
//! counted of them. The totals of the parent have that already; those of the container lose it.
//! What counts events has no need to move: who is above has it. So a total of events never falls.
//!
//! All of this sleeps.
#![deny(unsafe_code)]

use crate::c::{
    changed::{
        Carrier,
        Lock, //
    },
    counts::{
        Rare,
        Totals, //
    },
    items::{
        is_event,
        LRU_AT,
        NR_LRU,
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN,
        STOCKED, //
    },
    life::Freeing,
    memcg::MemCgroup,
    node::Node, //
};
use kernel::{
    bindings::HZ,
    cgroup::CssData,
    sched,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// After so many jiffies, what has changed is carried up in any case: two seconds. Counters of CPUs
/// wrap around, see `kernel::percpu::Rows`.
pub(crate) const PERIOD: u64 = 2 * HZ as u64;

/// When the last flush was, in jiffies.
static LAST: Atomic<u64> = Atomic::new(0);

/// Tells `add` of what a CPU has counted that is not 0, and then of what was counted for all CPUs:
/// the counts of the latter come behind the others.
#[inline]
fn each_change<const OFTEN: usize, const RARE: usize>(
    counted: &[i32; OFTEN],
    rare: &Rare<RARE>,
    add: impl Fn(usize, isize),
) {
    for (at, by) in counted.iter().enumerate() {
        if *by != 0 {
            add(at, *by as isize);
        }
    }
    rare.take(|at, by| add(OFTEN + at, by as isize));
}

/// Carries up what a CPU has counted in a share of a node, and what was counted for all CPUs.
/// Steps: counts, and levels of the hierarchy times those that have changed.
fn carry_node(carrier: &Carrier<'_>, node: &Node, counted: &[i32; NR_NODE_OFTEN]) {
    let add = |at: usize, by: isize| {
        for memcg in node.memcg().up() {
            memcg.node(node.nid()).totals().add(carrier, at, by);
        }
        if let Some(local) = node.local() {
            local.add(carrier, at, by);
        }
    };
    each_change(counted, node.rare(), add);
    // The note does not say that there is nothing: what is late has been noted before.
    node.take_lru_change();
    for lru in 0..NR_LRU {
        let (size, Some(seen)) = (node.lru_size(lru), node.lru_seen(lru)) else {
            continue;
        };
        let by = size.wrapping_sub(seen.load(Relaxed)) as isize;
        if by != 0 {
            seen.store(size, Relaxed);
            add(LRU_AT + lru, by);
        }
    }
    sched::cond_resched();
}

/// The same, of what belongs to no node.
fn carry_memcg(carrier: &Carrier<'_>, memcg: &MemCgroup, counted: &[i32; NR_MEMCG_OFTEN]) {
    let add = |at: usize, by: isize| {
        for memcg in memcg.up() {
            memcg.totals().add(carrier, at, by);
        }
        if let Some(local) = memcg.local() {
            local.add(carrier, at, by);
        }
    };
    each_change(counted, memcg.rare(), add);
    sched::cond_resched();
}

/// Has all totals show what has changed up to now.
pub(crate) fn flush() {
    if let Some(mut lock) = Lock::unless_flushed() {
        LAST.store(sched::now(), Relaxed);
        lock.flush(carry_node, carry_memcg);
    }
}

/// As [`flush`], if that has not been done for too long.
pub(crate) fn flush_if_old() {
    if sched::now().wrapping_sub(LAST.load(Relaxed)) > 2 * PERIOD {
        flush();
    }
}

/// What the lists of a share of a node have becomes its parent's, under the locks of both.
pub(crate) struct Moving(Option<Lock>);

impl Moving {
    /// Keeps others from carrying up what moves. Sleeps; before those locks are taken.
    pub(crate) fn begin() -> Self {
        Self(Lock::new())
    }

    /// Moves the sizes of the lists, which are locked. Totals above do not change meanwhile. Does
    /// not sleep.
    pub(crate) fn lists(&self, from: &Node, to: &Node) {
        let Some(lock) = &self.0 else {
            return;
        };
        let carrier = lock.carrier();
        for lru in 0..NR_LRU {
            let size = from.lru_size(lru);
            from.add_lru_size(lru, (size as isize).wrapping_neg());
            to.add_lru_size(lru, size as isize);
            if let (Some(from), Some(to)) = (from.lru_seen(lru), to.lru_seen(lru)) {
                from.store(from.load(Relaxed).wrapping_sub(size), Relaxed);
                to.store(to.load(Relaxed).wrapping_add(size), Relaxed);
            }
            from.totals()
                .add(&carrier, LRU_AT + lru, (size as isize).wrapping_neg());
        }
    }
}

/// What is counted in `child` and is no event becomes `parent`'s, when the child goes offline:
/// after its folios have moved.
pub(crate) fn reparent(child: &MemCgroup, parent: &MemCgroup) {
    if let Some(mut lock) = Lock::new() {
        lock.look_at(child, carry_node, carry_memcg);
        hand_over(&lock.carrier(), child, parent);
    }
}

/// A container is freed: what was counted in it by those who had found it before it went offline
/// is carried up, and becomes its parent's.
pub(crate) fn retire(freeing: &Freeing) {
    let Some(mut lock) = Lock::new() else {
        return;
    };
    lock.retire(freeing, carry_node, carry_memcg);
    let memcg = freeing.memcg();
    if let Some(parent) = memcg.parent() {
        hand_over(&lock.carrier(), memcg, parent.not_dying());
    }
}

/// Moves all that has been carried up and is no event to `heir`, which is above `child`; all in
/// between are being removed, too. All that is left in a container then is its own: those below it
/// have gone before. What the heir has with all below it does not change. Steps: nodes, times
/// counts.
fn hand_over(carrier: &Carrier<'_>, child: &MemCgroup, heir: &MemCgroup) {
    let removed = || child.up().take_while(|m| !core::ptr::eq(*m, heir));
    for at in (0..NR_MEMCG_OFTEN).filter(|at| *at != STOCKED && !is_event(*at)) {
        let from = removed().map(MemCgroup::totals);
        move_count(carrier, at, child.totals().get(at), from, heir.local());
    }
    for (node, to) in child.nodes().zip(heir.nodes()) {
        for at in 0..LRU_AT {
            let from = removed().map(|m| m.node(node.nid()).totals());
            move_count(carrier, at, node.totals().get(at), from, to.local());
        }
    }
}

/// Takes `n` out of the count `at` of all `from`, and adds it to that of `to`.
fn move_count<'a, const N: usize>(
    carrier: &Carrier<'_>,
    at: usize,
    n: isize,
    from: impl Iterator<Item = &'a Totals<N>>,
    to: Option<&Totals<N>>,
) {
    from.for_each(|totals| totals.add(carrier, at, n.wrapping_neg()));
    if let Some(to) = to {
        to.add(carrier, at, n);
    }
}

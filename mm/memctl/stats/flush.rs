// SPDX-License-Identifier: GPL-2.0

//! Carrying counts up: from CPUs to the totals of their container and of all above it.
//!
//! A flush takes time in proportion to what has changed since the last one: not to the containers
//! there are, nor to the CPUs. Who wants totals of a container with few below it pays for no
//! others. Files flush before they show totals; what the kernel asks for itself are totals as they
//! are, as a rule no older than [`PERIOD`].
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

use crate::{
    c::{
        changed::{
            Carrier,
            Lock, //
        },
        counts::Totals,
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
        node::Node,
        trace, //
    },
    tree::iter::Tree,
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

/// Adds `changes` to the counts from `from` on of all `totals`. Steps: changes, and totals times
/// those that are not 0.
fn add_up<'a, const N: usize>(
    carrier: &Carrier<'_>,
    totals: impl Iterator<Item = &'a Totals<N>>,
    from: usize,
    changes: &[isize],
) {
    if changes.iter().all(|by| *by == 0) {
        return;
    }
    totals.for_each(|totals| {
        for (at, by) in changes.iter().enumerate().filter(|(_, by)| **by != 0) {
            totals.add(carrier, from + at, *by);
        }
    });
    sched::cond_resched();
}

/// Carries up what CPUs have counted in a share of a node, and what was counted for all CPUs: to
/// its container, to those above, and to what is counted of it alone.
fn carry_node(carrier: &Carrier<'_>, node: &Node, counted: &[isize; NR_NODE_OFTEN]) {
    let totals = || {
        let up = node.memcg().up();
        up.map(|m| m.node(node.nid()).totals()).chain(node.local())
    };
    add_up(carrier, totals(), 0, counted);
    if let Some(rare) = node.rare().take() {
        add_up(carrier, totals(), NR_NODE_OFTEN, &rare);
    }
    if let Some(sizes) = node.take_lru_changes() {
        add_up(carrier, totals(), LRU_AT, &sizes);
    }
}

/// The same, of what belongs to no node.
fn carry_memcg(carrier: &Carrier<'_>, memcg: &MemCgroup, counted: &[isize; NR_MEMCG_OFTEN]) {
    let totals = || memcg.up().map(MemCgroup::totals).chain(memcg.local());
    add_up(carrier, totals(), 0, counted);
    if let Some(rare) = memcg.rare().take() {
        add_up(carrier, totals(), NR_MEMCG_OFTEN, &rare);
    }
}

/// Has all totals show what has changed up to now.
pub(crate) fn flush() {
    if let Some(lock) = Lock::unless_flushed() {
        flush_locked(lock);
    }
}

fn flush_locked(mut lock: Lock) {
    LAST.store(sched::now(), Relaxed);
    lock.flush(carry_node, carry_memcg);
}

/// Has the totals of `memcg` show what has changed up to now, in it and below it. As long as these
/// are few, nobody pays for what changes elsewhere.
pub(crate) fn flush_below(memcg: &MemCgroup) {
    look_below(memcg, look);
}

/// Carries up what has changed in `memcg` alone.
fn look(lock: &mut Lock, memcg: &MemCgroup) {
    lock.look_at(memcg, carry_memcg);
    lock.look_at_nodes(memcg, carry_node);
}

/// How many containers are looked at instead of all that have changed.
const FEW: usize = 32;

fn look_below(memcg: &MemCgroup, look: impl Fn(&mut Lock, &MemCgroup)) {
    if memcg.css().nr_descendants() >= FEW {
        trace::flush(memcg, true);
        return flush();
    }
    let lock = Lock::unless_flushed();
    trace::flush(memcg, lock.is_some());
    let Some(mut lock) = lock else {
        return;
    };
    if !memcg.css().has_children() {
        return look(&mut lock, memcg);
    }
    // Those that are being removed are still to be seen, but not counted.
    for (n, below) in Tree::new(memcg).enumerate() {
        if n == FEW {
            return flush_locked(lock);
        }
        look(&mut lock, &below);
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
            from.move_seen(to, lru, size);
            from.totals()
                .add(&carrier, LRU_AT + lru, (size as isize).wrapping_neg());
        }
    }
}

/// What is counted in `child` and is no event becomes `parent`'s, when the child goes offline:
/// after its folios have moved.
pub(crate) fn reparent(child: &MemCgroup, parent: &MemCgroup) {
    if let Some(mut lock) = Lock::new() {
        look(&mut lock, child);
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

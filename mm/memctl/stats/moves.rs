// SPDX-License-Identifier: GPL-2.0

//! Counts that move from a removed container to its parent.
//!
//! Those of folios become the parent's own, as its folios did; events count below the parent, not
//! in it. They move when it goes offline; what those count after that who have found it before
//! moves when nobody is left and it is freed.
//!
//! May be called where RCU may; takes time in proportion to the possible CPUs.
#![deny(unsafe_code)]

use crate::c::{
    items::{
        EVENTS,
        EVENTS_AT,
        ITEMS_AT,
        NR_MEMCG_SLOTS,
        NR_NODE_SLOTS, //
    },
    memcg::MemCgroup, //
};
use kernel::{
    mm::numa::NodeId,
    percpu::{
        PerCpuSlots,
        Slot, //
    },
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        barrier::{
            smp_mb,
            Read, //
        },
    },
    types::NotThreadSafe, //
};

/// How often counts have begun or ended to move from a child to its parent: odd while they do.
static MOVES: Atomic<usize> = Atomic::new(0);

/// Held while counts move from a child to its parent. Under `cgroup_mutex`: one at a time.
pub(crate) struct Moving(NotThreadSafe);

impl Moving {
    pub(crate) fn begin() -> Self {
        MOVES.fetch_add(1, Full);
        Self(NotThreadSafe)
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        MOVES.fetch_add(1, Full);
    }
}

/// The sum that `sum` makes over a tree of containers, made while no counts move within the tree:
/// else some could be missed, or be seen twice.
pub(super) fn unmoved<T>(mut sum: impl FnMut() -> T) -> T {
    // Moves are short and rare. If there is no end to them, the reader takes what there is.
    const PATIENCE: usize = 4;

    let mut tries = 0;
    loop {
        let before = MOVES.load(Acquire);
        let result = sum();
        smp_mb(Read);
        tries += 1;
        if (before % 2 == 0 && MOVES.load(Relaxed) == before) || tries == PATIENCE {
            return result;
        }
    }
}

/// Moves the counts of `child` to `parent`: when it goes offline, under `cgroup_mutex` and after
/// its folios have moved, as a [`Moving`] step; and when it is freed.
pub(crate) fn reparent(child: &MemCgroup, parent: &MemCgroup) {
    for nid in NodeId::possible() {
        let (from, to) = (child.node(nid), parent.node(nid));
        let mut counts = [0; NR_NODE_SLOTS];
        from.slots().add_to(&mut counts);
        move_counts(&counts, 0, from.slots(), to.slots());
    }

    let mut counts = [0; NR_MEMCG_SLOTS];
    child.slots().add_to(&mut counts);
    move_counts(&counts, ITEMS_AT, child.slots(), parent.slots());

    for i in 0..EVENTS.len() {
        let (Some(from), Some(to)) = (child.dead_events(i), parent.dead_events(i)) else {
            continue;
        };
        let n = counts.get(EVENTS_AT + i).copied().unwrap_or(0);
        if let Some(slot) = Slot::new(EVENTS_AT + i).filter(|_| n != 0) {
            child.slots().add(slot, n.wrapping_neg());
        }
        let n = from.xchg(0, Relaxed).wrapping_add(n);
        if n != 0 {
            to.add(n, Relaxed);
        }
    }
}

/// Moves `counts`, what counters from the one at `first` on add up to, from one row to another.
fn move_counts<const N: usize>(
    counts: &[isize; N],
    first: usize,
    from: &PerCpuSlots<N>,
    to: &PerCpuSlots<N>,
) {
    for (i, &n) in counts.iter().enumerate().skip(first) {
        if let Some(slot) = Slot::new(i).filter(|_| n != 0) {
            to.add(slot, n);
            from.add(slot, n.wrapping_neg());
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Who carries up what has changed: one at a time.
#![deny(unsafe_code)]

use super::{
    BEGUN,
    ENDED,
    FLUSHERS,
    READY, //
};
use crate::c::{
    items::{
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN, //
    },
    life::Freeing,
    memcg::MemCgroup,
    node::Node, //
};
use core::marker::PhantomData;
use kernel::sync::{
    atomic::{
        Acquire,
        Full,
        Relaxed, //
    },
    barrier::{
        self,
        smp_mb, //
    },
    GlobalGuard,
};

/// Shows that who adds to totals is the one who may: the lock is held for `'a`.
pub(crate) struct Carrier<'a>(PhantomData<&'a Lock>);

/// Held by who carries up what has changed.
pub(crate) struct Lock(GlobalGuard<FLUSHERS>);

impl Lock {
    /// Waits for the lock; nothing if there are no containers. Sleeps.
    pub(crate) fn new() -> Option<Self> {
        READY.load(Acquire).then(|| Self(FLUSHERS.lock()))
    }

    /// As [`Lock::new`], for who wants to see all that has changed up to now: nothing if somebody
    /// else has begun to carry all of it up since, and has ended.
    pub(crate) fn unless_flushed() -> Option<Self> {
        // Who begins later sees what has changed before: a full barrier on both sides.
        smp_mb(barrier::Full);
        let begun = BEGUN.load(Relaxed);
        let lock = Self::new()?;
        let newer = ENDED.load(Relaxed).wrapping_sub(begun) as isize > 0;
        (!newer).then_some(lock)
    }

    /// Tells of all shares and all containers in which something has changed.
    pub(crate) fn flush(
        &mut self,
        node: impl Fn(&Carrier<'_>, &Node, &[isize; NR_NODE_OFTEN]),
        memcg: impl Fn(&Carrier<'_>, &MemCgroup, &[isize; NR_MEMCG_OFTEN]),
    ) {
        let begun = BEGUN.fetch_add(1, Full).wrapping_add(1);
        if let Some(flushers) = &mut *self.0 {
            let carrier = Carrier(PhantomData);
            flushers
                .memcgs
                .flush(|owner, changes| memcg(&carrier, owner, changes));
            flushers
                .nodes
                .flush(|owner, changes| node(&carrier, owner, changes));
        }
        ENDED.store(begun, Relaxed);
    }

    /// Tells of `of` alone, without its shares.
    pub(crate) fn look_at(
        &mut self,
        of: &MemCgroup,
        memcg: impl Fn(&Carrier<'_>, &MemCgroup, &[isize; NR_MEMCG_OFTEN]),
    ) {
        if let Some(flushers) = &mut *self.0 {
            let (carrier, memcgs) = (Carrier(PhantomData), &mut flushers.memcgs);
            memcgs.look_at(of.rows(), |owner, changes| memcg(&carrier, owner, changes));
        }
    }

    /// Tells of the shares of `of` alone.
    pub(crate) fn look_at_nodes(
        &mut self,
        of: &MemCgroup,
        node: impl Fn(&Carrier<'_>, &Node, &[isize; NR_NODE_OFTEN]),
    ) {
        if let Some(flushers) = &mut *self.0 {
            let (carrier, nodes) = (Carrier(PhantomData), &mut flushers.nodes);
            for share in of.nodes() {
                nodes.look_at(share.rows(), |owner, changes| {
                    node(&carrier, owner, changes)
                });
            }
        }
    }

    /// Tells of what is freed for the last time, and has it on no list.
    pub(crate) fn retire(
        &mut self,
        freeing: &Freeing,
        node: impl Fn(&Carrier<'_>, &Node, &[isize; NR_NODE_OFTEN]),
        memcg: impl Fn(&Carrier<'_>, &MemCgroup, &[isize; NR_MEMCG_OFTEN]),
    ) {
        let Some(flushers) = &mut *self.0 else {
            return;
        };
        let (carrier, of) = (Carrier(PhantomData), freeing.memcg());
        flushers
            .memcgs
            .retire(of.rows(), |owner, changes| memcg(&carrier, owner, changes));
        for share in of.nodes() {
            flushers.nodes.retire(share.rows(), |owner, changes| {
                node(&carrier, owner, changes)
            });
        }
    }

    /// Lets counts be moved from one container to another.
    pub(crate) fn carrier(&self) -> Carrier<'_> {
        Carrier(PhantomData)
    }
}

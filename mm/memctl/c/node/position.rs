// SPDX-License-Identifier: GPL-2.0

//! Where a walk is that several reclaimers share.
#![deny(unsafe_code)]

use super::Node;
use crate::c::memcg::MemCgroup;
use core::ptr::null_mut;
use kernel::{
    cgroup::Place,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        counted::Counted,
    },
};

/// Where a shared walk goes.
pub(crate) enum Position<'a> {
    /// To the end of the round.
    Nowhere,
    /// To the container whose share keeps the position.
    Here,
    /// To one below that, which a walk has come to.
    Below(&'a Place<'a, MemCgroup>, &'a Counted<MemCgroup>),
}

impl Node {
    /// How many round trips of shared reclaim walks were completed here.
    pub(crate) fn generation(&self) -> &Atomic<i32> {
        &self.generation
    }

    /// Moves the shared walk from `from` to `to`, if it still is at `from`. Says whether it did.
    pub(crate) fn move_position(&self, from: Option<&MemCgroup>, to: Position<'_>) -> bool {
        // INVARIANT: The share is freed with its own container. Any other one is below that and not
        // released yet, and when it is, it takes itself off all positions above it by `take_off()`.
        match to {
            Position::Nowhere => self.replace_position(from, None),
            Position::Here => self.replace_position(from, Some(self.memcg())),
            Position::Below(place, held) => {
                core::ptr::eq(place.root(), self.memcg())
                    && core::ptr::eq(place.get(), &**held)
                    && self.replace_position(from, Some(held))
            }
        }
    }

    /// Takes `dead`, which is released, off the position of the shared walk.
    pub(crate) fn take_off(&self, dead: &MemCgroup) {
        self.replace_position(Some(dead), None);
    }

    fn replace_position(&self, from: Option<&MemCgroup>, to: Option<&MemCgroup>) -> bool {
        let raw = |m: Option<&MemCgroup>| m.map_or(null_mut(), MemCgroup::as_raw);
        let position = &self.position;
        position.cmpxchg(raw(from), raw(to), Full).is_ok()
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Thresholds of usage, on cgroup v1: who has set one is told by an eventfd each time that usage
//! crosses it, up or down.
//!
//! Looked at where the counters change, which is a batch of pages at a time: between two numbers,
//! the nearest threshold on either side, there is nothing to do. What CPUs have charged in advance
//! counts.
#![deny(unsafe_code)]

use super::counters;
use crate::c::{
    memcg::MemCgroup,
    wish::{
        Measured,
        Threshold, //
    },
};
use kernel::res_counter::ResCounter;

/// How often usage is looked at again because it has changed meanwhile. Who changes it looks, too.
const TRIES: usize = 4;

/// How many pages of `of` are charged to `memcg`.
pub(crate) fn usage(memcg: &MemCgroup, of: Measured) -> usize {
    if memcg.is_root() {
        return counters::in_root(of);
    }
    of.counter(memcg).map_or(0, ResCounter::usage)
}

/// A threshold of `memcg` at as many pages.
pub(crate) fn new(memcg: &MemCgroup, of: Measured, pages: usize) -> Threshold {
    Threshold::new(of, pages, usage(memcg, of))
}

/// Tells those whose threshold the usage of `memcg` has crossed. Any context but NMI.
pub(crate) fn look(memcg: &MemCgroup) {
    let Some((_, bounds)) = memcg.thresholds() else {
        return;
    };
    for of in Measured::ALL {
        if !bounds.are_none(of) && !bounds.hold(of, usage(memcg, of)) {
            cross(memcg, of);
        }
    }
}

/// Steps: thresholds of the container, with interrupts off.
#[cold]
fn cross(memcg: &MemCgroup, of: Measured) {
    let Some((listeners, bounds)) = memcg.thresholds() else {
        return;
    };
    listeners.with(|all| {
        for _ in 0..TRIES {
            let usage_now = usage(memcg, of);
            all.iter()
                .filter(|listener| listener.wish.of == of && listener.wish.is_crossed(usage_now))
                .for_each(|listener| listener.tell());
            bounds.set(of, all);
            if bounds.hold(of, usage(memcg, of)) {
                break;
            }
        }
    });
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/thresholds.rs"]
mod tests;

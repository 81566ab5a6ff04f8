// SPDX-License-Identifier: GPL-2.0

//! Those who want to be told that reclaim has a hard time, by an eventfd: on cgroup v1.
#![deny(unsafe_code)]

use crate::c::{
    gfp::Gfp,
    memcg::MemCgroup,
    vm,
    wish::{
        Mode,
        Pressure, //
    },
};
use kernel::{
    cgroup::CssData,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        counted::Counted, //
    },
};

/// Reclaim of `memcg` and all below it has looked at `scanned` pages and got `reclaimed` of them.
/// When it has looked at enough of them, who wants to know is told how hard that was. In reclaim.
pub(crate) fn note_reclaim(memcg: &MemCgroup, scanned: usize, reclaimed: usize) {
    if !Pressure::is_wanted() {
        return;
    }
    let Some([scans, gains]) = memcg.pressure_window() else {
        return;
    };
    gains.fetch_add(reclaimed, Relaxed);
    let so_far = scans.fetch_add(scanned, Full).wrapping_add(scanned);
    if so_far < vm::pressure_window() {
        return;
    }
    // Others may be here, too: one of them has the numbers.
    let (scanned, reclaimed) = (scans.xchg(0, Full), gains.xchg(0, Full));
    if scanned != 0 {
        tell_pressure(memcg, vm::pressure_level(scanned, reclaimed));
    }
}

/// Reclaim looks at the lists of `memcg` in greater and greater parts; `priority` is the logarithm
/// of one part. In reclaim.
pub(crate) fn note_priority(memcg: Option<&Counted<MemCgroup>>, priority: u32, gfp: Gfp) {
    /// An eighth of them is critical.
    const CRITICAL: u32 = 3;

    if priority <= CRITICAL && Pressure::is_wanted() {
        vm::tell_critical(memcg, gfp);
    }
}

/// Steps: levels of the hierarchy, and who listens there.
fn tell_pressure(memcg: &MemCgroup, level: u32) {
    let mut told = false;
    for (distance, memcg) in memcg.up().enumerate() {
        let Some(listeners) = memcg.pressure_listeners() else {
            return;
        };
        let told_below = told;
        listeners.with(|all| {
            for listener in all {
                let wanted = match listener.wish.mode {
                    Mode::Default => !told_below,
                    Mode::Hierarchy => true,
                    Mode::Local => distance == 0,
                };
                if wanted && level >= listener.wish.level {
                    listener.tell();
                    told = true;
                }
            }
        });
    }
}

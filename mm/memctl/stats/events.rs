// SPDX-License-Identifier: GPL-2.0

//! What happens to containers and is told to user space: `memory.events`.
#![deny(unsafe_code)]

use crate::c::{
    events::MemoryEvent,
    memcg::MemCgroup,
    mount,
    vm, //
};
use kernel::{
    cgroup::CssData,
    sync::atomic::Relaxed, //
};

/// Counts `event` in `memcg` and, on cgroup v2, in its ancestors but the root, and wakes those who
/// watch, if `may_lock`. Any context; in NMI and the like without `may_lock`.
pub(crate) fn notify(memcg: &MemCgroup, event: MemoryEvent, may_lock: bool) {
    memcg.memory_events(event, true).add(1isize, Relaxed);
    if may_lock && !event.is_swap() {
        memcg.events_file(true).notify();
    }

    let hierarchical = vm::on_v2() && !mount::local_events();
    for (level, memcg) in memcg.up().enumerate() {
        if level > 0 && (!hierarchical || memcg.is_root()) {
            break;
        }
        memcg.memory_events(event, false).add(1isize, Relaxed);
        if may_lock {
            let file = match event.is_swap() {
                true => memcg.swap_events_file(),
                false => memcg.events_file(false),
            };
            file.notify();
        }
    }
}

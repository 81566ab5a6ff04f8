// SPDX-License-Identifier: GPL-2.0

//! What the report of an OOM kill says of a container.
#![deny(unsafe_code)]

use super::{
    v1_stat,
    v2_stat, //
};
use crate::{
    c::{
        events::MemoryEvent,
        memcg::MemCgroup,
        vm, //
    },
    pressure::protection::in_use_below,
    stats::{
        flush::flush_below,
        read::Tree, //
    },
    PAGES,
};
use kernel::{
    cgroup::CssData,
    pr_cont,
    prelude::*,
    res_counter::Protection,
    sync::atomic::Relaxed, //
};

/// Writes to the log how much below `memcg` is protected, for the report of an OOM kill.
pub(crate) fn protection(memcg: &MemCgroup) {
    let kib = |kind| PAGES.show(in_use_below(memcg, kind)) / 1024;
    pr_warn!(
        "Memory cgroup min protection {}kB -- low protection {}kB\n",
        kib(Protection::Min),
        kib(Protection::Low)
    );
}

/// Writes usage, limit and statistics of `memcg` to the log, for the report of an OOM kill.
pub(crate) fn meminfo(memcg: &MemCgroup) {
    let kib = |pages| PAGES.show(pages) / 1024;
    let memory = memcg.memory();
    pr_info!(
        "memory: usage {}kB, limit {}kB, failcnt {}\n",
        kib(memory.usage()),
        kib(memory.limit()),
        if vm::on_v2() {
            memcg.memory_events(MemoryEvent::MAX, false).load(Relaxed) as usize
        } else {
            memory.failcnt()
        }
    );
    if vm::on_v2() {
        let swap = memcg.swap();
        pr_info!(
            "swap: usage {}kB, limit {}kB, failcnt {}\n",
            kib(swap.usage()),
            kib(swap.limit()),
            memcg
                .memory_events(MemoryEvent::SWAP_MAX, false)
                .load(Relaxed)
        );
    }
    pr_info!("Memory cgroup stats for ");
    memcg.css().pr_cont_path();
    pr_cont!(":\n");

    // Of the container with all below it: that is what the limit is for.
    flush_below(memcg);
    if vm::on_v2() {
        v2_stat::emit(&Tree(memcg), |name, value| pr_info!("{} {}\n", name, value));
    } else {
        v1_stat::emit(&Tree(memcg), |name, value| {
            pr_info!("total_{} {}\n", name, value)
        });
    }
}

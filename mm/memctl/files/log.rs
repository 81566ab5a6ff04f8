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
        log,
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
    res_counter::{
        Protection,
        ResCounter, //
    },
    sync::atomic::Relaxed, //
};

/// Writes to the log how much below `memcg` is protected, for the report of an OOM kill.
pub(crate) fn protection(memcg: &MemCgroup) {
    let kib = |kind| PAGES.show(in_use_below(memcg, kind)) / 1024;
    log::warn(fmt!(
        "Memory cgroup min protection {}kB -- low protection {}kB",
        kib(Protection::Min),
        kib(Protection::Low)
    ));
}

fn counter(name: &str, counter: &ResCounter, failures: usize) {
    let kib = |pages| PAGES.show(pages) / 1024;
    log::info(fmt!(
        "{}: usage {}kB, limit {}kB, failcnt {}",
        name,
        kib(counter.usage()),
        kib(counter.limit()),
        failures
    ));
}

/// Writes usage, limit and statistics of `memcg` to the log, for the report of an OOM kill.
pub(crate) fn meminfo(memcg: &MemCgroup) {
    if vm::on_v2() {
        let failures = |event| memcg.memory_events(event, false).load(Relaxed) as usize;
        counter("memory", memcg.memory(), failures(MemoryEvent::MAX));
        counter("swap", memcg.swap(), failures(MemoryEvent::SWAP_MAX));
    } else {
        let counters = [
            ("memory", Some(memcg.memory())),
            ("memory+swap", memcg.memsw()),
            ("kmem", memcg.kmem()),
        ];
        for (name, counted) in counters {
            if let Some(counted) = counted {
                counter(name, counted, counted.failcnt());
            }
        }
    }
    log::begin(fmt!("Memory cgroup stats for "));
    memcg.css().pr_cont_path();
    pr_cont!(":\n");

    // Of the container with all below it: that is what the limit is for.
    flush_below(memcg);
    if vm::on_v2() {
        v2_stat::emit(&Tree(memcg), |name, value| {
            log::info(fmt!("{} {}", name, value))
        });
    } else {
        v1_stat::emit(&Tree(memcg), |name, value| {
            log::info(fmt!("total_{} {}", name, value))
        });
    }
}

/// Begins the line that says that all processes of `memcg` are killed together.
pub(crate) fn group(memcg: &MemCgroup) {
    log::begin(fmt!("Tasks in "));
    memcg.css().pr_cont_path();
    pr_cont!(" are going to be killed due to memory.oom.group set\n");
}

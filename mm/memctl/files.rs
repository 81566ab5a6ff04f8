// SPDX-License-Identifier: GPL-2.0

//! The files of the controller in the cgroup filesystem.
#![deny(unsafe_code)]

pub(crate) mod v1;
pub(crate) mod v2;

use crate::{
    memcg::MemCgroup,
    stats::Totals,
    vm,
    PAGES, //
};
use core::fmt::Arguments;
use kernel::{
    bindings as c,
    pr_cont,
    prelude::*, //
};

/// Writes usage, limit and statistics of `memcg` to the log, for the report of an OOM kill.
pub(crate) fn log_meminfo(memcg: &MemCgroup) {
    let kib = |pages| PAGES.show(pages) / 1024;
    let memory = memcg.memory();
    pr_info!(
        "memory: usage {}kB, limit {}kB, failcnt {}\n",
        kib(memory.usage()),
        kib(memory.limit()),
        memory.failcnt()
    );
    pr_info!("Memory cgroup stats for ");
    memcg.css().pr_cont_path();
    pr_cont!(":\n");

    let emit = |name: Arguments<'_>, value: u64| pr_info!("{} {}\n", name, value);
    if vm::on_v2() {
        v2::stat(memcg, emit);
    } else {
        v1::stat(memcg, emit);
    }
}

/// Pages that the root container has: nothing is charged to it, so they are counted.
pub(crate) fn root_usage(totals: &Totals) -> usize {
    totals.item(c::node_stat_item_NR_FILE_PAGES as usize)
        + totals.item(c::node_stat_item_NR_ANON_MAPPED as usize)
}

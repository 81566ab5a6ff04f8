// SPDX-License-Identifier: GPL-2.0

//! Pages that CPUs keep charged in advance count as used, but are no reason to kill.

use crate::cgroup::{stock_slack, Hierarchy, Kind, Version};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, within, Outcome};
use crate::sys::{self, Advice, Mapping};
use crate::worker::Worker;

pub const GROUP: Group = group!("stock": no_false_limit, taken_back);

/// Sixteen processes that are all there is in the container, and just fit. Each gives back memory
/// on one CPU and takes it again on another: what it needs is in the stock of the first. There is
/// nothing to reclaim, so whoever does not look there kills.
fn no_false_limit(hierarchy: &Hierarchy) -> Outcome {
    const PROCESSES: usize = 16;
    const PAGES: usize = 40;
    const ROUNDS: usize = 60;

    let container = hierarchy.create("stock")?;
    let page = sys::page_size();
    let mut workers = Vec::new();
    for number in 0..PROCESSES {
        workers.push(Worker::start(&container, move |line| {
            let mut memory = Mapping::anon(PAGES * page)?;
            let mut cpu = number % sys::cpus();
            sys::run_on_cpu(cpu)?;
            memory.fill(0..PAGES * page, 0);
            // What the process itself needs, it has needed by now.
            line.rest()?;
            for round in 0..ROUNDS {
                memory.advise(0..PAGES * page, Advice::DontNeed)?;
                cpu = (cpu + 1) % sys::cpus();
                sys::run_on_cpu(cpu)?;
                memory.fill(0..PAGES * page, round as u64);
            }
            line.rest()
        })?);
    }
    for worker in &mut workers {
        worker.hear()?;
    }

    // Room for what there is and for a page each that a fault may have in hand. What was charged in
    // advance is far more, and is taken back when the limit is set.
    let used = container.charged(Kind::Anon)? + container.charged(Kind::File)?;
    let limit = used + (PROCESSES * page) as u64;
    container.set_limit(limit)?;
    equal("limit", container.limit()?, limit)?;
    for worker in &mut workers {
        worker.tell(0)?;
    }
    for worker in &mut workers {
        worker.hear()?;
        within("usage", container.usage()?, 0..=limit)?;
    }
    equal("processes killed", container.oom_kills()?, 0)?;
    let hits = match hierarchy.version() {
        Version::V1 => container.number("memory.failcnt")?,
        Version::V2 => container.events()?.get("max")?,
    };
    crate::ktap::note(format_args!("limit hit {hits} times"));
    for worker in workers {
        worker.finish()?;
    }
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// Lowering the limit below what is charged in advance takes it back.
fn taken_back(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("stock")?;
    let page = sys::page_size();
    for cpu in 0..sys::cpus() {
        Worker::start(&container, move |_| {
            sys::run_on_cpu(cpu)?;
            Mapping::anon(page)?.fill(0..page, 0);
            Ok(())
        })?
        .ends_well()?;
    }
    let before = container.usage()?;
    check!(before > 0, "nothing is charged in advance");
    container.set_limit(0)?;
    equal("usage", container.usage()?, 0)
}

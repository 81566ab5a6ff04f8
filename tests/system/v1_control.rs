// SPDX-License-Identifier: GPL-2.0

//! What only version 1 does: refusing a limit that is out of reach, and letting processes wait for
//! memory instead of killing them.

use std::io::Write;
use std::time::Duration;

use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, skip, within, Outcome, MB};
use crate::sys::{self, EBUSY};
use crate::worker::{run_in, Worker};

pub const LIMIT_GROUP: Group = group!("limit_control": busy, watermark, below_child);

pub const OOM_GROUP: Group = group!("oom_control":
    waits_for_limit, waits_for_neighbour, waits_for_killer, waiting_can_be_killed,
    waits_elsewhere, system_call_fails, nested_wait);

const LIMIT: u64 = 8 * MB;

/// Without swap, anonymous memory cannot go: the limit stays as it was, and so does the memory.
fn busy(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("busy")?;
    container.set_limit(2 * LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, LIMIT / 2)?;
    let worker = Worker::holding(&container, LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    refused(
        "a limit out of reach",
        container.try_limit(LIMIT / 2),
        EBUSY,
    )?;
    equal(
        "limit",
        container.number("memory.limit_in_bytes")?,
        2 * LIMIT,
    )?;
    // The attempt has cost the page cache.
    equal("resident", disk::resident(&path)?, 0)?;
    within("usage", container.usage()?, LIMIT..=LIMIT + process_slack())?;
    worker.finish()?;
    container.set_limit(LIMIT / 2)
}

/// The highest usage ever, never above the limit; and a count of how often the limit was hit.
fn watermark(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("watermark")?;
    let worker = Worker::holding(&container, LIMIT)?;
    worker.finish()?;
    let bounds = LIMIT..=LIMIT + process_slack();
    within(
        "max_usage_in_bytes",
        container.number("memory.max_usage_in_bytes")?,
        bounds,
    )?;
    equal("failcnt", container.number("memory.failcnt")?, 0)?;

    container.set_limit(LIMIT / 2)?;
    container.write("memory.max_usage_in_bytes", 0)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    let watermark = container.number("memory.max_usage_in_bytes")?;
    within("max_usage_in_bytes", watermark, LIMIT / 4..=LIMIT / 2)?;
    check!(
        container.number("memory.failcnt")? > 0,
        "limit hit, but failcnt is 0"
    );
    Ok(())
}

/// It is the counter with the limit that fails, not the one that was charged.
fn below_child(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    parent.set_limit(LIMIT / 2)?;
    child.set_limit(4 * LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    run_in(&child, || disk::read(&path))?;
    check!(
        parent.number("memory.failcnt")? > 0,
        "limit hit, but failcnt is 0"
    );
    equal("child's failcnt", child.number("memory.failcnt")?, 0)?;
    let watermark = child.number("memory.max_usage_in_bytes")?;
    within(
        "child's max_usage_in_bytes",
        watermark,
        LIMIT / 4..=LIMIT / 2,
    )
}

/// A worker that has grown into the limit of a container whose processes wait.
fn stuck(container: &Cgroup, limited: &Cgroup) -> Outcome<Worker> {
    limited.set_limit(LIMIT)?;
    limited.write("memory.oom_control", 1)?;
    let mut worker = Worker::growing(container, 2 * LIMIT)?;
    while worker.hear()? < LIMIT - MB {}
    while !worker.silent_for(Duration::from_secs(2))? {}
    eventually(|| equal("under_oom", limited.oom_control()?.get("under_oom")?, 1))?;
    within("usage", limited.usage()?, LIMIT - process_slack()..=LIMIT)?;
    check!(worker.lives()?, "worker is gone");
    Ok(worker)
}

/// Expects a worker that was stuck to reach its full size.
fn gets_there(worker: &mut Worker) -> Outcome {
    while worker.hear()? < 2 * LIMIT {}
    Ok(())
}

fn not_under_oom(container: &Cgroup) -> Outcome {
    eventually(|| equal("under_oom", container.oom_control()?.get("under_oom")?, 0))?;
    equal("processes killed", container.oom_kills()?, 0)
}

fn waits_for_limit(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let mut worker = stuck(&container, &container)?;
    container.set_limit(3 * LIMIT)?;
    gets_there(&mut worker)?;
    not_under_oom(&container)?;
    worker.finish()
}

/// Another process of the container ends, and what it frees is enough.
fn waits_for_neighbour(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    container.set_limit(2 * LIMIT)?;
    let holding = Worker::holding(&container, LIMIT)?;
    container.write("memory.oom_control", 1)?;
    let mut worker = Worker::growing(&container, 3 * LIMIT / 2)?;
    while worker.hear()? < LIMIT - MB {}
    while !worker.silent_for(Duration::from_secs(2))? {}
    holding.finish()?;
    while worker.hear()? < 3 * LIMIT / 2 {}
    not_under_oom(&container)?;
    worker.finish()
}

/// Turning the OOM killer back on ends the waiting, and the process.
fn waits_for_killer(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let worker = stuck(&container, &container)?;
    container.write("memory.oom_control", 0)?;
    worker.killed()?;
    equal("processes killed", container.oom_kills()?, 1)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

fn waiting_can_be_killed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let worker = stuck(&container, &container)?;
    worker.pid().kill(sys::SIGTERM);
    // Any deadly signal will do; `stop` insists.
    worker.stop()?;
    not_under_oom(&container)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// A process that waits and is moved to a container with room goes on there, at the latest when the
/// one that it waited for is removed.
fn waits_elsewhere(hierarchy: &Hierarchy) -> Outcome {
    if !machine::has_memctl() {
        return skip("the C controller lets it wait until it is killed");
    }
    let container = hierarchy.create("waits")?;
    let elsewhere = hierarchy.create("elsewhere")?;
    let mut worker = stuck(&container, &container)?;
    elsewhere.adopt(worker.pid())?;
    container.remove()?;
    gets_there(&mut worker)?;
    check!(elsewhere.usage()? > 0, "nothing charged elsewhere");
    worker.finish()
}

/// Only page faults of the process itself wait: a system call that cannot get memory fails.
fn system_call_fails(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    container.set_limit(LIMIT)?;
    container.write("memory.oom_control", 1)?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&container, || {
        let mut file = std::fs::File::create(&path)?;
        let block = vec![1; MB as usize];
        let error = (0..2 * LIMIT / MB).find_map(|_| file.write_all(&block).err());
        let errno = error.and_then(|error| error.raw_os_error());
        equal("errno", errno, Some(sys::ENOMEM))
    })?;
    not_under_oom(&container)?;
    disk::remove(&path)
}

/// A parent that waits makes its children wait; raising its limit frees them.
fn nested_wait(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("waits")?;
    let child = parent.child("child")?;
    let mut worker = stuck(&child, &parent)?;
    equal(
        "child's under_oom",
        child.oom_control()?.get("under_oom")?,
        1,
    )?;
    parent.set_limit(3 * LIMIT)?;
    gets_there(&mut worker)?;
    not_under_oom(&parent)?;
    not_under_oom(&child)?;
    worker.finish()
}

// SPDX-License-Identifier: GPL-2.0

//! Memory and swap space together, of version 1: the rules of
//! Documentation/admin-guide/cgroup-v1/memory.rst, each a test.

use crate::both::remove::nobody_lingers;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, skip, within, Outcome, MB};
use crate::sys::{EBUSY, EINVAL};
use crate::v1_files::UNLIMITED;
use crate::worker::Worker;

pub const GROUP: Group = group!("memsw":
    never_less_than_memory, usage_is_both, swapped_out_counts_once, swapped_in_counts_once,
    limit_is_of_both, equal_limits_do_not_swap, lowered, counts_and_watermarks, hierarchical,
    outlives_container);

const SIZE: u64 = 16 * MB;

const LIMIT: &str = "memory.memsw.limit_in_bytes";
const USAGE: &str = "memory.memsw.usage_in_bytes";

fn container(hierarchy: &Hierarchy) -> Outcome<Cgroup> {
    machine::swap_on()?;
    let container = hierarchy.create("memsw")?;
    match container.file(LIMIT).exists() {
        true => Ok(container),
        false => skip(format!("no {LIMIT}")),
    }
}

/// The limit of memory is never above that of both.
fn never_less_than_memory(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    equal(LIMIT, container.number(LIMIT)?, UNLIMITED)?;
    refused(
        "below an unlimited one",
        container.try_write(LIMIT, "64M"),
        EINVAL,
    )?;
    container.set_limit(32 * MB)?;
    container.answers(
        LIMIT,
        64 * MB,
        &[
            ("32M", Ok(32 * MB)),
            ("33554431", Err(EINVAL)),
            ("1G", Ok(1024 * MB)),
            ("-1", Ok(UNLIMITED)),
            ("abc", Err(EINVAL)),
        ],
    )?;
    container.write(LIMIT, 64 * MB)?;
    container.answers(
        "memory.limit_in_bytes",
        16 * MB,
        &[
            ("64M", Ok(64 * MB)),
            ("67112960", Err(EINVAL)),
            ("-1", Err(EINVAL)),
        ],
    )?;
    refused(
        "the root's",
        hierarchy.root().try_write(LIMIT, "1G"),
        EINVAL,
    )
}

fn usage_is_both(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    let worker = Worker::holding(&container, SIZE)?;
    // What the kernel gives back between two looks counts in one of them.
    eventually(|| {
        let (memory, both) = (container.usage()?, container.number(USAGE)?);
        within(USAGE, both, memory..=memory + stock_slack())
    })?;
    worker.finish()?;
    within(USAGE, container.number(USAGE)?, 0..=process_slack())
}

/// What is swapped out leaves memory, and counts as before.
fn swapped_out_counts_once(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    let worker = Worker::holding(&container, SIZE)?;
    let before = container.number(USAGE)?;
    container.set_limit(SIZE / 2)?;
    within("usage", container.usage()?, 0..=SIZE / 2)?;
    within(
        USAGE,
        container.number(USAGE)?,
        before - stock_slack()..=before + stock_slack(),
    )?;
    let swap = container.stat()?.get("swap")?;
    within(
        "swap",
        swap,
        SIZE / 2 - process_slack()..=SIZE / 2 + process_slack(),
    )?;
    worker.finish()?;
    equal("swap at the end", container.stat()?.get("swap")?, 0)?;
    within(USAGE, container.number(USAGE)?, 0..=process_slack())
}

/// Nor does it count twice when it is back, though its copy may stay in swap space.
fn swapped_in_counts_once(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    let mut worker = Worker::returning(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    let before = container.number(USAGE)?;
    container.unlimited()?;
    worker.tell(0)?;
    worker.hear()?;
    within(
        USAGE,
        container.number(USAGE)?,
        before - stock_slack()..=before + stock_slack(),
    )?;
    within("usage", container.usage()?, SIZE..=SIZE + process_slack())?;
    worker.finish()?;
    within(USAGE, container.number(USAGE)?, 0..=process_slack())
}

/// Who has more than both limits let it is killed, and not before.
fn limit_is_of_both(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    container.set_limit(SIZE)?;
    container.write(LIMIT, 2 * SIZE)?;
    let mut worker = Worker::growing(&container, 4 * SIZE)?;
    let mut most = 0;
    while let Some(size) = worker.hear_or_end()? {
        within("usage", container.usage()?, 0..=SIZE)?;
        within(USAGE, container.number(USAGE)?, 0..=2 * SIZE)?;
        most = size;
    }
    worker.killed()?;
    within("size", most, 2 * SIZE - 2 * MB - process_slack()..=2 * SIZE)?;
    equal("processes killed", container.oom_kills()?, 1)?;
    check!(
        container.number("memory.memsw.failcnt")? > 0,
        "failcnt is 0"
    );
    Ok(())
}

/// Where nothing is gained by swapping, nothing is swapped.
fn equal_limits_do_not_swap(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    container.set_limit(SIZE)?;
    container.write(LIMIT, SIZE)?;
    let mut worker = Worker::growing(&container, 2 * SIZE)?;
    while worker.hear_or_end()?.is_some() {
        equal("swap", container.stat()?.get("swap")?, 0)?;
    }
    worker.killed()
}

/// A lower limit is reached by giving up what can be read again, and by nothing else.
fn lowered(hierarchy: &Hierarchy) -> Outcome {
    let container = container(hierarchy)?;
    container.set_limit(SIZE)?;
    container.write(LIMIT, 4 * SIZE)?;
    let worker = Worker::holding(&container, 2 * SIZE)?;
    refused(
        "a limit out of reach",
        container.try_write(LIMIT, &SIZE.to_string()),
        EBUSY,
    )?;
    equal(LIMIT, container.number(LIMIT)?, 4 * SIZE)?;
    worker.finish()?;
    container.write(LIMIT, SIZE)
}

fn counts_and_watermarks(hierarchy: &Hierarchy) -> Outcome {
    const MOST: &str = "memory.memsw.max_usage_in_bytes";

    let container = container(hierarchy)?;
    container.set_limit(SIZE)?;
    Worker::holding(&container, 2 * SIZE)?.finish()?;
    within(
        MOST,
        container.number(MOST)?,
        2 * SIZE..=2 * SIZE + process_slack(),
    )?;
    container.write(MOST, 0)?;
    within(MOST, container.number(MOST)?, 0..=process_slack())?;
    equal("failcnt", container.number("memory.memsw.failcnt")?, 0)
}

/// The lowest limit on the way up holds.
fn hierarchical(hierarchy: &Hierarchy) -> Outcome {
    const KEY: &str = "hierarchical_memsw_limit";

    let parent = container(hierarchy)?;
    let child = parent.child("child")?;
    parent.set_limit(SIZE)?;
    parent.write(LIMIT, 2 * SIZE)?;
    equal(KEY, child.stat()?.get(KEY)?, 2 * SIZE)?;
    Worker::growing(&child, 4 * SIZE)?.killed()?;
    equal("child's failcnt", child.number("memory.memsw.failcnt")?, 0)?;
    check!(parent.number("memory.memsw.failcnt")? > 0, "failcnt is 0");
    Ok(())
}

/// What is in swap space when its container is removed is the parent's.
fn outlives_container(hierarchy: &Hierarchy) -> Outcome {
    let parent = container(hierarchy)?;
    let (old, new) = (parent.child("old")?, parent.child("new")?);
    let worker = Worker::holding(&old, SIZE)?;
    old.set_limit(SIZE / 2)?;
    let before = parent.number(USAGE)?;
    new.adopt(worker.pid())?;
    old.remove()?;
    within(
        USAGE,
        parent.number(USAGE)?,
        before - stock_slack()..=before + stock_slack(),
    )?;
    worker.finish()?;
    nobody_lingers(hierarchy)?;
    within(USAGE, parent.number(USAGE)?, 0..=process_slack())
}

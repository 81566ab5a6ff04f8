// SPDX-License-Identifier: GPL-2.0

//! zswap, of version 2: what is swapped out stays in memory, compressed, and is charged as that.

use crate::both::remove::nobody_lingers;
use crate::cgroup::{stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, refused, skip, within, Outcome, MB};
use crate::sys::{EAGAIN, EINVAL};
use crate::v2_control::takes_bytes;
use crate::worker::Worker;

pub const GROUP: Group = group!("zswap":
    settings, current, none_allowed, limited, limited_above, no_writeback, comes_back,
    outlives_container);

const SIZE: u64 = 32 * MB;

/// Has zswap take what is swapped out, until the test is over.
fn zswap_on() -> Outcome {
    if !machine::has_zswap() {
        return skip("no zswap");
    }
    machine::swap_on()?;
    machine::zswap_on()
}

fn in_zswap(container: &Cgroup) -> Outcome<u64> {
    container.number("memory.zswap.current")
}

/// Has most of what the container has swapped out.
fn swap_out(container: &Cgroup) -> Outcome {
    match container.try_write("memory.reclaim", &(SIZE / 2).to_string()) {
        Err(error) if error.raw_os_error() != Some(EAGAIN) => Err(error.into()),
        _ => Ok(()),
    }
}

fn settings(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("zswap")?;
    if !container.file("memory.zswap.max").exists() {
        return skip("no memory.zswap.max");
    }
    takes_bytes(&container, "memory.zswap.max", "max")?;
    container.answers(
        "memory.zswap.writeback",
        1,
        &[
            ("0", Ok(0)),
            ("1", Ok(1)),
            (" 0\n", Ok(0)),
            ("2", Err(EINVAL)),
            ("-1", Err(EINVAL)),
            ("yes", Err(EINVAL)),
        ],
    )?;
    equal("memory.zswap.current", in_zswap(&container)?, 0)?;
    let root = hierarchy.root();
    for name in ["memory.zswap.current", "memory.zswap.max"] {
        check!(!root.file(name).exists(), "the root has {name}");
    }
    equal("the root's", root.number("memory.zswap.writeback")?, 1)
}

/// It is less than what it stands for, and part of what is in use; and goes with the process.
fn current(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("zswap")?;
    let worker = Worker::holding(&container, SIZE)?;
    swap_out(&container)?;
    for container in [&container, &parent] {
        let (stat, current) = (container.stat()?, in_zswap(container)?);
        let swapped = stat.get("zswapped")?;
        within("zswapped", swapped, SIZE / 4..=SIZE)?;
        within("memory.zswap.current", current, 4096..=swapped / 2)?;
        equal("zswap", stat.get("zswap")?, current)?;
        check!(stat.get("zswpout")? > 0, "no event zswpout");
        let usage = container.usage()?;
        within(
            "usage",
            usage,
            stat.get("anon")? + current..=SIZE - swapped + current + stock_slack() + 4 * MB,
        )?;
    }
    worker.finish()?;
    for container in [&container, &parent] {
        equal("memory.zswap.current at the end", in_zswap(container)?, 0)?;
        equal("zswapped at the end", container.stat()?.get("zswapped")?, 0)?;
    }
    Ok(())
}

/// What may not be in zswap goes to the device.
fn none_allowed(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let container = hierarchy.create("zswap")?;
    container.write("memory.zswap.max", 0)?;
    let worker = Worker::holding(&container, SIZE)?;
    swap_out(&container)?;
    equal("memory.zswap.current", in_zswap(&container)?, 0)?;
    equal("zswapped", container.stat()?.get("zswapped")?, 0)?;
    let swapped = container.number("memory.swap.current")?;
    within("memory.swap.current", swapped, SIZE / 4..=SIZE)?;
    worker.finish()
}

fn is_limited(container: &Cgroup, limited: &Cgroup) -> Outcome {
    const LIMIT: u64 = 64 << 10;

    limited.write("memory.zswap.max", LIMIT)?;
    let worker = Worker::holding(container, SIZE)?;
    swap_out(container)?;
    // What a page takes is known too late, for each CPU that swaps.
    let slack = 16 << 12;
    within(
        "memory.zswap.current",
        in_zswap(limited)?,
        LIMIT / 2..=LIMIT + slack,
    )?;
    worker.finish()
}

fn limited(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let container = hierarchy.create("zswap")?;
    is_limited(&container, &container)
}

fn limited_above(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("zswap")?;
    is_limited(&container, &parent)
}

/// What zswap does not take, and must not go to the device, stays.
fn no_writeback(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("zswap")?;
    parent.write("memory.zswap.writeback", 0)?;
    container.write("memory.zswap.max", 0)?;
    let worker = Worker::holding(&container, SIZE)?;
    let tried = container.try_write("memory.reclaim", &(SIZE / 2).to_string());
    refused("reclaim", tried, EAGAIN)?;
    within("usage", container.usage()?, SIZE - MB..=SIZE + 2 * MB)?;
    worker.finish()
}

/// What comes back is what was there, and no longer in zswap.
fn comes_back(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let container = hierarchy.create("zswap")?;
    let mut worker = Worker::returning(&container, SIZE)?;
    swap_out(&container)?;
    check!(in_zswap(&container)? > 0, "nothing is in zswap");
    worker.tell(0)?;
    worker.hear()?;
    check!(container.stat()?.get("zswpin")? > 0, "no event zswpin");
    equal("memory.zswap.current", in_zswap(&container)?, 0)?;
    worker.finish()
}

/// What is in zswap when its container is removed is the parent's.
fn outlives_container(hierarchy: &Hierarchy) -> Outcome {
    zswap_on()?;
    let parent = hierarchy.create("parent")?;
    let (old, new) = (parent.child("old")?, parent.child("new")?);
    let worker = Worker::holding(&old, SIZE)?;
    swap_out(&old)?;
    let before = in_zswap(&parent)?;
    check!(before > 0, "nothing is in zswap");
    new.adopt(worker.pid())?;
    old.remove()?;
    equal(
        "memory.zswap.current of the parent",
        in_zswap(&parent)?,
        before,
    )?;
    worker.finish()?;
    equal("memory.zswap.current at the end", in_zswap(&parent)?, 0)?;
    nobody_lingers(hierarchy)
}

// SPDX-License-Identifier: GPL-2.0

//! A container beyond its limit is pushed to swap, its neighbour is not; what comes back is
//! charged again.

use super::charge::usage_is;
use crate::cgroup::{process_slack, stock_slack, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, within, Outcome, MB};
use crate::sys::Mapping;
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("swap":
    growth, lower, back_in, thrash, tmpfs, orphans, swap_off);

const SIZE: u64 = 8 * MB;

fn growth(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let neighbour = hierarchy.create("neighbour")?;
    let container = hierarchy.create("grows")?;
    container.set_limit(SIZE)?;
    let resting = Worker::holding(&neighbour, SIZE)?;
    let before = neighbour.usage()?;

    let mut growing = Worker::growing(&container, 3 * SIZE)?;
    while growing.hear()? < 3 * SIZE {
        within("usage", container.usage()?, 0..=SIZE)?;
    }
    let swapped = growing.status("VmSwap")?;
    within(
        "swapped out",
        swapped,
        2 * SIZE - process_slack()..=3 * SIZE,
    )?;
    equal("processes killed", container.oom_kills()?, 0)?;
    equal("swapped out of the neighbour", resting.status("VmSwap")?, 0)?;
    within(
        "usage of neighbour",
        neighbour.usage()?,
        before - stock_slack()..=before,
    )?;
    growing.finish()?;
    resting.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Lowering the limit pushes anonymous memory out.
fn lower(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 4)?;
    within("usage under the limit", container.usage()?, 0..=SIZE / 4)?;
    let swapped = worker.status("VmSwap")?;
    within(
        "swapped out",
        swapped,
        SIZE / 4 * 3 - process_slack()..=SIZE,
    )?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// What comes back from swap is charged again.
fn back_in(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let mut worker = Worker::returning(&container, SIZE)?;
    usage_is(&container, SIZE)?;
    container.set_limit(SIZE / 8)?;
    container.unlimited()?;
    within("usage in between", container.usage()?, 0..=SIZE / 8)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Reading back under the limit pushes out something else.
fn thrash(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    container.set_limit(SIZE / 2)?;
    let mut worker = Worker::start(&container, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        for round in 0..3 {
            memory.fill(0..len, round);
            line.say(round)?;
            check!(memory.holds(0..len, round), "memory has changed");
        }
        Ok(())
    })?;
    while worker.hear_or_end()?.is_some() {
        within("usage", container.usage()?, 0..=SIZE / 2)?;
    }
    worker.ends_well()
}

/// Files of tmpfs go to swap as anonymous memory does, and come back charged to their owner.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&container, || disk::write(&path, SIZE))?;
    usage_is(&container, SIZE)?;
    let free = machine::meminfo("SwapFree")?;
    container.set_limit(SIZE / 4)?;
    within("usage under the limit", container.usage()?, 0..=SIZE / 4)?;
    let swapped = free - machine::meminfo("SwapFree")?;
    within("swapped out", swapped, SIZE / 4 * 3..=SIZE + MB)?;
    container.unlimited()?;
    run_in(&container, || disk::read(&path))?;
    usage_is(&container, SIZE)?;
    disk::remove(&path)?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Swapped-out pages outlive the container that owned them. Whoever brings them back, the charge
/// is made once: to the reader or to a living relative of the owner.
fn orphans(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let parent = hierarchy.create("parent")?;
    let owner = parent.child("owner")?;
    let reader = hierarchy.create("reader")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&owner, || disk::write(&path, SIZE))?;
    owner.set_limit(MB / 4)?;
    owner.remove()?;
    within("usage of parent", parent.usage()?, 0..=stock_slack())?;

    run_in(&reader, || disk::read(&path))?;
    let sum = parent.usage()? + reader.usage()?;
    within(
        "usage of parent and reader",
        sum,
        SIZE..=SIZE + 2 * process_slack(),
    )?;
    disk::remove(&path)?;
    let sum = parent.usage()? + reader.usage()?;
    within("usage at the end", sum, 0..=2 * stock_slack())?;
    // With its last page in swap space, the last trace of the owner is gone.
    super::remove::nobody_lingers(hierarchy)
}

/// Turning swap off brings everything back, charged.
fn swap_off(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    container.unlimited()?;
    machine::swap_off()?;
    usage_is(&container, SIZE)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

// SPDX-License-Identifier: GPL-2.0

//! What the options change with which cgroup v2 is mounted: `nsdelegate` is in `permission.rs`.

use crate::both::charge::usage_is;
use crate::cgroup::{process_slack, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine;
use crate::outcome::{equal, within, Context, Outcome, MB};
use crate::sys::Mapping;
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("mount": recursiveprot, localevents, hugetlb, favordynmods, all);

const SIZE: u64 = 8 * MB;

const OPTIONS: &[&str] = &[
    "nsdelegate",
    "favordynmods",
    "memory_localevents",
    "memory_recursiveprot",
    "memory_hugetlb_accounting",
];

/// How much page cache a grandchild keeps that asks for no protection itself, below a child that
/// does, while a neighbour takes what there is.
fn kept_below_protected(hierarchy: &Hierarchy) -> Outcome<u64> {
    let top = hierarchy.create("top")?;
    let (child, neighbour) = (top.child("child")?, top.child("neighbour")?);
    let (idle, stream) = (disk::file("idle"), disk::file("stream"));
    let grandchild = child.child("grandchild")?;
    disk::make(&idle, SIZE)?;
    disk::make(&stream, 4 * SIZE)?;
    child.write("memory.low", SIZE + MB)?;
    run_in(&grandchild, || disk::read(&idle))?;
    top.set_limit(SIZE + SIZE / 2)?;
    for _ in 0..2 {
        run_in(&neighbour, || disk::read(&stream))?;
    }
    let kept = disk::resident(&idle)?;
    for container in [&grandchild, &child, &neighbour, &top] {
        container.destroy()?;
    }
    disk::remove(&idle)?;
    disk::remove(&stream)?;
    Ok(kept)
}

fn recursiveprot(hierarchy: &Hierarchy) -> Outcome {
    let without = kept_below_protected(hierarchy)?;
    let option = hierarchy.mounted_with("memory_recursiveprot")?;
    let with = kept_below_protected(hierarchy)?;
    drop(option);
    ktap::note(format_args!(
        "kept {with} with the option, {without} without"
    ));
    within("kept with the option", with, SIZE / 2..=SIZE)?;
    within("kept without", without, 0..=SIZE / 4)
}

/// How often a child and its parent are said to have been at their limits, when the child was.
fn events_of_child(hierarchy: &Hierarchy) -> Outcome<(u64, u64)> {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let path = disk::file("stream");
    disk::make(&path, SIZE)?;
    child.set_limit(SIZE / 4)?;
    run_in(&child, || disk::read(&path))?;
    let events = (child.events()?.get("max")?, parent.events()?.get("max")?);
    child.destroy()?;
    parent.destroy()?;
    disk::remove(&path)?;
    Ok(events)
}

fn localevents(hierarchy: &Hierarchy) -> Outcome {
    let (child, parent) = events_of_child(hierarchy)?;
    check!(child > 0, "the child was not at its limit");
    equal("events of the parent", parent, child)?;
    let _option = hierarchy.mounted_with("memory_localevents")?;
    let (child, parent) = events_of_child(hierarchy)?;
    check!(child > 0, "the child was not at its limit");
    equal("events of the parent with the option", parent, 0)
}

/// Pages of the hugetlb pool are charged then, and a limit holds for them.
fn hugetlb(hierarchy: &Hierarchy) -> Outcome {
    let _option = hierarchy.mounted_with("memory_hugetlb_accounting")?;
    let container = hierarchy.create("charge")?;
    let page = machine::meminfo("Hugepagesize")?;
    machine::hugetlb_pool(4)?;
    let holding = |pages: u64| {
        Worker::start(&container, move |line| {
            let len = (pages * page) as usize;
            let mut memory = Mapping::hugetlb(len)?;
            memory.fill(0..len, SIZE);
            line.rest()
        })
    };
    let mut worker = holding(2)?;
    worker.hear()?;
    usage_is(&container, 2 * page)?;
    equal("hugetlb", container.stat()?.get("hugetlb")?, 2 * page)?;
    worker.finish()?;
    usage_is(&container, 0)?;

    // There is nothing to reclaim: who touches one page too many gets SIGBUS.
    container.set_limit(page + process_slack())?;
    let ended = holding(2)?.end()?;
    check!(
        !ended.success(),
        "a limit does not hold for the hugetlb pool"
    );
    equal("processes killed", container.oom_kills()?, 0)?;
    usage_is(&container, 0)
}

/// Tasks are moved in another way, which nobody notices but by the time it takes.
fn favordynmods(hierarchy: &Hierarchy) -> Outcome {
    let _option = hierarchy.mounted_with("favordynmods")?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let worker = Worker::holding(&first, SIZE)?;
    second.adopt(worker.pid())?;
    equal(
        "processes of second",
        second.processes()?,
        vec![worker.pid()],
    )?;
    usage_is(&first, SIZE)?;
    worker.finish()?;
    usage_is(&first, 0)
}

/// All of them at once, as systemd has most.
fn all(hierarchy: &Hierarchy) -> Outcome {
    let option = hierarchy.mounted_with(&OPTIONS.join(","))?;
    let mounts = std::fs::read_to_string("/proc/mounts").context("/proc/mounts")?;
    let root = format!(" {} cgroup2 ", hierarchy.root().path().display());
    let line = mounts.lines().find(|line| line.contains(&root));
    let line = line.unwrap_or_default();
    for option in OPTIONS {
        check!(line.contains(option), "no {option} in \"{line}\"");
    }
    let container = hierarchy.create("container")?;
    Worker::holding(&container, SIZE)?.finish()?;
    drop(option);
    let mounts = std::fs::read_to_string("/proc/mounts").context("/proc/mounts")?;
    let line = mounts.lines().find(|line| line.contains(&root));
    check!(
        !line.unwrap_or_default().contains("memory_"),
        "options stay: {line:?}"
    );
    Ok(())
}

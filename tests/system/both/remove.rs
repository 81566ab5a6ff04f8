// SPDX-License-Identifier: GPL-2.0

//! A container can be removed while memory is still charged to it. It goes at once and for good;
//! its parent has the charge.

use std::time::{Duration, Instant};

use super::charge::{charged_is, usage_is};
use crate::audit;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy, Kind};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, within, Outcome, MB};
use crate::sys::{Mapping, EBUSY};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("remove":
    busy, page_cache, reclaimed_by_parent, tmpfs, anon, huge, locked, rounds, many, deep);

const SIZE: u64 = 8 * MB;

/// Expects the kernel to forget all containers that were removed, one after the other.
pub fn nobody_lingers(hierarchy: &Hierarchy) -> Outcome {
    let mut left = hierarchy.dying()?;
    while left > 0 {
        eventually(|| {
            let now = hierarchy.dying()?;
            check!(now < left, "{left} removed containers stay");
            left = now;
            Ok(())
        })?;
    }
    Ok(())
}

/// Only a container without processes and children can be removed.
fn busy(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("busy")?;
    let child = container.child("child")?;
    refused("rmdir with a child", container.try_remove(), EBUSY)?;
    let worker = Worker::holding(&child, MB)?;
    refused("rmdir with a process", child.try_remove(), EBUSY)?;
    worker.finish()?;
    child.remove()?;
    container.remove()
}

fn page_cache(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    run_in(&child, || disk::read(&path))?;
    usage_is(&child, SIZE)?;

    child.remove()?;
    check!(!child.path().exists(), "the directory is still there");
    nobody_lingers(hierarchy)?;
    usage_is(&parent, SIZE)?;
    charged_is(&parent, Kind::File, SIZE, "page cache of parent")?;
    audit::clean()?;
    equal("resident", disk::resident(&path)?, SIZE)?;

    disk::remove(&path)?;
    within(
        "usage of parent at the end",
        parent.usage()?,
        0..=stock_slack(),
    )?;
    charged_is(&parent, Kind::File, 0, "page cache of parent at the end")
}

/// The parent's reclaim finds what it has inherited.
fn reclaimed_by_parent(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let grandchild = child.child("grandchild")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    run_in(&grandchild, || disk::read(&path))?;
    grandchild.remove()?;
    usage_is(&child, SIZE)?;
    child.remove()?;
    usage_is(&parent, SIZE)?;
    parent.set_limit(SIZE / 4)?;
    within("usage of parent", parent.usage()?, 0..=SIZE / 4)?;
    within("resident", disk::resident(&path)?, 0..=SIZE / 4)
}

fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&child, || disk::write(&path, SIZE))?;
    child.remove()?;
    nobody_lingers(hierarchy)?;
    usage_is(&parent, SIZE)?;
    eventually(|| within("shmem", parent.stat()?.get("shmem")?, SIZE..=SIZE))?;
    disk::remove(&path)?;
    within(
        "usage of parent at the end",
        parent.usage()?,
        0..=stock_slack(),
    )
}

/// A process that has left keeps memory charged to the container that is removed behind it.
fn left_behind(hierarchy: &Hierarchy, map: fn(usize) -> Outcome<Mapping>, len: u64) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let elsewhere = hierarchy.create("elsewhere")?;
    let child = parent.child("child")?;
    let mut worker = Worker::start(&child, |line| {
        let len = len as usize;
        let mut memory = map(len)?;
        memory.fill(0..len, 1);
        line.rest()?;
        check!(memory.holds(0..len, 1), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    elsewhere.adopt(worker.pid())?;
    child.remove()?;
    nobody_lingers(hierarchy)?;
    usage_is(&parent, len)?;
    charged_is(&parent, Kind::Anon, len, "anonymous memory of parent")?;
    usage_is(&elsewhere, 0)?;
    worker.finish()?;
    within(
        "usage of parent at the end",
        parent.usage()?,
        0..=stock_slack(),
    )?;
    charged_is(
        &parent,
        Kind::Anon,
        0,
        "anonymous memory of parent at the end",
    )
}

fn anon(hierarchy: &Hierarchy) -> Outcome {
    left_behind(hierarchy, |len| Ok(Mapping::anon(len)?), SIZE)
}

fn huge(hierarchy: &Hierarchy) -> Outcome {
    let huge = machine::huge_page_size()?;
    let map = |len| {
        let huge = machine::huge_page_size()?;
        Ok(Mapping::huge(len, huge as usize)?)
    };
    left_behind(hierarchy, map, 2 * huge)
}

fn locked(hierarchy: &Hierarchy) -> Outcome {
    let map = |len| {
        let memory = Mapping::anon(len)?;
        memory.lock(0..len)?;
        Ok(memory)
    };
    left_behind(hierarchy, map, SIZE / 4)
}

/// The same container name, over and over, each time with page cache left behind; nothing must be
/// lost on the way. A debugging kernel may be too slow for all rounds: then fewer have to do.
fn rounds(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: u64 = 200;
    const BATCH: u64 = 8;
    const ENOUGH: Duration = Duration::from_secs(90);

    let parent = hierarchy.create("parent")?;
    let file = |round: u64| disk::file(&format!("data-{round}"));
    let batch = |first: u64| {
        for round in first..first + BATCH {
            let container = parent.child("round")?;
            run_in(&container, || {
                disk::write(&file(round), SIZE)?;
                let len = SIZE as usize;
                let mut memory = Mapping::anon(len)?;
                memory.fill(0..len, round);
                check!(memory.holds(0..len, round), "memory has changed");
                Ok(())
            })?;
            container.remove()?;
        }
        // What the kernel keeps of each page of a file is there as well.
        let most = BATCH * SIZE + parent.kernel_memory()? + process_slack();
        within("usage of parent", parent.usage()?, BATCH * SIZE..=most)?;
        (first..first + BATCH).try_for_each(|round| disk::remove(&file(round)))?;
        eventually(|| {
            let left = parent.kernel_memory()? + stock_slack();
            within("usage of parent", parent.usage()?, 0..=left)
        })
    };

    // What the first rounds leave in caches stays there.
    batch(0)?;
    machine::drop_caches()?;
    let free = machine::free()?;
    let started = Instant::now();
    let mut done = 0;
    while done < ROUNDS && started.elapsed() < ENOUGH {
        batch(done)?;
        done += BATCH;
    }
    if done < ROUNDS {
        ktap::note(format_args!("{done} of {ROUNDS} rounds, for want of time"));
    }
    nobody_lingers(hierarchy)?;
    eventually(|| {
        machine::drop_caches()?;
        within("free memory", machine::free()?, free - 2 * MB..=u64::MAX)
    })
}

/// Many containers at once, and their like again: numbers are given back.
fn many(hierarchy: &Hierarchy) -> Outcome {
    const FAMILIES: usize = 100;

    let top = hierarchy.create("top")?;
    for _ in 0..2 {
        let mut families = Vec::new();
        for number in 0..FAMILIES {
            let parent = top.child(&number.to_string())?;
            let child = parent.child("child")?;
            let grandchild = child.child("grandchild")?;
            families.push([grandchild, child, parent]);
        }
        for [youngest, ..] in families.iter().step_by(10) {
            Worker::holding(youngest, MB / 4)?.finish()?;
        }
        for family in families {
            family.iter().try_for_each(Cgroup::remove)?;
        }
        nobody_lingers(hierarchy)?;
    }
    Ok(())
}

/// Charges reach the top of a deep hierarchy, its limit reaches the bottom, and what is left in
/// there moves up a level with each removal.
fn deep(hierarchy: &Hierarchy) -> Outcome {
    const DEPTH: usize = 20;

    let top = hierarchy.create("top")?;
    let mut levels = vec![top.clone()];
    for _ in 0..DEPTH {
        levels.push(levels[levels.len() - 1].child("deeper")?);
    }
    let bottom = levels[DEPTH].clone();
    let path = disk::file("data");
    disk::make(&path, 2 * SIZE)?;
    top.set_limit(SIZE)?;
    run_in(&bottom, || disk::read(&path))?;
    for level in &levels {
        within("usage", level.usage()?, SIZE / 2..=SIZE)?;
    }
    let worker = Worker::holding(&bottom, SIZE / 2)?;
    within("usage of top", top.usage()?, SIZE / 2..=SIZE)?;
    worker.finish()?;

    let before = top.usage()?;
    while levels.len() > 1 {
        if let Some(level) = levels.pop() {
            level.remove()?;
        }
        let above = &levels[levels.len() - 1];
        within(
            "usage one level up",
            above.usage()?,
            before - stock_slack()..=before,
        )?;
    }
    disk::remove(&path)?;
    within("usage of top at the end", top.usage()?, 0..=stock_slack())
}

// SPDX-License-Identifier: GPL-2.0

//! A limit holds, and what it costs is the container's own, not its neighbour's.

use crate::cgroup::{process_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, fail, within, Outcome, MB};
use crate::sys::{Mapping, Sharing};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("limit":
    reader, writer, mapped_file, lower, anon_before_cache, nested, nested_beside, raise,
    several_processes);

const LIMIT: u64 = 16 * MB;

/// Runs a reader of `path` in `home` and expects `limited` to stay within `limit` all the time.
fn read_within(home: &Cgroup, path: &std::path::Path, limited: &Cgroup, limit: u64) -> Outcome {
    let mut worker = Worker::start(home, |line| disk::read_by(path, |total| line.say(total)))?;
    while worker.hear_or_end()?.is_some() {
        within("usage", limited.usage()?, 0..=limit)?;
    }
    worker.ends_well()
}

/// A backup job reads far more than its container may have; its neighbour's files stay in memory.
fn reader(hierarchy: &Hierarchy) -> Outcome {
    let neighbour = hierarchy.create("neighbour")?;
    let backup = hierarchy.create("backup")?;
    let (site, archive) = (disk::file("site"), disk::file("archive"));
    disk::make(&site, 16 * MB)?;
    disk::make(&archive, 100 * MB)?;
    run_in(&neighbour, || disk::read(&site))?;
    let before = neighbour.usage()?;

    backup.set_limit(LIMIT)?;
    read_within(&backup, &archive, &backup, LIMIT)?;
    within(
        "usage of backup at the end",
        backup.usage()?,
        LIMIT / 2..=LIMIT,
    )?;
    within(
        "resident part of the archive",
        disk::resident(&archive)?,
        LIMIT / 2..=LIMIT,
    )?;
    equal(
        "resident part of the neighbour's file",
        disk::resident(&site)?,
        16 * MB,
    )?;
    within(
        "usage of neighbour",
        neighbour.usage()?,
        before - process_slack()..=before,
    )
}

/// Dirty pages have to be written before they can go.
fn writer(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("writer")?;
    container.set_limit(LIMIT)?;
    let path = disk::file("data");
    let mut worker = Worker::start(&container, |line| {
        for part in 0..3 {
            disk::write(&path.with_extension(part.to_string()), LIMIT)?;
            line.say(part)?;
        }
        Ok(())
    })?;
    while worker.hear_or_end()?.is_some() {
        within("usage", container.usage()?, 0..=LIMIT)?;
    }
    worker.ends_well()
}

/// A mapped file larger than the limit can be gone through again and again.
fn mapped_file(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("mapped")?;
    let limit = LIMIT / 2;
    container.set_limit(limit)?;
    let path = disk::file("data");
    disk::make(&path, 2 * limit)?;
    let mut worker = Worker::start(&container, |line| {
        let mut mapping = disk::map(&path, Sharing::Shared)?;
        for round in 0..2 {
            mapping.fill(0..mapping.len(), round);
            line.say(round)?;
            check!(mapping.holds(0..mapping.len(), round), "file has changed");
        }
        Ok(())
    })?;
    while worker.hear_or_end()?.is_some() {
        within("usage", container.usage()?, 0..=limit)?;
    }
    worker.ends_well()
}

/// Lowering the limit below the usage reclaims what can be reclaimed.
fn lower(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("lower")?;
    let path = disk::file("data");
    disk::make(&path, LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    for limit in [LIMIT / 2, LIMIT / 4, LIMIT / 16] {
        container.set_limit(limit)?;
        within("usage under the new limit", container.usage()?, 0..=limit)?;
        within("resident", disk::resident(&path)?, 0..=limit)?;
    }
    container.unlimited()?;
    run_in(&container, || disk::read(&path))?;
    within(
        "usage without a limit",
        container.usage()?,
        LIMIT..=LIMIT + process_slack(),
    )
}

/// Page cache makes room for anonymous memory.
fn anon_before_cache(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("mixed")?;
    container.set_limit(LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    let worker = Worker::holding(&container, LIMIT / 4 * 3)?;
    within("usage", container.usage()?, LIMIT / 4 * 3..=LIMIT)?;
    equal("processes killed", container.oom_kills()?, 0)?;
    within("resident", disk::resident(&path)?, 0..=LIMIT / 4)?;
    worker.finish()
}

/// A parent's limit holds for all of its children together.
fn nested(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let (first, second) = (parent.child("first")?, parent.child("second")?);
    parent.set_limit(LIMIT)?;
    let (small, large) = (disk::file("small"), disk::file("large"));
    disk::make(&small, LIMIT / 2)?;
    disk::make(&large, 3 * LIMIT)?;
    run_in(&first, || disk::read(&small))?;
    let before = first.usage()?;
    read_within(&second, &large, &parent, LIMIT)?;
    within("usage of both", first.usage()? + second.usage()?, 0..=LIMIT)?;
    // Reclaim for the parent's limit takes from both, and a child that has nothing to do with
    // the pressure does not pay for all of it.
    within("usage of first", first.usage()?, 0..=before)?;
    within("usage of second", second.usage()?, LIMIT / 4..=LIMIT)
}

/// A limit in the middle of the hierarchy leaves those above and beside it alone.
fn nested_beside(hierarchy: &Hierarchy) -> Outcome {
    let top = hierarchy.create("top")?;
    let (limited, beside) = (top.child("limited")?, top.child("beside")?);
    let inner = limited.child("inner")?;
    limited.set_limit(LIMIT / 2)?;
    let (small, large) = (disk::file("small"), disk::file("large"));
    disk::make(&small, LIMIT)?;
    disk::make(&large, 2 * LIMIT)?;
    run_in(&beside, || disk::read(&small))?;
    read_within(&inner, &large, &limited, LIMIT / 2)?;
    equal(
        "resident part of the file beside",
        disk::resident(&small)?,
        LIMIT,
    )?;
    // What the kernel gives back between two looks counts in one of them.
    eventually(|| {
        let sum = limited.usage()? + beside.usage()?;
        within("usage of top", top.usage()?, sum..=sum + process_slack())
    })
}

/// A process that waits for nothing but the limit goes on when the limit is raised.
fn raise(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("raise")?;
    let path = disk::file("data");
    disk::make(&path, LIMIT)?;
    container.set_limit(LIMIT / 4)?;
    run_in(&container, || disk::read(&path))?;
    within("usage", container.usage()?, 0..=LIMIT / 4)?;
    container.set_limit(2 * LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    eventually(|| {
        let bounds = LIMIT - MB..=LIMIT + process_slack();
        within("usage under the new limit", container.usage()?, bounds)
    })
}

/// What one process of a container brings in counts for all of them.
fn several_processes(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("several")?;
    container.set_limit(LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    let part = LIMIT / 8;
    let mut workers = Vec::new();
    for number in 0..4 {
        let path = &path;
        workers.push(Worker::start(&container, move |line| {
            let len = part as usize;
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, number);
            disk::read(path)?;
            line.rest()?;
            check!(memory.holds(0..len, number), "memory has changed");
            Ok(())
        })?);
    }
    for worker in &mut workers {
        worker.hear()?;
    }
    within("usage", container.usage()?, LIMIT / 2..=LIMIT)?;
    if container.oom_kills()? > 0 {
        return fail("a process was killed though there was page cache to reclaim");
    }
    for worker in workers {
        worker.finish()?;
    }
    Ok(())
}

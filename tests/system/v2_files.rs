// SPDX-License-Identifier: GPL-2.0

//! The files of a version 2 container, and the events that they tell of.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::cgroup::{process_slack, stock_slack, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, fail, refused, within, Context, Outcome, MB};
use crate::sys::{self, Watch, EINVAL, ENODEV};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("files":
    modes, not_on_root, read_only, max_input, max_lower, max_kills, stat_keys, removed,
    controller_off);

pub const EVENTS_GROUP: Group = group!("events":
    none, max, oom, hierarchical, polled, watched);

const FILES: &[(&str, u32)] = &[
    ("cgroup.procs", 0o644),
    ("memory.current", 0o444),
    ("memory.peak", 0o644),
    ("memory.min", 0o644),
    ("memory.low", 0o644),
    ("memory.high", 0o644),
    ("memory.max", 0o644),
    ("memory.events", 0o444),
    ("memory.events.local", 0o444),
    ("memory.stat", 0o444),
    ("memory.numa_stat", 0o444),
    ("memory.oom.group", 0o644),
    ("memory.reclaim", 0o200),
];

/// How long a notification may take; the kernel delays those that come too often.
pub const SOON: Duration = Duration::from_secs(10);

fn modes(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for (name, mode) in FILES {
        let path = container.file(name);
        let metadata = path.metadata().context(path.display())?;
        equal(path.display(), metadata.permissions().mode() & 0o777, *mode)?;
    }
    equal(
        "memory.max",
        container.read("memory.max")?.as_str(),
        "max\n",
    )?;
    equal(
        "memory.current",
        container.read("memory.current")?.as_str(),
        "0\n",
    )
}

/// The root container has no limit and no usage of its own to show, only statistics.
fn not_on_root(hierarchy: &Hierarchy) -> Outcome {
    let root = hierarchy.root();
    for (name, _) in FILES.iter().filter(|(name, _)| {
        name.starts_with("memory.")
            && !["memory.stat", "memory.numa_stat", "memory.reclaim"].contains(name)
    }) {
        check!(!root.file(name).exists(), "root has {name}");
    }
    root.stat()?.get("anon").map(drop)
}

fn read_only(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for name in ["memory.current", "memory.stat", "memory.events"] {
        refused(name, container.try_write(name, "0"), EINVAL)?;
    }
    Ok(())
}

/// What is written to memory.max, and what then is read back.
fn max_input(hierarchy: &Hierarchy) -> Outcome {
    const BEFORE: &str = "33554432";
    const TABLE: &[(&str, Result<&str, i32>)] = &[
        ("67108864", Ok("67108864")),
        ("64M", Ok("67108864")),
        ("64M\n", Ok("67108864")),
        (" 64M", Ok("67108864")),
        ("65536k", Ok("67108864")),
        ("67112959", Ok("67108864")),
        ("4095", Ok("0")),
        ("max", Ok("max")),
        ("max\n", Ok("max")),
        ("1180591620717411303424", Ok("max")),
        ("", Ok(BEFORE)),
        ("\n", Ok("0")),
        ("-1", Err(EINVAL)),
        ("-5", Err(EINVAL)),
        ("abc", Err(EINVAL)),
        ("maximum", Err(EINVAL)),
        ("MAX", Err(EINVAL)),
        ("64MB", Err(EINVAL)),
        ("64M 1", Err(EINVAL)),
    ];

    let container = hierarchy.create("files")?;
    container.answers("memory.max", BEFORE, TABLE)
}

/// The new limit holds when the write returns.
fn max_lower(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("lower")?;
    let path = disk::file("data");
    disk::make(&path, 16 * MB)?;
    run_in(&container, || disk::read(&path))?;
    for limit in [8 * MB, 2 * MB] {
        container.set_limit(limit)?;
        within("usage under the new limit", container.usage()?, 0..=limit)?;
    }
    equal("processes killed", container.oom_kills()?, 0)
}

/// A limit that reclaim cannot reach is reached by killing.
fn max_kills(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("kills")?;
    let worker = Worker::holding(&container, 8 * MB)?;
    container.set_limit(4 * MB)?;
    worker.killed()?;
    equal("memory.max", container.number("memory.max")?, 4 * MB)?;
    equal("processes killed", container.oom_kills()?, 1)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

fn stat_keys(hierarchy: &Hierarchy) -> Outcome {
    const KEYS: &[&str] = &[
        "anon",
        "file",
        "shmem",
        "file_mapped",
        "file_dirty",
        "file_writeback",
        "anon_thp",
        "file_thp",
        "shmem_thp",
        "inactive_anon",
        "active_anon",
        "inactive_file",
        "active_file",
        "unevictable",
        "workingset_refault_anon",
        "workingset_refault_file",
        "workingset_activate_file",
        "workingset_nodereclaim",
        "pgscan",
        "pgsteal",
        "pgfault",
        "pgmajfault",
        "pgrefill",
        "pgactivate",
        "pgdeactivate",
    ];

    let container = hierarchy.create("files")?;
    for cgroup in [&container, &hierarchy.root()] {
        let stat = cgroup.stat()?;
        for key in KEYS {
            stat.get(key)?;
        }
    }
    let worker = Worker::holding(&container, 4 * MB)?;
    worker.finish()?;
    eventually(|| {
        let faults = container.stat()?.get("pgfault")? * sys::page_size() as u64;
        within(
            "memory faulted in",
            faults,
            4 * MB..=4 * MB + 4 * process_slack(),
        )
    })
}

fn removed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    let mut files = Vec::new();
    for (name, mode) in FILES {
        // What cannot be read says so whether the container is there or not.
        if mode & 0o400 != 0 {
            let path = container.file(name);
            files.push((name, File::open(&path).context(path.display())?));
        }
    }
    container.remove()?;
    for (name, mut file) in files {
        let read = file.read(&mut [0; 64]);
        refused(format_args!("reading removed {name}"), read, ENODEV)?;
    }
    Ok(())
}

/// Where the controller is turned off for the children, their memory is their parent's.
fn controller_off(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let path = disk::file("data");
    disk::make(&path, 8 * MB)?;
    let mut worker = Worker::holding(&child, 4 * MB)?;
    run_in(&child, || disk::read(&path))?;
    parent.write("cgroup.subtree_control", "-memory")?;
    check!(
        !child.file("memory.current").exists(),
        "the child still has memory.current"
    );
    let bounds = 12 * MB..=12 * MB + 2 * process_slack();
    eventually(|| within("usage of parent", parent.usage()?, bounds.clone()))?;
    parent.write("cgroup.subtree_control", "+memory")?;
    within(
        "usage of child, back on",
        child.usage()?,
        0..=process_slack(),
    )?;
    check!(worker.lives()?, "worker is gone");
    worker.finish()?;
    disk::remove(&path)?;
    within(
        "usage of parent at the end",
        parent.usage()?,
        0..=stock_slack(),
    )
}

const NO_EVENTS: &str = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n";

fn none(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("events")?;
    Worker::holding(&container, 4 * MB)?.finish()?;
    let text = container.read("memory.events")?;
    check!(text.starts_with(NO_EVENTS), "memory.events is {text:?}");
    Ok(())
}

/// Reaching the limit counts, also when reclaim is enough.
fn max(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("events")?;
    container.set_limit(4 * MB)?;
    let path = disk::file("data");
    disk::make(&path, 12 * MB)?;
    run_in(&container, || disk::read(&path))?;
    let events = container.events()?;
    check!(events.get("max")? > 0, "limit hit, but max is 0");
    equal("oom", events.get("oom")?, 0)?;
    equal("oom_kill", events.get("oom_kill")?, 0)
}

/// Outgrows a limit of 4 MB and is killed.
fn outgrow(container: &crate::cgroup::Cgroup) -> Outcome {
    let mut hog = Worker::growing(container, 8 * MB)?;
    while hog.hear_or_end()?.is_some() {}
    hog.killed()
}

fn oom(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("events")?;
    container.set_limit(4 * MB)?;
    outgrow(&container)?;
    let events = container.events()?;
    check!(events.get("max")? > 0, "limit hit, but max is 0");
    check!(events.get("oom")? > 0, "out of memory, but oom is 0");
    equal("oom_kill", events.get("oom_kill")?, 1)?;
    equal("oom_group_kill", events.get("oom_group_kill")?, 0)
}

/// A container tells of its children's events as well.
fn hierarchical(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let (child, beside) = (parent.child("child")?, parent.child("beside")?);
    child.set_limit(4 * MB)?;
    outgrow(&child)?;
    for cgroup in [&parent, &child] {
        let events = cgroup.events()?;
        check!(events.get("max")? > 0, "limit hit, but max is 0");
        equal("oom_kill", events.get("oom_kill")?, 1)?;
    }
    let text = beside.read("memory.events")?;
    check!(
        text.starts_with(NO_EVENTS),
        "beside: memory.events is {text:?}"
    );
    Ok(())
}

fn polled(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("events")?;
    container.set_limit(4 * MB)?;
    let path = container.file("memory.events");
    let mut file = File::open(&path).context(path.display())?;
    // Reading is what arms the notification.
    file.read_to_string(&mut String::new())?;
    let idle = sys::poll_exceptional(&file, Duration::from_millis(100))?;
    check!(!idle, "notified of nothing");
    outgrow(&container)?;
    match sys::poll_exceptional(&file, SOON)? {
        true => Ok(()),
        false => fail("not notified"),
    }
}

fn watched(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("events")?;
    container.set_limit(4 * MB)?;
    let watch = Watch::modified(&container.file("memory.events"))?;
    check!(
        !watch.happened(Duration::from_millis(100))?,
        "notified of nothing"
    );
    outgrow(&container)?;
    check!(watch.happened(SOON)?, "not notified");
    Ok(())
}

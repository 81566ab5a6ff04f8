// SPDX-License-Identifier: GPL-2.0

//! The files of a version 1 container: names, modes, formats, and what they answer to bad input.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;

use crate::cgroup::{exact_slack, process_slack, stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, within, Context, Outcome, MB};
use crate::sys::{self, EINVAL, ENODEV, ERANGE};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("files":
    modes, read_only, limit_input, limit_root, reset, swappiness, use_hierarchy,
    oom_control, stat_keys, numa_stat, removed, without_effect, force_empty, force_empty_root);

/// What "no limit" reads as: the most pages that a counter can count, in bytes.
pub const UNLIMITED: u64 = i64::MAX as u64 / 4096 * 4096;

const FILES: &[(&str, u32)] = &[
    ("tasks", 0o644),
    ("cgroup.procs", 0o644),
    ("memory.usage_in_bytes", 0o444),
    ("memory.max_usage_in_bytes", 0o644),
    ("memory.limit_in_bytes", 0o644),
    ("memory.failcnt", 0o644),
    ("memory.stat", 0o444),
    ("memory.force_empty", 0o200),
    ("memory.use_hierarchy", 0o644),
    ("memory.swappiness", 0o644),
    ("memory.oom_control", 0o644),
    ("memory.numa_stat", 0o444),
    ("memory.soft_limit_in_bytes", 0o644),
    ("memory.move_charge_at_immigrate", 0o644),
    ("memory.pressure_level", 0o444),
    ("cgroup.event_control", 0o200),
];

/// Root has the files that a container has.
fn modes(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for cgroup in [&container, &hierarchy.root()] {
        for (name, mode) in FILES {
            let path = cgroup.file(name);
            let metadata = path.metadata().context(path.display())?;
            equal(path.display(), metadata.permissions().mode() & 0o777, *mode)?;
        }
    }
    Ok(())
}

/// The super-user may open what the mode forbids; the file refuses all the same.
fn read_only(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for name in ["memory.usage_in_bytes", "memory.stat", "memory.numa_stat"] {
        refused(name, container.try_write(name, "0"), EINVAL)?;
    }
    let unreadable = container.file("memory.force_empty");
    let text = std::fs::read_to_string(&unreadable);
    refused(unreadable.display(), text, EINVAL)
}

/// What is written to memory.limit_in_bytes, and what then holds: a limit, or an error and the
/// limit from before.
fn limit_input(hierarchy: &Hierarchy) -> Outcome {
    const BEFORE: u64 = 32 * MB;
    const TABLE: &[(&str, Result<u64, i32>)] = &[
        ("67108864", Ok(64 * MB)),
        ("65536K", Ok(64 * MB)),
        ("64M", Ok(64 * MB)),
        ("64m", Ok(64 * MB)),
        ("1G", Ok(1024 * MB)),
        ("0x4000000", Ok(64 * MB)),
        ("64M\n", Ok(64 * MB)),
        (" 64M", Ok(64 * MB)),
        ("64M\t", Ok(64 * MB)),
        // Limits are whole pages.
        ("67112959", Ok(64 * MB)),
        ("4095", Ok(0)),
        ("0", Ok(0)),
        ("-1", Ok(UNLIMITED)),
        ("-1\n", Ok(UNLIMITED)),
        // Too much for 64 bits is no limit.
        ("1180591620717411303424", Ok(UNLIMITED)),
        ("1024E", Ok(UNLIMITED)),
        // No bytes written is nothing written, but an empty line is zero.
        ("", Ok(BEFORE)),
        ("\n", Ok(0)),
        ("abc", Err(EINVAL)),
        ("-5", Err(EINVAL)),
        ("+5", Err(EINVAL)),
        ("-1M", Err(EINVAL)),
        ("M", Err(EINVAL)),
        ("64MB", Err(EINVAL)),
        ("64 M", Err(EINVAL)),
        ("64M 1", Err(EINVAL)),
        ("1.5G", Err(EINVAL)),
        ("max", Err(EINVAL)),
    ];

    let container = hierarchy.create("files")?;
    container.answers("memory.limit_in_bytes", BEFORE, TABLE)
}

fn limit_root(hierarchy: &Hierarchy) -> Outcome {
    let root = hierarchy.root();
    for limit in ["64M", "-1"] {
        refused(
            limit,
            root.try_write("memory.limit_in_bytes", limit),
            EINVAL,
        )?;
    }
    equal(
        "root's limit",
        root.number("memory.limit_in_bytes")?,
        UNLIMITED,
    )
}

/// The watermark falls back to the usage, the failure count to zero, whatever is written.
fn reset(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    equal("failcnt", container.number("memory.failcnt")?, 0)?;
    container.set_limit(4 * MB)?;
    let path = disk::file("data");
    disk::make(&path, 8 * MB)?;
    run_in(&container, || disk::read(&path))?;

    let watermark = container.number("memory.max_usage_in_bytes")?;
    within("max_usage_in_bytes", watermark, 3 * MB..=4 * MB)?;
    check!(
        container.number("memory.failcnt")? > 0,
        "limit reached, but failcnt is 0"
    );

    disk::remove(&path)?;
    for text in ["0", "anything"] {
        // What the kernel has had for the file may be freed at any time.
        eventually(|| {
            container.write("memory.max_usage_in_bytes", text)?;
            let watermark = container.number("memory.max_usage_in_bytes")?;
            equal("max_usage_in_bytes", watermark, container.usage()?)
        })?;
        container.write("memory.failcnt", text)?;
        equal("failcnt", container.number("memory.failcnt")?, 0)?;
    }
    Ok(())
}

/// A number from 0 to 200, taken over from the parent at birth.
fn swappiness(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    let inherited = hierarchy.root().number("memory.swappiness")?;
    equal(
        "swappiness",
        container.number("memory.swappiness")?,
        inherited,
    )?;

    container.answers(
        "memory.swappiness",
        35,
        &[
            ("0", Ok(0)),
            ("200", Ok(200)),
            ("201", Err(EINVAL)),
            ("-1", Err(EINVAL)),
            ("ten", Err(EINVAL)),
            ("10 20", Err(EINVAL)),
            ("1180591620717411303424", Err(ERANGE)),
        ],
    )?;
    let child = container.child("child")?;
    equal("child's swappiness", child.number("memory.swappiness")?, 35)?;

    // Root's is the machine's.
    let root = hierarchy.root();
    let machine = || {
        let path = "/proc/sys/vm/swappiness";
        std::fs::read_to_string(path).context(path)
    };
    root.write("memory.swappiness", 61)?;
    equal("vm.swappiness", machine()?.trim_end(), "61")?;
    root.write("memory.swappiness", inherited)?;
    equal(
        "vm.swappiness",
        machine()?.trim_end(),
        &inherited.to_string(),
    )
}

/// Hierarchical accounting is the only kind there is.
fn use_hierarchy(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for cgroup in [&container, &hierarchy.root()] {
        equal("use_hierarchy", cgroup.number("memory.use_hierarchy")?, 1)?;
        cgroup.write("memory.use_hierarchy", 1)?;
        refused("0", cgroup.try_write("memory.use_hierarchy", "0"), EINVAL)?;
        refused("2", cgroup.try_write("memory.use_hierarchy", "2"), EINVAL)?;
    }
    Ok(())
}

fn oom_control(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.oom_control";

    let container = hierarchy.create("files")?;
    let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n";
    equal(FILE, container.read(FILE)?.as_str(), text)?;
    container.write(FILE, 1)?;
    let text = "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n";
    equal(FILE, container.read(FILE)?.as_str(), text)?;
    for (written, errno) in [("2", EINVAL), ("-1", EINVAL), ("yes", EINVAL)] {
        refused(written, container.try_write(FILE, written), errno)?;
        equal(FILE, container.read(FILE)?.as_str(), text)?;
    }
    let child = container.child("child")?;
    equal(
        "child's oom_kill_disable",
        child.oom_control()?.get("oom_kill_disable")?,
        1,
    )?;
    container.write(FILE, "0\n")?;
    equal(
        "oom_kill_disable",
        container.oom_control()?.get("oom_kill_disable")?,
        0,
    )?;
    equal(
        "child's oom_kill_disable",
        child.oom_control()?.get("oom_kill_disable")?,
        1,
    )?;

    let root = hierarchy.root();
    for written in ["0", "1"] {
        refused("root", root.try_write(FILE, written), EINVAL)?;
    }
    equal(
        "root's oom_kill_disable",
        root.oom_control()?.get("oom_kill_disable")?,
        0,
    )
}

fn stat_keys(hierarchy: &Hierarchy) -> Outcome {
    /// Keys that stand alone and with "total_" before them.
    const BOTH: &[&str] = &[
        "cache",
        "rss",
        "rss_huge",
        "shmem",
        "mapped_file",
        "dirty",
        "writeback",
        "workingset_refault_anon",
        "workingset_refault_file",
        "pgpgin",
        "pgpgout",
        "pgfault",
        "pgmajfault",
        "inactive_anon",
        "active_anon",
        "inactive_file",
        "active_file",
        "unevictable",
    ];

    let container = hierarchy.create("files")?;
    for cgroup in [&container, &hierarchy.root()] {
        let stat = cgroup.stat()?;
        for key in BOTH {
            stat.get(key)?;
            stat.get(&format!("total_{key}"))?;
        }
        equal("limit", stat.get("hierarchical_memory_limit")?, UNLIMITED)?;
    }

    // The limit shown is the tightest on the way up.
    let child = container.child("child")?;
    container.set_limit(16 * MB)?;
    child.set_limit(64 * MB)?;
    let limit = |cgroup: &Cgroup| cgroup.stat()?.get("hierarchical_memory_limit");
    equal("container's limit", limit(&container)?, 16 * MB)?;
    equal("child's limit", limit(&child)?, 16 * MB)?;
    child.set_limit(8 * MB)?;
    equal("child's limit", limit(&child)?, 8 * MB)
}

/// Each line's nodes add up to its total, the kinds add up to the total of all, and the
/// hierarchical lines include the children.
fn numa_stat(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("files")?;
    let child = parent.child("child")?;
    let path = disk::file("data");
    disk::make(&path, 4 * MB)?;
    let worker = Worker::holding(&child, 8 * MB)?;
    run_in(&parent, || disk::read(&path))?;

    crate::outcome::eventually(|| {
        machine::drain_lru_batches()?;
        for cgroup in [&parent, &child] {
            let lines = cgroup.numa_stat()?;
            let total = |key: &str| match lines.get(key) {
                Some(line) => Ok(line.total),
                None => crate::outcome::fail(format!("no \"{key}\" in memory.numa_stat")),
            };
            for (key, line) in &lines {
                equal(
                    format_args!("{key}: nodes"),
                    line.nodes.len(),
                    machine::nodes(),
                )?;
                equal(
                    format_args!("{key}: sum"),
                    line.nodes.iter().sum(),
                    line.total,
                )?;
            }
            for prefix in ["", "hierarchical_"] {
                let mut sum = 0;
                for kind in ["file", "anon", "unevictable"] {
                    sum += total(&format!("{prefix}{kind}"))?;
                }
                equal(
                    format_args!("{prefix}total"),
                    total(&format!("{prefix}total"))?,
                    sum,
                )?;
            }
            let all = MB * total("hierarchical_total")? / 256;
            within(
                "pages of all nodes",
                all,
                cgroup.usage()?.saturating_sub(process_slack())..=cgroup.usage()?,
            )?;
        }
        let pages = |cgroup: &Cgroup, key: &str| -> Outcome<u64> {
            let lines = cgroup.numa_stat()?;
            Ok(lines.get(key).map_or(0, |line| line.total) * 4096)
        };
        within(
            "parent's own anon",
            pages(&parent, "anon")?,
            0..=process_slack(),
        )?;
        within(
            "child's own anon",
            pages(&child, "anon")?,
            8 * MB..=8 * MB + process_slack(),
        )?;
        within(
            "parent's own file",
            pages(&parent, "file")?,
            4 * MB..=4 * MB + process_slack(),
        )?;
        let anon = pages(&parent, "hierarchical_anon")?;
        within(
            "parent's and child's anon",
            anon,
            8 * MB..=8 * MB + 2 * process_slack(),
        )
    })?;
    worker.finish()
}

/// Files that were opened before the container was removed say that it is gone.
fn removed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    let open = |name: &str| -> Outcome<File> {
        let path = container.file(name);
        let mode = path
            .metadata()
            .context(path.display())?
            .permissions()
            .mode();
        let (readable, writable) = (mode & 0o400 != 0, mode & 0o200 != 0);
        let file = File::options().read(readable).write(writable).open(&path);
        file.context(path.display())
    };
    let mut files = Vec::new();
    for (name, mode) in FILES {
        files.push((name, mode, open(name)?));
    }
    container.remove()?;
    for (name, mode, mut file) in files {
        if mode & 0o400 != 0 {
            let read: io::Result<usize> = file.read(&mut [0; 64]);
            refused(format_args!("reading removed {name}"), read, ENODEV)?;
        }
        if mode & 0o200 != 0 {
            let written = file.write(b"1");
            refused(format_args!("writing removed {name}"), written, ENODEV)?;
        }
    }
    Ok(())
}

/// What can be reclaimed goes; a task in the container is no obstacle, and keeps what it holds.
fn force_empty(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.force_empty";

    let container = hierarchy.create("files")?;
    container.write(FILE, 1)?;
    equal("usage of a new container", container.usage()?, 0)?;

    let path = disk::file("data");
    disk::make(&path, 8 * MB)?;
    let worker = Worker::holding(&container, 4 * MB)?;
    run_in(&container, || disk::read(&path))?;
    within(
        "usage",
        container.usage()?,
        12 * MB..=12 * MB + 2 * process_slack(),
    )?;

    container.write(FILE, 0)?;
    within(
        "usage",
        container.usage()?,
        4 * MB..=4 * MB + process_slack(),
    )?;
    equal("resident", disk::resident(&path)?, 0)?;
    worker.finish()?;

    run_in(&container, || disk::read(&path))?;
    container.write(FILE, "")?;
    within(
        "usage after an empty write",
        container.usage()?,
        8 * MB..=9 * MB,
    )?;
    container.write(FILE, 0)?;
    // A few objects of the kernel's may be in use, and the C controller charges in advance.
    let left = match machine::has_memctl() {
        true => exact_slack() + 8 * sys::page_size() as u64,
        false => stock_slack(),
    };
    // What is kept of each page of a file goes a moment after it.
    eventually(|| within("usage", container.usage()?, 0..=left))
}

fn force_empty_root(hierarchy: &Hierarchy) -> Outcome {
    let result = hierarchy.root().try_write("memory.force_empty", "0");
    refused("force_empty of the root container", result, EINVAL)
}

/// Files that were given up: they take what is right, and it has no effect.
fn without_effect(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("files")?;
    for written in ["64M", "0", "-1", " 1G\n"] {
        container.write("memory.soft_limit_in_bytes", written)?;
        let limit = container.number("memory.soft_limit_in_bytes")?;
        equal("memory.soft_limit_in_bytes", limit, UNLIMITED)?;
    }
    let soft = container.try_write("memory.soft_limit_in_bytes", "abc");
    refused("a soft limit of abc", soft, EINVAL)?;
    container.answers(
        "memory.move_charge_at_immigrate",
        0,
        &[("0", Ok(0)), ("1", Err(EINVAL)), ("3", Err(EINVAL))],
    )?;
    let level = std::fs::read_to_string(container.file("memory.pressure_level"));
    refused("reading memory.pressure_level", level, EINVAL)
}

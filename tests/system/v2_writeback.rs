// SPDX-License-Identifier: GPL-2.0

//! Dirty pages of a version 2 container: who writes faster than the disk waits for the disk, long
//! before the container is full of pages that cannot be reclaimed.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cgroup::{Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, skip, within, Context, Outcome, MB};
use crate::sys;
use crate::worker::Worker;

pub const GROUP: Group = group!("writeback": writer_waits, two_writers);

const LIMIT: u64 = 16 * MB;

/// Dirty pages are accounted for each container where the kernel knows disks by container.
fn needs_writeback(hierarchy: &Hierarchy) -> Outcome {
    let controllers = hierarchy.root().read("cgroup.controllers")?;
    match controllers.split_whitespace().any(|name| name == "io") {
        true => Ok(()),
        false => skip("the kernel has no CONFIG_CGROUP_WRITEBACK"),
    }
}

/// Writes to a part of a file that is there.
fn write_part(path: &Path, start: u64, len: u64) -> Outcome {
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .context(path.display())?;
    let block = vec![1; 64 << 10];
    for at in (start..start + len).step_by(block.len()) {
        file.write_all_at(&block, at).context(path.display())?;
    }
    Ok(())
}

fn dirty(container: &Cgroup) -> Outcome<u64> {
    container.stat()?.get("file_dirty")
}

/// The most dirty pages that `container` has until `writer` says something.
fn most_dirty(container: &Cgroup, writer: &mut Worker) -> Outcome<u64> {
    let mut most = 0;
    while writer.silent_for(Duration::from_millis(2))? {
        most = most.max(dirty(container)?);
    }
    Ok(most)
}

/// A container that writes four times what it may have is never full of dirty pages, and its
/// writer gets to the end.
fn writer_waits(hierarchy: &Hierarchy) -> Outcome {
    needs_writeback(hierarchy)?;
    let container = hierarchy.create("writer")?;
    container.set_limit(LIMIT)?;
    let path = disk::file("data");
    let mut writer = Worker::start(&container, |line| {
        disk::write(&path, 4 * LIMIT)?;
        line.rest()
    })?;
    let most = most_dirty(&container, &mut writer)?;
    writer.finish()?;
    // A fifth (vm.dirty_ratio) of what is there or may be, and what a CPU may dirty unseen: more
    // where the disk is slow, as its speed is found out meanwhile.
    within("most dirty pages", most, 1..=LIMIT * 2 / 3)?;
    equal("processes killed", container.oom_kills()?, 0)?;
    sys::sync();
    eventually(|| equal("dirty pages after sync", dirty(&container)?, 0))
}

/// An inode is written back for the container that dirties it the most. Another one that has to
/// wait for pages of it gets them written by that one, and not only when they are old.
fn two_writers(hierarchy: &Hierarchy) -> Outcome {
    needs_writeback(hierarchy)?;
    let expires = std::fs::read_to_string("/proc/sys/vm/dirty_expire_centisecs")
        .context("dirty_expire_centisecs")?;
    let expires = Duration::from_millis(10 * expires.trim().parse::<u64>().unwrap_or(3000));
    let (owner, guest) = (hierarchy.create("owner")?, hierarchy.create("guest")?);
    guest.set_limit(LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, 8 * LIMIT)?;

    // The first is the one that the inode belongs to. It has room, and no reason to write soon.
    let mut first = Worker::start(&owner, |line| {
        write_part(&path, 0, LIMIT / 2)?;
        line.rest()
    })?;
    first.hear()?;
    let started = Instant::now();
    let mut second = Worker::start(&guest, |line| {
        write_part(&path, LIMIT, 2 * LIMIT)?;
        line.rest()
    })?;
    let most = most_dirty(&guest, &mut second)?;
    let took = started.elapsed();
    second.finish()?;
    check!(
        took < expires / 2,
        "took {:.1} s; old pages are written after {} s",
        took.as_secs_f64(),
        expires.as_secs()
    );
    within("most dirty pages", most, 1..=LIMIT * 2 / 3)?;
    equal("processes killed", guest.oom_kills()?, 0)?;
    first.finish()?;
    sys::sync();
    for container in [&owner, &guest] {
        eventually(|| equal("dirty pages after sync", dirty(container)?, 0))?;
    }
    Ok(())
}

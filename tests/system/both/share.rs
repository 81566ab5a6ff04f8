// SPDX-License-Identifier: GPL-2.0

//! A page that two containers use is charged to the first that touched it, and, once evicted, to
//! the next that brings it in.

use super::charge::usage_is;
use crate::cgroup::{stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{eventually, within, Outcome, MB};
use crate::sys::{Mapping, Sharing};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("share":
    first_toucher, after_eviction, mapped, forked, tmpfs);

const SIZE: u64 = 8 * MB;

/// What may stay when everything is to be evicted; a page or two always does.
pub(super) const REST: u64 = MB / 4;

/// Evicts what a container's page cache consists of, but for a rest.
pub fn evict(container: &Cgroup) -> Outcome {
    container.set_limit(REST)?;
    container.unlimited()
}

fn first_toucher(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = disk::file("shared");
    disk::make(&path, SIZE)?;
    run_in(&first, || disk::read(&path))?;
    run_in(&second, || disk::read(&path))?;
    usage_is(&first, SIZE)?;
    usage_is(&second, 0)
}

/// Eviction for the first one's limit takes the page from both, and gives the second the charge.
fn after_eviction(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = disk::file("shared");
    disk::make(&path, SIZE)?;
    run_in(&first, || disk::read(&path))?;
    evict(&first)?;
    within("usage of first", first.usage()?, 0..=REST)?;
    run_in(&second, || disk::read(&path))?;
    usage_is(&second, SIZE)?;
    run_in(&first, || disk::read(&path))?;
    usage_is(&first, 0)?;
    usage_is(&second, SIZE)
}

/// The same for a file that processes of both map.
fn mapped(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = disk::file("shared");
    disk::make(&path, SIZE)?;
    let mapping = |home| {
        let mut worker = Worker::start(home, |line| {
            let mapping = disk::map(&path, Sharing::Shared)?;
            mapping.touch(0..mapping.len());
            line.rest()?;
            mapping.touch(0..mapping.len());
            line.rest()
        })?;
        worker.hear()?;
        Outcome::Ok(worker)
    };
    let mut workers = [mapping(&first)?, mapping(&second)?];
    usage_is(&first, SIZE)?;
    usage_is(&second, 0)?;
    // Both have the pages mapped and accessed, yet the limit of the first is the first's.
    evict(&first)?;
    within("usage of first", first.usage()?, 0..=REST)?;
    workers[1].tell(0)?;
    workers[1].hear()?;
    eventually(|| usage_is(&second, SIZE))?;
    workers[0].tell(0)?;
    workers[0].hear()?;
    usage_is(&first, 0)?;
    for worker in workers {
        worker.finish()?;
    }
    Ok(())
}

/// Anonymous memory that is shared by fork across containers stays the parent's.
fn forked(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let len = SIZE as usize;
    let mut worker = Worker::start(&first, |line| {
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, 1);
        let mut child = Worker::start(&second, |line| {
            check!(memory.holds(0..len, 1), "memory has changed");
            line.rest()?;
            memory.fill(0..len, 2);
            line.rest()
        })?;
        child.hear()?;
        line.rest()?;
        child.tell(0)?;
        child.hear()?;
        check!(
            memory.holds(0..len, 1),
            "child has written to parent's memory"
        );
        line.rest()?;
        child.finish()
    })?;
    worker.hear()?;
    usage_is(&first, SIZE)?;
    usage_is(&second, 0)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&first, SIZE)?;
    usage_is(&second, SIZE)?;
    worker.finish()
}

/// Of a file in tmpfs, each container is charged for the part that it wrote.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("shared");
    std::fs::File::create(&path)?.set_len(SIZE)?;
    let half = SIZE as usize / 2;
    for (container, range) in [(&first, 0..half), (&second, half..2 * half)] {
        run_in(container, || {
            disk::map(&path, Sharing::Shared)?.fill(range, 1);
            Ok(())
        })?;
    }
    usage_is(&first, SIZE / 2)?;
    usage_is(&second, SIZE / 2)?;
    disk::remove(&path)?;
    for container in [first, second] {
        within("usage at the end", container.usage()?, 0..=stock_slack())?;
    }
    Ok(())
}

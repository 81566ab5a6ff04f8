// SPDX-License-Identifier: GPL-2.0

//! A container is charged for what its processes bring in, and no longer once it is gone.

use std::fs;

use crate::audit;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy, Kind};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{check_child, equal, eventually, within, Context, Outcome, MB};
use crate::sys::{self, Mapping, Pid, Sharing};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("charge":
    anon, file_read, file_write, file_mapped, tmpfs, fork, moved_process, locked, hugetlb,
    hierarchical, adds_up, given_back, root_is_apart);

const SIZE: u64 = 8 * MB;

/// Expects the usage to be `bytes`, as exactly as counting allows.
pub fn usage_is(container: &Cgroup, bytes: u64) -> Outcome {
    let name = container.path().display();
    let bounds = bytes.saturating_sub(process_slack())..=bytes + process_slack();
    within(format_args!("usage of {name}"), container.usage()?, bounds)
}

pub fn charged_is(container: &Cgroup, kind: Kind, bytes: u64, what: &str) -> Outcome {
    let bounds = bytes.saturating_sub(process_slack())..=bytes + process_slack();
    eventually(|| within(what, container.charged(kind)?, bounds.clone()))
}

fn anon(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let worker = Worker::holding(&container, SIZE)?;
    usage_is(&container, SIZE)?;
    charged_is(&container, Kind::Anon, SIZE, "anonymous memory")?;
    charged_is(&container, Kind::File, 0, "page cache")?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())?;
    charged_is(&container, Kind::Anon, 0, "anonymous memory at the end")
}

/// Page cache outlives the process that brought it in, not the file.
fn file_read(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    run_in(&container, || disk::read(&path))?;
    usage_is(&container, SIZE)?;
    charged_is(&container, Kind::File, SIZE, "page cache")?;
    charged_is(&container, Kind::Anon, 0, "anonymous memory")?;
    // Whoever reads it next finds it there.
    disk::read(&path)?;
    usage_is(&container, SIZE)?;
    disk::evict(&path)?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

fn file_write(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let path = disk::file("data");
    run_in(&container, || disk::write(&path, SIZE))?;
    usage_is(&container, SIZE)?;

    let file = fs::File::options().write(true).open(&path);
    let file = file.context(path.display())?;
    file.set_len(SIZE / 2).context("truncate")?;
    eventually(|| usage_is(&container, SIZE / 2))?;
    drop(file);
    disk::remove(&path)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

fn file_mapped(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    let mut worker = Worker::start(&container, |line| {
        let mut mapping = disk::map(&path, Sharing::Shared)?;
        mapping.touch(0..mapping.len());
        line.rest()?;
        mapping.fill(0..mapping.len(), SIZE);
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    charged_is(&container, Kind::Mapped, SIZE, "mapped memory")?;
    worker.finish()?;
    charged_is(&container, Kind::Mapped, 0, "mapped memory at the end")?;
    usage_is(&container, SIZE)
}

/// Files of tmpfs stay charged until they are removed: there is no other place for them.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&container, || disk::write(&path, SIZE))?;
    usage_is(&container, SIZE)?;
    charged_is(&container, Kind::File, SIZE, "page cache")?;
    eventually(|| within("shmem", container.stat()?.get("shmem")?, SIZE..=SIZE))?;
    disk::remove(&path)?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// After fork, memory is shared until one of the two writes to it.
fn fork(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let mut worker = Worker::start(&container, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, SIZE);
        line.rest()?;
        let child = sys::spawn(|| {
            let shared = line.rest();
            memory.fill(0..len, SIZE + 1);
            let copied = line.rest();
            let kept = memory.holds(0..len, SIZE + 1);
            i32::from(shared.and(copied).is_err() || !kept)
        })?;
        let status = child.wait()?;
        check_child(status)?;
        check!(
            memory.holds(0..len, SIZE),
            "child has written to parent's memory"
        );
        line.rest()
    })?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, 2 * SIZE)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// A process that moves leaves its charges where they are; new ones are made where it is.
fn moved_process(hierarchy: &Hierarchy) -> Outcome {
    let before = hierarchy.create("before")?;
    let after = hierarchy.create("after")?;
    let mut worker = Worker::start(&before, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(2 * len)?;
        memory.fill(0..len, SIZE);
        line.rest()?;
        memory.fill(len..2 * len, SIZE);
        line.rest()?;
        check!(memory.holds(0..2 * len, SIZE), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    after.adopt(worker.pid())?;
    usage_is(&before, SIZE)?;
    usage_is(&after, 0)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&before, SIZE)?;
    usage_is(&after, SIZE)?;
    worker.finish()?;
    for container in [before, after] {
        within("usage at the end", container.usage()?, 0..=stock_slack())?;
    }
    Ok(())
}

/// Locked memory is charged like any other, but stands on the list of what cannot be reclaimed.
fn locked(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let mut worker = Worker::start(&container, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.lock(0..len / 2)?;
        memory.fill(0..len, SIZE);
        line.rest()
    })?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    eventually(|| {
        machine::drain_lru_batches()?;
        let unevictable = container.stat()?.get("unevictable")?;
        within("unevictable", unevictable, SIZE / 2..=SIZE / 2)
    })?;
    worker.finish()?;
    eventually(|| {
        machine::drain_lru_batches()?;
        equal("unevictable", container.stat()?.get("unevictable")?, 0)
    })
}

/// Pages of the hugetlb pool are no container's memory.
fn hugetlb(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let page = machine::meminfo("Hugepagesize")?;
    machine::hugetlb_pool(2)?;
    let mut worker = Worker::start(&container, |line| {
        let len = 2 * page as usize;
        let mut memory = Mapping::hugetlb(len)?;
        memory.fill(0..len, SIZE);
        line.rest()
    })?;
    worker.hear()?;
    usage_is(&container, 0)?;
    worker.finish()
}

/// A container is charged for its children as well.
fn hierarchical(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let first = parent.child("first")?;
    let second = parent.child("second")?;
    let grandchild = second.child("grandchild")?;
    let workers = [
        Worker::holding(&first, SIZE)?,
        Worker::holding(&grandchild, SIZE / 2)?,
    ];
    usage_is(&first, SIZE)?;
    usage_is(&grandchild, SIZE / 2)?;
    usage_is(&second, SIZE / 2)?;
    within(
        "usage of parent",
        parent.usage()?,
        first.usage()? + second.usage()?..=first.usage()? + second.usage()? + stock_slack(),
    )?;
    for worker in workers {
        worker.finish()?;
    }
    within("usage at the end", parent.usage()?, 0..=2 * stock_slack())
}

/// With the machine idle, the pages on the lists are those that the statistics count, and the
/// counter differs from both by what is charged in advance only.
fn adds_up(hierarchy: &Hierarchy) -> Outcome {
    const LISTS: &[&str] = &[
        "inactive_anon",
        "active_anon",
        "inactive_file",
        "active_file",
        "unevictable",
    ];

    let container = hierarchy.create("charge")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let (on_disk, in_memory) = (disk::file("data"), tmpfs.file("data"));
    disk::make(&on_disk, 6 * MB)?;
    let mut worker = Worker::start(&container, |line| {
        disk::read(&on_disk)?;
        disk::write(&in_memory, 2 * MB)?;
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, SIZE);
        memory.lock(0..len / 8)?;
        // Some pages come and go.
        for _ in 0..4 {
            let mut other = Mapping::anon(len / 4)?;
            other.fill(0..len / 4, SIZE);
        }
        line.rest()
    })?;
    worker.hear()?;
    let balanced = || {
        machine::drain_lru_batches()?;
        let stat = container.stat()?;
        let lists = stat.sum(LISTS)?;
        let counted = container.charged(Kind::Anon)? + container.charged(Kind::File)?;
        equal("what is on the lists", lists, counted)?;
        let bounds = counted..=counted + stock_slack();
        within("the counter", container.usage()?, bounds)
    };
    eventually(|| {
        balanced()?;
        let shmem = container.stat()?.get("shmem")?;
        equal("shmem", shmem, 2 * MB)?;
        let anon = container.stat()?.sum(&["inactive_anon", "active_anon"])?;
        let expected = container.charged(Kind::Anon)? + shmem - SIZE / 8;
        equal("what is on the anonymous lists", anon, expected)
    })?;

    worker.finish()?;
    eventually(balanced)?;
    disk::remove(&in_memory)?;
    disk::remove(&on_disk)?;
    eventually(|| {
        balanced()?;
        within("usage at the end", container.usage()?, 0..=stock_slack())
    })
}

/// Memory that a process gives back piece by piece is uncharged piece by piece.
fn given_back(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let mut worker = Worker::start(&container, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, SIZE);
        line.rest()?;
        memory.advise(len / 4..len / 2, sys::Advice::DontNeed)?;
        line.rest()?;
        memory.cut_back(len / 2)?;
        line.rest()?;
        check!(memory.holds(0..len / 4, SIZE), "memory has changed");
        memory.fill(0..len / 2, SIZE);
        line.rest()
    })?;
    for expected in [SIZE, SIZE * 3 / 4, SIZE / 4, SIZE / 2] {
        worker.hear()?;
        usage_is(&container, expected)?;
        audit::clean()?;
        worker.tell(0)?;
    }
    worker.ends_well()
}

/// A process of the root container is charged to nobody else.
fn root_is_apart(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("charge")?;
    let root = hierarchy.root();
    let worker = Worker::holding(&root, SIZE)?;
    let processes = root.processes()?;
    check!(
        processes.contains(&worker.pid()),
        "worker is not in the root container"
    );
    check!(
        processes.contains(&Pid::of_self()),
        "test is not in the root container"
    );
    equal("usage", container.usage()?, 0)?;
    worker.finish()
}

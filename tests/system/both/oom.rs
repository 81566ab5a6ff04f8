// SPDX-License-Identifier: GPL-2.0

//! Without swap, a container that outgrows its limit loses a process of its own, nobody else's.

use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

use crate::cgroup::{process_slack, stock_slack, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine::{self, KernelLog};
use crate::outcome::{equal, eventually, within, Outcome, MB};
use crate::sys::{self, Mapping};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("oom":
    hog, largest, nested, tmpfs, crowd, not_for_page_cache, spared, nobody, many_times);

const LIMIT: u64 = 8 * MB;

/// The hog dies; its container works on, and the neighbour has noticed nothing.
fn hog(hierarchy: &Hierarchy) -> Outcome {
    let neighbour = hierarchy.create("neighbour")?;
    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT)?;
    let mut resting = Worker::holding(&neighbour, 2 * LIMIT)?;
    let before = neighbour.usage()?;

    let mut hog = Worker::growing(&container, 3 * LIMIT)?;
    let mut grown = 0;
    while let Some(word) = hog.hear_or_end()? {
        grown = word;
        within("usage", container.usage()?, 0..=LIMIT)?;
    }
    hog.killed()?;
    within(
        "size of the hog in its last moments",
        grown,
        LIMIT / 2..=LIMIT,
    )?;
    equal("processes killed", container.oom_kills()?, 1)?;
    equal(
        "processes killed in the neighbour",
        neighbour.oom_kills()?,
        0,
    )?;
    check!(resting.lives()?, "neighbour's process is gone");
    within(
        "usage of neighbour",
        neighbour.usage()?,
        before - stock_slack()..=before,
    )?;
    resting.finish()?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))?;
    Worker::holding(&container, LIMIT / 2)?.finish()
}

/// Within the container the largest process goes.
fn largest(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT)?;
    let mut small = Worker::holding(&container, LIMIT / 4)?;
    let mut hog = Worker::growing(&container, 2 * LIMIT)?;
    while hog.hear_or_end()?.is_some() {}
    hog.killed()?;
    equal("processes killed", container.oom_kills()?, 1)?;
    check!(small.lives()?, "the small process is gone");
    small.finish()
}

/// A parent's limit kills below the parent only, wherever in there the largest process is.
fn nested(hierarchy: &Hierarchy) -> Outcome {
    let top = hierarchy.create("top")?;
    let (parent, beside) = (top.child("parent")?, top.child("beside")?);
    let (first, second) = (parent.child("first")?, parent.child("second")?);
    parent.set_limit(LIMIT)?;
    let mut outside = Worker::holding(&beside, 2 * LIMIT)?;
    let mut small = Worker::holding(&first, LIMIT / 4)?;
    let mut hog = Worker::growing(&second, 2 * LIMIT)?;
    while hog.hear_or_end()?.is_some() {
        within("usage", parent.usage()?, 0..=LIMIT)?;
    }
    hog.killed()?;
    check!(outside.lives()?, "the process beside is gone");
    check!(small.lives()?, "the small process is gone");
    equal("processes killed beside", beside.oom_kills()?, 0)?;
    equal("processes killed in first", first.oom_kills()?, 0)?;
    equal("processes killed in second", second.oom_kills()?, 1)?;
    outside.finish()?;
    small.finish()
}

/// A container that holds unreclaimable files of tmpfs and a growing process.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT)?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    let writer = Worker::start(&container, |_| disk::write(&path, 2 * LIMIT))?;
    writer.killed()?;
    equal("processes killed", container.oom_kills()?, 1)?;
    within(
        "usage",
        container.usage()?,
        LIMIT - 2 * process_slack()..=LIMIT,
    )?;
    disk::remove(&path)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// A whole crowd that does not fit shrinks until it does.
fn crowd(hierarchy: &Hierarchy) -> Outcome {
    const MEMBERS: u64 = 6;

    let container = hierarchy.create("crowd")?;
    container.set_limit(LIMIT)?;
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        members.push(Worker::start(&container, move |line| {
            line.rest()?;
            let len = (LIMIT / 3) as usize;
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, number);
            line.rest()?;
            check!(memory.holds(0..len, number), "memory has changed");
            Ok(())
        })?);
    }
    for member in &mut members {
        member.hear()?;
    }
    for member in &mut members {
        let _ = member.tell(0);
    }
    let mut survivors = 0;
    for mut member in members {
        // Told to go on at once, so that it makes room for those who still wait. Either may come
        // too late for a member that is killed.
        let _ = member.hear_or_end()?;
        let _ = member.tell(0);
        let status = member.end()?;
        survivors += u64::from(status.success());
        within("usage", container.usage()?, 0..=LIMIT)?;
    }
    equal(
        "survivors and killed",
        survivors + container.oom_kills()?,
        MEMBERS,
    )?;
    check!(
        survivors >= 2,
        "only {survivors} of {MEMBERS} survive, two fit"
    );
    Ok(())
}

/// Page cache never kills.
fn not_for_page_cache(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("reader")?;
    container.set_limit(LIMIT / 2)?;
    let path = disk::file("data");
    disk::make(&path, 3 * LIMIT)?;
    let holding = Worker::holding(&container, LIMIT / 4)?;
    for _ in 0..2 {
        run_in(&container, || disk::read(&path))?;
    }
    equal("processes killed", container.oom_kills()?, 0)?;
    holding.finish()
}

/// A process whose score says that it must live does.
fn spared(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT)?;
    let mut spared = Worker::holding(&container, LIMIT / 2)?;
    fs::write(
        format!("/proc/{}/oom_score_adj", spared.pid().number()),
        "-1000",
    )?;
    let mut hog = Worker::growing(&container, LIMIT)?;
    while hog.hear_or_end()?.is_some() {}
    hog.killed()?;
    check!(spared.lives()?, "the spared process is gone");
    spared.finish()
}

/// Where nobody may be killed charges fail, and not every time there is a report of that.
fn nobody(hierarchy: &Hierarchy) -> Outcome {
    const ATTEMPTS: u64 = 60;
    // What the kernel lets through, and how many seconds there are for it.
    const REPORTS: u64 = 10;
    const INTERVAL: u64 = 5;

    let container = hierarchy.create("spared")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    let mut log = KernelLog::from_here()?;
    let started = Instant::now();
    run_in(&container, || {
        fs::write("/proc/self/oom_score_adj", "-1000")?;
        let mut file = File::create(&path)?;
        let page = vec![0x6d_u8; sys::page_size()];
        container.set_limit(LIMIT)?;
        let mut failed = 0;
        while failed < ATTEMPTS {
            if let Err(error) = file.write(&page) {
                let errno = error.raw_os_error();
                check!(errno == Some(sys::ENOMEM), "write: {error}");
                failed += 1;
            }
        }
        // The process may need a page to end.
        file.set_len(0)?;
        Ok(())
    })?;
    let most = REPORTS * (started.elapsed().as_secs() / INTERVAL + 2);
    let records = log.records()?;
    let reports = records
        .iter()
        .filter(|record| record.contains("no killable processes"));
    let reports = reports.count() as u64;
    check!(
        (1..=most).contains(&reports),
        "{ATTEMPTS} charges made {reports} reports, expected 1 to {most}"
    );
    equal("processes killed", container.oom_kills()?, 0)
}

/// A process that is stuck at the limit can still be killed by others.
fn many_times(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT / 4)?;
    for round in 1..=5 {
        Worker::start(&container, |_| {
            let len = LIMIT as usize;
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, 0);
            Ok(())
        })?
        .killed()?;
        equal("processes killed", container.oom_kills()?, round)?;
    }
    sys::sync();
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

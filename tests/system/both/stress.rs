// SPDX-License-Identifier: GPL-2.0

//! Many processes at once. The kernel's own checks find most of what can go wrong here; at the end
//! the books must balance.

use std::time::{Duration, Instant};

use super::remove::nobody_lingers;
use crate::cgroup::{stock_slack, Cgroup, Hierarchy, Kind, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine;
use crate::monitors::Monitors;
use crate::outcome::{equal, eventually, within, Outcome, MB};
use crate::sys::{self, Advice, Mapping, Pid, EBUSY};
use crate::worker::Worker;

pub const GROUP: Group = group!("stress":
    limit_moves, movers, births_and_deaths, readers, both_cpus);

const SPAN: Duration = Duration::from_secs(4);

/// Charges and frees anonymous memory and page cache until the time is over.
fn churn(number: u64) -> Outcome {
    let path = disk::file(&format!("churn-{number}"));
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        let len = MB as usize / 2;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, number);
        disk::write(&path, 2 * MB)?;
        check!(memory.holds(0..len, number), "memory has changed");
        disk::remove(&path)?;
    }
    Ok(())
}

/// The container's usage falls to nothing once nobody and nothing is left in it, but for what is
/// charged in advance to each of its `leaves`, and a block or two of the file system's own that it
/// still holds. The books balance to the page: lists and statistics agree.
pub fn ends_empty(container: &Cgroup, leaves: usize) -> Outcome {
    let slack = leaves as u64 * stock_slack();
    let metadata = (4 * sys::page_size()) as u64;
    eventually(|| {
        machine::drain_lru_batches()?;
        // What a file system still had in hand when a file was removed stays on a list until
        // somebody looks for it.
        container.reclaim_all()?;
        within("usage at the end", container.usage()?, 0..=slack)?;
        let stat = container.stat()?;
        let lists = [
            "inactive_anon",
            "active_anon",
            "inactive_file",
            "active_file",
        ];
        let listed = stat.sum(&lists)?;
        within("what is on the lists at the end", listed, 0..=metadata)?;
        let counted = container.charged(Kind::Anon)? + container.charged(Kind::File)?;
        equal("what is counted at the end", counted, listed)
    })
}

/// Eight processes under a limit that moves.
fn limit_moves(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("stress")?;
    let (low, high) = (8 * MB, 12 * MB);
    container.set_limit(high)?;
    let mut workers = Vec::new();
    for number in 0..8 {
        workers.push(Worker::start(&container, move |_| churn(number))?);
    }
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        for limit in [low, high] {
            // The lower limit can be out of reach for the moment.
            if let Err(error) = container.try_limit(limit) {
                check!(error.raw_os_error() == Some(EBUSY), "limit: {error}");
            }
            within("usage", container.usage()?, 0..=high)?;
            container.stat()?;
        }
    }
    let mut killed = 0;
    for worker in workers {
        let status = worker.end()?;
        killed += u64::from(!status.success());
    }
    equal("processes killed", container.oom_kills()?, killed)?;
    // A limit of version 2 is enforced by killing when reclaim is too slow.
    if hierarchy.version() == Version::V1 {
        equal("processes killed", killed, 0)?;
    }
    ends_empty(&container, 1)
}

/// Processes that change containers while they fault.
fn movers(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let mut homes = Vec::new();
    for number in 0..3 {
        let home = parent.child(&number.to_string())?;
        home.set_limit(6 * MB)?;
        homes.push(home);
    }
    let mut workers = Vec::new();
    for number in 0..4 {
        workers.push(Worker::start(&homes[0], move |_| churn(number))?);
    }
    let end = Instant::now() + SPAN;
    let mut turn = 0;
    while Instant::now() < end {
        for (number, worker) in workers.iter_mut().enumerate() {
            if worker.lives()? {
                homes[(turn + number) % homes.len()].adopt(worker.pid())?;
            }
        }
        turn += 1;
        for home in &homes {
            within("usage of home", home.usage()?, 0..=6 * MB)?;
        }
    }
    for worker in workers {
        worker.ends_well()?;
    }
    for home in &homes {
        ends_empty(home, 1)?;
    }
    ends_empty(&parent, homes.len())
}

/// Containers come and go under a parent whose limit keeps reclaim walking over them.
fn births_and_deaths(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    parent.set_limit(12 * MB)?;
    let resident = parent.child("resident")?;
    let mut workers = Vec::new();
    for number in 0..2 {
        workers.push(Worker::start(&resident, move |_| churn(number))?);
    }
    // Two processes make and remove containers, each time with page cache left in them.
    for number in 2..4 {
        let root = hierarchy.root();
        workers.push(Worker::start(&root, |_| {
            let path = disk::file(&format!("leftover-{number}"));
            let end = Instant::now() + SPAN;
            while Instant::now() < end {
                let home = parent.child(&format!("home-{number}"))?;
                home.adopt(Pid::of_self())?;
                disk::write(&path, 3 * MB)?;
                root.adopt(Pid::of_self())?;
                home.remove()?;
            }
            disk::remove(&path)
        })?);
    }
    for worker in workers {
        worker.ends_well()?;
    }
    resident.remove()?;
    nobody_lingers(hierarchy)?;
    ends_empty(&parent, 1)
}

/// Monitors read the statistics of the whole machine over and over while a hundred containers are
/// filled and removed. All come to an end, and nothing that happened is missing or there twice.
fn readers(hierarchy: &Hierarchy) -> Outcome {
    const READERS: usize = 4;
    const WRITERS: usize = 4;
    const CONTAINERS: usize = 100;
    const PAGES: usize = 64;

    let (anon, _, total) = super::sums::names(hierarchy.version());
    let page = sys::page_size();
    let root = hierarchy.root();
    let parent = hierarchy.create("parent")?;
    let mut homes = Vec::new();
    for number in 0..CONTAINERS {
        homes.push(parent.child(&number.to_string())?);
    }
    let monitors = Monitors::start(hierarchy, READERS)?;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let homes = &homes;
        let root = &root;
        writers.push(Worker::start(root, move |line| {
            for home in homes.iter().skip(number).step_by(WRITERS) {
                home.adopt(Pid::of_self())?;
                let len = PAGES * page;
                let mut memory = Mapping::anon(len)?;
                memory.fill(0..len, 0);
                memory.advise(0..len / 2, Advice::DontNeed)?;
                root.adopt(Pid::of_self())?;
                home.remove()?;
                // What is left is the parent's for a moment.
                drop(memory);
                line.say(0)?;
            }
            Ok(())
        })?);
    }
    for writer in &mut writers {
        while writer.hear_or_end()?.is_some() {}
    }
    writers.into_iter().try_for_each(Worker::ends_well)?;
    let reads = monitors.end()?;
    ktap::note(format_args!("statistics read {reads} times"));
    check!(reads >= CONTAINERS as u64, "only {reads} reads");

    nobody_lingers(hierarchy)?;
    ends_empty(&parent, 1)?;
    let stat = parent.stat()?;
    equal(anon, stat.get(&format!("{total}{anon}"))?, 0)?;
    let faults = stat.get(&format!("{total}pgfault"))?;
    let expected = (CONTAINERS * PAGES) as u64;
    // A process has some of its own.
    check!(
        (expected..=3 * expected).contains(&faults),
        "{faults} page faults, expected {expected} and some more"
    );
    Ok(())
}

/// One process on each CPU, both charged to the same container page by page.
fn both_cpus(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("stress")?;
    let mut workers = Vec::new();
    for cpu in 0..sys::cpus() {
        workers.push(Worker::start(&container, move |line| {
            sys::run_on_cpu(cpu)?;
            let len = 4 * MB as usize;
            for round in 0..4 {
                let mut memory = Mapping::anon(len)?;
                memory.fill(0..len, round);
                line.rest()?;
            }
            Ok(())
        })?);
    }
    let expected = 4 * MB * workers.len() as u64;
    for _ in 0..4 {
        for worker in &mut workers {
            worker.hear()?;
        }
        super::charge::usage_is(&container, expected)?;
        for worker in &mut workers {
            worker.tell(0)?;
        }
    }
    for worker in workers {
        worker.ends_well()?;
    }
    ends_empty(&container, 1)
}

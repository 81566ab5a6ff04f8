// SPDX-License-Identifier: GPL-2.0

//! As much as there can be: containers, levels, bytes, threads; and processes that end while they
//! are charged.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::charge::usage_is;
use super::remove::nobody_lingers;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine::{self, KernelLog};
use crate::outcome::{equal, eventually, skip, within, Context, Outcome, MB};
use crate::sys::{self, Advice, Mapping, Pid, Sharing};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("exhaustion":
    ids, depth, limits, threads, busy_mappings, killed_at_limit, last_words);

pub const V2_GROUP: Group = group!("exhaustion_control": protections);

const LIMIT: u64 = 8 * MB;

/// The most that a limit can be, in bytes; as much is no limit.
const UNLIMITED: u64 = i64::MAX as u64 / 4096 * 4096;

/// Swap entries have 16 bits for the number of a container, and 0 is none.
const IDS: usize = (1 << 16) - 1;

/// Containers are made until there is no number left for one more. Each that is removed gives its
/// number back.
fn ids(hierarchy: &Hierarchy) -> Outcome {
    const AGAIN: usize = 1000;

    if !machine::in_full() {
        return skip("takes minutes: see make faults");
    }
    if machine::meminfo("MemTotal")? < 3 << 30 {
        return skip("needs 4 GB of memory");
    }
    let started = Instant::now();
    let top = hierarchy.create("top")?;
    let first = top.child("0")?;
    let mut made = vec![first];
    let refusal = loop {
        let path = top.path().join(made.len().to_string());
        match fs::create_dir(&path) {
            Ok(()) => made.push(Cgroup::at(&path)),
            Err(error) => break error,
        }
        check!(made.len() <= IDS, "{} containers, and no end", made.len());
    };
    let took = started.elapsed().as_secs();
    ktap::note(format_args!("{} containers in {took} s", made.len()));
    // The root and the one above have a number, too.
    equal("containers", made.len() + 2, IDS)?;
    equal("error", refusal.raw_os_error(), Some(sys::EBUSY))?;

    // One leaves, one comes.
    made.swap_remove(IDS / 2).remove()?;
    nobody_lingers(hierarchy)?;
    let another = top.child("another")?;
    Worker::holding(&another, MB)?.finish()?;
    another.remove()?;

    made.iter().try_for_each(Cgroup::remove)?;
    let patience = Instant::now() + Duration::from_secs(60);
    while hierarchy.dying()? > 0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(200));
    }
    nobody_lingers(hierarchy)?;
    for number in 0..AGAIN {
        top.child(&number.to_string())?;
    }
    Ok(())
}

/// Expects the usage to be `bytes`, but for what the kernel needs for the containers below. The C
/// controller has charged some in advance for a few of these, on each CPU.
fn own_usage_is(container: &Cgroup, bytes: u64) -> Outcome {
    const FEW: u64 = 7;

    let advance = match machine::has_memctl() {
        true => process_slack(),
        false => process_slack() + FEW * stock_slack(),
    };
    eventually(|| {
        let own = container
            .usage()?
            .saturating_sub(container.kernel_memory()?);
        within(
            "usage but for the kernel's",
            own,
            bytes - process_slack()..=bytes + advance,
        )
    })
}

/// Two hundred levels: a charge at the bottom counts at the top, whose limit kills there.
fn depth(hierarchy: &Hierarchy) -> Outcome {
    const LEVELS: usize = 200;

    let top = hierarchy.create("top")?;
    let mut levels = vec![top.clone()];
    while levels.len() < LEVELS {
        levels.push(levels[levels.len() - 1].child("d")?);
    }
    let bottom = levels[LEVELS - 1].clone();
    let worker = Worker::holding(&bottom, LIMIT / 2)?;
    for level in levels.iter().step_by(LEVELS / 8) {
        own_usage_is(level, LIMIT / 2)?;
    }
    worker.finish()?;

    top.set_limit(LIMIT)?;
    let mut hog = Worker::growing(&bottom, 2 * LIMIT)?;
    while hog.hear_or_end()?.is_some() {
        within("usage of top", top.usage()?, 0..=LIMIT)?;
    }
    hog.killed()?;
    equal("processes killed", bottom.oom_kills()?, 1)?;

    let path = disk::file("data");
    disk::make(&path, LIMIT / 2)?;
    // The kernel's memory for so many containers takes half of the limit.
    top.unlimited()?;
    run_in(&bottom, || disk::read(&path))?;
    levels[1..].iter().rev().try_for_each(Cgroup::remove)?;
    nobody_lingers(hierarchy)?;
    // What was left at the bottom has come all the way up.
    own_usage_is(&top, LIMIT / 2)?;
    disk::remove(&path)?;
    eventually(|| within("usage at the end", top.usage()?, 0..=stock_slack()))
}

/// What a limit can be, up to the most, holds to the page, in parent and child.
fn limits(hierarchy: &Hierarchy) -> Outcome {
    let page = sys::page_size() as u64;
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    for (parents, childs) in [
        (UNLIMITED - page, UNLIMITED - page),
        (UNLIMITED - 2 * page, UNLIMITED - page),
        (1 << 62, (1 << 62) + page),
    ] {
        parent.set_limit(parents)?;
        // What is not a whole page does not count.
        child.set_limit(childs + page - 1)?;
        equal("limit of parent", parent.limit()?, parents)?;
        equal("limit of child", child.limit()?, childs)?;
        let worker = Worker::holding(&child, MB)?;
        usage_is(&parent, MB)?;
        usage_is(&child, MB)?;
        worker.finish()?;
    }
    equal("processes killed", child.oom_kills()?, 0)?;

    // The most, and more than that, is none.
    let (file, none) = match hierarchy.version() {
        Version::V1 => ("memory.limit_in_bytes", format!("{UNLIMITED}\n")),
        Version::V2 => ("memory.max", "max\n".to_string()),
    };
    for most in [UNLIMITED, i64::MAX as u64, 1 << 63, u64::MAX] {
        child.set_limit(MB)?;
        child.set_limit(most)?;
        equal("limit", child.read(file)?, none.clone())?;
    }

    // Back from there, a limit is as good as any.
    child.set_limit(LIMIT)?;
    let mut hog = Worker::growing(&child, 2 * LIMIT)?;
    while hog.hear_or_end()?.is_some() {
        within("usage", child.usage()?, 0..=LIMIT)?;
    }
    hog.killed()
}

/// Two siblings that both ask for all there is to be protected get it for what they have.
fn protections(hierarchy: &Hierarchy) -> Outcome {
    let page = sys::page_size() as u64;
    let top = hierarchy.create("top")?;
    let parent = top.child("parent")?;
    let mut paths = Vec::new();
    for (number, protection) in [UNLIMITED - page, UNLIMITED].iter().enumerate() {
        let child = parent.child(&number.to_string())?;
        for name in ["memory.min", "memory.low"] {
            child.write(name, protection)?;
            parent.write(name, protection)?;
        }
        let path = disk::file(&format!("data-{number}"));
        disk::make(&path, LIMIT)?;
        run_in(&child, || disk::read(&path))?;
        paths.push(path);
    }
    top.reclaim_all()?;
    for path in &paths {
        equal("resident part", disk::resident(path)?, LIMIT)?;
    }
    for name in ["memory.min", "memory.low"] {
        parent.write(name, 0)?;
    }
    top.reclaim_all()?;
    for path in &paths {
        equal("resident part", disk::resident(path)?, 0)?;
    }
    Ok(())
}

/// Thousands of threads of one process find no room at the same time. The report of it is as short
/// as ever, and the process ends. A debugging kernel may be too slow to start all: then fewer have
/// to do.
fn threads(hierarchy: &Hierarchy) -> Outcome {
    const THREADS: usize = 5000;
    const ENOUGH: Duration = Duration::from_secs(5);
    const STACK: usize = 16 << 10;
    const EACH: usize = 4;
    /// A report has the statistics, the call trace, and a line for each process.
    const REPORT: usize = 400;

    machine::allow_threads(4 * THREADS)?;
    let container = hierarchy.create("crowd")?;
    let mut log = KernelLog::from_here()?;
    let mut worker = Worker::start(&container, |line| {
        let started = Instant::now();
        // Held until all may start.
        let start = Arc::new(RwLock::new(()));
        let not_yet = start.write();
        let mut threads = 0;
        while threads < THREADS && (machine::in_full() || started.elapsed() < ENOUGH) {
            let start = Arc::clone(&start);
            let thread = std::thread::Builder::new().stack_size(STACK);
            let body = move || {
                drop(start.read());
                let len = EACH * sys::page_size();
                let memory = Mapping::anon(len).map(|mut memory| {
                    memory.fill(0..len, 0);
                    memory
                });
                std::mem::forget(memory);
                // Its end would be room for another.
                loop {
                    std::thread::park();
                }
            };
            thread.spawn(body).context("thread")?;
            threads += 1;
        }
        line.say(threads as u64)?;
        line.listen()?;
        drop(not_yet);
        loop {
            std::thread::park();
        }
    })?;
    let number = worker.hear()?;
    if number < THREADS as u64 {
        ktap::note(format_args!("{number} threads, for want of time"));
    }
    let usage = container.usage()?;
    // Room for some of them.
    let each = (EACH * sys::page_size()) as u64;
    container.set_limit(usage + number * each / 8)?;
    let started = Instant::now();
    worker.tell(0)?;
    worker.killed()?;
    let took = started.elapsed();
    check!(took < Duration::from_secs(30), "took {took:?}");
    equal("processes killed", container.oom_kills()?, 1)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))?;
    let records = log.records()?;
    check!(
        records.iter().any(|r| r.contains("Killed process")),
        "no report"
    );
    check!(records.len() < REPORT, "{} lines of report", records.len());
    Worker::holding(&container, MB)?.finish()
}

/// Errors are as good as success here: the process is at its limit, and about to end.
fn populate() {
    let len = MB as usize / 2;
    let _ = Mapping::anon(len).and_then(|m| m.advise(0..len, Advice::Populate));
}

fn lock() {
    let len = MB as usize / 4;
    let _ = Mapping::anon(len).and_then(|m| m.lock(0..len));
}

fn map() {
    let _ = Mapping::anon(MB as usize);
}

/// A process that is killed while its other threads map, lock and unmap without end.
fn busy_mappings(hierarchy: &Hierarchy) -> Outcome {
    const TIMES: u64 = 4;

    let container = hierarchy.create("hog")?;
    container.set_limit(LIMIT)?;
    for time in 1..=TIMES {
        let started = Instant::now();
        let hog = Worker::start(&container, |_| {
            for action in [populate, lock, map] {
                std::thread::spawn(move || loop {
                    action();
                });
            }
            let len = 2 * LIMIT as usize;
            Mapping::anon(len)?.fill(0..len, time);
            Ok(())
        })?;
        hog.killed()?;
        let took = started.elapsed();
        check!(took < Duration::from_secs(20), "took {took:?}");
        equal("processes killed", container.oom_kills()?, time)?;
        eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))?;
    }
    Ok(())
}

/// A process that gets SIGKILL while it is charged at the limit ends at once, and takes nobody with
/// it.
fn killed_at_limit(hierarchy: &Hierarchy) -> Outcome {
    const TIMES: u32 = 6;

    let container = hierarchy.create("reader")?;
    container.set_limit(LIMIT)?;
    let mut resting = Worker::holding(&container, LIMIT / 2)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    let mut took = Duration::ZERO;
    for time in 0..TIMES {
        let mut reader = Worker::start(&container, |line| {
            disk::read(&path)?;
            line.say(0)?;
            loop {
                disk::read(&path)?;
            }
        })?;
        reader.hear()?;
        std::thread::sleep(time * Duration::from_millis(7));
        let started = Instant::now();
        reader.stop()?;
        took += started.elapsed();
        within("usage", container.usage()?, 0..=LIMIT)?;
    }
    check!(
        took < TIMES * Duration::from_secs(1),
        "took {took:?} to end {TIMES} processes"
    );
    equal("processes killed", container.oom_kills()?, 0)?;
    check!(resting.lives()?, "the process beside is gone");
    resting.finish()
}

/// What is in the pages of a process's list of futexes, one in each page but the first, which is
/// the head. When the process ends, the kernel marks all of them as left behind by `owner`.
fn futexes(start: usize, pages: usize, owner: Pid) -> Vec<u8> {
    let page = sys::page_size();
    /// Where in a page the next one is named, and how far behind that the futex is.
    const NEXT: usize = 0;
    const FUTEX: usize = 64;

    let mut contents = vec![0; pages * page];
    for number in 0..pages {
        let next = start + (number + 1) % pages * page;
        let at = number * page + NEXT;
        contents[at..at + 8].copy_from_slice(&next.to_ne_bytes());
        contents[at + FUTEX..at + FUTEX + 4].copy_from_slice(&owner.number().to_ne_bytes());
    }
    // The head says how far.
    contents[8..16].copy_from_slice(&FUTEX.to_ne_bytes());
    contents
}

/// How often a charge has found no room.
fn at_limit(container: &Cgroup) -> Outcome<u64> {
    match container.file("memory.failcnt").exists() {
        true => container.number("memory.failcnt"),
        false => container.events()?.get("max"),
    }
}

/// A process that has been killed needs memory to end: the kernel writes to futexes it holds, whose
/// pages are not there yet. There is no room for them, but nobody else is killed for that.
fn last_words(hierarchy: &Hierarchy) -> Outcome {
    // More than is charged in advance.
    const PAGES: usize = 512;

    let container = hierarchy.create("full")?;
    let path = disk::file("futexes");
    disk::make(&path, (PAGES * sys::page_size()) as u64)?;
    let mut dying = Worker::start(&container, |line| {
        // Private: what the kernel writes to are pages of the process's own.
        let mapping = disk::map(&path, Sharing::Private)?;
        let contents = futexes(mapping.address(0), PAGES, Pid::of_self());
        let file = fs::OpenOptions::new().write(true).open(&path)?;
        file.write_all_at(&contents, 0)?;
        drop(contents);
        disk::evict(&path)?;
        mapping.leave_futexes()?;
        line.rest()
    })?;
    dying.hear()?;
    container.set_limit(LIMIT)?;
    let full = LIMIT - container.usage()? - stock_slack();
    let mut resting = Worker::holding(&container, full)?;
    let before = at_limit(&container)?;
    let started = Instant::now();
    dying.stop()?;
    let took = started.elapsed();
    // Each page may need a try at reclaim; none waits for a victim that is not there.
    check!(took < Duration::from_secs(20), "took {took:?}");
    check!(at_limit(&container)? > before, "nothing was charged");
    equal("processes killed", container.oom_kills()?, 0)?;
    check!(resting.lives()?, "the process beside is gone");
    resting.finish()?;
    disk::evict(&path)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

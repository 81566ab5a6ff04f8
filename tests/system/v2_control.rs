// SPDX-License-Identifier: GPL-2.0

//! What only version 2 does: throttling, protection, peaks, proactive reclaim, killing together.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::time::{Duration, Instant};

use crate::both::remove::nobody_lingers;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine;
use crate::outcome::{equal, eventually, refused, within, Context, Outcome, MB};
use crate::sys::{self, Advice, Mapping, EAGAIN, EINVAL};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("control":
    settings, high_reclaims, high_throttles, high_lower, high_killed, high_idle_stocks, low,
    low_removed, min, min_shared,
    peak, peak_reset, reclaim, reclaim_input, reclaim_swappiness, oom_group, oom_group_input,
    numa_stat);

const SIZE: u64 = 16 * MB;

/// A setting of so many bytes reads as it is written, and refuses nonsense.
pub fn takes_bytes(container: &Cgroup, name: &str, default: &str) -> Outcome {
    equal(name, container.read(name)?.trim_end(), default)?;
    container.answers(
        name,
        "8192",
        &[
            ("64M", Ok("67108864")),
            ("0", Ok("0")),
            ("max", Ok("max")),
            ("4097", Ok("4096")),
            ("abc", Err(EINVAL)),
            ("-1", Err(EINVAL)),
            ("1 2", Err(EINVAL)),
            ("maximum", Err(EINVAL)),
        ],
    )
}

fn settings(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("settings")?;
    for (name, default) in [
        ("memory.min", "0"),
        ("memory.low", "0"),
        ("memory.high", "max"),
    ] {
        takes_bytes(&container, name, default)?;
    }
    Ok(())
}

/// Page cache beyond the boundary is reclaimed, and nobody is killed.
fn high_reclaims(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("high")?;
    container.write("memory.high", SIZE / 2)?;
    let path = disk::file("data");
    disk::make(&path, 3 * SIZE)?;
    run_in(&container, || disk::read(&path))?;
    within("usage", container.usage()?, SIZE / 4..=SIZE / 2 + MB)?;
    let events = container.events()?;
    check!(events.get("high")? > 0, "beyond memory.high, but high is 0");
    equal("max", events.get("max")?, 0)?;
    equal("oom_kill", events.get("oom_kill")?, 0)
}

/// Memory that cannot be reclaimed makes a task sleep.
fn high_throttles(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("high")?;
    let grow = |high: &str| -> Outcome<Duration> {
        container.write("memory.high", high)?;
        let started = Instant::now();
        run_in(&container, || {
            let len = SIZE as usize;
            Mapping::anon(len)?.fill(0..len, 1);
            Ok(())
        })?;
        Ok(started.elapsed())
    };
    let free = grow("max")?;
    let throttled = grow(&(SIZE - 2 * MB).to_string())?;
    check!(
        throttled > free + Duration::from_millis(500),
        "took {throttled:?} beyond memory.high, {free:?} without"
    );
    equal("oom_kill", container.events()?.get("oom_kill")?, 0)
}

/// Lowering the boundary reclaims at once.
fn high_lower(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("high")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    run_in(&container, || disk::read(&path))?;
    container.write("memory.high", SIZE / 4)?;
    within("usage", container.usage()?, 0..=SIZE / 4)
}

/// A task that sleeps because of the boundary ends at once when it is killed. Each sleep is two
/// seconds long: of several tasks, one would be near its end by chance, not all.
fn high_killed(hierarchy: &Hierarchy) -> Outcome {
    const TIMES: u32 = 4;

    let container = hierarchy.create("high")?;
    container.write("memory.high", MB)?;
    let mut took = Duration::ZERO;
    for _ in 0..TIMES {
        let mut worker = Worker::growing(&container, 4 * SIZE)?;
        while worker.hear()? < 2 * MB {}
        let started = Instant::now();
        worker.stop()?;
        took += started.elapsed();
    }
    check!(
        took < TIMES * Duration::from_millis(500),
        "took {took:?} to kill {TIMES} tasks"
    );
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// A slice of many small services that idle, each of which has been on every CPU. What they use
/// together is far below the boundary: the one that works is not slowed down, and the usage does not
/// pretend otherwise.
fn high_idle_stocks(hierarchy: &Hierarchy) -> Outcome {
    const SERVICES: usize = 50;
    const PAGES: usize = 8;
    const BUSY: u64 = 4 * MB;
    const ROUNDS: usize = 20;

    let slice = hierarchy.create("slice")?;
    let busy = slice.child("busy")?;
    let mut services = Vec::new();
    for number in 0..SERVICES {
        let home = slice.child(&format!("idle-{number}"))?;
        let mut service = Worker::start(&home, |line| {
            let len = PAGES * sys::page_size();
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, 0);
            line.rest()?;
            for cpu in 0..sys::cpus() {
                sys::run_on_cpu(cpu)?;
                memory.fill(0..len, 0);
                memory.advise(0..len, Advice::DontNeed)?;
                memory.fill(0..len / 2, 0);
                memory.advise(0..len, Advice::DontNeed)?;
            }
            line.rest()
        })?;
        service.hear()?;
        services.push(service);
    }

    // Room for what a few containers may have charged in advance, not for what all do. Nobody looks
    // at the usage meanwhile, which would tell the kernel how much that is.
    machine::drain_lru_batches()?;
    let used = slice.stat()?.sum(&["anon", "file", "kernel"])?;
    let high = used + BUSY + 2 * stock_slack();
    slice.write("memory.high", high)?;
    let before = slice.events()?.get("high")?;
    let unhindered = || -> Outcome {
        let times = slice.events()?.get("high")? - before;
        equal("times above memory.high", times, 0)?;
        within("usage", slice.usage()?, 0..=high)
    };
    for service in &mut services {
        service.tell(0)?;
        service.hear()?;
    }

    let (stalled, started) = (slice.stalled(), Instant::now());
    run_in(&busy, || {
        for round in 0..ROUNDS {
            sys::run_on_cpu(round % sys::cpus())?;
            Mapping::anon(BUSY as usize)?.fill(0..BUSY as usize, 0);
        }
        Ok(())
    })?;
    let took = started.elapsed();
    unhindered()?;
    if let (Some(before), Some(after)) = (stalled, slice.stalled()) {
        let waited = after.saturating_sub(before);
        check!(
            waited < took / 10,
            "waited for memory for {waited:?} of {took:?}"
        );
    }
    services.into_iter().try_for_each(Worker::finish)
}

/// What a removed container had protected is no longer its siblings' loss.
fn low_removed(hierarchy: &Hierarchy) -> Outcome {
    let top = hierarchy.create("top")?;
    let (parent, greedy) = (top.child("parent")?, top.child("greedy")?);
    let (gone, safe) = (parent.child("gone")?, parent.child("safe")?);
    top.set_limit(3 * SIZE)?;
    parent.write("memory.low", SIZE + MB)?;
    gone.write("memory.low", SIZE)?;
    safe.write("memory.low", SIZE + MB)?;
    let (left, own, large) = (disk::file("left"), disk::file("own"), disk::file("large"));
    for path in [&left, &own] {
        disk::make(path, SIZE)?;
    }
    run_in(&gone, || disk::read(&left))?;
    gone.remove()?;
    nobody_lingers(hierarchy)?;
    run_in(&safe, || disk::read(&own))?;
    disk::make(&large, 6 * SIZE)?;
    run_in(&greedy, || disk::read(&large))?;
    let gave_way = safe.events()?.get("low")?;
    within(
        "protected page cache",
        disk::resident(&own)?,
        at_least(gave_way)..=SIZE,
    )
}

/// How much is kept of what `memory.low` covers. Where reclaim finds nothing else for a moment, it
/// overrides that, on either controller, and a quarter goes; but then it has counted it.
fn at_least(gave_way: u64) -> u64 {
    match gave_way {
        0 => SIZE,
        _ => SIZE / 2,
    }
}

/// Reads a file in one container whose neighbour, with page cache of its own, has `name` set to all
/// of it, under one limit; returns what the neighbour has left, and how often it was reclaimed from
/// all the same.
fn beside(hierarchy: &Hierarchy, name: &str) -> Outcome<(u64, u64)> {
    let parent = hierarchy.create("parent")?;
    let (safe, greedy) = (parent.child("safe")?, parent.child("greedy")?);
    parent.set_limit(2 * SIZE)?;
    safe.write(name, SIZE + MB)?;
    let (own, large) = (disk::file("own"), disk::file("large"));
    disk::make(&own, SIZE)?;
    disk::make(&large, 6 * SIZE)?;
    run_in(&safe, || disk::read(&own))?;
    run_in(&greedy, || disk::read(&large))?;
    equal("oom_kill", parent.events()?.get("oom_kill")?, 0)?;
    for (whose, container) in [("protected", &safe), ("other", &greedy)] {
        let stat = container.stat()?;
        ktap::note(format_args!(
            "pages taken of the {whose} one: by kswapd {}, else {}",
            stat.get("pgsteal_kswapd")?,
            stat.get("pgsteal_direct")?
        ));
    }
    Ok((disk::resident(&own)?, safe.events()?.get("low")?))
}

fn low(hierarchy: &Hierarchy) -> Outcome {
    let (kept, gave_way) = beside(hierarchy, "memory.low")?;
    ktap::note(format_args!("gave way {gave_way} times"));
    within("protected page cache", kept, at_least(gave_way)..=SIZE)
}

fn min(hierarchy: &Hierarchy) -> Outcome {
    let (kept, _) = beside(hierarchy, "memory.min")?;
    equal("protected page cache", kept, SIZE)
}

/// Protection above that children do not ask for does them no good unless it is recursive; what
/// they ask for beyond it they share.
fn min_shared(hierarchy: &Hierarchy) -> Outcome {
    let top = hierarchy.create("top")?;
    let (parent, greedy) = (top.child("parent")?, top.child("greedy")?);
    let children = [parent.child("first")?, parent.child("second")?];
    top.set_limit(2 * SIZE)?;
    parent.write("memory.min", SIZE)?;
    let mut files = Vec::new();
    for (number, child) in children.iter().enumerate() {
        child.write("memory.min", SIZE)?;
        let path = disk::file(&format!("own-{number}"));
        disk::make(&path, SIZE * 3 / 4)?;
        run_in(child, || disk::read(&path))?;
        files.push(path);
    }
    let large = disk::file("large");
    disk::make(&large, 6 * SIZE)?;
    run_in(&greedy, || disk::read(&large))?;
    let mut sum = 0;
    for path in &files {
        sum += disk::resident(path)?;
    }
    within("what the children keep", sum, SIZE * 7 / 8..=SIZE * 9 / 8)
}

fn peak(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("peak")?;
    Worker::holding(&container, SIZE)?.finish()?;
    let peak = container.number("memory.peak")?;
    within("memory.peak", peak, SIZE..=SIZE + process_slack())?;
    let usage = container.usage()?;
    within("usage at the end", usage, 0..=stock_slack())
}

/// Each open file has a peak of its own once it was written to; all others are as before.
fn peak_reset(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("peak")?;
    let open = || -> io::Result<File> {
        let path = container.file("memory.peak");
        File::options().read(true).write(true).open(path)
    };
    let read = |file: &mut File| -> Outcome<u64> {
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        text.trim_end()
            .parse()
            .map_err(|_| io::Error::other(text).into())
    };
    let (mut first, mut second, mut third) = (open()?, open()?, open()?);
    first.write_all(b"anything")?;
    Worker::holding(&container, SIZE)?.finish()?;
    second.write_all(b"\n")?;
    Worker::holding(&container, SIZE / 4)?.finish()?;

    let about = |bytes: u64| bytes..=bytes + process_slack();
    within("peak of the first", read(&mut first)?, about(SIZE))?;
    within("peak of the second", read(&mut second)?, about(SIZE / 4))?;
    within("peak of the third", read(&mut third)?, about(SIZE))?;
    first.rewind()?;
    first.write_all(b"0")?;
    within(
        "peak of the first, reset",
        read(&mut first)?,
        0..=stock_slack(),
    )?;
    within("peak of the second", read(&mut second)?, about(SIZE / 4))?;
    drop(second);
    within("memory.peak", container.number("memory.peak")?, about(SIZE))
}

fn reclaim(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("reclaim")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    run_in(&container, || disk::read(&path))?;
    let before = container.usage()?;
    container.write("memory.reclaim", "8M")?;
    within(
        "usage",
        container.usage()?,
        0..=before - 8 * MB + stock_slack(),
    )?;
    refused(
        "more than there is",
        container.try_write("memory.reclaim", "1G"),
        EAGAIN,
    )?;
    within("usage at the end", container.usage()?, 0..=MB)
}

fn reclaim_input(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("reclaim")?;
    for written in [
        "abc",
        "1M swappiness",
        "1M swappiness=201",
        "1M nonsense=1",
        "-1",
    ] {
        refused(
            written,
            container.try_write("memory.reclaim", written),
            EINVAL,
        )?;
    }
    let text = container.read("memory.reclaim");
    check!(text.is_err(), "memory.reclaim can be read");
    Ok(())
}

/// With a swappiness of 0, anonymous memory stays; with the most there is, page cache does.
fn reclaim_swappiness(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("reclaim")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    let worker = Worker::holding(&container, SIZE)?;
    run_in(&container, || disk::read(&path))?;
    container.write("memory.reclaim", "8M swappiness=0")?;
    equal("swapped out", worker.status("VmSwap")?, 0)?;
    container.write("memory.reclaim", "8M swappiness=max")?;
    within("swapped out", worker.status("VmSwap")?, 4 * MB..=SIZE)?;
    worker.finish()
}

/// Outgrowing the limit ends all processes of the group, and nobody else.
fn oom_group(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let (group, beside) = (parent.child("group")?, parent.child("beside")?);
    let inner = group.child("inner")?;
    let leaf: Cgroup = group.child("leaf")?;
    group.write("memory.oom.group", 1)?;
    group.set_limit(4 * MB)?;
    let mut outside = Worker::holding(&beside, MB)?;
    let small = Worker::holding(&leaf, MB / 2)?;
    let mut hog = Worker::growing(&inner, 8 * MB)?;
    while hog.hear_or_end()?.is_some() {}
    hog.killed()?;
    small.killed()?;
    check!(outside.lives()?, "the process beside is gone");
    let events = group.events()?;
    equal("oom_group_kill", events.get("oom_group_kill")?, 1)?;
    // Who was chosen first is counted again as one of the group.
    within("oom_kill", events.get("oom_kill")?, 2..=3)?;
    equal("oom_kill beside", beside.events()?.get("oom_kill")?, 0)?;
    outside.finish()
}

fn oom_group_input(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.oom.group";

    let container = hierarchy.create("group")?;
    equal(FILE, container.read(FILE)?.as_str(), "0\n")?;
    container.answers(
        FILE,
        1,
        &[
            ("1", Ok(1)),
            ("0\n", Ok(0)),
            (" 0 ", Ok(0)),
            ("2", Err(EINVAL)),
            ("-1", Err(EINVAL)),
            ("yes", Err(EINVAL)),
            ("\n", Err(EINVAL)),
        ],
    )
}

/// The nodes add up to what memory.stat says.
fn numa_stat(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("numa")?;
    let worker = Worker::holding(&container, SIZE)?;
    eventually(|| {
        machine::drain_lru_batches()?;
        let stat = container.stat()?;
        for line in container.read("memory.numa_stat")?.lines() {
            let mut fields = line.split(' ');
            let key = fields.next().unwrap_or_default();
            let nodes = fields.map(|f| f.split_once('=').and_then(|(_, n)| n.parse::<u64>().ok()));
            let nodes: Option<Vec<u64>> = nodes.collect();
            let nodes = nodes.context_of(line)?;
            equal(format_args!("{key}: nodes"), nodes.len(), machine::nodes())?;
            if ["anon", "inactive_anon", "active_anon", "file"].contains(&key) {
                equal(key, nodes.iter().sum::<u64>(), stat.get(key)?)?;
            }
        }
        within("anon", stat.get("anon")?, SIZE..=SIZE + process_slack())
    })?;
    worker.finish()
}

/// Says which line could not be read.
trait ContextOf<T> {
    fn context_of(self, line: &str) -> Outcome<T>;
}

impl<T> ContextOf<T> for Option<T> {
    fn context_of(self, line: &str) -> Outcome<T> {
        self.ok_or_else(|| io::Error::other(format!("cannot read {line:?}")))
            .context("memory.numa_stat")
    }
}

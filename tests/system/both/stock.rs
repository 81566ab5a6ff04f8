// SPDX-License-Identifier: GPL-2.0

//! Pages that CPUs keep charged in advance, if they do, are no reason to kill; and what is in use is
//! what is counted.

use crate::audit;
use crate::cgroup::{exact_slack, stock_slack, Cgroup, Hierarchy, Kind, Version};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, skip, within, Context, Outcome, MB};
use crate::plug;
use crate::sys::{self, Advice, Mapping};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("stock":
    no_false_limit, no_progress, taken_back, of_dead_cpu, exact_when_taken, exact_when_freed);

/// Bytes that may be on their way to or from an LRU list, on all CPUs: these are in use, but nobody
/// can reclaim them.
fn in_batches() -> u64 {
    (31 * sys::cpus() * sys::page_size()) as u64
}

/// Sixteen processes that are all there is in the container, and just fit. Each gives back memory
/// on one CPU and takes it again on another: what it needs is in the stock of the first. There is
/// nothing to reclaim, so whoever does not look there kills.
fn no_false_limit(hierarchy: &Hierarchy) -> Outcome {
    const PROCESSES: usize = 16;
    const PAGES: usize = 40;
    const ROUNDS: usize = 60;

    let container = hierarchy.create("stock")?;
    let page = sys::page_size();
    let mut workers = Vec::new();
    for number in 0..PROCESSES {
        workers.push(Worker::start(&container, move |line| {
            let mut memory = Mapping::anon(PAGES * page)?;
            let own = number % sys::cpus();
            sys::run_on_cpu(own)?;
            memory.fill(0..PAGES * page, 0);
            // What the process itself needs, it has needed by now.
            line.rest()?;
            for round in 0..ROUNDS {
                sys::run_on_cpu(own)?;
                memory.advise(0..PAGES * page, Advice::DontNeed)?;
                // All want it on the same CPU, more or less.
                sys::run_on_cpu(round / 4 % sys::cpus())?;
                memory.fill(0..PAGES * page, round as u64);
            }
            line.rest()
        })?);
    }
    for worker in &mut workers {
        worker.hear()?;
    }

    // Room for what there is and for what is not to be had. What CPUs may charge in advance is
    // twice that.
    let used = container.charged(Kind::Anon)? + container.charged(Kind::File)?;
    let limit = used + in_batches() + (PROCESSES * page / 4) as u64;
    container.set_limit(limit)?;
    equal("limit", container.limit()?, limit)?;
    for worker in &mut workers {
        worker.tell(0)?;
    }
    for worker in &mut workers {
        worker.hear()?;
        within("usage", container.usage()?, 0..=limit)?;
    }
    equal("processes killed", container.oom_kills()?, 0)?;
    let hits = match hierarchy.version() {
        Version::V1 => container.number("memory.failcnt")?,
        Version::V2 => container.events()?.get("max")?,
    };
    crate::ktap::note(format_args!("limit hit {hits} times"));
    for worker in workers {
        worker.finish()?;
    }
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// There is nothing to reclaim, but a process on each CPU takes and gives back a few pages, so that
/// stocks taken back fill up again. Who wants the container to be smaller gives up all the same.
fn no_progress(hierarchy: &Hierarchy) -> Outcome {
    const SIZE: u64 = 8 * MB;
    /// So many that it takes a while to find out that there is nothing.
    const EMPTY: usize = 160;

    let container = hierarchy.create("busy")?;
    let home = container.child("home")?;
    for number in 0..EMPTY {
        container.child(&format!("empty-{number}"))?;
    }
    let mut holder = Worker::start(&home, |line| {
        let memory = Mapping::anon(SIZE as usize)?;
        memory.lock(0..SIZE as usize).context("mlock")?;
        line.rest()
    })?;
    holder.hear()?;
    let mut busy = Vec::new();
    for cpu in 0..sys::cpus() {
        busy.push(Worker::start(&home, move |_| {
            let len = 4 * sys::page_size();
            sys::run_on_cpu(cpu)?;
            loop {
                Mapping::anon(len)?.fill(0..len, 0);
            }
        })?);
    }

    let root = hierarchy.root();
    let attempt = Worker::start(&root, |_| match hierarchy.version() {
        Version::V1 => {
            let error = container.try_limit(SIZE / 2).err();
            let error = error.and_then(|error| error.raw_os_error());
            equal("error of the limit", error, Some(sys::EBUSY))?;
            container.reclaim_all()
        }
        Version::V2 => container.write("memory.high", SIZE / 2),
    })?;
    attempt.ends_well()?;

    for worker in &mut busy {
        check!(worker.lives()?, "a process at work has ended");
    }
    busy.into_iter().try_for_each(Worker::stop)?;
    holder.finish()
}

/// Lowering the limit below what is charged in advance takes it back.
fn taken_back(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("stock")?;
    let page = sys::page_size();
    for cpu in 0..sys::cpus() {
        Worker::start(&container, move |_| {
            sys::run_on_cpu(cpu)?;
            Mapping::anon(page)?.fill(0..page, 0);
            Ok(())
        })?
        .ends_well()?;
    }
    let before = container.usage()?;
    // Nothing says that memctl has to charge anything in advance.
    check!(
        machine::has_memctl() || before > in_batches(),
        "only {before} bytes are charged in advance"
    );
    container.set_limit(in_batches())?;
    within("usage", container.usage()?, 0..=in_batches())
}

/// What a CPU has charged in advance is given back though the CPU has gone, when its container goes
/// as well.
fn of_dead_cpu(hierarchy: &Hierarchy) -> Outcome {
    let Some((cpu, switch)) = plug::cpus().into_iter().next() else {
        return skip("no CPU can be taken offline");
    };
    let parent = hierarchy.create("parent")?;
    let container = parent.child("stock")?;
    // The container itself is charged to the one above.
    let before = parent.usage()?;
    run_in(&container, || {
        sys::run_on_cpu(cpu)?;
        let mut memory = Mapping::anon(MB as usize)?;
        memory.fill(0..MB as usize, 1);
        Ok(())
    })?;
    plug::turn(&switch, false)?;
    // On version 1 a limit below what is charged is refused.
    let low = eventually(|| container.set_limit(16 * sys::page_size() as u64));
    container.remove()?;
    let result = low.and_then(|()| {
        eventually(|| {
            audit::clean()?;
            // A page that the process shares with others may be its own.
            let most = before + 16 * sys::page_size() as u64;
            within("usage", parent.usage()?, 0..=most)
        })
    });
    plug::turn(&switch, true)?;
    result
}

/// Expects the usage to be `bytes`, but for a page a CPU.
fn usage_is_exactly(container: &Cgroup, what: &str, bytes: u64) -> Outcome {
    let bounds = bytes.saturating_sub(exact_slack())..=bytes + exact_slack();
    within(format_args!("usage {what}"), container.usage()?, bounds)
}

fn needs_exact_usage() -> Outcome {
    if !machine::has_memctl() {
        return skip("the C controller counts what CPUs have charged in advance");
    }
    Ok(())
}

/// How many pages to go so that no CPU can have charged all of them in advance.
fn many_pages() -> usize {
    (4 * sys::cpus()).max(160)
}

/// Whoever measures what a small program takes sees each page of it, wherever it runs: not nothing
/// for a while, and then 64 at once.
fn exact_when_taken(hierarchy: &Hierarchy) -> Outcome {
    needs_exact_usage()?;
    let container = hierarchy.create("exact")?;
    let page = sys::page_size();
    let (first, all) = (2 * sys::cpus(), many_pages());
    let mut worker = Worker::start(&container, |line| {
        let mut memory = Mapping::anon((first + all) * page)?;
        for number in 0..first + all {
            sys::run_on_cpu(number % sys::cpus())?;
            memory.fill(number * page..(number + 1) * page, 0);
            line.rest()?;
        }
        Ok(())
    })?;
    // What the process needs for itself, it has after the first ones.
    worker.hear()?;
    for _ in 1..first {
        worker.tell(0)?;
        worker.hear()?;
    }
    let before = container.usage()?;
    for number in 1..=all {
        worker.tell(0)?;
        worker.hear()?;
        let what = format!("after {number} pages more");
        usage_is_exactly(&container, &what, before + (number * page) as u64)?;
    }
    worker.finish()?;
    machine::drain_lru_batches()?;
    // A page that the process has shared with others may be its own.
    let shared = (16 * page) as u64;
    within(
        "usage at the end",
        container.usage()?,
        0..=shared + exact_slack(),
    )
}

/// Whoever gives back memory sees at once that it is gone, be it four megabytes or a page, and on
/// whatever CPU.
fn exact_when_freed(hierarchy: &Hierarchy) -> Outcome {
    const SIZE: usize = 4 * MB as usize;
    /// Of those there are, so many CPUs will do.
    const CPUS: usize = 4;

    needs_exact_usage()?;
    let container = hierarchy.create("exact")?;
    let page = sys::page_size();
    let singly = many_pages();
    for cpu in 0..sys::cpus().min(CPUS) {
        let mut worker = Worker::start(&container, |line| {
            let mut memory = Mapping::anon(SIZE + singly * page)?;
            sys::run_on_cpu(cpu)?;
            memory.fill(0..memory.len(), 0);
            // Those on their way to a list would stay until they are there.
            machine::drain_lru_batches()?;
            sys::run_on_cpu((cpu + 1) % sys::cpus())?;
            // Once, so that the process has what it needs for itself.
            line.rest()?;
            line.rest()?;
            memory.advise(0..SIZE, Advice::DontNeed)?;
            for start in (SIZE..memory.len()).step_by(page) {
                line.rest()?;
                memory.advise(start..start + page, Advice::DontNeed)?;
            }
            line.rest()
        })?;
        worker.hear()?;
        worker.tell(0)?;
        worker.hear()?;
        let before = container.usage()?;
        worker.tell(0)?;
        worker.hear()?;
        let before = before - SIZE as u64;
        usage_is_exactly(&container, "after 4 MB less", before)?;
        for number in 1..=singly {
            worker.tell(0)?;
            worker.hear()?;
            let what = format!("after {number} pages less");
            usage_is_exactly(&container, &what, before - (number * page) as u64)?;
        }
        worker.finish()?;
    }
    Ok(())
}

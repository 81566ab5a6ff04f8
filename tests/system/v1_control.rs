// SPDX-License-Identifier: GPL-2.0

//! What only version 1 does: refusing a limit that is out of reach, and letting processes wait for
//! memory instead of killing them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine::{self, Tmpfs};
use crate::outcome::{
    equal, eventually, fail, refused, skip, within, within_time, Context, Outcome, MB,
};
use crate::sys::{self, Advice, Mapping, EBUSY, ENOMEM};
use crate::worker::{run_in, Worker, PATIENCE};

pub const LIMIT_GROUP: Group = group!("limit_control": busy, watermark, below_child);

pub const OOM_GROUP: Group = group!("oom_control":
    waits_for_limit, waits_for_neighbour, waits_for_killer, waiting_can_be_killed,
    waits_elsewhere, system_call_fails, nested_wait, crowd_sleeps, crowd_hears_no_failures,
    woken_by_neighbour, woken_by_sibling, woken_by_limit, woken_by_killer);

const LIMIT: u64 = 8 * MB;

/// Without swap, anonymous memory cannot go: the limit stays as it was, and so does the memory.
fn busy(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("busy")?;
    container.set_limit(2 * LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, LIMIT / 2)?;
    let worker = Worker::holding(&container, LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    // Reclaim does not find what waits in a batch of another CPU.
    machine::drain_lru_batches()?;
    refused(
        "a limit out of reach",
        container.try_limit(LIMIT / 2),
        EBUSY,
    )?;
    equal(
        "limit",
        container.number("memory.limit_in_bytes")?,
        2 * LIMIT,
    )?;
    // The attempt has cost the page cache.
    equal("resident", disk::resident(&path)?, 0)?;
    within("usage", container.usage()?, LIMIT..=LIMIT + process_slack())?;
    worker.finish()?;
    container.set_limit(LIMIT / 2)
}

/// The highest usage ever, never above the limit; and a count of how often the limit was hit.
fn watermark(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("watermark")?;
    let worker = Worker::holding(&container, LIMIT)?;
    worker.finish()?;
    let bounds = LIMIT..=LIMIT + process_slack();
    within(
        "max_usage_in_bytes",
        container.number("memory.max_usage_in_bytes")?,
        bounds,
    )?;
    equal("failcnt", container.number("memory.failcnt")?, 0)?;

    container.set_limit(LIMIT / 2)?;
    container.write("memory.max_usage_in_bytes", 0)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    run_in(&container, || disk::read(&path))?;
    let watermark = container.number("memory.max_usage_in_bytes")?;
    within("max_usage_in_bytes", watermark, LIMIT / 4..=LIMIT / 2)?;
    check!(
        container.number("memory.failcnt")? > 0,
        "limit hit, but failcnt is 0"
    );
    Ok(())
}

/// It is the counter with the limit that fails, not the one that was charged.
fn below_child(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    parent.set_limit(LIMIT / 2)?;
    child.set_limit(4 * LIMIT)?;
    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    run_in(&child, || disk::read(&path))?;
    check!(
        parent.number("memory.failcnt")? > 0,
        "limit hit, but failcnt is 0"
    );
    equal("child's failcnt", child.number("memory.failcnt")?, 0)?;
    let watermark = child.number("memory.max_usage_in_bytes")?;
    within(
        "child's max_usage_in_bytes",
        watermark,
        // A charge that the parent refuses has been the child's for a moment.
        LIMIT / 4..=LIMIT / 2 + stock_slack(),
    )
}

/// A worker that has grown into the limit of a container whose processes wait.
fn stuck(container: &Cgroup, limited: &Cgroup) -> Outcome<Worker> {
    limited.set_limit(LIMIT)?;
    limited.write("memory.oom_control", 1)?;
    let mut worker = Worker::growing(container, 2 * LIMIT)?;
    while worker.hear()? < LIMIT - MB {}
    while !worker.silent_for(Duration::from_secs(2))? {}
    eventually(|| equal("under_oom", limited.oom_control()?.get("under_oom")?, 1))?;
    within("usage", limited.usage()?, LIMIT - process_slack()..=LIMIT)?;
    check!(worker.lives()?, "worker is gone");
    Ok(worker)
}

/// Expects a worker that was stuck to reach its full size.
fn gets_there(worker: &mut Worker) -> Outcome {
    while worker.hear()? < 2 * LIMIT {}
    Ok(())
}

fn not_under_oom(container: &Cgroup) -> Outcome {
    eventually(|| equal("under_oom", container.oom_control()?.get("under_oom")?, 0))?;
    equal("processes killed", container.oom_kills()?, 0)
}

fn waits_for_limit(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let mut worker = stuck(&container, &container)?;
    container.set_limit(3 * LIMIT)?;
    gets_there(&mut worker)?;
    not_under_oom(&container)?;
    worker.finish()
}

/// Another process of the container ends, and what it frees is enough.
fn waits_for_neighbour(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    container.set_limit(2 * LIMIT)?;
    let holding = Worker::holding(&container, LIMIT)?;
    container.write("memory.oom_control", 1)?;
    let mut worker = Worker::growing(&container, 3 * LIMIT / 2)?;
    while worker.hear()? < LIMIT - MB {}
    while !worker.silent_for(Duration::from_secs(2))? {}
    holding.finish()?;
    while worker.hear()? < 3 * LIMIT / 2 {}
    not_under_oom(&container)?;
    worker.finish()
}

/// Turning the OOM killer back on ends the waiting, and the process.
fn waits_for_killer(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let worker = stuck(&container, &container)?;
    container.write("memory.oom_control", 0)?;
    worker.killed()?;
    equal("processes killed", container.oom_kills()?, 1)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

fn waiting_can_be_killed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    let worker = stuck(&container, &container)?;
    worker.pid().kill(sys::SIGTERM);
    // Any deadly signal will do; `stop` insists.
    worker.stop()?;
    not_under_oom(&container)?;
    eventually(|| within("usage at the end", container.usage()?, 0..=stock_slack()))
}

/// A process that waits and is moved to a container with room goes on there, at the latest when the
/// one that it waited for is removed.
fn waits_elsewhere(hierarchy: &Hierarchy) -> Outcome {
    if !machine::has_memctl() {
        return skip("the C controller lets it wait until it is killed");
    }
    let container = hierarchy.create("waits")?;
    let elsewhere = hierarchy.create("elsewhere")?;
    let mut worker = stuck(&container, &container)?;
    elsewhere.adopt(worker.pid())?;
    container.remove()?;
    gets_there(&mut worker)?;
    check!(elsewhere.usage()? > 0, "nothing charged elsewhere");
    worker.finish()
}

/// Only page faults of the process itself wait: a system call that cannot get memory fails.
fn system_call_fails(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    container.set_limit(LIMIT)?;
    container.write("memory.oom_control", 1)?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&container, || {
        let mut file = std::fs::File::create(&path)?;
        let block = vec![1; MB as usize];
        let error = (0..2 * LIMIT / MB).find_map(|_| file.write_all(&block).err());
        let errno = error.and_then(|error| error.raw_os_error());
        equal("errno", errno, Some(sys::ENOMEM))
    })?;
    not_under_oom(&container)?;
    disk::remove(&path)
}

/// A parent that waits makes its children wait; raising its limit frees them.
fn nested_wait(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("waits")?;
    let child = parent.child("child")?;
    let mut worker = stuck(&child, &parent)?;
    equal(
        "child's under_oom",
        child.oom_control()?.get("under_oom")?,
        1,
    )?;
    parent.set_limit(3 * LIMIT)?;
    gets_there(&mut worker)?;
    not_under_oom(&parent)?;
    not_under_oom(&child)?;
    worker.finish()
}

/// What processes are told that take page after page, and what they tell.
#[derive(Clone, Copy)]
struct Appetite {
    /// How many pages are enough.
    enough: &'static AtomicU64,
    /// How many one of them has.
    taken: &'static AtomicU64,
}

impl Appetite {
    fn new() -> Outcome<Self> {
        let counters = sys::shared_counters(2)?;
        Ok(Self {
            enough: &counters[0],
            taken: &counters[1],
        })
    }

    /// Starts a process that rests. Told to go on, it takes pages on its CPU until it has enough,
    /// gives them back, and rests again; it never ends.
    fn start(self, home: &Cgroup, cpu: usize) -> Outcome<Worker> {
        let mut worker = Worker::start(home, move |line| {
            let page = sys::page_size();
            sys::run_on_cpu(cpu)?;
            let mut memory = Mapping::anon(32 * LIMIT as usize)?;
            loop {
                line.rest()?;
                let mut pages = 0;
                while pages < self.enough.load(SeqCst) {
                    let start = pages as usize * page;
                    check!(start < memory.len(), "nothing holds it back");
                    memory.fill(start..start + page, 0);
                    pages += 1;
                    self.taken.store(pages, SeqCst);
                }
                memory.advise(0..memory.len(), Advice::DontNeed)?;
            }
        })?;
        // Once around, so that it has what it needs for itself.
        self.enough.store(1, SeqCst);
        worker.hear()?;
        worker.tell(0)?;
        worker.hear()?;
        Ok(worker)
    }
}

fn comes_to_wait(container: &Cgroup) -> Outcome {
    within_time(PATIENCE, Duration::from_millis(1), || {
        equal("under_oom", container.oom_control()?.get("under_oom")?, 1)
    })
}

/// What processes have had of the machine.
struct Spent {
    switches: u64,
    time: Duration,
}

fn spent(workers: &[Worker]) -> Outcome<Spent> {
    let mut spent = Spent {
        switches: 0,
        time: Duration::ZERO,
    };
    for worker in workers {
        let pid = worker.pid();
        let (Some(switches), Some(time)) = (pid.switches(), pid.cpu_time()) else {
            return fail("a process that waits is gone");
        };
        spent.switches += switches;
        spent.time += time;
    }
    Ok(spent)
}

/// Waits until all of the processes sleep and none of them has just been awake.
fn at_rest(workers: &[Worker]) -> Outcome<Spent> {
    let mut last = spent(workers)?;
    within_time(PATIENCE, Duration::from_millis(250), || {
        let awake = workers.iter().filter(|w| !w.pid().sleeps_deeply()).count();
        equal("processes that do not wait", awake, 0)?;
        let now = spent(workers)?;
        let woken = now.switches - last.switches;
        last = now;
        equal("times that those who wait were awake", woken, 0)
    })?;
    Ok(last)
}

/// So many processes, that wait for room in a container; what there is of it, one after another of
/// them takes, when it finds some.
fn waiting_crowd(container: &Cgroup, size: usize) -> Outcome<(Appetite, Vec<Worker>)> {
    let appetite = Appetite::new()?;
    let mut crowd = Vec::new();
    for number in 0..size {
        crowd.push(appetite.start(container, number % sys::cpus())?);
    }
    container.set_limit(container.usage()? + MB)?;
    appetite.enough.store(u64::MAX, SeqCst);
    for waiter in &mut crowd {
        waiter.tell(0)?;
    }
    Ok((appetite, crowd))
}

/// Ends the waiting: each takes the page that it has waited for, and no more.
fn enough_for(container: &Cgroup, appetite: Appetite, mut crowd: Vec<Worker>) -> Outcome {
    appetite.enough.store(0, SeqCst);
    container.unlimited()?;
    for waiter in &mut crowd {
        waiter.hear()?;
    }
    not_under_oom(container)?;
    crowd.into_iter().try_for_each(Worker::stop)
}

/// Processes by the hundred, or the thousand, may wait for hours; what a neighbour takes and gives
/// back is nothing to them. They are not woken for it, and do not take the neighbour's CPUs away.
fn crowd_sleeps(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: u64 = 50;

    let waiters = if machine::in_full() { 1000 } else { 100 };
    let container = hierarchy.create("waits")?;
    let neighbour = hierarchy.create("neighbour")?;
    container.write("memory.oom_control", 1)?;
    let (appetite, crowd) = waiting_crowd(&container, waiters)?;

    // What they have freed may wait in a batch of a CPU, which a neighbour that fills it lets go.
    at_rest(&crowd)?;
    machine::drain_lru_batches()?;
    let before = at_rest(&crowd)?;
    let counted = || -> Outcome<_> {
        let stat = container.stat()?;
        Ok((
            container.usage()?,
            container.number("memory.failcnt")?,
            stat.get("pgpgout")?,
        ))
    };
    let counted_before = counted()?;
    let started = Instant::now();
    run_in(&neighbour, || {
        for round in 0..ROUNDS {
            sys::run_on_cpu(round as usize % sys::cpus())?;
            Mapping::anon(MB as usize)?.fill(0..MB as usize, round);
        }
        Ok(())
    })?;
    let (after, took) = (spent(&crowd)?, started.elapsed());
    equal("under_oom", container.oom_control()?.get("under_oom")?, 1)?;
    let woken = after.switches - before.switches;
    check!(
        woken < waiters as u64,
        "{waiters} processes that wait were awake {woken} times; usage, failcnt and pages that went: \
         {:?}, before {counted_before:?}",
        counted()?
    );
    let time = after.time - before.time;
    check!(
        time < took / 10,
        "{waiters} processes that wait have used {time:?} of CPU time in {took:?}"
    );

    enough_for(&container, appetite, crowd)
}

/// Nor are they woken each time that a charge of the same container fails: in a system call, which
/// does not wait like that, and tries a few times.
fn crowd_hears_no_failures(hierarchy: &Hierarchy) -> Outcome {
    const WAITERS: usize = 100;
    const WRITES: u64 = 3;

    let container = hierarchy.create("waits")?;
    container.write("memory.oom_control", 1)?;
    let tmpfs = Tmpfs::mount("size=16M")?;
    // A message would have to be charged, too.
    let counters = sys::shared_counters(2)?;
    let (done, failed) = (&counters[0], &counters[1]);
    let mut writer = Worker::start(&container, |line| {
        let file = fs::File::create(tmpfs.file("some")).context("create")?;
        let page = vec![1; sys::page_size()];
        let write = |number| file.write_all_at(&page, number * page.len() as u64);
        write(0).context("write")?;
        line.rest()?;
        for number in 1..=WRITES {
            let errno = write(number).err().and_then(|error| error.raw_os_error());
            failed.fetch_add((errno == Some(ENOMEM)).into(), SeqCst);
            done.fetch_add(1, SeqCst);
        }
        line.listen().map(drop)
    })?;
    writer.hear()?;
    let (appetite, crowd) = waiting_crowd(&container, WAITERS)?;
    at_rest(&crowd)?;
    machine::drain_lru_batches()?;
    let before = at_rest(&crowd)?;

    writer.tell(0)?;
    eventually(|| equal("writes", done.load(SeqCst), WRITES))?;
    equal("writes that failed", failed.load(SeqCst), WRITES)?;
    let woken = spent(&crowd)?.switches - before.switches;
    check!(
        woken < WAITERS as u64,
        "{WAITERS} processes that wait were awake {woken} times while {WRITES} writes failed"
    );
    enough_for(&container, appetite, crowd)?;
    writer.finish()
}

/// How many pages there are to be given to those who wait.
const GIFT: u64 = 128;

/// Starts a process that has [`GIFT`] pages. Told a number, it gives back so many of them; told to go
/// on, it takes them again.
fn giver(home: &Cgroup) -> Outcome<Worker> {
    let mut giver = Worker::start(home, |line| {
        let page = sys::page_size();
        sys::run_on_cpu(0)?;
        let mut memory = Mapping::anon(GIFT as usize * page)?;
        memory.fill(0..memory.len(), 0);
        loop {
            line.say(0)?;
            let given = line.listen()? as usize * page;
            memory.advise(0..given, Advice::DontNeed)?;
            line.rest()?;
            memory.fill(0..given, 0);
        }
    })?;
    giver.hear()?;
    // Once, so that it has what it needs for itself.
    gives(&mut giver, Room::Given(1))?;
    gives(&mut giver, Room::TakenBack)?;
    Ok(giver)
}

/// What happens to the room for those who wait.
enum Room {
    /// There is room for so many pages more.
    Given(u64),
    TakenBack,
}

fn gives(giver: &mut Worker, room: Room) -> Outcome {
    match room {
        Room::Given(pages) => {
            // What a batch of a CPU holds is not free when it is given back.
            machine::drain_lru_batches()?;
            giver.tell(pages)?;
        }
        Room::TakenBack => giver.tell(0)?,
    }
    giver.hear().map(drop)
}

/// Has a process in `home` wait for a page below the limit of `limited`, again and again; each time
/// it must be woken by what `change` does. Now and then there is room for just that page.
fn always_woken(
    limited: &Cgroup,
    home: &Cgroup,
    mut change: impl FnMut(Room) -> Outcome,
) -> Outcome {
    const ROUNDS: u64 = 200;
    const MOMENT: Duration = Duration::from_secs(5);
    const FEW: u64 = 3;

    // The C controller does not look again once it has said that it waits: what was given back
    // just before that wakes nobody.
    let races = machine::has_memctl();
    let appetite = Appetite::new()?;
    let mut waiter = appetite.start(home, sys::cpus() - 1)?;
    let limit = limited.usage()? + MB / 2;
    limited.set_limit(limit)?;
    let (mut full, mut missed) = (0, 0);
    for round in 0..ROUNDS {
        appetite.taken.store(0, SeqCst);
        let pages = if races && round % 2 == 1 {
            // There is room just when it begins to wait, or nearly so.
            appetite.enough.store(full + 1, SeqCst);
            waiter.tell(0)?;
            let end = Instant::now() + Duration::from_millis(500);
            while appetite.taken.load(SeqCst) + round / 2 % 4 < full && Instant::now() < end {
                std::thread::yield_now();
            }
            GIFT
        } else {
            appetite.enough.store(u64::MAX, SeqCst);
            waiter.tell(0)?;
            comes_to_wait(limited)?;
            full = appetite.taken.load(SeqCst);
            appetite.enough.store(full + 1, SeqCst);
            if round % 4 == 0 {
                1
            } else {
                GIFT
            }
        };
        change(Room::Given(pages))?;
        // Kernel memory may have been there first: what it takes to say that there is a page. What
        // it gives back may be less than a page on each CPU.
        let mut woken = !waiter.silent_for(if pages == 1 { MOMENT } else { PATIENCE })?;
        let misses = pages == 1 && !woken;
        if misses {
            missed += 1;
            check!(missed <= FEW, "round {round}: missed a page {missed} times");
            limited.set_limit(limit + MB)?;
            woken = !waiter.silent_for(PATIENCE)?;
        }
        check!(
            woken,
            "round {round}: room for {pages} pages, and nobody was woken"
        );
        check!(waiter.lives()?, "round {round}: who has waited is gone");
        change(Room::TakenBack)?;
        if misses {
            limited.set_limit(limit)?;
        }
    }
    not_under_oom(limited)?;
    waiter.stop()
}

/// Another process of the container gives back a page, or some more.
fn woken_by_neighbour(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("waits")?;
    container.write("memory.oom_control", 1)?;
    let mut neighbour = giver(&container)?;
    always_woken(&container, &container, |room| gives(&mut neighbour, room))?;
    neighbour.stop()
}

/// The page comes from another container, below the same limit.
fn woken_by_sibling(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("waits")?;
    let (home, beside) = (parent.child("home")?, parent.child("beside")?);
    parent.write("memory.oom_control", 1)?;
    let mut sibling = giver(&beside)?;
    always_woken(&parent, &home, |room| gives(&mut sibling, room))?;
    sibling.stop()
}

/// The limit is that of a container above, and is raised.
fn woken_by_limit(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("waits")?;
    let child = parent.child("child")?;
    let home = child.child("home")?;
    parent.write("memory.oom_control", 1)?;
    let mut limit = None;
    always_woken(&parent, &home, |room| {
        let before = match limit {
            Some(limit) => limit,
            None => *limit.insert(parent.limit()?),
        };
        parent.set_limit(match room {
            Room::Given(pages) => before + pages * sys::page_size() as u64,
            Room::TakenBack => before,
        })
    })
}

/// Whenever the OOM killer comes back, it finds the process that waits.
fn woken_by_killer(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: u64 = 30;

    let container = hierarchy.create("waits")?;
    let appetite = Appetite::new()?;
    for round in 1..=ROUNDS {
        container.write("memory.oom_control", 1)?;
        let mut waiter = appetite.start(&container, 0)?;
        container.set_limit(container.usage()? + MB / 2)?;
        appetite.enough.store(u64::MAX, SeqCst);
        waiter.tell(0)?;
        comes_to_wait(&container)?;
        container.write("memory.oom_control", 0)?;
        waiter.killed()?;
        equal("processes killed", container.oom_kills()?, round)?;
        container.unlimited()?;
    }
    eventually(|| equal("under_oom", container.oom_control()?.get("under_oom")?, 0))
}

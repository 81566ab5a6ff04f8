// SPDX-License-Identifier: GPL-2.0

//! Numbers of different lines, files and containers that have to add up.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::charge::usage_is;
use crate::audit;
use crate::cgroup::{exact_slack, stock_slack, Cgroup, Hierarchy, Stat, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine::{self, Tmpfs};
use crate::monitors::Monitors;
use crate::outcome::{equal, eventually, within, Outcome, MB};
use crate::sys::{self, Advice, Mapping, Pid};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("sums":
    lists, nodes, usage, tree, idle, never_fall, levels, many_readers);

pub const V2_GROUP: Group = group!("sums_of_history": reclaim, events);

const ANON_LISTS: &[&str] = &["inactive_anon", "active_anon"];
const FILE_LISTS: &[&str] = &["inactive_file", "active_file"];
const ALL_LISTS: &[&str] = &[
    "inactive_anon",
    "active_anon",
    "inactive_file",
    "active_file",
    "unevictable",
];

/// A container with page cache, and two below it that have something of every kind.
struct Family {
    parent: Cgroup,
    /// Has anonymous memory and tmpfs.
    child: Cgroup,
    /// Has page cache, and locked memory.
    beside: Cgroup,
    workers: [Worker; 2],
    _tmpfs: Tmpfs,
}

impl Family {
    fn new(hierarchy: &Hierarchy) -> Outcome<Self> {
        let parent = hierarchy.create("parent")?;
        let (old, new) = (disk::file("old"), disk::file("new"));
        disk::make(&old, 2 * MB)?;
        disk::make(&new, 4 * MB)?;
        run_in(&parent, || disk::read(&old))?;

        let (child, beside) = (parent.child("child")?, parent.child("beside")?);
        let tmpfs = Tmpfs::mount("size=8M")?;
        let holding = Worker::holding(&child, 8 * MB)?;
        run_in(&child, || disk::write(&tmpfs.file("data"), 2 * MB))?;
        run_in(&beside, || disk::read(&new))?;
        let mut locking = Worker::start(&beside, |line| {
            let len = MB as usize;
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, 1);
            memory.lock(0..len)?;
            line.rest()
        })?;
        locking.hear()?;
        Ok(Self {
            parent,
            child,
            beside,
            workers: [holding, locking],
            _tmpfs: tmpfs,
        })
    }

    fn all(&self) -> [&Cgroup; 3] {
        [&self.parent, &self.child, &self.beside]
    }

    /// Repeats `attempt` until it passes, with all pages where they belong.
    fn settles(&self, mut attempt: impl FnMut() -> Outcome) -> Outcome {
        eventually(|| {
            machine::drain_lru_batches()?;
            attempt()
        })
    }

    fn ends(self) -> Outcome {
        self.workers.into_iter().try_for_each(Worker::finish)
    }
}

/// What anonymous memory and page cache are called, and what lines of the container with all below
/// it begin with.
pub fn names(version: Version) -> (&'static str, &'static str, &'static str) {
    match version {
        Version::V1 => ("rss", "cache", "total_"),
        Version::V2 => ("anon", "file", ""),
    }
}

fn sum(stat: &Stat, prefix: &str, keys: &[&str]) -> Outcome<u64> {
    let keys = keys.iter();
    keys.map(|key| stat.get(&format!("{prefix}{key}"))).sum()
}

/// Whatever is charged is on a list, and on the right one.
fn lists(hierarchy: &Hierarchy) -> Outcome {
    let family = Family::new(hierarchy)?;
    let (anon, file, total) = names(hierarchy.version());
    family.settles(|| {
        for cgroup in family.all() {
            let stat = cgroup.stat()?;
            for prefix in ["", total] {
                equal(
                    format_args!("{}: {prefix}* on lists", cgroup.path().display()),
                    sum(&stat, prefix, ALL_LISTS)?,
                    sum(&stat, prefix, &[anon, file])?,
                )?;
            }
        }
        let stat = family.child.stat()?;
        equal(
            "on lists of anonymous memory",
            stat.sum(ANON_LISTS)?,
            stat.sum(&[anon, "shmem"])?,
        )?;
        equal(
            "on lists of files",
            stat.sum(FILE_LISTS)? + stat.get("shmem")?,
            stat.get(file)?,
        )?;
        let locked = family.beside.stat()?.get("unevictable")?;
        within("locked", locked, MB..=MB + stock_slack())
    })?;
    family.ends()
}

/// The nodes of memory.numa_stat add up to what memory.stat has.
fn nodes(hierarchy: &Hierarchy) -> Outcome {
    let family = Family::new(hierarchy)?;
    let page = sys::page_size() as u64;
    family.settles(|| {
        for cgroup in family.all() {
            let (stat, lines) = (cgroup.stat()?, cgroup.numa_stat()?);
            check!(!lines.is_empty(), "memory.numa_stat is empty");
            for (key, line) in lines {
                // memory.stat has it only where hugetlb pages are charged.
                if key == "hugetlb" {
                    continue;
                }
                let nodes = line.nodes.iter().sum::<u64>();
                let (nodes, all) = match hierarchy.version() {
                    Version::V2 => (nodes, stat.get(&key)?),
                    Version::V1 => {
                        let (prefix, kind) = match key.strip_prefix("hierarchical_") {
                            Some(kind) => ("total_", kind),
                            None => ("", key.as_str()),
                        };
                        let keys = match kind {
                            "total" => ALL_LISTS,
                            "file" => FILE_LISTS,
                            "anon" => ANON_LISTS,
                            _ => &["unevictable"],
                        };
                        (nodes * page, sum(&stat, prefix, keys)?)
                    }
                };
                let path = cgroup.path().display();
                equal(format_args!("{path}: {key} of all nodes"), nodes, all)?;
            }
        }
        Ok(())
    })?;
    family.ends()
}

/// What is in use is what there is, and what was charged in advance.
fn usage(hierarchy: &Hierarchy) -> Outcome {
    let family = Family::new(hierarchy)?;
    let (anon, file, total) = names(hierarchy.version());
    family.settles(|| {
        for (cgroup, containers) in [(&family.parent, 3), (&family.child, 1), (&family.beside, 1)] {
            let there = sum(&cgroup.stat()?, total, &[anon, file])? + cgroup.kernel_memory()?;
            within(
                format_args!("usage of {}", cgroup.path().display()),
                cgroup.usage()?,
                there..=there + containers * stock_slack(),
            )?;
        }
        Ok(())
    })?;
    family.ends()
}

/// A container's numbers are its own and its children's.
fn tree(hierarchy: &Hierarchy) -> Outcome {
    let family = Family::new(hierarchy)?;
    let version = hierarchy.version();
    let (anon, file, total) = names(version);
    family.settles(|| {
        let stats = family.all().map(Cgroup::stat);
        let [parent, child, beside] = stats;
        let (parent, child, beside) = (parent?, child?, beside?);
        for (key, all) in parent.iter() {
            let Some(name) = key.strip_prefix(total) else {
                continue;
            };
            let below = child.get(key)? + beside.get(key)?;
            match version {
                Version::V1 => equal(key, all, below + parent.get(name)?)?,
                // What is the parent's own is not shown.
                Version::V2 => check!(
                    all >= below,
                    "{key} is {all}, and {below} of the children together"
                ),
            }
        }
        let own = |key: &str| -> Outcome<u64> {
            let key = format!("{total}{key}");
            Ok(parent.get(&key)? - child.get(&key)? - beside.get(&key)?)
        };
        equal("parent's own anonymous memory", own(anon)?, 0)?;
        within("parent's own page cache", own(file)?, 2 * MB..=3 * MB)
    })?;
    family.ends()
}

/// What has happened in a container and below it, as lines of memory.stat.
fn history(version: Version) -> &'static [&'static str] {
    match version {
        Version::V1 => &[
            "total_pgfault",
            "total_pgmajfault",
            "total_pgpgin",
            "total_pgpgout",
        ],
        Version::V2 => &[
            "pgfault",
            "pgmajfault",
            "pgscan",
            "pgscan_direct",
            "pgsteal",
            "pgsteal_direct",
            "pgactivate",
        ],
    }
}

/// What has happened has happened: no such number becomes less.
fn has_not_fallen(version: Version, before: &Stat, now: &Stat) -> Outcome {
    for key in history(version) {
        let (before, now) = (before.get(key)?, now.get(key)?);
        check!(now >= before, "{key} has fallen from {before} to {now}");
    }
    Ok(())
}

/// Starts a process that leaves page cache of a file behind, takes and gives back memory on every
/// CPU, and then idles with some of it.
fn idler(home: &Cgroup, number: usize) -> Outcome<Worker> {
    let path = disk::file(&format!("data-{number}"));
    disk::make(&path, MB)?;
    let mut worker = Worker::start(home, |line| {
        disk::read(&path)?;
        let len = (number + 1) * MB as usize / 4;
        let mut memory = Mapping::anon(len)?;
        for cpu in 0..sys::cpus() {
            sys::run_on_cpu(cpu)?;
            memory.fill(0..len, 0);
            memory.advise(len / 2..len, Advice::DontNeed)?;
        }
        line.rest()
    })?;
    worker.hear()?;
    Ok(worker)
}

/// Who adds up what idle containers use comes to what their parent uses, and each usage is what
/// memory.stat says it consists of. All of it stays true when the containers go, one by one: what
/// they leave is the parent's, and so is what has happened to them.
fn idle(hierarchy: &Hierarchy) -> Outcome {
    const CHILDREN: usize = 6;

    let version = hierarchy.version();
    let (anon, file, total) = names(version);
    let added = |name: &str| format!("{total}{name}");
    let parent = hierarchy.create("parent")?;
    let (mut homes, mut workers) = (Vec::new(), Vec::new());
    for number in 0..CHILDREN {
        let home = parent.child(&number.to_string())?;
        workers.push(idler(&home, number)?);
        homes.push(home);
    }
    // The C controller has charged some pages in advance.
    let exact = machine::has_memctl();
    let slack = |containers: usize| match exact {
        true => exact_slack(),
        false => containers as u64 * stock_slack(),
    };
    let uses_what_is_there = |cgroup: &Cgroup, slack: u64| {
        let there = sum(&cgroup.stat()?, total, &[anon, file])? + cgroup.kernel_memory()?;
        within(
            format_args!("usage of {}", cgroup.path().display()),
            cgroup.usage()?,
            there.saturating_sub(exact_slack())..=there + slack,
        )
    };
    let adds_up = |homes: &[Cgroup]| {
        machine::drain_lru_batches()?;
        uses_what_is_there(&parent, slack(CHILDREN + 1))?;
        let all = parent.stat()?;
        let mut below = Vec::new();
        for home in homes {
            uses_what_is_there(home, slack(1))?;
            below.push(home.stat()?);
        }
        for key in [anon, file, "pgfault"].map(added) {
            let sum = below
                .iter()
                .map(|stat| stat.get(&key))
                .sum::<Outcome<u64>>()?;
            equal(&key, all.get(&key)?, sum)?;
        }
        Ok(())
    };
    eventually(|| adds_up(&homes))?;
    workers.into_iter().try_for_each(Worker::finish)?;
    eventually(|| adds_up(&homes))?;

    let before = parent.stat()?;
    let mut last = parent.stat()?;
    for home in &homes {
        home.remove()?;
        let now = parent.stat()?;
        has_not_fallen(version, &last, &now)?;
        last = now;
    }
    eventually(|| {
        machine::drain_lru_batches()?;
        uses_what_is_there(&parent, slack(CHILDREN + 1))?;
        let now = parent.stat()?;
        has_not_fallen(version, &last, &now)?;
        for key in [anon, file, "pgfault"].map(added) {
            equal(&key, now.get(&key)?, before.get(&key)?)?;
        }
        Ok(())
    })
}

/// Containers come and go below one whose statistics somebody reads all the time, to draw a graph
/// of what happens in a second. None of that ever is less than nothing.
fn never_fall(hierarchy: &Hierarchy) -> Outcome {
    /// They make a read take longer.
    const IDLE: usize = 30;
    const FILLERS: u64 = 2;
    /// So many reads, and containers filled, are worth the name.
    const READS: u64 = 50;
    const FILLED: u64 = 10;

    let (rounds, enough, at_most) = match machine::in_full() {
        true => (1000, Duration::MAX, Duration::MAX),
        false => (100, Duration::from_secs(30), Duration::from_secs(120)),
    };
    let version = hierarchy.version();
    let root = hierarchy.root();
    let parent = hierarchy.create("parent")?;
    for number in 0..IDLE {
        parent.child(&format!("idle-{number}"))?;
    }
    let counters = sys::shared_counters(3)?;
    let (over, reads, filled) = (&counters[0], &counters[1], &counters[2]);
    let before = parent.stat()?;
    let reader = Worker::start(&root, |_| {
        let mut last = parent.stat()?;
        while over.load(SeqCst) == 0 {
            let now = parent.stat()?;
            has_not_fallen(version, &last, &now)?;
            reads.fetch_add(1, SeqCst);
            last = now;
        }
        Ok(())
    })?;
    // There is always one that is about to go.
    let passer_by = Worker::start(&root, |_| {
        while over.load(SeqCst) == 0 {
            parent.child("empty")?.remove()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    })?;
    let mut fillers = Vec::new();
    for number in 0..FILLERS {
        let (parent, root) = (&parent, &root);
        fillers.push(Worker::start(root, move |line| {
            let path = disk::file(&format!("large-{number}"));
            disk::make(&path, 4 * MB)?;
            let started = Instant::now();
            for _ in 0..rounds {
                let elapsed = started.elapsed();
                if elapsed > enough && filled.load(SeqCst) >= FILLED || elapsed > at_most {
                    break;
                }
                disk::evict(&path)?;
                let home = parent.child(&format!("filled-{number}"))?;
                home.set_limit(2 * MB)?;
                home.adopt(Pid::of_self())?;
                disk::read(&path)?;
                let len = MB as usize / 4;
                Mapping::anon(len)?.fill(0..len, 0);
                root.adopt(Pid::of_self())?;
                home.remove()?;
                filled.fetch_add(1, SeqCst);
                line.say(0)?;
            }
            Ok(())
        })?);
    }
    for filler in &mut fillers {
        while filler.hear_or_end()?.is_some() {}
    }
    fillers.into_iter().try_for_each(Worker::ends_well)?;
    over.store(1, SeqCst);
    reader.ends_well()?;
    passer_by.ends_well()?;

    let (reads, filled) = (reads.load(SeqCst), filled.load(SeqCst));
    ktap::note(format_args!(
        "{reads} reads while {filled} containers were filled"
    ));
    check!(reads >= READS, "only {reads} reads");
    check!(filled >= FILLED, "only {filled} containers filled");
    eventually(|| {
        let now = parent.stat()?;
        let faults = now.get(history(version)[0])? - before.get(history(version)[0])?;
        let expected = filled * MB / 4 / sys::page_size() as u64;
        check!(
            faults >= expected,
            "{faults} page faults, expected {expected}"
        );
        if version == Version::V2 {
            check!(now.get("pgsteal")? > 0, "limits reached, but pgsteal is 0");
        }
        Ok(())
    })
}

/// Eight processes read the statistics of the root all the time, while containers come, fault and
/// go: nobody is held up, and nothing of what they had is lost.
fn many_readers(hierarchy: &Hierarchy) -> Outcome {
    const READERS: usize = 8;
    /// So many are there at a time.
    const AT_ONCE: usize = 20;
    const SIZE: usize = MB as usize / 4;

    let rounds = if machine::in_full() { 50 } else { 3 };
    let parent = hierarchy.create("parent")?;
    let path = disk::file("small");
    disk::make(&path, MB)?;
    let monitors = Monitors::start(hierarchy, READERS)?;
    for _ in 0..rounds {
        let homes: Vec<_> = (0..AT_ONCE)
            .map(|number| parent.child(&number.to_string()))
            .collect::<Outcome<_>>()?;
        for home in &homes {
            run_in(home, || {
                Mapping::anon(SIZE)?.fill(0..SIZE, 0);
                disk::read(&path)
            })?;
        }
        homes.iter().try_for_each(Cgroup::remove)?;
        disk::evict(&path)?;
    }
    let reads = monitors.end()?;
    let homes = rounds * AT_ONCE;
    ktap::note(format_args!(
        "{reads} reads while {homes} containers came and went"
    ));
    check!(reads >= READERS as u64, "only {reads} reads");
    let faults = history(hierarchy.version())[0];
    let expected = (homes * SIZE / sys::page_size()) as u64;
    eventually(|| {
        let faults = parent.stat()?.get(faults)?;
        check!(
            faults >= expected,
            "{faults} page faults, expected {expected}"
        );
        usage_is(&parent, 0)
    })?;
    audit::clean()
}

/// The sums over all who scan and reclaim are the sums of those that are shown.
fn reclaim(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    child.set_limit(4 * MB)?;
    let path = disk::file("data");
    disk::make(&path, 12 * MB)?;
    run_in(&child, || disk::read(&path))?;
    parent.reclaim_all()?;
    eventually(|| {
        for cgroup in [&parent, &child] {
            let stat = cgroup.stat()?;
            for what in ["pgscan", "pgsteal"] {
                let by = ["_kswapd", "_direct", "_khugepaged", "_proactive"];
                equal(what, stat.get(what)?, sum(&stat, what, &by)?)?;
                let direct = stat.get(&format!("{what}_direct"))?;
                let proactive = stat.get(&format!("{what}_proactive"))?;
                check!(direct > 0, "limit reached, but {what}_direct is 0");
                check!(proactive > 0, "told to reclaim, but {what}_proactive is 0");
            }
            let (scanned, stolen) = (stat.get("pgscan")?, stat.get("pgsteal")?);
            check!(stolen <= scanned, "{stolen} reclaimed of {scanned} scanned");
        }
        Ok(())
    })
}

/// What happened to a container and below it is what happened to each of these.
fn events(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let (child, beside) = (parent.child("child")?, parent.child("beside")?);
    parent.set_limit(8 * MB)?;
    child.set_limit(4 * MB)?;
    let path = disk::file("data");
    disk::make(&path, 12 * MB)?;
    for cgroup in [&child, &beside] {
        run_in(cgroup, || disk::read(&path))?;
        disk::evict(&path)?;
        let mut hog = Worker::growing(cgroup, 12 * MB)?;
        while hog.hear_or_end()?.is_some() {}
        hog.killed()?;
    }
    let (all, own) = (parent.events()?, parent.local_events()?);
    for (key, all) in all.iter() {
        let mut below = 0;
        for cgroup in [&child, &beside] {
            let (tree, local) = (cgroup.events()?.get(key)?, cgroup.local_events()?.get(key)?);
            equal(
                format_args!("{key} of a container without children"),
                tree,
                local,
            )?;
            below += tree;
        }
        equal(key, all, own.get(key)? + below)?;
    }
    check!(own.get("max")? > 0, "parent's limit reached, but max is 0");
    check!(
        child.local_events()?.get("max")? > 0,
        "child's limit reached, but max is 0"
    );
    equal("killed", all.get("oom_kill")?, 2)
}

/// What pages there are does not change when a container goes and leaves them to its parent: who
/// looks at the parent meanwhile finds all of them, and none twice.
fn levels(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: u64 = 40;
    const LEFT: u64 = MB / 2;
    const READS: u64 = 50;

    let key = match hierarchy.version() {
        Version::V1 => "total_shmem",
        Version::V2 => "shmem",
    };
    // The C controller lets what CPUs have counted lag behind.
    let slack = match machine::has_memctl() {
        true => 0,
        false => stock_slack(),
    };
    let root = hierarchy.root();
    let parent = hierarchy.create("parent")?;
    let tmpfs = Tmpfs::mount("size=32M,huge=never")?;
    let counters = sys::shared_counters(4)?;
    let (over, reads, least, most) = (&counters[0], &counters[1], &counters[2], &counters[3]);
    let reader = Worker::start(&root, |_| {
        while over.load(SeqCst) == 0 {
            let least = least.load(SeqCst).saturating_sub(slack);
            let now = parent.stat()?.get(key)?;
            within(key, now, least..=most.load(SeqCst) + slack)?;
            reads.fetch_add(1, SeqCst);
        }
        Ok(())
    })?;
    for round in 0..ROUNDS {
        let child = parent.child("going")?;
        most.fetch_add(LEFT, SeqCst);
        run_in(&child, || {
            disk::write(&tmpfs.file(&round.to_string()), LEFT)
        })?;
        least.fetch_add(LEFT, SeqCst);
        child.remove()?;
    }
    over.store(1, SeqCst);
    reader.ends_well()?;
    let reads = reads.load(SeqCst);
    ktap::note(format_args!("{reads} reads while {ROUNDS} containers went"));
    check!(reads >= READS, "only {reads} reads");
    eventually(|| equal("left of all", parent.stat()?.get(key)?, ROUNDS * LEFT))?;
    for round in 0..ROUNDS {
        disk::remove(&tmpfs.file(&round.to_string()))?;
    }
    eventually(|| equal("left of files that are gone", parent.stat()?.get(key)?, 0))
}

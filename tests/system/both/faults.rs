// SPDX-License-Identifier: GPL-2.0

//! Allocations of the kernel's fail, one after the other, while containers are made, used and
//! removed. Each time the caller is told so, or it does without; nothing is lost, and the next
//! attempt is as good as the first.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::remove::nobody_lingers;
use super::stress::ends_empty;
use crate::cgroup::{Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::inject::{self, Injector};
use crate::ktap::{self, Group};
use crate::machine::{self, KernelLog};
use crate::outcome::{equal, eventually, fail, skip, within, Context, Outcome, Verdict, MB};
use crate::sys::{self, Advice, Mapping, Pid, ENOMEM};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("faults":
    create, percpu, remove, settings, join, populated, touched, file_read, file_write, tmpfs, by_chance,
    total);

pub const V2_GROUP: Group = group!("faults_control": enable);

const LIMIT: u64 = 8 * MB;

/// How much is read or written at a time.
const BLOCK: usize = 64 << 10;

/// How many faults there are to be at the least where `make test` wants `part`.
fn quota(part: u64) -> u64 {
    match machine::in_full() {
        true => 4 * part,
        false => part,
    }
}

/// What became of the actions in which an allocation failed.
#[derive(Default)]
struct Tally {
    refused: Cell<u64>,
    coped: Cell<u64>,
}

fn one_more(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

impl Tally {
    fn faults(&self) -> u64 {
        self.refused.get() + self.coped.get()
    }

    fn tell(&self, what: &str) {
        let (refused, coped) = (self.refused.get(), self.coped.get());
        ktap::note(format_args!(
            "{what}: {refused} times \"no memory\", {coped} times done without it"
        ));
    }
}

/// What a test does with an allocation failing.
type Action<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// What it does afterwards, knowing whether the action was successful.
type After<'a> = &'a mut dyn FnMut(bool) -> Outcome;

/// Does `action` with its first allocation failing, then with its second, and so on until it needs
/// no more. It may fail with ENOMEM, nothing else.
fn sweep(injector: &Injector, tally: &Tally, action: Action, after: After) -> Outcome {
    for nth in 1.. {
        let (failed, result) = injector.nth(nth, &mut *action)?;
        after(result.is_ok())?;
        match result {
            Ok(()) if !failed => break,
            Ok(()) => one_more(&tally.coped),
            Err(error) if failed && error.raw_os_error() == Some(ENOMEM) => {
                one_more(&tally.refused);
            }
            Err(error) => return fail(format!("with allocation {nth} failing: {error}")),
        }
    }
    Ok(())
}

/// Repeats a [`sweep`] until there have been `part` faults or more.
fn sweeps(what: &str, part: u64, action: Action, after: After) -> Outcome {
    let injector = Injector::new()?;
    let tally = Tally::default();
    while tally.faults() < quota(part) {
        let before = tally.faults();
        sweep(&injector, &tally, action, after)?;
        check!(tally.faults() > before, "{what}: nothing to fail");
    }
    tally.tell(what);
    Ok(())
}

/// What the kernel has in use, to compare with later.
struct Books {
    /// Those pages included that CPUs keep for themselves.
    available: u64,
    slab: u64,
    percpu: u64,
}

impl Books {
    fn open() -> Outcome<Self> {
        machine::drop_caches()?;
        Ok(Self {
            available: machine::meminfo("MemAvailable")? + machine::kept_by_cpus()?,
            slab: machine::meminfo("Slab")?,
            percpu: machine::meminfo("Percpu")?,
        })
    }

    /// Expects no container to be left that was removed, and no more to be in use than what the kernel
    /// keeps of slabs and of CPUs' memory that are used in part. What a fault loses of a few objects is
    /// too little for that; a kernel with kmemleak tells.
    fn balance(&self, hierarchy: &Hierarchy) -> Outcome {
        let in_part = if machine::has_kasan() {
            32 * MB
        } else {
            2 * MB
        };

        nobody_lingers(hierarchy)?;
        eventually(|| {
            let now = Self::open()?;
            let least = self.available.saturating_sub(2 * in_part);
            within("memory available", now.available, least..=u64::MAX)?;
            within("memory of slabs", now.slab, 0..=self.slab + in_part)?;
            within("memory of CPUs", now.percpu, 0..=self.percpu + in_part)
        })
    }
}

fn nothing(_: bool) -> Outcome {
    Ok(())
}

/// Containers are made, and kept until the end: room for the numbers of each CPU runs out, too.
fn create(hierarchy: &Hierarchy) -> Outcome {
    inject::prepare()?;
    let top = hierarchy.create("top")?;
    top.child("first")?.remove()?;
    let made = Cell::new(0);
    let path = || top.path().join(made.get().to_string());
    let round = |part| {
        sweeps("mkdir", part, &mut || fs::create_dir(path()), &mut |done| {
            made.set(made.get() + u64::from(done));
            equal("a container", path().exists(), false)
        })?;
        let last = top.path().join((made.get() - 1).to_string());
        run_in(&Cgroup::at(&last), || {
            Ok(Mapping::anon(MB as usize)?.fill(0..MB as usize, 0))
        })?;
        while made.get() > 0 {
            made.set(made.get() - 1);
            fs::remove_dir(path()).context("rmdir")?;
        }
        nobody_lingers(hierarchy)
    };
    // What the first round leaves in caches stays there.
    round(100)?;
    let books = Books::open()?;
    round(500)?;
    books.balance(hierarchy)?;
    ends_empty(&top, 1)
}

/// How often the kernel says that somebody did not get memory of CPUs.
fn percpu_failures(log: &mut KernelLog) -> Outcome<usize> {
    let records = log.records()?;
    let failures = records
        .iter()
        .filter(|r| r.contains("percpu: allocation failed"));
    Ok(failures.count())
}

/// Memory of CPUs that a container cannot get. The kernel keeps a few pages of it at hand, and a
/// thread of its own brings in more: so it gets no time to run, and many containers are made.
fn percpu(hierarchy: &Hierarchy) -> Outcome {
    const AT_MOST: u64 = 300;
    const ENOUGH: usize = 3;
    /// Of a container's allocations, its share of this memory is among the first.
    const FIRST: u32 = 16;
    const LONG: Duration = Duration::from_secs(40);

    inject::prepare()?;
    let (mut log, mut workers_log) = (KernelLog::from_here()?, KernelLog::from_here()?);
    let top = hierarchy.create("top")?;
    top.child("first")?.remove()?;
    let home = hierarchy.create("home")?;
    let books = Books::open()?;
    let busy: Vec<_> = (1..sys::cpus())
        .map(|cpu| spinner(&home, cpu))
        .collect::<Outcome<_>>()?;
    run_in(&home, || {
        let injector = Injector::new()?;
        sys::run_on_cpu(0)?;
        sys::run_in_turn()?;
        let path = |number: u64| top.path().join(number.to_string());
        let (mut made, mut failures) = (0, 0);
        let started = Instant::now();
        while made < AT_MOST && failures < ENOUGH && started.elapsed() < LONG {
            for nth in 1..=FIRST {
                match injector.nth(nth, || fs::create_dir(path(made)))? {
                    (_, Ok(())) => made += 1,
                    (true, Err(error)) if error.raw_os_error() == Some(ENOMEM) => (),
                    (_, Err(error)) => return fail(format!("mkdir: {error}")),
                }
            }
            fs::create_dir(path(made)).context("mkdir")?;
            made += 1;
            failures += percpu_failures(&mut workers_log)?;
        }
        (0..made).try_for_each(|number| fs::remove_dir(path(number)).context("rmdir"))
    })?;
    drop(busy);
    books.balance(hierarchy)?;
    match percpu_failures(&mut log)? {
        // It has not shown anything.
        0 => skip("the kernel had enough of it at hand"),
        count => {
            ktap::note(format_args!("{count} times no memory of CPUs"));
            Ok(())
        }
    }
}

/// A process that lets nobody else run on a CPU.
fn spinner(home: &Cgroup, cpu: usize) -> Outcome<Worker> {
    Worker::start(home, |_| {
        sys::run_on_cpu(cpu)?;
        sys::run_in_turn()?;
        loop {
            std::hint::spin_loop();
        }
    })
}

/// A container that cannot be removed is still there.
fn remove(hierarchy: &Hierarchy) -> Outcome {
    inject::prepare()?;
    let top = hierarchy.create("top")?;
    let container = top.child("child")?;
    let books = Books::open()?;
    sweeps("rmdir", 50, &mut || container.try_remove(), &mut |done| {
        equal("gone", !container.path().exists(), done)?;
        match done {
            true => fs::create_dir(container.path()).context("mkdir"),
            false => Ok(()),
        }
    })?;
    container.remove()?;
    books.balance(hierarchy)
}

/// Turning the controller on for children: either all have it then, or none.
fn enable(hierarchy: &Hierarchy) -> Outcome {
    const CHILDREN: usize = 3;

    inject::prepare()?;
    let top = hierarchy.create("top")?;
    let children: Vec<_> = (0..CHILDREN)
        .map(|n| top.path().join(n.to_string()))
        .collect();
    for child in &children {
        fs::create_dir(child).context("mkdir")?;
    }
    let books = Books::open()?;
    let have_it = || {
        let files = children.iter().map(|child| child.join("memory.max"));
        files.filter(|file| file.exists()).count()
    };
    sweeps(
        "subtree_control",
        100,
        &mut || top.try_write("cgroup.subtree_control", "+memory"),
        &mut |done| {
            let expected = if done { CHILDREN } else { 0 };
            equal("children with the controller", have_it(), expected)?;
            top.write("cgroup.subtree_control", "-memory")
        },
    )?;
    for child in &children {
        fs::remove_dir(child).context("rmdir")?;
    }
    books.balance(hierarchy)
}

/// A setting that could not be written is what it was; files that could not be read can be later.
fn settings(hierarchy: &Hierarchy) -> Outcome {
    inject::prepare()?;
    let container = hierarchy.create("settings")?;
    container.set_limit(LIMIT)?;
    let books = Books::open()?;
    sweeps(
        "a limit",
        50,
        &mut || container.try_limit(2 * LIMIT),
        &mut |done| {
            let expected = if done { 2 * LIMIT } else { LIMIT };
            equal("limit", container.limit()?, expected)?;
            container.set_limit(LIMIT)
        },
    )?;
    let mut text = vec![0; 16 << 10];
    for name in ["memory.stat", "memory.numa_stat"] {
        let path = container.file(name);
        sweeps(
            name,
            50,
            &mut || File::open(&path)?.read(&mut text).map(drop),
            &mut nothing,
        )?;
    }
    books.balance(hierarchy)
}

/// A process that could not be moved is where it was.
fn join(hierarchy: &Hierarchy) -> Outcome {
    inject::prepare()?;
    let home = hierarchy.create("home")?;
    let other = hierarchy.create("other")?;
    let books = Books::open()?;
    run_in(&home, || {
        let own = Pid::of_self();
        let target = other.file("cgroup.procs");
        let number = own.number().to_string();
        sweeps(
            "a move",
            100,
            &mut || {
                let mut file = fs::OpenOptions::new().write(true).open(&target)?;
                file.write(number.as_bytes()).map(drop)
            },
            &mut |done| {
                let place = if done { &other } else { &home };
                equal("processes", place.processes()?, vec![own])?;
                home.adopt(own)
            },
        )
    })?;
    other.remove()?;
    home.remove()?;
    books.balance(hierarchy)
}

/// Runs `body` in a container with a limit; afterwards nothing must be left in it.
fn in_container(hierarchy: &Hierarchy, body: impl Fn() -> Outcome) -> Outcome {
    inject::prepare()?;
    let container = hierarchy.create("used")?;
    container.set_limit(LIMIT)?;
    let books = Books::open()?;
    run_in(&container, &body)?;
    equal("processes killed", container.oom_kills()?, 0)?;
    ends_empty(&container, 1)?;
    container.remove()?;
    books.balance(hierarchy)
}

/// Anonymous memory that a system call brings in.
fn populated(hierarchy: &Hierarchy) -> Outcome {
    in_container(hierarchy, || {
        let memory = Cell::new(None);
        let action = &mut || {
            let fresh = Mapping::anon(BLOCK)?;
            let result = fresh.advise(0..BLOCK, Advice::Populate);
            memory.set(Some(fresh));
            result
        };
        // Unmapped where that cannot fail.
        sweeps("madvise", 500, action, &mut |_| Ok(drop(memory.take())))
    })
}

/// Anonymous memory that page faults bring in: a fault that found no memory comes again.
fn touched(hierarchy: &Hierarchy) -> Outcome {
    in_container(hierarchy, || {
        let memory = Cell::new(None);
        let seed = Cell::new(0);
        let action = &mut || {
            let mut fresh = Mapping::anon(BLOCK)?;
            one_more(&seed);
            fresh.fill(0..BLOCK, seed.get());
            memory.set(Some(fresh));
            Ok(())
        };
        sweeps("a page fault", 300, action, &mut |_| {
            let memory = memory.take();
            let holds = memory.map(|memory| memory.holds(0..BLOCK, seed.get()));
            check!(holds != Some(false), "memory has changed");
            Ok(())
        })
    })
}

/// A file of one block with nothing of it in memory, and what is in there.
fn evicted_file() -> Outcome<(File, Vec<u8>)> {
    let path = disk::file("data");
    disk::make(&path, MB)?;
    let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let mut contents = vec![0; BLOCK];
    file.read_exact_at(&mut contents, 0)?;
    sys::evict(&file)?;
    Ok((file, contents))
}

/// Page cache that a read brings in.
fn file_read(hierarchy: &Hierarchy) -> Outcome {
    in_container(hierarchy, || {
        let (file, contents) = evicted_file()?;
        let mut block = vec![0; BLOCK];
        let action = &mut || {
            sys::evict(&file)?;
            let len = file.read_at(&mut block, 0)?;
            match block[..len] == contents[..len] {
                true => Ok(()),
                false => Err(io::Error::other("file has changed")),
            }
        };
        sweeps("a read", 300, action, &mut nothing)?;
        disk::remove(&disk::file("data"))
    })
}

/// Page cache that a write brings in, of a file that has its blocks.
fn file_write(hierarchy: &Hierarchy) -> Outcome {
    in_container(hierarchy, || {
        let (file, contents) = evicted_file()?;
        for len in [sys::page_size(), BLOCK] {
            let action = &mut || {
                sys::evict(&file)?;
                file.write_at(&contents[..len], 0).map(drop)
            };
            let after = &mut |_| file.sync_all().context("fsync");
            sweeps(&format!("a write of {len} bytes"), 100, action, after)?;
        }
        disk::remove(&disk::file("data"))
    })
}

/// Shared memory that a write brings in.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let tmpfs = machine::Tmpfs::mount("")?;
    in_container(hierarchy, || {
        let path = tmpfs.file("data");
        let file = File::create(&path)?;
        let block = vec![1; BLOCK];
        for len in [sys::page_size(), BLOCK] {
            let action = &mut || {
                file.set_len(0)?;
                file.write_at(&block[..len], 0).map(drop)
            };
            sweeps(
                &format!("a write of {len} bytes"),
                150,
                action,
                &mut nothing,
            )?;
        }
        disk::remove(&path)
    })
}

/// Whatever happens to be asked for fails, while a container at its limit reclaims, and others come
/// and go.
fn by_chance(hierarchy: &Hierarchy) -> Outcome {
    const ENOUGH: Duration = Duration::from_secs(40);

    let path = disk::file("data");
    disk::make(&path, 2 * LIMIT)?;
    let other = hierarchy.root().path().join("memctl-other");
    in_container(hierarchy, || {
        let injector = Injector::new()?;
        let refused = Cell::new(0);
        let attempt = |action: Action| match injector.by_chance(action)? {
            Ok(()) => Ok(()),
            Err(error) if error.raw_os_error() == Some(ENOMEM) => Ok(one_more(&refused)),
            Err(error) => fail(error.to_string()),
        };
        let file = File::open(&path)?;
        let mut block = vec![0; BLOCK];
        let memory = Mapping::anon(LIMIT as usize / 2)?;
        let (started, before) = (Instant::now(), inject::injected()?);
        let faults = || Ok::<_, Verdict>(inject::injected()? - before);
        let mut offset = 0;
        while faults()? < quota(500) && started.elapsed() < ENOUGH {
            attempt(&mut || fs::create_dir(&other))?;
            if other.exists() {
                attempt(&mut || fs::remove_dir(&other))?;
            }
            if other.exists() {
                fs::remove_dir(&other).context("rmdir")?;
            }
            let place = offset as usize % memory.len();
            let place = place..place + BLOCK;
            attempt(&mut || memory.advise(place.clone(), Advice::DontNeed))?;
            attempt(&mut || memory.advise(place.clone(), Advice::Populate))?;
            attempt(&mut || file.read_at(&mut block, offset).map(drop))?;
            offset = (offset + BLOCK as u64) % (2 * LIMIT);
        }
        ktap::note(format_args!(
            "by chance: {} faults, {} times \"no memory\"",
            faults()?,
            refused.get()
        ));
        disk::remove(&path)
    })
}

/// How many faults there have been in all tests of this boot.
fn total(_: &Hierarchy) -> Outcome {
    inject::prepare()?;
    let injected = inject::injected()?;
    if injected == 0 {
        return skip("no test has asked for faults");
    }
    ktap::note(format_args!(
        "{injected} faults since the machine has started"
    ));
    let least = if machine::in_full() { 10_000 } else { 2_000 };
    check!(injected >= least, "{injected} faults, expected {least}");
    Ok(())
}

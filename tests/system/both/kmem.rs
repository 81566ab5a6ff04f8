// SPDX-License-Identifier: GPL-2.0

//! Memory that the kernel takes for what the processes of a container do is the container's: names
//! and inodes of files, pipes, stacks, page tables, tables of descriptors, and containers.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::remove::nobody_lingers;
use crate::cgroup::{exact_slack, process_slack, stock_slack, Cgroup, Hierarchy, Kind, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, fail, refused, skip, within, Context, Outcome, MB};
use crate::sys::{self, Mapping, EINVAL};
use crate::worker::{run_in, Line, Worker};

pub const GROUP: Group = group!("kmem":
    files, lookups, pipes, large_pipes, maps, rings, threads, page_tables, descriptors, containers,
    moved, left_behind, lookups_left_behind, many_filesystems,
    files_at_limit, lookups_at_limit, lookups_below_limit, threads_at_limit, pipes_at_limit,
    page_tables_at_limit);

pub const V1_GROUP: Group = group!("kmem_files": settings, limit_has_no_effect, watermark);

/// What a kernel does that was told not to count its memory.
pub const NOT_COUNTED_GROUP: Group = group!("nokmem": nothing);

/// So many bytes of kernel memory are far more than a process takes of itself.
const SIZE: u64 = 8 * MB;

/// What the kernel keeps of a name, of an open file, or of a pipe differs between kernels, but is
/// never less or more than that.
const OBJECT: RangeInclusive<u64> = 128..=4096;

/// The lines of memory.stat, of version 2, that are kernel memory.
const LINES: &[&str] = &[
    "kernel",
    "kernel_stack",
    "pagetables",
    "percpu",
    "vmalloc",
    "slab_reclaimable",
    "slab_unreclaimable",
    "slab",
];

/// A container whose kernel memory is counted.
pub fn counting(hierarchy: &Hierarchy, name: &str) -> Outcome<Cgroup> {
    if !machine::counts_kernel_memory() {
        return skip("kernel memory is not counted");
    }
    hierarchy.create(name)
}

/// `count` times what there is of one.
fn times(count: u64, one: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    count * one.start()..=count * one.end()
}

/// Expects as much kernel memory, and that it is part of what is in use. With version 2, `lines` of
/// memory.stat say what it is.
fn has(
    container: &Cgroup,
    bytes: RangeInclusive<u64>,
    lines: &[(&str, RangeInclusive<u64>)],
) -> Outcome {
    eventually(|| {
        let kernel = container.kernel_memory()?;
        within("kernel memory", kernel, bytes.clone())?;
        let other = container.charged(Kind::Anon)? + container.charged(Kind::File)?;
        let usage = container.usage()?;
        within("usage", usage, kernel..=kernel + other + process_slack())?;
        if container.version() == Version::V1 {
            return Ok(());
        }
        let stat = container.stat()?;
        for (key, bounds) in lines {
            within(key, stat.get(key)?, bounds.clone())?;
        }
        let slabs = stat.sum(&["slab_reclaimable", "slab_unreclaimable"])?;
        equal("slab", stat.get("slab")?, slabs)?;
        let named = stat.sum(&["kernel_stack", "pagetables", "percpu", "vmalloc", "slab"])?;
        within("kernel memory", kernel + rounding(), named..=u64::MAX)
    })
}

/// What is charged in whole pages and used in part: a page for each CPU, and for each of the few
/// containers that have been in a test.
fn rounding() -> u64 {
    exact_slack() + 4 * sys::page_size() as u64
}

/// Expects kernel memory to be gone.
fn nothing_left(container: &Cgroup) -> Outcome {
    eventually(|| {
        let name = container.path().display();
        let left = container.kernel_memory()?;
        within(
            format_args!("kernel memory of {name}"),
            left,
            0..=rounding(),
        )?;
        if container.version() == Version::V2 {
            let stat = container.stat()?;
            for key in LINES {
                within(
                    format_args!("{key} of {name}"),
                    stat.get(key)?,
                    0..=rounding(),
                )?;
            }
        }
        within(
            format_args!("usage of {name}"),
            container.usage()?,
            0..=stock_slack(),
        )
    })
}

/// Does `work` in a process in `container`, which keeps what comes of it until `look` has looked.
fn kept<T>(
    container: &Cgroup,
    work: impl FnOnce() -> Outcome<T>,
    look: impl FnOnce() -> Outcome,
) -> Outcome {
    let mut worker = Worker::start(container, |line| {
        let _kept = work()?;
        line.rest()
    })?;
    worker.hear()?;
    look()?;
    worker.finish()
}

/// The file with that number.
pub fn nth(directory: &Path, number: u64) -> PathBuf {
    directory.join(number.to_string())
}

/// Looks for a file that is not there. The kernel remembers that, with a name of 200 bytes.
fn look_up(whose: &str, number: u64) -> Outcome {
    let path = disk::file(&format!("{whose}-{number:0>240}"));
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        found => found.context(path.display()).map(drop),
    }
}

/// A pipe with a page in it.
pub fn pipe_with_page() -> std::io::Result<(File, File)> {
    let (from, mut to) = sys::pipe()?;
    to.write_all(&vec![0; sys::page_size()])?;
    Ok((from, to))
}

/// Pipes with [`SIZE`] in them, a page each.
fn pipes_with_pages() -> Outcome<Vec<(File, File)>> {
    const DESCRIPTORS: u64 = 1 << 14;

    sys::allow_descriptors(DESCRIPTORS)?;
    let count = SIZE / sys::page_size() as u64;
    Ok((0..count)
        .map(|_| pipe_with_page())
        .collect::<Result<_, _>>()?)
}

/// What [`pipes_with_pages`] takes: the pages, and for each a buffer, an inode and two files.
fn of_pipes_with_pages() -> RangeInclusive<u64> {
    let pipes = SIZE / sys::page_size() as u64;
    SIZE + 4 * pipes * OBJECT.start()..=SIZE + 4 * pipes * OBJECT.end()
}

/// How much memory one page table maps.
pub fn table_span() -> usize {
    sys::page_size() * sys::page_size() / size_of::<u64>()
}

/// Names and inodes stay when the process that made them goes, and go with the files.
fn files(hierarchy: &Hierarchy) -> Outcome {
    const FILES: u64 = 4000;

    let container = counting(hierarchy, "files")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let directory = tmpfs.file("directory");
    run_in(&container, || {
        fs::create_dir(&directory)?;
        for number in 0..FILES {
            File::create(nth(&directory, number))?;
        }
        Ok(())
    })?;
    let inode = 3 * OBJECT.start()..=*OBJECT.end();
    has(
        &container,
        times(FILES, &(4 * OBJECT.start()..=2 * OBJECT.end())),
        &[
            ("slab_reclaimable", times(FILES, &OBJECT)),
            ("slab_unreclaimable", times(FILES, &inode)),
        ],
    )?;
    fs::remove_dir_all(&directory)?;
    nothing_left(&container)
}

/// That there is no such file is remembered until memory is short.
fn lookups(hierarchy: &Hierarchy) -> Outcome {
    const LOOKUPS: u64 = 10_000;

    let container = counting(hierarchy, "lookups")?;
    run_in(&container, || {
        (0..LOOKUPS).try_for_each(|number| look_up("a", number))
    })?;
    let name = 2 * OBJECT.start()..=*OBJECT.end();
    has(
        &container,
        times(LOOKUPS, &name),
        &[("slab_reclaimable", times(LOOKUPS, &name))],
    )?;
    container.reclaim_all()?;
    nothing_left(&container)
}

fn pipes(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "pipes")?;
    let pipes = SIZE / sys::page_size() as u64;
    kept(&container, pipes_with_pages, || {
        has(
            &container,
            of_pipes_with_pages(),
            &[
                // Inode and name; buffer and files.
                ("slab_reclaimable", times(2 * pipes, &OBJECT)),
                ("slab_unreclaimable", times(3 * pipes, &OBJECT)),
            ],
        )
    })?;
    nothing_left(&container)
}

/// Pages that are no objects, in few pipes.
fn large_pipes(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "pipes")?;
    let fill = || {
        let mut pipes = Vec::new();
        for _ in 0..SIZE / MB {
            let (from, mut to) = sys::pipe()?;
            sys::set_pipe_size(&to, MB as usize)?;
            to.write_all(&vec![0; MB as usize])?;
            pipes.push((from, to));
        }
        Ok(pipes)
    };
    kept(&container, fill, || {
        has(
            &container,
            SIZE..=SIZE + process_slack(),
            &[("slab", 0..=process_slack())],
        )
    })?;
    nothing_left(&container)
}

/// A kernel may be without what a test is of.
fn unless_missing<T>(what: &str, made: std::io::Result<T>) -> Outcome<T> {
    match made {
        Err(error) if error.raw_os_error() == Some(sys::ENOSYS) => skip(format!("no {what}")),
        made => made.context(what),
    }
}

/// A map of BPF is the charge of who made it: what is virtually contiguous.
fn maps(hierarchy: &Hierarchy) -> Outcome {
    const VALUE: u32 = 8;

    let container = counting(hierarchy, "maps")?;
    let make = || unless_missing("maps of BPF", sys::bpf_array(VALUE, SIZE as u32 / VALUE));
    let size = || SIZE..=SIZE + process_slack();
    kept(&container, make, || {
        has(
            &container,
            size(),
            &[("vmalloc", size()), ("percpu", 0..=process_slack())],
        )
    })?;
    nothing_left(&container)
}

/// Rings to ask for I/O are pages of the kernel that processes map.
fn rings(hierarchy: &Hierarchy) -> Outcome {
    const ENTRIES: u64 = 1 << 15;

    let container = counting(hierarchy, "rings")?;
    let make = || unless_missing("io_uring", sys::io_uring(ENTRIES as u32));
    // What is asked for, where in it, and what is answered, twice as often.
    let size = ENTRIES * (64 + 4 + 2 * 16);
    kept(&container, make, || {
        has(&container, size..=size + process_slack(), &[])
    })?;
    nothing_left(&container)
}

/// Starts a thread that does nothing.
pub fn start_thread() -> std::io::Result<()> {
    const STACK: usize = 16 << 10;

    let thread = std::thread::Builder::new().stack_size(STACK);
    thread
        .spawn(|| loop {
            std::thread::park();
        })
        .map(drop)
}

fn threads(hierarchy: &Hierarchy) -> Outcome {
    const THREADS: u64 = 300;
    const STACK: RangeInclusive<u64> = 8 << 10..=64 << 10;

    let container = counting(hierarchy, "threads")?;
    let start = || {
        for _ in 0..THREADS {
            start_thread()?;
        }
        Ok(())
    };
    kept(&container, start, || {
        has(
            &container,
            times(THREADS, &(STACK.start() + OBJECT.start()..=2 * STACK.end())),
            &[
                ("kernel_stack", times(THREADS, &STACK)),
                (
                    "slab_unreclaimable",
                    times(THREADS, &(*OBJECT.start()..=*STACK.end())),
                ),
            ],
        )
    })?;
    nothing_left(&container)
}

/// Memory that is only read is the page of zeroes that all share. What maps it is not.
fn page_tables(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "tables")?;
    let tables = SIZE as usize / sys::page_size();
    let map = || {
        let memory = Mapping::sparse(tables * table_span())?;
        for start in (0..memory.len()).step_by(table_span()) {
            memory.touch(start..start + 1);
        }
        Ok(memory)
    };
    kept(&container, map, || {
        has(
            &container,
            SIZE..=SIZE + process_slack(),
            &[("pagetables", SIZE..=SIZE + process_slack())],
        )?;
        within(
            "anonymous memory",
            container.charged(Kind::Anon)?,
            0..=process_slack(),
        )
    })?;
    nothing_left(&container)
}

/// A table of descriptors that is too large to be one piece of memory.
fn descriptors(hierarchy: &Hierarchy) -> Outcome {
    /// As many as there may be.
    const DESCRIPTORS: u64 = 1 << 20;

    let container = counting(hierarchy, "descriptors")?;
    let size = DESCRIPTORS * size_of::<usize>() as u64;
    let duplicate = || {
        sys::allow_descriptors(DESCRIPTORS)?;
        let file = File::open("/dev/null")?;
        Ok(sys::duplicate(&file, DESCRIPTORS - 1)?)
    };
    kept(&container, duplicate, || {
        has(
            &container,
            size..=size + process_slack(),
            &[("vmalloc", size..=size + process_slack())],
        )
    })?;
    nothing_left(&container)
}

/// What a container takes is the one's above it, whoever makes it.
fn containers(hierarchy: &Hierarchy) -> Outcome {
    const CHILDREN: u64 = 200;

    let parent = counting(hierarchy, "parent")?;
    let children = (0..CHILDREN).map(|number| parent.child(&number.to_string()));
    let children = children.collect::<Outcome<Vec<_>>>()?;
    let percpu = 64 * sys::cpus() as u64..=(16 << 10) * sys::cpus() as u64;
    has(
        &parent,
        times(CHILDREN, &(*percpu.start()..=4 * percpu.end())),
        &[("percpu", times(CHILDREN, &percpu))],
    )?;
    children.iter().try_for_each(Cgroup::remove)?;
    nobody_lingers(hierarchy)?;
    nothing_left(&parent)
}

/// A process that moves leaves behind what it had; what comes then is where it is.
fn moved(hierarchy: &Hierarchy) -> Outcome {
    let (first, second) = (counting(hierarchy, "first")?, hierarchy.create("second")?);
    let mut worker = Worker::start(&first, |line| {
        let before = pipes_with_pages()?;
        line.rest()?;
        let after = pipes_with_pages()?;
        line.rest()?;
        drop(before);
        line.rest()?;
        drop(after);
        line.rest()
    })?;
    worker.hear()?;
    has(&first, of_pipes_with_pages(), &[])?;
    second.adopt(worker.pid())?;
    has(&first, of_pipes_with_pages(), &[])?;
    nothing_left(&second)?;

    worker.tell(0)?;
    worker.hear()?;
    has(&first, of_pipes_with_pages(), &[])?;
    has(&second, of_pipes_with_pages(), &[])?;
    worker.tell(0)?;
    worker.hear()?;
    has(&first, 0..=process_slack(), &[])?;
    has(&second, of_pipes_with_pages(), &[])?;
    worker.tell(0)?;
    worker.hear()?;
    has(&second, 0..=process_slack(), &[])?;
    worker.finish()?;
    nothing_left(&first)?;
    nothing_left(&second)
}

/// A container can be removed while a process elsewhere has what is charged to it. The one above
/// has the charge then, until that goes.
fn left_behind(hierarchy: &Hierarchy) -> Outcome {
    let (parent, elsewhere) = (
        counting(hierarchy, "parent")?,
        hierarchy.create("elsewhere")?,
    );
    let child = parent.child("child")?;
    let grandchild = child.child("grandchild")?;
    let mut worker = Worker::start(&grandchild, |line| {
        let _kept = pipes_with_pages()?;
        line.rest()
    })?;
    worker.hear()?;
    elsewhere.adopt(worker.pid())?;
    for removed in [&grandchild, &child] {
        removed.remove()?;
        nobody_lingers(hierarchy)?;
        has(&parent, of_pipes_with_pages(), &[])?;
    }
    has(&elsewhere, 0..=process_slack(), &[])?;
    worker.finish()?;
    nothing_left(&parent)?;
    nothing_left(&elsewhere)
}

/// What nobody needs is found by the reclaim of the one above when its container is gone.
fn lookups_left_behind(hierarchy: &Hierarchy) -> Outcome {
    const LOOKUPS: u64 = 10_000;

    let parent = counting(hierarchy, "parent")?;
    let child = parent.child("child")?;
    let grandchild = child.child("grandchild")?;
    run_in(&grandchild, || {
        (0..LOOKUPS).try_for_each(|number| look_up("a", number))
    })?;
    grandchild.remove()?;
    child.remove()?;
    nobody_lingers(hierarchy)?;
    has(
        &parent,
        times(LOOKUPS, &(2 * OBJECT.start()..=*OBJECT.end())),
        &[],
    )?;
    parent.reclaim_all()?;
    nothing_left(&parent)
}

/// File systems that show the same, on directories of a tmpfs, gone when dropped.
struct Mounts(machine::Tmpfs, u64);

impl Mounts {
    fn new(count: u64) -> Outcome<Self> {
        let mounts = Self(machine::Tmpfs::mount("")?, 0);
        for number in 0..count {
            fs::create_dir(mounts.path(number))?;
        }
        Ok(mounts)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.0.file(&number.to_string())
    }

    fn add(&mut self) -> Outcome {
        sys::mount("none", &self.path(self.1), "proc", "").context("mount proc")?;
        self.1 += 1;
        Ok(())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        for number in 0..self.1 {
            let _ = sys::unmount(&self.path(number));
        }
    }
}

/// Looks at all that is below a directory, and says how much that was.
fn look_around(directory: &Path) -> Outcome<u64> {
    let mut seen = 0;
    for entry in fs::read_dir(directory).context(directory.display())? {
        let entry = entry?;
        seen += 1;
        if entry.metadata().context(entry.path().display())?.is_dir() {
            seen += look_around(&entry.path())?;
        }
    }
    Ok(seen)
}

/// Each file system has caches of its own. What a container has on those of new ones is found as
/// well, be it that it had something on others before, or at that time, or never.
fn many_filesystems(hierarchy: &Hierarchy) -> Outcome {
    // More than twice as many as a word has bits.
    const COUNT: u64 = 150;

    let early = counting(hierarchy, "early")?;
    let (meanwhile, late) = (hierarchy.create("meanwhile")?, hierarchy.create("late")?);
    let mut mounts = Mounts::new(COUNT)?;
    let settings = |number| mounts.path(number).join("sys/kernel");
    let (first, last) = (settings(0), settings(COUNT - 1));
    let all: Vec<_> = (0..COUNT).map(settings).collect();
    mounts.add()?;
    run_in(&early, || look_around(&first).map(drop))?;
    let worker = Worker::start(&meanwhile, |_| {
        for path in &all {
            while !path.exists() {
                std::thread::yield_now();
            }
            look_around(path)?;
        }
        Ok(())
    })?;
    while mounts.1 < COUNT {
        mounts.add()?;
    }
    worker.finish()?;
    let seen = look_around(&last)?;
    machine::drop_caches()?;
    for container in [&early, &late, &meanwhile] {
        run_in(container, || look_around(&last).map(drop))?;
        let names = seen * OBJECT.start()..=u64::MAX;
        has(container, names.clone(), &[("slab_reclaimable", names)])?;
        container.reclaim_all()?;
        nothing_left(container)?;
    }
    Ok(())
}

const LIMIT: u64 = 16 * MB;

/// A container with a limit, in one without, and a neighbour with what could be reclaimed.
struct Scene<'a> {
    hierarchy: &'a Hierarchy,
    parent: Cgroup,
    home: Cgroup,
    neighbour: Cgroup,
    site: PathBuf,
    names: u64,
}

impl<'a> Scene<'a> {
    const SITE: u64 = 8 * MB;
    const LOOKUPS: u64 = 10_000;

    fn new(hierarchy: &'a Hierarchy) -> Outcome<Self> {
        let neighbour = counting(hierarchy, "neighbour")?;
        let site = disk::file("site");
        disk::make(&site, Self::SITE)?;
        run_in(&neighbour, || {
            disk::read(&site)?;
            (0..Self::LOOKUPS).try_for_each(|number| look_up("neighbour", number))
        })?;
        let names = times(Self::LOOKUPS, &(2 * OBJECT.start()..=*OBJECT.end()));
        has(&neighbour, names, &[])?;
        let parent = hierarchy.create("parent")?;
        let home = parent.child("home")?;
        Ok(Self {
            hierarchy,
            names: neighbour.kernel_memory()?,
            parent,
            home,
            neighbour,
            site,
        })
    }

    /// Starts a process that repeats `step` until it fails for want of memory, which says so now
    /// and then. If it never fails, the process does.
    fn start(&self, mut step: impl FnMut(u64) -> std::io::Result<()>) -> Outcome<Worker> {
        /// No step takes less memory.
        const STEPS: u64 = 2 * LIMIT / 256;
        const WORD: u64 = 100;

        let body = |line: &mut Line| {
            for number in 0..STEPS {
                match step(number) {
                    Err(error)
                        if matches!(error.raw_os_error(), Some(sys::ENOMEM | sys::EAGAIN)) =>
                    {
                        return Ok(())
                    }
                    done => done?,
                }
                if number % WORD == 0 {
                    line.say(number)?;
                }
            }
            fail("there is no end")
        };
        Worker::start(&self.home, body)
    }

    /// Expects that no more than [`LIMIT`] is in use in `limited` until `worker` has ended, and
    /// never was but for `debt` in bytes. Tells how, and its last word.
    fn watch(&self, limited: &Cgroup, mut worker: Worker, debt: u64) -> Outcome<(ExitStatus, u64)> {
        let mut last = 0;
        while let Some(word) = worker.hear_or_end()? {
            within("usage", limited.usage()?, 0..=LIMIT)?;
            last = word;
        }
        let peak = match limited.version() {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        };
        within(peak, limited.number(peak)?, LIMIT / 8 * 7..=LIMIT + debt)?;
        Ok((worker.end()?, last))
    }

    /// Expects that a process that repeated something at the limit has been killed or has failed,
    /// and not before `least` of it.
    fn watch_end(&self, worker: Worker, least: u64) -> Outcome {
        // What one takes from a stock that another drains at that moment is owed, and charged once
        // that is seen, at the limit, too: `bytes::give_up()`. In one run of fifteen it is a page.
        let (status, steps) = self.watch(&self.home, worker, exact_slack())?;
        check!(
            status.success() || status.signal() == Some(sys::SIGKILL),
            "worker: {status}, expected it to be killed, or to be short of memory"
        );
        check!(steps >= least, "only {steps} steps, expected {least}");
        Ok(())
    }

    /// Expects that the neighbour has what it had, and that nothing is left of the container when
    /// it is gone.
    fn end(self) -> Outcome {
        let names = self.neighbour.kernel_memory()?;
        within(
            "kernel memory of neighbour",
            names,
            self.names / 16 * 15..=self.names + stock_slack(),
        )?;
        equal(
            "resident part of the neighbour's file",
            disk::resident(&self.site)?,
            Self::SITE,
        )?;
        equal(
            "neighbour's processes killed",
            self.neighbour.oom_kills()?,
            0,
        )?;
        self.home.remove()?;
        nobody_lingers(self.hierarchy)?;
        machine::drop_caches()?;
        nothing_left(&self.parent)?;
        nothing_left(&self.neighbour)
    }
}

/// Files of tmpfs cannot be reclaimed. They stay when their maker is killed.
fn files_at_limit(hierarchy: &Hierarchy) -> Outcome {
    let scene = Scene::new(hierarchy)?;
    scene.home.set_limit(LIMIT)?;
    let tmpfs = machine::Tmpfs::mount("nr_inodes=0")?;
    let directory = tmpfs.file("directory");
    fs::create_dir(&directory)?;
    let worker = scene.start(|number| File::create(nth(&directory, number)).map(drop))?;
    scene.watch_end(worker, LIMIT / (4 * OBJECT.end()))?;
    has(&scene.home, LIMIT / 8 * 7..=LIMIT, &[])?;
    fs::remove_dir_all(&directory)?;
    nothing_left(&scene.home)?;
    scene.end()
}

/// Names that nobody needs make room for others, and nobody is killed.
fn lookups_within(hierarchy: &Hierarchy, limited: fn(&Scene<'_>) -> Cgroup) -> Outcome {
    /// Each takes more than that.
    const NAME: u64 = 704;
    const WORD: u64 = 1000;

    let scene = Scene::new(hierarchy)?;
    let limited = limited(&scene);
    limited.set_limit(LIMIT)?;
    let worker = Worker::start(&scene.home, |line| {
        for number in 0..2 * LIMIT / NAME {
            look_up("a", number)?;
            if number % WORD == 0 {
                line.say(number)?;
            }
        }
        Ok(())
    })?;
    let (status, _) = scene.watch(&limited, worker, 0)?;
    check!(status.success(), "worker: {status}");
    equal("processes killed", limited.oom_kills()?, 0)?;
    // How much of it is reclaimed at a time is another matter.
    has(&limited, 1..=LIMIT, &[("slab_reclaimable", 1..=LIMIT)])?;
    scene.end()
}

fn lookups_at_limit(hierarchy: &Hierarchy) -> Outcome {
    lookups_within(hierarchy, |scene| scene.home.clone())
}

/// The same with the limit of the container above.
fn lookups_below_limit(hierarchy: &Hierarchy) -> Outcome {
    lookups_within(hierarchy, |scene| scene.parent.clone())
}

fn threads_at_limit(hierarchy: &Hierarchy) -> Outcome {
    const THREADS: usize = 20_000;
    /// No thread takes more.
    const EACH: u64 = 128 << 10;

    machine::allow_threads(2 * THREADS)?;
    let scene = Scene::new(hierarchy)?;
    scene.home.set_limit(LIMIT)?;
    let worker = scene.start(|_| start_thread())?;
    scene.watch_end(worker, LIMIT / EACH)?;
    nothing_left(&scene.home)?;
    scene.end()
}

/// Three processes fill pipes; the end of one is room for the others.
fn pipes_at_limit(hierarchy: &Hierarchy) -> Outcome {
    const PROCESSES: u64 = 3;
    const DESCRIPTORS: u64 = 1 << 17;

    let scene = Scene::new(hierarchy)?;
    scene.home.set_limit(LIMIT)?;
    let mut workers = Vec::new();
    for _ in 0..PROCESSES {
        let mut pipes = Vec::new();
        workers.push(scene.start(move |_| {
            if pipes.is_empty() {
                sys::allow_descriptors(DESCRIPTORS)?;
            }
            pipes.push(pipe_with_page()?);
            Ok(())
        })?);
    }
    // A pipe with a page in it takes less than five pages.
    let least = LIMIT / PROCESSES / (5 * sys::page_size() as u64);
    for worker in workers {
        scene.watch_end(worker, least)?;
    }
    nothing_left(&scene.home)?;
    scene.end()
}

/// Who has page tables only is killed for them.
fn page_tables_at_limit(hierarchy: &Hierarchy) -> Outcome {
    let scene = Scene::new(hierarchy)?;
    scene.home.set_limit(LIMIT)?;
    let tables = LIMIT as usize / sys::page_size();
    let memory = Mapping::sparse(2 * tables * table_span())?;
    let worker = scene.start(|number| {
        let start = number as usize * table_span();
        memory.touch(start..start + 1);
        Ok(())
    })?;
    let (status, touched) = scene.watch(&scene.home, worker, 0)?;
    equal("signal", status.signal(), Some(sys::SIGKILL))?;
    within("tables", touched, tables as u64 / 4 * 3..=tables as u64)?;
    equal("processes killed", scene.home.oom_kills()?, 1)?;
    nothing_left(&scene.home)?;
    scene.end()
}

/// The most that a limit can be, in bytes; as much is no limit.
const UNLIMITED: u64 = i64::MAX as u64 / 4096 * 4096;

/// A limit of kernel memory alone is accepted and forgotten.
fn settings(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.kmem.limit_in_bytes";

    let container = counting(hierarchy, "settings")?;
    for written in ["1M", "0", "-1", "4097", " 64M\n"] {
        container.write(FILE, written)?;
        equal(FILE, container.number(FILE)?, UNLIMITED)?;
    }
    for written in ["abc", "-2", "1 2"] {
        refused(written, container.try_write(FILE, written), EINVAL)?;
    }
    for written in ["1M", "-1", "abc"] {
        refused(written, hierarchy.root().try_write(FILE, written), EINVAL)?;
    }
    equal("failcnt", container.number("memory.kmem.failcnt")?, 0)?;
    container.write("memory.kmem.failcnt", 0)
}

fn limit_has_no_effect(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "limit")?;
    container.write("memory.kmem.limit_in_bytes", SIZE / 8)?;
    kept(&container, pipes_with_pages, || {
        has(&container, of_pipes_with_pages(), &[])
    })?;
    equal("failcnt", container.number("memory.kmem.failcnt")?, 0)?;
    nothing_left(&container)
}

/// The most that was in use, since it was last asked to start again.
fn watermark(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.kmem.max_usage_in_bytes";

    let container = counting(hierarchy, "watermark")?;
    within(FILE, container.number(FILE)?, 0..=rounding())?;
    kept(&container, pipes_with_pages, || {
        has(&container, of_pipes_with_pages(), &[])?;
        within(FILE, container.number(FILE)?, of_pipes_with_pages())?;
        container.write(FILE, 0)?;
        within(FILE, container.number(FILE)?, of_pipes_with_pages())
    })?;
    nothing_left(&container)?;
    within(FILE, container.number(FILE)?, of_pipes_with_pages())?;
    container.write(FILE, 0)?;
    within(FILE, container.number(FILE)?, 0..=rounding())
}

/// Told not to, the kernel counts none of it.
fn nothing(hierarchy: &Hierarchy) -> Outcome {
    if machine::counts_kernel_memory() {
        return skip("kernel memory is counted");
    }
    let container = hierarchy.create("nothing")?;
    let child = container.child("child")?;
    let work = || {
        start_thread()?;
        look_up("a", 0)?;
        pipes_with_pages()
    };
    kept(&child, work, || {
        for cgroup in [&container, &child] {
            equal("kernel memory", cgroup.kernel_memory()?, 0)?;
            within("usage", cgroup.usage()?, 0..=process_slack())?;
            if hierarchy.version() == Version::V2 {
                let stat = cgroup.stat()?;
                for key in LINES {
                    equal(key, stat.get(key)?, 0)?;
                }
            }
        }
        Ok(())
    })
}

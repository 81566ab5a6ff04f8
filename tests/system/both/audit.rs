// SPDX-License-Identifier: GPL-2.0

//! The audit sees what is there. That it finds no difference is looked at after every test.

use std::fs::File;

use super::kmem::{counting, nth, pipe_with_page, start_thread, table_span};
use super::remove::nobody_lingers;
use crate::audit;
use crate::cgroup::{Cgroup, Hierarchy, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, skip, within, Outcome, MB};
use crate::sys::{page_size, Mapping};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("audit":
    sees_each_kind, sees_kernel_memory, sees_containers, sees_kernel_memory_left_behind,
    sees_swap_space, under_load, under_kernel_load);

const SIZE: u64 = 8 * MB;

/// A line of the report, by column.
struct Row(Vec<(String, u64)>);

impl Row {
    /// That of `container` in an audit made now, which must be clean, and nothing uncertain in the
    /// container: it is at rest, but for what is still being freed.
    fn of(container: &Cgroup) -> Outcome<Self> {
        if !audit::exists() {
            return skip("the kernel has no audit");
        }
        let mut row = Self(Vec::new());
        eventually(|| {
            row = Self::seen(container)?;
            Ok(())
        })?;
        Ok(row)
    }

    fn seen(container: &Cgroup) -> Outcome<Self> {
        let report = audit::report()?.unwrap_or_default();
        audit::verdict(&report)?;
        let name = container.path().file_name().unwrap_or_default();
        let mut lines = report.lines().skip(1);
        let heads = lines.next().unwrap_or_default().split_whitespace();
        let row = lines.find(|line| line.ends_with(&format!("/{}", name.to_string_lossy())));
        check!(row.is_some(), "the audit has no line for {name:?}");
        let below = lines.next().unwrap_or_default();
        check!(!below.starts_with(" ~"), "something moves in {name:?}");
        let cells = row.unwrap_or_default().split_whitespace();
        let counts = cells.map(|cell| cell.parse().unwrap_or(0));
        Ok(Self(heads.map(str::to_owned).zip(counts).collect()))
    }

    /// A column, in bytes.
    fn get(&self, name: &str) -> Outcome<u64> {
        let found = self.0.iter().find(|(head, _)| head == name);
        check!(found.is_some(), "the audit has no column {name}");
        let unit = match name.rsplit_once('_') {
            Some((_, "b")) => 1,
            Some((_, "kb")) => 1024,
            _ => page_size() as u64,
        };
        Ok(found.map_or(0, |(_, count)| count * unit))
    }

    /// The sum of columns, in bytes.
    fn sum(&self, names: &[&str]) -> Outcome<u64> {
        names.iter().map(|name| self.get(name)).sum()
    }
}

/// What is charged to a container that has none below it.
const CHARGED: &[&str] = &["bound", "kernel", "stocked", "granted"];

fn sees_each_kind(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("kinds")?;
    let path = disk::file("data");
    let mut worker = Worker::start(&container, |line| {
        disk::write(&path, SIZE)?;
        let mut memory = Mapping::anon(SIZE as usize)?;
        memory.fill(0..SIZE as usize, 1);
        line.rest()
    })?;
    worker.hear()?;
    machine::drain_lru_batches()?;
    let row = Row::of(&container)?;
    let slack = SIZE / 4;
    within("anon", row.get("anon")?, SIZE..=SIZE + slack)?;
    within("file", row.get("file")?, SIZE..=SIZE + slack)?;
    equal("charged", row.sum(CHARGED)?, row.get("usage")?)?;
    // User space is not shown what is in stocks.
    let used = row.sum(&["reclaimable_b", "unreclaimable_b", "other_b"])?;
    let pages = row.sum(&["bound", "kernel"])?;
    within(
        "in use",
        container.usage()?,
        pages + used..=pages + row.get("granted")?,
    )?;
    let lists = [
        "inactive_anon",
        "active_anon",
        "inactive_file",
        "active_file",
        "unevictable",
    ];
    within("on lists", row.sum(&lists)?, 2 * SIZE..=row.get("bound")?)?;
    worker.finish()
}

/// Files in tmpfs, pipes, stacks, page tables, containers.
fn sees_kernel_memory(hierarchy: &Hierarchy) -> Outcome {
    const COUNT: usize = 200;
    const TABLES: usize = 512;

    let container = counting(hierarchy, "kernel")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let mut worker = Worker::start(&container, |line| {
        let mut pipes = Vec::new();
        for number in 0..COUNT {
            File::create(nth(&tmpfs.file(""), number as u64))?;
            pipes.push(pipe_with_page()?);
            start_thread()?;
        }
        let memory = Mapping::sparse(TABLES * table_span())?;
        for start in (0..memory.len()).step_by(table_span()) {
            memory.touch(start..start + 1);
        }
        line.rest()
    })?;
    worker.hear()?;
    let row = Row::of(&container)?;
    equal("charged", row.sum(CHARGED)?, row.get("usage")?)?;
    let page = page_size() as u64;
    let tables = TABLES as u64 * page;
    within("page tables", row.get("pagetables")?, tables..=2 * tables)?;
    let stacks = row.get("stacks_kb")?;
    within(
        "stacks",
        stacks,
        COUNT as u64 * (8 << 10)..=COUNT as u64 * (64 << 10),
    )?;
    let pages = tables + stacks + COUNT as u64 * page;
    within("kernel pages", row.get("kernel")?, pages..=4 * pages)?;
    for kind in ["reclaimable_b", "unreclaimable_b"] {
        let some = COUNT as u64 * 256;
        within(kind, row.get(kind)?, some..=128 * some)?;
    }
    worker.finish()
}

/// What the kernel needs for containers, some of it for each CPU, is that of the one above.
fn sees_containers(hierarchy: &Hierarchy) -> Outcome {
    // The first per-CPU memory that the kernel has is nobody's.
    const CHILDREN: u64 = 200;

    let parent = counting(hierarchy, "parent")?;
    let children = (0..CHILDREN).map(|n| parent.child(&format!("child-{n}")));
    let children: Vec<_> = children.collect::<Outcome<_>>()?;
    let row = Row::of(&parent)?;
    equal("charged", row.sum(CHARGED)?, row.get("usage")?)?;
    let per_cpu = row.get("percpu_b")?;
    within("per-CPU memory", per_cpu, CHILDREN * 64..=16 * MB)?;
    within("other", row.get("other_b")?, per_cpu..=2 * per_cpu)?;
    within(
        "objects",
        row.get("unreclaimable_b")?,
        CHILDREN * 1024..=16 * MB,
    )?;
    children.into_iter().try_for_each(|child| child.remove())?;
    nobody_lingers(hierarchy)?;
    let row = Row::of(&parent)?;
    equal("charged", row.sum(CHARGED)?, row.get("usage")?)
}

/// What a removed container leaves behind is its parent's.
fn sees_kernel_memory_left_behind(hierarchy: &Hierarchy) -> Outcome {
    const FILES: u64 = 1000;

    let parent = counting(hierarchy, "parent")?;
    let child = parent.child("child")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    run_in(&child, || {
        (0..FILES).try_for_each(|number| {
            File::create(nth(&tmpfs.file(""), number))?;
            Ok(())
        })
    })?;
    child.remove()?;
    nobody_lingers(hierarchy)?;
    let row = Row::of(&parent)?;
    within(
        "left",
        row.get("reclaimable_b")?,
        FILES * 128..=FILES * 4096,
    )?;
    equal("charged", row.sum(CHARGED)?, row.get("usage")?)?;
    parent.remove()?;
    nobody_lingers(hierarchy)
}

fn sees_swap_space(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    let swapped = worker.status("VmSwap")?;
    let row = Row::of(&container)?;
    let least = match container.version() {
        // A page that is still in memory counts there.
        Version::V1 => swapped / 2,
        Version::V2 => swapped,
    };
    within("swap", row.get("swap")?, least..=SIZE)?;
    check!(swapped > 0, "nothing is in swap space");
    worker.finish()
}

/// While memory comes and goes, an audit neither hurts nor finds a difference that is certain.
fn under_load(hierarchy: &Hierarchy) -> Outcome {
    if !audit::exists() {
        return skip("the kernel has no audit");
    }
    let container = hierarchy.create("busy")?;
    container.set_limit(SIZE / 2)?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    let reader = Worker::start(&container, |_| loop {
        disk::read(&path)?;
    })?;
    for _ in 0..10 {
        if let Some(report) = audit::report()? {
            audit::verdict(&report)?;
        }
    }
    reader.stop()
}

/// The same, of kernel memory.
fn under_kernel_load(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "busy")?;
    let worker = Worker::start(&container, |_| loop {
        pipe_with_page()?;
    })?;
    for _ in 0..10 {
        if let Some(report) = audit::report()? {
            audit::verdict(&report)?;
        }
    }
    worker.stop()
}

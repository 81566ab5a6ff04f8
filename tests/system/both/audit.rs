// SPDX-License-Identifier: GPL-2.0

//! The audit sees what is there. That it finds no difference is looked at after every test.

use crate::audit;
use crate::cgroup::{Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, skip, within, Outcome, MB};
use crate::sys::{page_size, Mapping};
use crate::worker::Worker;

pub const GROUP: Group = group!("audit": sees_each_kind, sees_swap_space, under_load);

const SIZE: u64 = 8 * MB;

/// A line of the report, by column.
struct Row(Vec<(String, u64)>);

impl Row {
    /// That of `container` in an audit made now, which must be clean.
    fn of(container: &Cgroup) -> Outcome<Self> {
        let Some(report) = audit::report()? else {
            return skip("the kernel has no audit");
        };
        audit::verdict(&report)?;
        let name = container.path().file_name().unwrap_or_default();
        let mut lines = report.lines().skip(1);
        let heads = lines.next().unwrap_or_default().split_whitespace();
        let row = lines.find(|line| line.ends_with(&format!("/{}", name.to_string_lossy())));
        check!(row.is_some(), "the audit has no line for {name:?}");
        let cells = row.unwrap_or_default().split_whitespace();
        let pages = cells.map(|cell| cell.parse().unwrap_or(0));
        Ok(Self(heads.map(str::to_owned).zip(pages).collect()))
    }

    /// A column, in bytes.
    fn get(&self, name: &str) -> Outcome<u64> {
        let found = self.0.iter().find(|(head, _)| head == name);
        check!(found.is_some(), "the audit has no column {name}");
        Ok(found.map_or(0, |(_, pages)| pages * page_size() as u64))
    }
}

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
    // User space is not shown what is in stocks.
    let in_use = row.get("usage")? - row.get("stocked")?;
    equal("usage", in_use, container.usage()?)?;
    equal(
        "bound and stocked",
        row.get("bound")? + row.get("stocked")?,
        row.get("usage")?,
    )?;
    let lists = [
        "inactive_anon",
        "active_anon",
        "inactive_file",
        "active_file",
        "unevictable",
    ];
    let mut listed = 0;
    for list in lists {
        listed += row.get(list)?;
    }
    within("on lists", listed, 2 * SIZE..=row.get("bound")?)?;
    worker.finish()
}

fn sees_swap_space(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    let swapped = worker.status("VmSwap")?;
    let row = Row::of(&container)?;
    within("swap", row.get("swap")?, swapped..=SIZE)?;
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

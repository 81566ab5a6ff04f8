// SPDX-License-Identifier: GPL-2.0

//! Pages that move in physical memory take their charge along.

use super::charge::usage_is;
use crate::audit;
use crate::cgroup::{stock_slack, Cgroup, Hierarchy, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, skip, within, Outcome, MB};
use crate::sys::{self, Mapping, Pid};
use crate::worker::Worker;

pub const GROUP: Group = group!("migrate":
    process, pages, huge, swap_cache, compaction);

const SIZE: u64 = 8 * MB;

fn two_nodes() -> Outcome {
    if machine::nodes() < 2 {
        return skip("one NUMA node only");
    }
    Ok(())
}

/// A process with [`SIZE`] of memory on node 0. When told so it does `first` with it, and moves to
/// node 1.
fn mover(container: &Cgroup, first: fn(&Mapping)) -> Outcome<Worker> {
    let mut worker = Worker::start(container, |line| {
        sys::bind_to_node(Some(0))?;
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, 1);
        line.rest()?;
        first(&memory);
        sys::bind_to_node(None)?;
        sys::migrate_pages(Pid::of_self(), 0, 1)?;
        line.rest()?;
        check!(memory.holds(0..len, 1), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    Ok(worker)
}

/// A whole process moves to another node, page cache of its making stays.
fn process(hierarchy: &Hierarchy) -> Outcome {
    two_nodes()?;
    let container = hierarchy.create("migrate")?;
    let mut worker = mover(&container, |_| ())?;
    usage_is(&container, SIZE)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    if hierarchy.version() == Version::V1 {
        // The statistics follow the pages from node to node.
        eventually(|| {
            machine::drain_lru_batches()?;
            let lines = container.numa_stat()?;
            let nodes = lines.get("anon").map_or(&[][..], |line| &line.nodes);
            equal("nodes", nodes.len(), 2)?;
            within(
                "anonymous memory on node 1",
                nodes[1] * 4096,
                SIZE..=SIZE + MB,
            )
        })?;
    }
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Single pages, back and forth.
fn pages(hierarchy: &Hierarchy) -> Outcome {
    two_nodes()?;
    let container = hierarchy.create("migrate")?;
    let mut worker = Worker::start(&container, |line| {
        let len = SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, 1);
        for node in [0, 1, 0, 1] {
            let moved = memory.move_to_node(0..len / 2, node)?;
            equal("pages moved", moved, len / 2 / sys::page_size())?;
        }
        line.rest()?;
        check!(memory.holds(0..len, 1), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Huge pages move as they are.
fn huge(hierarchy: &Hierarchy) -> Outcome {
    two_nodes()?;
    let container = hierarchy.create("migrate")?;
    let huge = machine::huge_page_size()?;
    let mut worker = Worker::start(&container, |line| {
        sys::bind_to_node(Some(0))?;
        let len = 2 * huge as usize;
        let mut memory = Mapping::huge(len, huge as usize)?;
        memory.fill(0..len, 1);
        sys::bind_to_node(None)?;
        sys::migrate_pages(Pid::of_self(), 0, 1)?;
        line.rest()?;
        check!(memory.holds(0..len, 1), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, 2 * huge)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// The swap cache is no page cache of the container's, wherever it goes.
fn swap_cache(hierarchy: &Hierarchy) -> Outcome {
    two_nodes()?;
    machine::swap_on()?;
    let container = hierarchy.create("migrate")?;
    // What is only read stays in the swap cache.
    let mut worker = mover(&container, |memory| memory.touch(0..memory.len()))?;
    container.set_limit(SIZE / 4)?;
    container.set_limit(2 * SIZE)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, SIZE)?;
    eventually(|| {
        audit::clean()?;
        if hierarchy.version() == Version::V2 {
            let lines = container.numa_stat()?;
            let nodes = |key| lines.get(key).map_or(&[][..], |line| &line.nodes);
            within(
                "swap cache on node 1",
                nodes("swapcached")[1],
                SIZE / 2..=SIZE,
            )?;
            within("page cache on node 1", nodes("file")[1], 0..=MB / 4)?;
        }
        Ok(())
    })?;
    worker.finish()
}

/// Compaction moves what stands in the way of large free blocks.
fn compaction(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("compact")?;
    let path = disk::file("data");
    disk::make(&path, SIZE)?;
    let mut worker = Worker::start(&container, |line| {
        disk::read(&path)?;
        let len = 2 * SIZE as usize;
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, 1);
        // Every other page goes, so that what remains is worth compacting.
        let page = sys::page_size();
        for start in (0..len).step_by(2 * page) {
            memory.advise(start..start + page, sys::Advice::DontNeed)?;
        }
        line.rest()?;
        for start in (page..len).step_by(2 * page) {
            check!(memory.holds(start..start + page, 1), "memory has changed");
        }
        Ok(())
    })?;
    worker.hear()?;
    eventually(|| usage_is(&container, 2 * SIZE))?;
    for _ in 0..2 {
        machine::compact()?;
        usage_is(&container, 2 * SIZE)?;
    }
    worker.finish()?;
    usage_is(&container, SIZE)?;
    disk::remove(&path)?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

// SPDX-License-Identifier: GPL-2.0

//! Transparent huge pages: charged as one, split, collapsed, and reclaimed in parts.

use std::thread::sleep;
use std::time::Duration;

use super::charge::{charged_is, usage_is};
use super::remove::nobody_lingers;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy, Kind, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine::{self, huge_page_size};
use crate::outcome::{check_child, equal, eventually, fail, skip, within, Outcome, MB};
use crate::sys::{self, Advice, Mapping};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("huge":
    charge, unmap_half, discard_half, collapse, fork, limit, crowded_limit, tmpfs,
    holes, holes_below_limit, holes_left_behind);

fn charge(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let worker = Worker::holding_huge(&container, 4 * huge, huge)?;
    usage_is(&container, 4 * huge)?;
    charged_is(&container, Kind::Anon, 4 * huge, "anonymous memory")?;
    eventually(|| {
        within(
            "huge pages",
            container.charged(Kind::Huge)?,
            4 * huge..=4 * huge,
        )
    })?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())?;
    eventually(|| {
        within(
            "huge pages at the end",
            container.charged(Kind::Huge)?,
            0..=0,
        )
    })
}

/// Giving back half of a huge page splits the mapping at once, the page itself when memory is
/// short. Then the half that nobody maps is uncharged, and the other half stays.
fn give_back_half(hierarchy: &Hierarchy, give: fn(&mut Mapping, usize) -> Outcome) -> Outcome {
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let mut worker = Worker::start(&container, |line| {
        let len = 2 * huge as usize;
        let mut memory = Mapping::huge(len, huge as usize)?;
        memory.fill(0..len, huge);
        line.rest()?;
        give(&mut memory, len / 4 * 3)?;
        line.rest()?;
        check!(memory.holds(0..len / 4 * 3, huge), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, 2 * huge)?;
    worker.tell(0)?;
    worker.hear()?;
    charged_is(&container, Kind::Anon, huge / 2 * 3, "anonymous memory")?;
    eventually(|| within("huge pages", container.charged(Kind::Huge)?, huge..=huge))?;

    // Without accounting of kernel memory, huge pages that wait to be split are not looked for when
    // a container is short of memory, only when the machine is. This is how to ask.
    machine::drop_caches()?;
    usage_is(&container, huge / 2 * 3)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

fn unmap_half(hierarchy: &Hierarchy) -> Outcome {
    give_back_half(hierarchy, |memory, len| Ok(memory.cut_back(len)?))
}

fn discard_half(hierarchy: &Hierarchy) -> Outcome {
    give_back_half(hierarchy, |memory, len| {
        Ok(memory.advise(len..memory.len(), Advice::DontNeed)?)
    })
}

/// Small pages become a huge one: it is charged, they are uncharged.
fn collapse(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let mut worker = Worker::start(&container, |line| {
        let len = 2 * huge as usize;
        let mut memory = Mapping::huge(len, huge as usize)?;
        memory.advise(0..len, Advice::NoHugePage)?;
        memory.fill(0..len, huge);
        line.rest()?;
        memory.advise(0..len, Advice::HugePage)?;
        memory.advise(0..len, Advice::Collapse)?;
        line.rest()?;
        check!(memory.holds(0..len, huge), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, 2 * huge)?;
    charged_is(&container, Kind::Huge, 0, "huge pages before")?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, 2 * huge)?;
    eventually(|| {
        within(
            "huge pages",
            container.charged(Kind::Huge)?,
            2 * huge..=2 * huge,
        )
    })?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// A child that writes to a huge page of its parent's gets pages of its own, charged.
fn fork(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let mut worker = Worker::start(&container, |line| {
        let len = huge as usize;
        let mut memory = Mapping::huge(len, len)?;
        memory.fill(0..len, huge);
        line.rest()?;
        let child = sys::spawn(|| {
            memory.fill(0..len, huge + 1);
            let copied = line.rest();
            i32::from(copied.is_err() || !memory.holds(0..len, huge + 1))
        })?;
        let status = child.wait()?;
        check_child(status)?;
        check!(
            memory.holds(0..len, huge),
            "child has written to parent's memory"
        );
        Ok(())
    })?;
    worker.hear()?;
    usage_is(&container, huge)?;
    worker.tell(0)?;
    worker.hear()?;
    usage_is(&container, 2 * huge)?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// Huge pages under a limit that they do not fit: small pages are used, and some swapped out.
fn limit(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let limit = 3 * huge;
    container.set_limit(limit)?;
    let worker = Worker::holding_huge(&container, 6 * huge, huge)?;
    within("usage", container.usage()?, huge..=limit)?;
    let swapped = worker.status("VmSwap")?;
    within(
        "swapped out",
        swapped,
        3 * huge - process_slack()..=6 * huge,
    )?;
    worker.finish()?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// How much is charged to a container without children that rests, once all of it is counted: the C
/// controller may take two seconds.
fn charged_at_last(container: &Cgroup) -> Outcome<u64> {
    const ATTEMPTS: usize = 8;

    let charged =
        || -> Outcome<u64> { Ok(container.charged(Kind::Anon)? + container.charged(Kind::File)?) };
    machine::drain_lru_batches()?;
    let mut before = charged()?;
    for _ in 0..ATTEMPTS {
        sleep(Duration::from_millis(2500));
        let now = charged()?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    fail("the statistics of a container at rest change")
}

/// Sets a limit that what is charged in advance may be in the way of: the C controller has CPUs give
/// it back in their own time, and refuses or kills meanwhile.
fn lower_gently(container: &Cgroup, limit: u64) -> Outcome {
    if container.version() == Version::V2 {
        eventually(|| {
            container.write("memory.high", limit)?;
            within("usage", container.usage()?, 0..=limit)
        })?;
        container.write("memory.high", "max")?;
    }
    eventually(|| container.set_limit(limit))
}

/// At the limit of a container with many below it that have all been on every CPU, there is room for
/// what a process needs, not for huge pages. It gets small ones, soon, and nobody is killed.
fn crowded_limit(hierarchy: &Hierarchy) -> Outcome {
    const BESIDE: usize = 60;
    const REGIONS: usize = 4;
    const HELD: usize = 4 * MB as usize;

    let huge = huge_page_size()? as usize;
    // A little of each huge page, and half a huge page of room for all.
    let (little, room) = (huge / 32, huge / 2);
    let parent = hierarchy.create("parent")?;
    let home = parent.child("home")?;
    for number in 0..BESIDE {
        run_in(&parent.child(&format!("beside-{number}"))?, || {
            let len = 4 * sys::page_size();
            for cpu in 0..sys::cpus() {
                sys::run_on_cpu(cpu)?;
                Mapping::anon(len)?.fill(0..len, 0);
            }
            Ok(())
        })?;
    }
    let mut worker = Worker::start(&home, |line| {
        sys::run_on_cpu(0)?;
        let mut held = Mapping::anon(HELD)?;
        held.fill(0..HELD, 0);
        let mut memory = Mapping::huge(REGIONS * huge, huge)?;
        line.rest()?;
        for start in (0..memory.len()).step_by(huge) {
            memory.fill(start..start + little, 0);
        }
        line.rest()?;
        check!(held.holds(0..HELD, 0), "memory has changed");
        for start in (0..memory.len()).step_by(huge) {
            check!(memory.holds(start..start + little, 0), "memory has changed");
        }
        Ok(())
    })?;
    worker.hear()?;
    let before = charged_at_last(&home)?;
    // What the kernel needs for those beside counts, too.
    let limit = before + parent.kernel_memory()? + room as u64;
    lower_gently(&parent, limit)?;
    worker.tell(0)?;
    worker.hear()?;

    within("usage", parent.usage()?, 0..=limit)?;
    equal("processes killed", parent.oom_kills()?, 0)?;
    equal("processes killed", home.oom_kills()?, 0)?;
    if hierarchy.version() == Version::V2 {
        equal("oom", parent.events()?.get("oom")?, 0)?;
    }
    eventually(|| {
        let expected = before + (REGIONS * little) as u64;
        let now = home.charged(Kind::Anon)? + home.charged(Kind::File)?;
        within("what is charged", now, expected..=limit)?;
        equal("huge pages", home.charged(Kind::Huge)?, 0)
    })?;
    worker.finish()
}

/// A file of tmpfs in huge pages, shortened to the middle of one.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("huge")?;
    let huge = huge_page_size()?;
    let Ok(tmpfs) = machine::Tmpfs::mount("huge=always") else {
        return skip("no huge pages in tmpfs");
    };
    let path = tmpfs.file("data");
    run_in(&container, || disk::write(&path, 2 * huge))?;
    usage_is(&container, 2 * huge)?;
    charged_is(&container, Kind::File, 2 * huge, "page cache")?;
    let file = std::fs::File::options().write(true).open(&path)?;
    file.set_len(huge / 2 * 3)?;
    usage_is(&container, huge / 2 * 3)?;
    drop(file);
    disk::remove(&path)?;
    within("usage at the end", container.usage()?, 0..=stock_slack())
}

/// How much of huge pages, of which little is in use, and how much other memory.
const HOLES: u64 = 40 * MB;
const OTHER: u64 = 24 * MB;
const LIMIT: u64 = 48 * MB;

/// Starts a process with huge pages, all but a small page of each given back. When told to, it takes
/// other memory.
fn with_holes(home: &Cgroup) -> Outcome<Worker> {
    let huge = huge_page_size()? as usize;
    let mut worker = Worker::start(home, |line| {
        let len = HOLES as usize;
        let mut memory = Mapping::huge(len, huge)?;
        memory.fill(0..len, 0);
        line.rest()?;
        for start in (0..len).step_by(huge) {
            memory.advise(start + sys::page_size()..start + huge, Advice::DontNeed)?;
        }
        line.rest()?;
        let mut other = Mapping::anon(OTHER as usize)?;
        other.fill(0..OTHER as usize, 1);
        line.rest()?;
        for start in (0..len).step_by(huge) {
            check!(memory.holds(start..start + 1, 0), "memory has changed");
        }
        check!(other.holds(0..OTHER as usize, 1), "memory has changed");
        Ok(())
    })?;
    worker.hear()?;
    eventually(|| within("huge pages", home.charged(Kind::Huge)?, HOLES..=HOLES))?;
    worker.tell(0)?;
    worker.hear()?;
    // As a whole, they are still there.
    usage_is(home, HOLES)?;
    Ok(worker)
}

/// At the limit, huge pages that are in use in part are split, and nobody is killed.
fn split_within(limited: &Cgroup, home: &Cgroup) -> Outcome {
    limited.set_limit(LIMIT)?;
    let mut worker = with_holes(home)?;
    worker.tell(0)?;
    worker.hear()?;
    within("usage", limited.usage()?, OTHER..=LIMIT)?;
    equal("processes killed", limited.oom_kills()?, 0)?;
    worker.finish()?;
    within("usage at the end", limited.usage()?, 0..=stock_slack())
}

/// Whether huge pages that are to be split are looked for at a container's limit.
fn can_be_split() -> Outcome {
    if !machine::counts_kernel_memory() {
        return skip("nothing is split without accounting of kernel memory");
    }
    Ok(())
}

fn holes(hierarchy: &Hierarchy) -> Outcome {
    can_be_split()?;
    let container = hierarchy.create("holes")?;
    split_within(&container, &container)
}

/// The same with the limit of the container above.
fn holes_below_limit(hierarchy: &Hierarchy) -> Outcome {
    can_be_split()?;
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    split_within(&parent, &child)
}

/// The container is gone, and the one above has its huge pages.
fn holes_left_behind(hierarchy: &Hierarchy) -> Outcome {
    can_be_split()?;
    let (parent, elsewhere) = (hierarchy.create("parent")?, hierarchy.create("elsewhere")?);
    let child = parent.child("child")?;
    let mut worker = with_holes(&child)?;
    elsewhere.adopt(worker.pid())?;
    child.remove()?;
    nobody_lingers(hierarchy)?;
    usage_is(&parent, HOLES)?;
    // The C controller refuses as long as it splits and has nothing to take away.
    eventually(|| parent.set_limit(HOLES / 2))?;
    within("usage", parent.usage()?, MB / 64..=HOLES / 2)?;
    worker.tell(0)?;
    worker.hear()?;
    worker.finish()?;
    within("usage at the end", parent.usage()?, 0..=stock_slack())
}

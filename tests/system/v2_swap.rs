// SPDX-License-Identifier: GPL-2.0

//! Swap space of a version 2 container: how much it has, how much it may have, and what happens
//! when it wants more.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::both::remove::nobody_lingers;
use crate::cgroup::{Cgroup, Hierarchy};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, within, Outcome, MB};
use crate::sys::{self, Watch, EAGAIN};
use crate::v2_control::takes_bytes;
use crate::v2_files::SOON;
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("swap_space":
    settings, current, peak, limited, limited_above, none_allowed, lowered, high_throttles,
    high_killed, watched, outlives_container);

const SIZE: u64 = 16 * MB;

fn in_use(container: &Cgroup) -> Outcome<u64> {
    container.number("memory.swap.current")
}

fn event(container: &Cgroup, name: &str) -> Outcome<u64> {
    container.swap_events()?.get(name)
}

fn settings(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("swap")?;
    for name in ["memory.swap.max", "memory.swap.high"] {
        takes_bytes(&container, name, "max")?;
    }
    equal("swap space in use", in_use(&container)?, 0)?;
    equal(
        "memory.swap.events",
        container.read("memory.swap.events")?.as_str(),
        "high 0\nmax 0\nfail 0\n",
    )?;
    for name in ["current", "max", "high", "peak", "events"] {
        let file = hierarchy.root().file(&format!("memory.swap.{name}"));
        check!(!file.exists(), "the root has {}", file.display());
    }
    Ok(())
}

/// What is in use is what the process has there, here and above, and goes with it.
fn current(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    let swapped = worker.status("VmSwap")?;
    within("swapped out", swapped, SIZE / 4..=SIZE)?;
    for container in [&container, &parent] {
        // Pages that have come back may have kept their swap space.
        within(
            "memory.swap.current",
            in_use(container)?,
            swapped..=swapped + SIZE / 4,
        )?;
    }
    written(&container)?;
    worker.finish()?;
    for container in [&container, &parent] {
        equal("memory.swap.current at the end", in_use(container)?, 0)?;
    }
    Ok(())
}

fn peak(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    container.set_limit(SIZE / 2)?;
    Worker::holding(&container, SIZE)?.finish()?;
    let most = container.number("memory.swap.peak")?;
    within("memory.swap.peak", most, SIZE / 4..=SIZE + MB)?;

    let path = container.file("memory.swap.peak");
    let mut file = File::options().read(true).write(true).open(path)?;
    file.write_all(b"0")?;
    let anew = container.number("memory.swap.peak")?;
    equal("memory.swap.peak, opened anew", anew, most)
}

/// No more is swapped out than the limit says; what does not fit in memory then is killed.
fn limited(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    container.set_limit(SIZE)?;
    container.write("memory.swap.max", SIZE / 2)?;
    Worker::growing(&container, 2 * SIZE)?.killed()?;
    let most = container.number("memory.swap.peak")?;
    within("memory.swap.peak", most, SIZE / 4..=SIZE / 2)?;
    equal("oom_kill", container.oom_kills()?, 1)?;
    refused_by(&container, || {
        Worker::growing(&container, 2 * SIZE)?.killed()
    })?;
    check!(event(&container, "fail")? > 0, "no event fail");
    equal("high", event(&container, "high")?, 0)
}

/// Calls `grow`, which fills swap space up to the limit of `container`, until that has been hit.
/// Reclaim takes fewer pages at a time than it could, and asks for no more once there is no swap
/// space left: so a limit may be reached without being hit, but not four in a row.
fn refused_by(container: &Cgroup, mut grow: impl FnMut() -> Outcome) -> Outcome {
    let limit = container.number("memory.swap.max")?;
    for less in 1..=4 {
        if event(container, "max")? > 0 {
            return Ok(());
        }
        container.write("memory.swap.max", limit - less * sys::page_size() as u64)?;
        grow()?;
    }
    check!(event(container, "max")? > 0, "no event max");
    Ok(())
}

/// Waits until what has left for swap space is there: what is on its way keeps its place when it is
/// given up.
fn written(container: &Cgroup) -> Outcome {
    eventually(|| {
        equal(
            "on the way to swap space",
            container.stat()?.get("file_writeback")?,
            0,
        )
    })
}

/// A limit is one of all containers below.
fn limited_above(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let parent = hierarchy.create("parent")?;
    let (one, two) = (parent.child("one")?, parent.child("two")?);
    parent.write("memory.swap.max", SIZE / 2)?;
    let workers = [Worker::holding(&one, SIZE)?, Worker::holding(&two, SIZE)?];
    for container in [&one, &two] {
        let asked = (SIZE / 4 * 3).to_string();
        refused(
            "so much",
            container.try_write("memory.reclaim", &asked),
            EAGAIN,
        )?;
    }
    let sum = in_use(&one)? + in_use(&two)?;
    equal("memory.swap.current of the parent", in_use(&parent)?, sum)?;
    within("swap space of both", sum, SIZE / 4..=SIZE / 2)?;
    for worker in workers {
        worker.finish()?;
    }
    equal("memory.swap.current at the end", in_use(&parent)?, 0)
}

/// A container that may have none is as on a machine without; its neighbour is not.
fn none_allowed(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    container.write("memory.swap.max", 0)?;
    container.set_limit(SIZE / 2)?;
    Worker::growing(&container, SIZE)?.killed()?;
    equal("memory.swap.peak", container.number("memory.swap.peak")?, 0)?;
    equal("oom_kill", container.oom_kills()?, 1)?;

    let neighbour = hierarchy.create("neighbour")?;
    neighbour.set_limit(SIZE / 2)?;
    Worker::holding(&neighbour, SIZE)?.finish()
}

/// A limit may be set below what is in use: that stays, and no more comes.
fn lowered(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let worker = Worker::holding(&container, SIZE)?;
    container.set_limit(SIZE / 2)?;
    let before = in_use(&container)?;
    container.write("memory.swap.max", MB)?;
    within("memory.swap.current", in_use(&container)?, MB..=before)?;
    // More must not go there: what cannot stay in memory is gone with its process.
    container.set_limit(SIZE / 4)?;
    within(
        "memory.swap.peak",
        container.number("memory.swap.peak")?,
        MB..=before,
    )?;
    worker.killed()?;
    equal("memory.swap.current at the end", in_use(&container)?, 0)
}

/// A task that grows, beyond what its container may have in swap space.
fn beyond_high(container: &Cgroup) -> Outcome<Worker> {
    container.set_limit(SIZE / 4)?;
    container.write("memory.swap.high", SIZE / 4)?;
    let worker = Worker::growing(container, 4 * SIZE)?;
    eventually(|| {
        check!(event(container, "high")? > 0, "no event high");
        Ok(())
    })?;
    Ok(worker)
}

/// Who charges while too much is swapped out sleeps.
fn high_throttles(hierarchy: &Hierarchy) -> Outcome {
    const WHILE: Duration = Duration::from_secs(3);

    machine::swap_on()?;
    let container = hierarchy.create("swap")?;
    let mut worker = beyond_high(&container)?;
    std::thread::sleep(WHILE);
    // Left alone, the task would have had its 64 MB long since.
    within("memory.swap.current", in_use(&container)?, SIZE / 4..=SIZE)?;
    check!(worker.lives()?, "the task has ended");
    equal("oom_kill", container.oom_kills()?, 0)?;

    // And it goes on at once when it may.
    container.write("memory.swap.high", "max")?;
    worker.finish()
}

/// A task that sleeps because of that ends at once when it is killed. Each sleep is two seconds
/// long: of several tasks, one would be near its end by chance, not all.
fn high_killed(hierarchy: &Hierarchy) -> Outcome {
    const TIMES: u32 = 4;

    machine::swap_on()?;
    let mut took = Duration::ZERO;
    for _ in 0..TIMES {
        let container = hierarchy.create("swap")?;
        let worker = beyond_high(&container)?;
        std::thread::sleep(Duration::from_secs(1));
        let started = Instant::now();
        worker.stop()?;
        took += started.elapsed();
        container.remove()?;
    }
    check!(
        took < TIMES * Duration::from_millis(500),
        "took {took:?} to kill {TIMES} tasks"
    );
    Ok(())
}

fn watched(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("swap")?;
    container.set_limit(SIZE / 4)?;
    container.write("memory.swap.max", MB)?;
    let watches = [
        Watch::modified(&parent.file("memory.swap.events"))?,
        Watch::modified(&container.file("memory.swap.events"))?,
    ];
    check!(
        !watches[0].happened(Duration::from_millis(100))?,
        "notified of nothing"
    );
    let grow = || Worker::growing(&container, SIZE)?.killed();
    grow()?;
    refused_by(&container, grow)?;
    for watch in &watches {
        check!(watch.happened(SOON)?, "not notified");
    }
    check!(event(&parent, "max")? > 0, "no event max above");
    Ok(())
}

/// What a removed container has left in swap space still counts above it, until it is gone.
fn outlives_container(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let parent = hierarchy.create("parent")?;
    let container = parent.child("gone")?;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    run_in(&container, || disk::write(&path, SIZE))?;
    container.set_limit(MB)?;
    let swapped = in_use(&container)?;
    within("swapped out", swapped, SIZE / 2..=SIZE + MB)?;
    container.remove()?;
    written(&parent)?;
    equal("memory.swap.current above", in_use(&parent)?, swapped)?;
    disk::remove(&path)?;
    equal("memory.swap.current at the end", in_use(&parent)?, 0)?;
    nobody_lingers(hierarchy)
}

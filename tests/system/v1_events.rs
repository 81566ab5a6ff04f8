// SPDX-License-Identifier: GPL-2.0

//! Who asks to be told by an eventfd, of version 1: `cgroup.event_control`.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::both::handover;
use crate::both::remove::nobody_lingers;
use crate::both::share::evict;
use crate::cgroup::{Cgroup, Hierarchy, EVENT_CONTROL};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, fail, refused, Context, Outcome, MB};
use crate::sys::{self, Advice, Mapping, EINVAL};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("events":
    thresholds, threshold_above, threshold_of_both, threshold_of_taker, out_of_memory,
    out_of_memory_waits, out_of_memory_already, pressure, pressure_modes, closed, removed,
    bad_input);

/// An eventfd, and what it is told of.
struct Events(File);

impl Events {
    fn of(container: &Cgroup, file: &str, arguments: impl ToString) -> Outcome<Self> {
        let events = Self(sys::event_counter()?);
        events
            .try_listen(container, container, file, &arguments.to_string())
            .context(file)?;
        Ok(events)
    }

    fn try_listen(
        &self,
        control: &Cgroup,
        container: &Cgroup,
        file: &str,
        arguments: &str,
    ) -> io::Result<()> {
        control.try_listen(&self.0, &File::open(container.file(file))?, arguments)
    }

    /// How often it has been told since this was asked last.
    fn count(&mut self) -> Outcome<u64> {
        let mut count = [0; 8];
        match self.0.read_exact(&mut count) {
            Ok(()) => Ok(u64::from_ne_bytes(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it has been told; fails with `why` if it is not.
    fn come(&mut self, why: &str) -> Outcome {
        eventually(|| match self.count()? {
            0 => fail(why),
            _ => Ok(()),
        })
    }
}

const USAGE: &str = "memory.usage_in_bytes";
const OOM: &str = "memory.oom_control";
const PRESSURE: &str = "memory.pressure_level";

/// Each is told of once on the way up, and once on the way down.
fn thresholds(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("thresholds")?;
    let mut events = Vec::new();
    // In any order.
    for size in [20, 10, 30] {
        events.push(Events::of(&container, USAGE, size * MB)?);
    }
    for round in 0..3 {
        let mut worker = Worker::growing(&container, 40 * MB)?;
        while worker.hear()? < 40 * MB {}
        for (event, size) in events.iter_mut().zip([20, 10, 30]) {
            let what = format!("round {round}, told of {size} MB on the way up");
            equal(what, event.count()?, 1)?;
        }
        worker.finish()?;
        for (event, size) in events.iter_mut().zip([20, 10, 30]) {
            let what = format!("round {round}, told of {size} MB on the way down");
            eventually(|| equal(&what, event.count()?, 1))?;
        }
    }
    Ok(())
}

/// What happens below counts; and one that is reached already is told of on the way down.
fn threshold_above(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let child = parent.child("child")?;
    let mut above = Events::of(&parent, USAGE, "10M")?;
    let worker = Worker::holding(&child, 20 * MB)?;
    equal("told on the way up", above.count()?, 1)?;
    let mut late = Events::of(&parent, USAGE, "10M")?;
    equal("told of what was", late.count()?, 0)?;
    worker.finish()?;
    eventually(|| equal("told on the way down", above.count()?, 1))?;
    equal("told on the way down, late", late.count()?, 1)
}

/// What a container takes over from another one counts, though none of its processes does anything.
fn threshold_of_taker(hierarchy: &Hierarchy) -> Outcome {
    handover::needs_memctl()?;
    let (first, parent) = (hierarchy.create("first")?, hierarchy.create("parent")?);
    let second = parent.child("second")?;
    let (_, user) = handover::file_used_by(&first, &second)?;
    let half = second.usage()? + handover::SIZE / 2;
    let mut own = Events::of(&second, USAGE, half)?;
    let mut above = Events::of(&parent, USAGE, half)?;
    evict(&first)?;
    equal("told of what was taken over", own.count()?, 1)?;
    equal("told of what was taken over below", above.count()?, 1)?;
    user.stop()
}

fn threshold_of_both(hierarchy: &Hierarchy) -> Outcome {
    machine::swap_on()?;
    let container = hierarchy.create("both")?;
    let mut memory = Events::of(&container, USAGE, "12M")?;
    let mut both = Events::of(&container, "memory.memsw.usage_in_bytes", "12M")?;
    container.set_limit(8 * MB)?;
    let worker = Worker::holding(&container, 16 * MB)?;
    equal("memory", memory.count()?, 0)?;
    equal("memory and swap space", both.count()?, 1)?;
    worker.finish()?;
    eventually(|| equal("memory and swap space, down", both.count()?, 1))
}

/// Those who listen to the container, and to one below it, are told that somebody is killed.
fn out_of_memory(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let container = parent.child("oom")?;
    let below = container.child("below")?;
    let mut told = Events::of(&container, OOM, "")?;
    let mut told_below = Events::of(&below, OOM, "")?;
    let mut told_above = Events::of(&parent, OOM, "")?;
    container.set_limit(4 * MB)?;
    Worker::growing(&container, 16 * MB)?.killed()?;
    check!(told.count()? >= 1, "nobody was told");
    check!(told_below.count()? >= 1, "nobody below was told");
    equal("told above", told_above.count()?, 0)
}

/// Where processes wait, they are told before.
fn out_of_memory_waits(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("oom")?;
    container.set_limit(4 * MB)?;
    container.write(OOM, 1)?;
    let mut told = Events::of(&container, OOM, "")?;
    let mut worker = Worker::growing(&container, 8 * MB)?;
    while worker.hear()? < 3 * MB {}
    told.come("nobody was told")?;
    check!(worker.lives()?, "somebody was killed");
    // It is enough to be told once of one who waits.
    while !worker.silent_for(Duration::from_secs(1))? {}
    within_a_few(told.count()?)?;
    container.unlimited()?;
    while worker.hear()? < 8 * MB {}
    worker.finish()
}

fn within_a_few(count: u64) -> Outcome {
    check!(count <= 3, "told {count} times more");
    Ok(())
}

fn out_of_memory_already(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("oom")?;
    container.set_limit(4 * MB)?;
    container.write(OOM, 1)?;
    let mut worker = Worker::growing(&container, 8 * MB)?;
    while !worker.silent_for(Duration::from_secs(2))? {}
    eventually(|| equal("under_oom", container.oom_control()?.get("under_oom")?, 1))?;
    equal("told at once", Events::of(&container, OOM, "")?.count()?, 1)?;
    worker.stop()
}

/// Somebody streams a file through the limit.
fn streaming(container: &Cgroup) -> Outcome {
    const LIMIT: u64 = 8 * MB;

    let path = disk::file("stream");
    disk::make(&path, 8 * LIMIT)?;
    container.set_limit(LIMIT)?;
    run_in(container, || disk::read(&path))
}

/// That pages are reclaimed at all is low; that there are none is critical.
fn pressure(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("pressure")?;
    let mut low = Events::of(&container, PRESSURE, "low")?;
    let mut critical = Events::of(&container, PRESSURE, "critical")?;
    streaming(&container)?;
    low.come("nobody was told")?;
    // To get through the limit takes a look at all of so small a list.
    let streamed = critical.count()?;
    Worker::growing(&container, 16 * MB)?.killed()?;
    let killed = critical.count()?;
    check!(killed > 0, "nobody was told that it is critical");
    check!(
        streamed < 200 * killed,
        "told {streamed} times where there was enough"
    );
    Ok(())
}

/// Who listens above is told what nobody below has heard, or all, or only of itself.
fn pressure_modes(hierarchy: &Hierarchy) -> Outcome {
    let parent = hierarchy.create("parent")?;
    let (heard, unheard) = (parent.child("heard")?, parent.child("unheard")?);
    let mut below = Events::of(&heard, PRESSURE, "low")?;
    let mut default = Events::of(&parent, PRESSURE, "low,default")?;
    let mut all = Events::of(&parent, PRESSURE, "low,hierarchy")?;
    let mut local = Events::of(&parent, PRESSURE, "low,local")?;
    streaming(&heard)?;
    below.come("nobody was told")?;
    all.come("nobody was told above")?;
    equal("told above though somebody below was", default.count()?, 0)?;
    equal("told of others", local.count()?, 0)?;
    disk::clean()?;
    streaming(&unheard)?;
    default.come("nobody was told above")?;
    equal("told of others", local.count()?, 0)
}

/// Who closes the eventfd listens no more, and keeps nothing.
fn closed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("closed")?;
    let mut stays = Events::of(&container, USAGE, "10M")?;
    for _ in 0..50 {
        let events = sys::event_counter()?;
        let events = Events(events);
        for (file, arguments) in [(USAGE, "10M"), (USAGE, "5M"), (OOM, ""), (PRESSURE, "low")] {
            events
                .try_listen(&container, &container, file, arguments)
                .context(file)?;
        }
        drop(events);
    }
    let mut memory = Mapping::anon(16 * MB as usize)?;
    run_in(&container, || {
        let len = memory.len();
        memory.fill(0..len, 1);
        memory.advise(0..len, Advice::DontNeed)?;
        Ok(())
    })?;
    equal("told up and down", stays.count()?, 2)?;
    drop(stays);
    container.remove()?;
    nobody_lingers(hierarchy)
}

/// The end of the container is told to all.
fn removed(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("removed")?;
    let mut events = [
        Events::of(&container, USAGE, "10M")?,
        Events::of(&container, OOM, "")?,
        Events::of(&container, PRESSURE, "low")?,
    ];
    container.remove()?;
    for event in &mut events {
        eventually(|| equal("told of the end", event.count()?, 1))?;
    }
    nobody_lingers(hierarchy)
}

fn bad_input(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("bad")?;
    let other = hierarchy.create("other")?;
    let events = Events(sys::event_counter()?);
    for (file, arguments) in [
        (USAGE, "abc"),
        (USAGE, "-2"),
        (USAGE, "10M 20M"),
        (PRESSURE, ""),
        (PRESSURE, "high"),
        (PRESSURE, "low,"),
        (PRESSURE, "low,everybody"),
        ("memory.stat", ""),
        ("memory.limit_in_bytes", "1M"),
    ] {
        let what = format!("{file} with {arguments:?}");
        let tried = events.try_listen(&container, &container, file, arguments);
        refused(what, tried, EINVAL)?;
    }
    let of_another = events.try_listen(&container, &other, USAGE, "1M");
    refused("a file of another container", of_another, EINVAL)?;

    let usage = File::open(container.file(USAGE))?;
    let (no_eventfd, usage) = (usage.as_raw_fd(), usage.as_raw_fd());
    let control = |text: &str| container.try_write(EVENT_CONTROL, text);
    refused(
        "no eventfd",
        control(&format!("{no_eventfd} {usage} 1M")),
        EINVAL,
    )?;
    let closed = format!("999 {usage} 1M");
    refused("an eventfd that is closed", control(&closed), libc::EBADF)?;
    let closed = format!("{} 999 1M", events.0.as_raw_fd());
    refused("a file that is closed", control(&closed), libc::EBADF)?;
    for text in ["", "1", "1 ", "a 1", "1 b", "1,2 3"] {
        match text {
            // A write of no bytes does nothing.
            "" => control(text).context("nothing")?,
            _ => check!(control(text).is_err(), "{text:?} was taken"),
        }
    }
    container.remove()?;
    other.remove()?;
    nobody_lingers(hierarchy)
}

// SPDX-License-Identifier: GPL-2.0

//! Sets off fork bombs: processes that make processes until all are killed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::actor::{self, Actor};
use super::place::{self, Place};
use super::tally::Action;
use crate::outcome::MB;
use crate::sys::{self, Mapping, Pid};

/// How many processes a bomb makes, unless the pids controller has it stop before.
const MOST: u64 = 40;

pub fn run(actor: &mut Actor<'_>) {
    let made = match sys::shared_counters(1) {
        Ok(counters) => &counters[0],
        Err(error) => return actor.odd(error),
    };
    let version = actor.version();
    while !actor.over() {
        let place = Place::home(&mut actor.random, version);
        let container = place.container(actor.hierarchy);
        let lifetime = Duration::from_millis(actor.random.between(100, 600));
        // There may be one already.
        let _ = place.create(actor.hierarchy);
        made.store(0, Relaxed);
        let first = sys::spawn(|| {
            sys::lead_group();
            let joined = container.try_write("cgroup.procs", &Pid::of_self().number().to_string());
            if joined.and_then(|()| actor::expose()).is_err() {
                return 1;
            }
            explode(made)
        });
        match first {
            Ok(first) => {
                grow(made);
                std::thread::sleep(lifetime);
                // Whoever was moved away in time is killed by the group.
                let _ = place::kill(&container);
                end(actor, first);
                let exploded = made.load(Relaxed) > 1;
                let missed = std::io::Error::from_raw_os_error(libc::EBUSY);
                actor.count(Action::Bomb, if exploded { Ok(()) } else { Err(missed) });
            }
            Err(error) => {
                actor.count(Action::Bomb, Err(error));
            }
        }
        actor.random.pause(300, 2000);
    }
}

/// Waits until a bomb is one, but not for long: it may not have been let in.
fn grow(made: &AtomicU64) {
    const PATIENCE: Duration = Duration::from_secs(2);

    let end = Instant::now() + PATIENCE;
    while made.load(Relaxed) < MOST / 4 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Makes processes that make processes, and each of them touches some memory. All share the
/// count of what was made.
fn explode(made: &'static AtomicU64) -> i32 {
    let Ok(mut memory) = Mapping::anon(MB as usize / 2) else {
        return 1;
    };
    loop {
        if made.load(Relaxed) < MOST && sys::spawn(|| explode(made)).is_ok() {
            made.fetch_add(1, Relaxed);
        }
        memory.fill(0..memory.len(), 1);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills what is left of a bomb. Orphans are reaped by the storm's first process.
fn end(actor: &Actor<'_>, first: Pid) {
    const PATIENCE: Duration = Duration::from_secs(60);

    let end = Instant::now() + PATIENCE;
    first.kill(sys::SIGKILL);
    first.kill_group(sys::SIGKILL);
    match first.wait_for(PATIENCE) {
        Ok(Some(_)) => (),
        Ok(None) => return actor.odd("a fork bomb cannot be killed"),
        Err(error) => return actor.odd(error),
    }
    while first.group_lives() {
        if Instant::now() >= end {
            return actor.odd("the children of a fork bomb cannot be killed");
        }
        first.kill_group(sys::SIGKILL);
        std::thread::sleep(Duration::from_millis(5));
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Processes that begin, end, move, and take turns.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::calls;
use crate::clock::{best, Idler, TIMES};
use crate::figure;
use crate::outcome::{check_child, Context, Outcome};
use crate::place::{Hierarchy, Home};
use crate::sys::{self, Advice, Mapping, Pid};

const FORKS: usize = 32;

/// What a process costs that starts another, done in `home`.
pub fn all(place: &str, home: &Home) -> Outcome {
    home.run(|| {
        // Many at a time: what one leaves behind is often the next one's to clean up.
        let fork = best(
            FORKS,
            || Ok(()),
            |()| {
                (0..FORKS).try_for_each(|_| check_child(sys::spawn(|| 0)?.wait().context("wait")?))
            },
        )?;
        figure(place, "fork_exit", fork);

        let exec = best(
            FORKS,
            || Ok(()),
            |()| {
                (0..FORKS).try_for_each(|_| {
                    let child = sys::spawn(|| calls::exec("/bin/memctl-bench", "nothing"))?;
                    check_child(child.wait().context("wait")?)
                })
            },
        )?;
        figure(place, "fork_exec_exit", exec);
        Ok(())
    })
}

/// Starts processes that end at once until somebody ends it.
pub fn forever(home: &Home) -> Outcome {
    home.run(|| {
        println!("memctl-bench: in the loop");
        loop {
            check_child(sys::spawn(|| 0)?.wait().context("wait")?)?;
        }
    })
}

/// Faults and frees a page, and lets the other have its turn.
fn turns(line: &mut UnixStream, turns: usize) -> Outcome {
    let page = sys::page_size();
    let mut memory = Mapping::anon(page)?;
    for _ in 0..turns {
        line.read_exact(&mut [0])?;
        memory.fill(0..page, 1);
        memory.advise(0..page, Advice::DontNeed)?;
        line.write_all(&[0])?;
    }
    Ok(())
}

/// Two containers that take turns on one CPU, and a process that moves from one to the other.
pub fn between(hierarchy: &Hierarchy) -> Outcome {
    const TURNS: usize = 40;
    const MOVES: usize = 128;

    let first = hierarchy.create(&["one", "two", "first"])?;
    let second = hierarchy.create(&["one", "two", "second"])?;

    let (mut ours, mut theirs) = UnixStream::pair()?;
    let partner = sys::spawn(|| {
        let moved = second.adopt(Pid::of_self());
        i32::from(
            moved
                .and_then(|()| turns(&mut theirs, TURNS * TIMES))
                .is_err(),
        )
    })?;
    first.run(|| {
        let page = sys::page_size();
        let mut memory = Mapping::anon(page)?;
        let turn = best(
            TURNS,
            || Ok(()),
            |()| {
                for _ in 0..TURNS {
                    memory.fill(0..page, 1);
                    memory.advise(0..page, Advice::DontNeed)?;
                    ours.write_all(&[0])?;
                    ours.read_exact(&mut [0])?;
                }
                Ok(())
            },
        )?;
        figure("deep", "alternating", turn);
        Ok(())
    })?;
    check_child(partner.wait()?)?;

    let sleeper = Command::new("/bin/sleep").arg("1000").spawn();
    let mut sleeper = sleeper.context("sleep")?;
    let pid = sleeper.id();
    let idler = Idler::start()?;
    let least = idler.least(|| {
        for _ in 0..MOVES / 2 {
            first.write("cgroup.procs", &pid.to_string())?;
            second.write("cgroup.procs", &pid.to_string())?;
        }
        Ok(())
    })?;
    figure("deep", "move_task", least / MOVES as f64);
    let _ = sleeper.kill();
    let _ = sleeper.wait();
    first.remove()?;
    second.remove()
}

// SPDX-License-Identifier: GPL-2.0

//! Small tools for the demonstration and for tests of others.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cgroup::Cgroup;
use crate::disk;
use crate::outcome::{fail, Outcome, Verdict, MB};
use crate::sys::{self, Mapping, Pid};

/// Runs the tool; `None` when there is no such tool, or not with such arguments.
pub fn run(tool: &str, arguments: &[&str]) -> Option<Outcome> {
    Some(match (tool, arguments) {
        ("anon", [size]) => anon(size, false),
        ("anon", [size, "hold"]) => anon(size, true),
        ("fill", [file, size]) => {
            megabytes(size).and_then(|size| disk::make(Path::new(file), size))
        }
        ("read", [file]) => disk::read(Path::new(file)),
        ("resident", [file]) => resident(Path::new(file)),
        ("bars", [pid, container]) => bars(pid, Path::new(container), u64::MAX),
        ("bars", [pid, container, size]) => {
            megabytes(size).and_then(|size| bars(pid, Path::new(container), size))
        }
        ("in-turn", [program, arguments @ ..]) => in_turn(program, arguments),
        _ => return None,
    })
}

/// Becomes `program`, whose processes run one after the other: each until it sleeps or ends.
fn in_turn(program: &str, arguments: &[&str]) -> Outcome {
    sys::run_on_cpu(0)?;
    sys::run_in_turn()?;
    Err(Command::new(program).args(arguments).exec().into())
}

fn megabytes(text: &str) -> Outcome<u64> {
    match text.parse::<u64>() {
        Ok(size) => Ok(size * MB),
        Err(_) => fail(format!("\"{text}\" is no number of megabytes")),
    }
}

/// Grows by a megabyte at a time, slowly enough for somebody to watch.
fn anon(size: &str, hold: bool) -> Outcome {
    const PAUSE: Duration = Duration::from_millis(15);

    let size = megabytes(size)? as usize;
    let mut memory = Mapping::anon(size)?;
    for start in (0..size).step_by(MB as usize) {
        memory.fill(start..start + MB as usize, 1);
        std::thread::sleep(PAUSE);
    }
    if !memory.holds(0..size, 1) {
        return fail("memory has changed");
    }
    println!("anon: {} MB, all there", size as u64 / MB);
    while hold {
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

fn resident(file: &Path) -> Outcome {
    let size = file.metadata()?.len();
    let resident = disk::resident(file)?;
    let percent = resident.min(size) * 100 / size.max(1);
    println!(
        "{}: {:.1} of {:.1} MB in memory ({percent}%)",
        file.display(),
        resident as f64 / MB as f64,
        size as f64 / MB as f64,
    );
    Ok(())
}

/// Draws the container's usage against its limit, a line now and then, until the process ends or
/// has `enough` bytes of anonymous memory, in RAM or swap.
fn bars(pid: &str, container: &Path, enough: u64) -> Outcome {
    const WIDTH: u64 = 40;
    const SHORTEST: Duration = Duration::from_millis(100);

    let number = pid.parse().ok().and_then(Pid::from_number);
    let pid = number.ok_or_else(|| Verdict::Failed(format!("\"{pid}\" is no process")))?;
    let container = Cgroup::at(container);
    let limit = container.limit()?;
    let started = Instant::now();
    let mut pause = SHORTEST;
    loop {
        let running = pid.runs() && pid.anonymous_memory() < enough;
        let usage = container.usage()?;
        let filled = (usage * WIDTH).div_ceil(limit).min(WIDTH) as usize;
        println!(
            "  {:4.1} s  {}{}  {:5.1} of {} MB",
            started.elapsed().as_secs_f64(),
            "█".repeat(filled),
            "░".repeat(WIDTH as usize - filled),
            usage as f64 / MB as f64,
            limit / MB,
        );
        if !running {
            return Ok(());
        }
        // Interesting things happen early; a long job must not fill the screen.
        pause = pause.mul_f64(1.25);
        let next = Instant::now() + pause;
        while Instant::now() < next && pid.runs() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Takes CPUs and blocks of memory away, and gives them back.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::actor::Actor;
use super::tally::Action;
use crate::plug;
use crate::sys;

/// Takes one or more CPUs away and gives them back.
pub fn run_cpus(actor: &mut Actor<'_>) {
    let cpus = plug::cpus();
    while !actor.over() && !cpus.is_empty() {
        let first = actor.random.below(cpus.len() as u64) as usize;
        let count = actor.random.between(1, cpus.len() as u64) as usize;
        let away: Vec<_> = (first..first + count)
            .map(|n| &cpus[n % cpus.len()].1)
            .collect();
        for switch in &away {
            actor.count(Action::CpuOff, fs::write(switch, "0"));
        }
        actor.random.pause(0, 500);
        for switch in &away {
            actor.count(Action::CpuOn, fs::write(switch, "1"));
        }
        // While a CPU comes or goes, no process can be moved.
        actor.random.pause(1000, 4000);
    }
}

/// Takes a block of memory away, if its pages can go elsewhere, and gives it back.
pub fn run_memory(actor: &mut Actor<'_>) {
    let blocks = plug::memory_blocks();
    while !actor.over() && !blocks.is_empty() {
        let (_, switch) = &blocks[actor.random.below(blocks.len() as u64) as usize];
        let gone = sys::exclusively(Path::new(plug::MEMORY_LOCK), || offline(switch));
        if actor.count(Action::MemoryOff, gone) {
            actor.random.pause(0, 500);
            actor.count(Action::MemoryOn, fs::write(switch, "1"));
        }
        actor.random.pause(0, 500);
    }
}

/// Takes a block of memory away. The kernel tries until it succeeds or is interrupted: so a child
/// of ours does it, that is killed after a while.
fn offline(switch: &Path) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);

    let child = sys::spawn(|| match fs::write(switch, "0") {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
    })?;
    let status = match child.wait_for(PATIENCE)? {
        Some(status) => status,
        None => {
            child.kill(sys::SIGKILL);
            child.wait()?
        }
    };
    // It may have been gone just when it was killed.
    match status.code() {
        Some(0) => Ok(()),
        _ if !plug::is_on(switch)? => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(number)),
        None => Err(io::Error::from_raw_os_error(libc::EINTR)),
    }
}

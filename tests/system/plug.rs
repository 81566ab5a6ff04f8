// SPDX-License-Identifier: GPL-2.0

//! The switches of what can be taken away while the machine runs: CPUs and blocks of memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::check;
use crate::outcome::{Context, Outcome};

/// The devices of a kind that can be taken away: their numbers, in order, and their switches.
fn devices(directory: &str, prefix: &str) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
        let switch = entry.path().join("online");
        switch.exists().then_some((number, switch))
    });
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort();
    numbered
}

/// All CPUs but the first, which stays: their numbers and their switches.
pub fn cpus() -> Vec<(usize, PathBuf)> {
    devices("/sys/devices/system/cpu", "cpu")
}

/// Held by who takes a block of memory away, and by who has all memory compacted: Linux 7.3 looks at
/// pages of a block that has just gone, whoever the controller is.
pub const MEMORY_LOCK: &str = "/tmp/memctl-memory-lock";

/// All blocks of memory, if the kernel can take any: their numbers and their switches.
pub fn memory_blocks() -> Vec<(usize, PathBuf)> {
    devices("/sys/devices/system/memory", "memory")
}

pub fn is_on(switch: &Path) -> io::Result<bool> {
    Ok(fs::read_to_string(switch)?.trim() == "1")
}

/// Takes away what `switch` is for, or gives it back.
pub fn turn(switch: &Path, on: bool) -> Outcome {
    fs::write(switch, if on { "1" } else { "0" }).context(switch.display())
}

/// Gives everything back that was taken away.
pub fn all_on() -> Outcome {
    for (_, switch) in cpus().into_iter().chain(memory_blocks()) {
        if !is_on(&switch)? {
            turn(&switch, true)?;
        }
        check!(is_on(&switch)?, "{} is off", switch.display());
    }
    Ok(())
}

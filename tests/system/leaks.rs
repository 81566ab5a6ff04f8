// SPDX-License-Identifier: GPL-2.0

//! kmemleak, where the kernel has it: memory of the kernel's that nothing points to any more
//! (Documentation/dev-tools/kmemleak.rst).

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::outcome::{fail, Context, Outcome};

const FILE: &str = "/sys/kernel/debug/kmemleak";

/// What is younger than five seconds does not count: its pointer may be in a register.
const AGE: Duration = Duration::from_secs(6);

/// How much of what is lost is shown: the first few objects.
const LINES: usize = 60;

/// Whether the kernel has kmemleak.
pub fn can_be_found() -> bool {
    Path::new(FILE).exists()
}

/// Expects that nothing has been lost since the machine started. One scan may miss a pointer that
/// moves meanwhile, so what is lost must be so in two.
pub fn none() -> Outcome {
    for _ in 0..2 {
        sleep(AGE);
        fs::write(FILE, "scan").context(FILE)?;
    }
    match fs::read_to_string(FILE).context(FILE)? {
        lost if lost.is_empty() => Ok(()),
        lost => {
            let objects = lost.lines().filter(|line| line.starts_with("unreferenced"));
            let shown: Vec<_> = lost.lines().take(LINES).collect();
            fail(format!(
                "{} objects are lost:\n{}",
                objects.count(),
                shown.join("\n")
            ))
        }
    }
}

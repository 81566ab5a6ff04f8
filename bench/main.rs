// SPDX-License-Identifier: GPL-2.0

//! memctl-bench: what a memory controller costs, in instructions.
//!
//! Runs in a guest whose clock counts instructions (QEMU's `-icount shift=0`), on one CPU. Prints a
//! line `figure PLACE WORKLOAD NUMBER` for each workload; `scripts/bench` collects them.

mod calls;
mod clock;
mod containers;
mod drift;
mod handover;
mod kmem;
mod limits;
mod native;
mod net;
#[allow(dead_code, unused_imports)]
#[path = "../tests/system/outcome.rs"]
mod outcome;
mod place;
#[allow(dead_code, unused_imports)]
#[path = "../tests/system/sys.rs"]
mod sys;
mod tasks;
mod wide;
mod work;
mod workers;

use std::process::ExitCode;

use outcome::Outcome;
use place::{Hierarchy, Kind};

const USAGE: &str = "\
usage: memctl-bench v1|v2|none costs|kmem|net|handover|memory|crowd|native
       memctl-bench v1|v2|none loop-faults|loop-forks|loop-life|loop-reclaim
       memctl-bench v1|v2 wide [CHILDREN]
       memctl-bench v1|v2 drift|drift-off [SECONDS]";

const WHAT: &[&str] = &[
    "costs",
    "kmem",
    "net",
    "handover",
    "memory",
    "native",
    "crowd",
    "wide",
    "drift",
    "drift-off",
    "loop-faults",
    "loop-forks",
    "loop-life",
    "loop-reclaim",
];

/// A line for the report.
pub fn figure(place: &str, workload: &str, number: f64) {
    println!("figure {place} {workload} {number:.1}");
}

/// What everything costs, in the root container and in one three levels deep.
fn costs(hierarchy: &Hierarchy) -> Outcome {
    let root = hierarchy.root();
    let deep = hierarchy.create(&["one", "two", "three"])?;
    // First, as the page allocator has nothing to put away yet: it does so bit by bit for seconds,
    // and who moves a task does not want to pay for that.
    tasks::between(hierarchy)?;
    for (name, home) in [("root", &root), ("deep", &deep)] {
        work::all(name, home)?;
        tasks::all(name, home)?;
    }
    kmem::all(hierarchy)?;
    net::all(hierarchy)?;
    containers::reclaim(hierarchy)?;
    handover::all(hierarchy)?;
    containers::life(hierarchy)?;
    containers::read(hierarchy)
}

/// How many children there are at most when nobody says.
const CHILDREN: usize = 10_000;

/// How many seconds of each mix.
const HOUR: usize = 3600;

fn run(kind: Kind, what: &str, number: Option<usize>) -> Outcome {
    let hierarchy = Hierarchy::mount(kind)?;
    match what {
        "costs" => costs(&hierarchy),
        "kmem" => kmem::all(&hierarchy),
        "net" => net::all(&hierarchy),
        "handover" => handover::all(&hierarchy),
        "memory" => containers::memory(&hierarchy),
        "crowd" => containers::crowd(&hierarchy),
        "native" => native::all(&hierarchy),
        "wide" => wide::all(&hierarchy, number.unwrap_or(CHILDREN)),
        "drift" | "drift-off" => {
            drift::all(&hierarchy, number.unwrap_or(HOUR) as u64, what == "drift")
        }
        // For a profile: the same again and again.
        "loop-forks" => tasks::forever(&hierarchy.create(&["one", "two", "three"])?),
        "loop-life" => loop {
            hierarchy.create(&["one", "two", "nest", "any"])?.remove()?;
        },
        "loop-reclaim" => loop {
            containers::reclaim(&hierarchy)?;
        },
        _ => work::forever(&hierarchy.create(&["one", "two", "three"])?),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (kind, what, number) = match arguments[..] {
        [kind, what] if WHAT.contains(&what) => (kind, what, None),
        [kind, what @ ("wide" | "drift" | "drift-off"), number] => match number.parse() {
            Ok(number) => (kind, what, Some(number)),
            Err(_) => return usage(),
        },
        // Started by itself, to measure what starting costs.
        ["nothing"] => return ExitCode::SUCCESS,
        _ => return usage(),
    };
    let kind = match kind {
        "v1" => Kind::V1,
        "v2" => Kind::V2,
        "none" => Kind::Uncontrolled,
        _ => return usage(),
    };
    match run(kind, what, number) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("memctl-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

// SPDX-License-Identifier: GPL-2.0

//! A storm: processes that all at once make, fill, limit, empty and remove containers, while swap,
//! CPUs and memory come and go under them. When it is over, everything must be as before.
//!
//! What is checked while it lasts is that memory holds what was written to it, and that the kernel
//! does not complain.

mod actor;
mod bomber;
mod checks;
mod keeper;
mod mover;
mod place;
mod plugger;
mod random;
mod shaker;
mod tally;
mod tenant;

use std::time::{Duration, Instant};

use actor::Actor;
use checks::Before;
use random::Random;
use tally::Tally;

use crate::audit;
use crate::cgroup::{Hierarchy, Version};
use crate::ktap;
use crate::leaks;
use crate::machine;
use crate::outcome::{eventually, fail, Context, Outcome, Verdict};
use crate::sys::{self, Pid};

/// Where the tmpfs is that tenants use.
const SHM: &str = "/dev/shm";

/// How many tenants there are.
const TENANTS: u64 = 14;

type Role = fn(&mut Actor<'_>);

/// Who takes part: name, how many, and what they do.
const CAST: &[(&str, u64, Role)] = &[
    ("keeper", 4, keeper::run),
    ("tenant", TENANTS, tenant::run),
    ("mover", 3, mover::run),
    ("bomber", 1, bomber::run),
    ("shaker", 1, shaker::run),
    ("swapper", 1, shaker::swap),
    ("CPU plugger", 1, plugger::run_cpus),
    ("memory plugger", 1, plugger::run_memory),
];

/// Lets a storm rage for `span`, and looks at what is left. The first one of a boot leaves more.
pub fn run(version: Version, span: Duration, seed: u64, is_first: bool) -> Outcome {
    actor::spare().context("oom_score_adj")?;
    sys::adopt_orphans()?;
    sys::loopback_on().context("lo")?;
    machine::restore()?;
    if machine::has_swap_device() {
        machine::make_swap()?;
    }
    let before = Before::look()?;
    // The other version may not have let go of the controller yet.
    let mut hierarchy = None;
    eventually(|| {
        hierarchy = Some(Hierarchy::open(version)?);
        Ok(())
    })?;
    let Some(hierarchy) = hierarchy else {
        return fail("no hierarchy");
    };
    hierarchy.clean()?;
    let tally = Tally::new()?;

    ktap::note(format_args!(
        "storm on {version}, {} s, seed {seed}",
        span.as_secs()
    ));
    if version == Version::V2 && place::has_pids() {
        hierarchy.root().write("cgroup.subtree_control", "+pids")?;
    }
    let started = Instant::now();
    let raged = rage(&hierarchy, tally, span, seed);
    let took = started.elapsed();
    let ended = raged.and(hierarchy.clean()).and(before.restore());

    let mut report = Report::new(version);
    report.check("ends", || ended);
    report.check("everything_done", || {
        checks::everything_done(tally, &hierarchy, &before, took)
    });
    report.check("nothing_odd", || checks::nothing_odd(tally));
    report.check("processes_gone", checks::processes_gone);
    report.check("containers_gone", || checks::containers_gone(&hierarchy));
    report.check("nobody_stuck", checks::nobody_stuck);
    report.check("audit", checks::audit_clean);
    if leaks::can_be_found() {
        report.check("leaks", leaks::none);
    }
    report.check("closes", || hierarchy.close());
    report.check("memory_back", || checks::memory_back(&before, is_first));
    report.check("machine_whole", checks::machine_whole);
    report.check("kernel_quiet", || checks::kernel_quiet(&before));
    report.end(seed)
}

/// Starts everybody, waits until the time is over, and sees everybody off.
fn rage(hierarchy: &Hierarchy, tally: Tally, span: Duration, seed: u64) -> Outcome {
    let mut actors = Actors(Vec::new());
    for (name, count, role) in CAST {
        for number in 0..*count {
            let mut actor = Actor {
                hierarchy,
                random: Random::of(seed, actors.0.len() as u64),
                tally,
                number,
            };
            let pid = sys::spawn(|| {
                role(&mut actor);
                0
            });
            actors
                .0
                .push((format!("{name} {number}"), pid.context("fork")?));
        }
    }

    let started = Instant::now();
    let mut audited = false;
    while started.elapsed() < span {
        actors.reap()?;
        if !audited && started.elapsed() > span / 2 {
            // What it finds in the middle of all this is true of no moment.
            if let Some(report) = audit::report()? {
                let verdict = report.lines().last().unwrap_or_default();
                ktap::note(format_args!("in the middle: {verdict}"));
            }
            audited = true;
        }
        std::thread::sleep(PAUSE);
    }
    tally.end();
    actors.see_off()
}

/// How often to look who has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// The processes of the actors, by name. Killed when dropped.
struct Actors(Vec<(String, Pid)>);

impl Actors {
    /// Reaps who has ended: actors, and orphans of theirs.
    fn reap(&mut self) -> Outcome {
        loop {
            let (pid, status) = match sys::reap() {
                Ok(Some(ended)) => ended,
                Ok(None) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if let Some(index) = self.0.iter().position(|(_, actor)| *actor == pid) {
                let (name, _) = self.0.remove(index);
                // One that finds nothing to do here ends early.
                if !status.success() {
                    return fail(format!("{name}: {status}"));
                }
            }
        }
    }

    /// Waits for all actors to end. If some do not, the kernel is asked what they wait for.
    fn see_off(&mut self) -> Outcome {
        const PATIENCE: Duration = Duration::from_secs(180);

        let started = Instant::now();
        while !self.0.is_empty() {
            self.reap()?;
            if started.elapsed() > PATIENCE {
                machine::tell_who_is_blocked()?;
                let names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
                return fail(format!("no end of: {}", names.join(", ")));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        self.0.iter().for_each(|(_, pid)| pid.kill(sys::SIGKILL));
    }
}

/// What the checks come to, as a group of tests in KTAP.
struct Report {
    group: String,
    lines: Vec<String>,
    count: usize,
    failed: usize,
}

impl Report {
    fn new(version: Version) -> Self {
        Self {
            group: format!("memctl_storm_{version}"),
            lines: Vec::new(),
            count: 0,
            failed: 0,
        }
    }

    fn check(&mut self, name: &str, check: impl FnOnce() -> Outcome) {
        self.count += 1;
        let name = format!("{} {}_{name}", self.count, self.group);
        match check() {
            Ok(()) => self.lines.push(format!("ok {name}")),
            Err(Verdict::Skipped(why)) => self.lines.push(format!("ok {name} # SKIP {why}")),
            Err(Verdict::Failed(why)) => {
                self.failed += 1;
                let why = why.lines().map(|line| format!("# {line}"));
                self.lines.extend(why);
                self.lines.push(format!("not ok {name}"));
            }
        }
    }

    fn end(self, seed: u64) -> Outcome {
        println!("    KTAP version 1");
        println!("    # Subtest: {}", self.group);
        println!("    1..{}", self.count);
        for line in &self.lines {
            println!("    {line}");
        }
        ktap::note(format_args!("seed {seed}: {} failed", self.failed));
        match self.failed {
            0 => Ok(()),
            failed => fail(format!("{failed} checks failed")),
        }
    }
}

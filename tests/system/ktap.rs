// SPDX-License-Identifier: GPL-2.0

//! Runs tests and reports on them in the kernel's test format, KTAP.

use std::fmt;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::audit;
use crate::cgroup::{Hierarchy, Version};
use crate::disk;
use crate::leaks;
use crate::machine;
use crate::outcome::{Outcome, Verdict};
use crate::sys;

/// A test gets a hierarchy with no containers in it but the root's.
pub type Test = fn(&Hierarchy) -> Outcome;

/// Tests of one matter. Full names are made of the interface's version, the group and the test.
pub struct Group {
    pub name: &'static str,
    pub tests: &'static [(&'static str, Test)],
}

/// A [`Group`] from the names of its functions.
#[macro_export]
macro_rules! group {
    ($name:literal: $($test:ident),+ $(,)?) => {
        $crate::ktap::Group {
            name: $name,
            tests: &[$((stringify!($test), $test)),+],
        }
    };
}

/// For hangs only: far longer than any test takes on the slowest kernel.
fn timeout() -> Duration {
    Duration::from_secs(if machine::in_full() { 3600 } else { 240 })
}

/// A test that takes longer says so.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// Exit statuses of the child that runs a test.
const PASSED: i32 = 0;
const FAILED: i32 = 1;
const SKIPPED: i32 = 2;

/// Writes a line at once, so that no line of another process or of the kernel gets into it.
fn line(text: fmt::Arguments<'_>) {
    let text = format!("{text}\n");
    let mut out = std::io::stdout().lock();
    // With nobody left to read, there is nobody to tell either.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a diagnostic line that belongs to the running test.
pub fn note(text: fmt::Arguments<'_>) {
    for text in text.to_string().lines() {
        line(format_args!("    # {text}"));
    }
}

/// Names the running test in the kernel's log, so that what the kernel says can be traced to it.
fn tell_kernel(text: &str) {
    if let Ok(mut log) = fs::OpenOptions::new().write(true).open("/dev/kmsg") {
        // The log is a courtesy: a test is worth as much without it.
        let _ = log.write_all(format!("<6>memctl-guest: {text}\n").as_bytes());
    }
}

enum Result {
    Ok,
    NotOk(String),
    Skip(String),
}

/// Runs one test in a child of its own, in a process group of its own.
fn run(hierarchy: &Hierarchy, name: &str, test: Test) -> Result {
    tell_kernel(name);
    let complaints = machine::complaints();
    let reason = disk::scratch().join("reason");
    let body = || {
        sys::lead_group();
        let (status, why) = match test(hierarchy) {
            Ok(()) => return PASSED,
            Err(Verdict::Failed(why)) => (FAILED, why),
            Err(Verdict::Skipped(why)) => (SKIPPED, why),
        };
        match fs::write(&reason, why) {
            Ok(()) => status,
            Err(_) => FAILED,
        }
    };
    let started = Instant::now();
    let child = match sys::spawn(body) {
        Ok(child) => child,
        Err(error) => return Result::NotOk(format!("fork: {error}")),
    };
    let timeout = timeout();
    let ended = child.wait_for(timeout);
    child.kill_group(sys::SIGKILL);
    let why = || fs::read_to_string(&reason).unwrap_or_else(|_| "no reason given".into());
    let mut result = match ended {
        Ok(Some(status)) => match status.code() {
            Some(PASSED) => Result::Ok,
            Some(SKIPPED) => Result::Skip(why()),
            Some(FAILED) => Result::NotOk(why()),
            _ => Result::NotOk(format!("test ended with {status}")),
        },
        Ok(None) => {
            child.kill(sys::SIGKILL);
            let _ = child.wait();
            Result::NotOk(format!("no end after {} s", timeout.as_secs()))
        }
        Err(error) => Result::NotOk(format!("wait: {error}")),
    };
    let took = started.elapsed();
    if took > WORTH_TELLING {
        note(format_args!("{name}: {:.1} s", took.as_secs_f64()));
    }
    if let Err(why) = machine::restore().and_then(|()| hierarchy.clean()) {
        result = Result::NotOk(format!("cannot clean up: {why}"));
    }
    if let (Result::Ok, Err(why)) = (&result, audit::clean()) {
        result = Result::NotOk(format!("afterwards {why}"));
    }
    if machine::complaints() != complaints {
        result = Result::NotOk("the kernel complains, see its log".into());
    }
    result
}

/// Runs one test after the other and reports on each; tells whether all passed.
fn run_group(hierarchy: &Hierarchy, group: &str, tests: &[(String, Test)]) -> bool {
    let mut all_passed = true;
    line(format_args!("    KTAP version 1"));
    line(format_args!("    # Subtest: {group}"));
    line(format_args!("    1..{}", tests.len()));
    for (number, (name, test)) in (1..).zip(tests) {
        match run(hierarchy, name, *test) {
            Result::Ok => line(format_args!("    ok {number} {name}")),
            Result::Skip(why) => line(format_args!("    ok {number} {name} # SKIP {why}")),
            Result::NotOk(why) => {
                note(format_args!("{why}"));
                line(format_args!("    not ok {number} {name}"));
                all_passed = false;
            }
        }
    }
    all_passed
}

/// The tests of one version of the interface.
pub struct Suite {
    pub version: Version,
    pub groups: Vec<&'static Group>,
}

/// What is left of a suite after filtering: full names of groups, and of the tests in each.
type Chosen = Vec<(String, Vec<(String, Test)>)>;

impl Suite {
    fn choose(&self, filter: &str) -> Chosen {
        let full_names = |group: &&Group| {
            let group_name = format!("memctl_{}_{}", self.version, group.name);
            let full_name = |(name, test): &(&str, Test)| (format!("{group_name}_{name}"), *test);
            let tests = group.tests.iter().map(full_name);
            let tests = tests.filter(|(name, _)| filter.split('|').any(|f| name.contains(f)));
            let tests = tests.collect();
            (group_name, tests)
        };
        let mut chosen: Chosen = self.groups.iter().map(full_names).collect();
        chosen.retain(|(_, tests)| !tests.is_empty());
        chosen
    }

    /// Calls `report` with the outcome of each chosen group.
    fn run(&self, chosen: &Chosen, mut report: impl FnMut(&str, bool)) -> Outcome {
        let hierarchy = Hierarchy::open(self.version)?;
        machine::restore()?;
        hierarchy.clean()?;
        for (group, tests) in chosen {
            report(group, run_group(&hierarchy, group, tests));
        }
        if leaks::can_be_found() {
            leaks::none()?;
        }
        hierarchy.close()
    }
}

/// Runs the tests of `suites` whose full names contain `filter`, or one of several with `|` between
/// them; tells whether all passed.
pub fn run_all(suites: &[Suite], filter: &str) -> bool {
    let chosen: Vec<_> = suites.iter().map(|suite| suite.choose(filter)).collect();
    line(format_args!("KTAP version 1"));
    line(format_args!(
        "1..{}",
        chosen.iter().map(Vec::len).sum::<usize>()
    ));

    let mut number = 0;
    let mut all_passed = true;
    for (suite, chosen) in suites.iter().zip(&chosen) {
        let report = |group: &str, passed: bool| {
            number += 1;
            let verdict = if passed { "ok" } else { "not ok" };
            line(format_args!("{verdict} {number} {group}"));
            all_passed &= passed;
        };
        if chosen.is_empty() {
            continue;
        }
        // Groups that could not be run are missing from the report, which is a failure by itself.
        if let Err(why) = suite.run(chosen, report) {
            line(format_args!("# {}: {why}", suite.version));
            all_passed = false;
        }
    }
    all_passed
}

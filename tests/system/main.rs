// SPDX-License-Identifier: GPL-2.0

//! memctl-guest: what is checked from user space in a booted guest, and the small tools that the
//! demonstration and tests of others need and busybox lacks.

mod answers;
mod audit;
mod both;
mod cgroup;
mod disk;
mod held;
mod inject;
mod ktap;
mod leaks;
mod machine;
mod monitors;
mod outcome;
mod plug;
mod storm;
mod sys;
mod tools;
mod tracing;
mod v1_control;
mod v1_events;
mod v1_files;
mod v1_memsw;
mod v2_control;
mod v2_files;
mod v2_mount;
mod v2_swap;
mod v2_writeback;
mod v2_zswap;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use cgroup::Version;
use ktap::Suite;
use outcome::{fail, Outcome};

const USAGE: &str = "\
usage: memctl-guest test [v1|v2] [FILTER]     run the tests whose names contain FILTER
       memctl-guest answers v1|v2             print what the controller's files answer
       memctl-guest storm v1|v2 SECONDS SEED [again]
                                              do everything at once, then look at what is left;
                                              again if the machine has seen a storm before
       memctl-guest anon MB [hold]            grow by MB megabytes of anonymous memory
       memctl-guest fill FILE MB              make a file that is not in the page cache
       memctl-guest read FILE                 read a file from start to end
       memctl-guest resident FILE             say how much of a file is in the page cache
       memctl-guest bars PID CONTAINER [MB]   draw the container's usage until the process ends
                                              (or has grown to MB megabytes)
       memctl-guest in-turn PROGRAM [ARG...]  run a program whose processes take turns, on one CPU";

fn suite(version: Version) -> Suite {
    let own: &[_] = match version {
        Version::V1 => &[
            &v1_files::GROUP,
            &v1_control::LIMIT_GROUP,
            &v1_control::OOM_GROUP,
            &both::permission::V1_GROUP,
            &both::kmem::V1_GROUP,
            &both::sockets::V1_GROUP,
            &v1_memsw::GROUP,
            &v1_events::GROUP,
        ],
        Version::V2 => &[
            &v2_files::GROUP,
            &v2_files::EVENTS_GROUP,
            &v2_control::GROUP,
            &v2_swap::GROUP,
            &v2_writeback::GROUP,
            &v2_zswap::GROUP,
            &v2_mount::GROUP,
            &both::sums::V2_GROUP,
            &both::permission::V2_GROUP,
            &both::exhaustion::V2_GROUP,
            &both::faults::V2_GROUP,
        ],
    };
    Suite {
        version,
        groups: own.iter().copied().chain(both::GROUPS).collect(),
    }
}

fn test(versions: &[Version], filter: &str) -> ExitCode {
    let suites: Vec<_> = versions.iter().copied().map(suite).collect();
    match ktap::run_all(&suites, filter) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn storm(version: Version, span: &str, seed: &str, is_first: bool) -> Outcome {
    let (Ok(span), Ok(seed)) = (span.parse(), seed.parse()) else {
        return fail("SECONDS and SEED are numbers");
    };
    storm::run(version, Duration::from_secs(span), seed, is_first)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["test"] => test(&[Version::V1, Version::V2], ""),
        ["test", "v1"] => test(&[Version::V1], ""),
        ["test", "v2"] => test(&[Version::V2], ""),
        ["test", "v1", filter] => test(&[Version::V1], filter),
        ["test", "v2", filter] => test(&[Version::V2], filter),
        ["test", filter] => test(&[Version::V1, Version::V2], filter),
        ["answers", "v1"] => done("answers", answers::print(Version::V1)),
        ["answers", "v2"] => done("answers", answers::print(Version::V2)),
        ["storm", version @ ("v1" | "v2"), span, seed, ref again @ ..]
            if matches!(again, [] | ["again"]) =>
        {
            let version = match version {
                "v1" => Version::V1,
                _ => Version::V2,
            };
            done("storm", storm(version, span, seed, again.is_empty()))
        }
        [tool, ref arguments @ ..] => match tools::run(tool, arguments) {
            Some(outcome) => done(tool, outcome),
            None => usage(),
        },
        [] => usage(),
    }
}

fn done(tool: &str, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("memctl-guest {tool}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

// SPDX-License-Identifier: GPL-2.0

//! Makes, limits, empties and removes containers.

use std::fs::File;
use std::io;

use super::actor::Actor;
use super::place::{self, Place};
use super::tally::Action;
use crate::cgroup::{Cgroup, Version};
use crate::outcome::MB;
use crate::sys;

/// What a keeper does, and how often of all times.
const DECK: &[(Action, usize)] = &[
    (Action::Create, 8),
    (Action::Limit, 6),
    (Action::Unlimit, 1),
    (Action::Remove, 4),
    (Action::Destroy, 2),
    (Action::Reclaim, 3),
    (Action::Read, 3),
    (Action::Kill, 1),
    (Action::High, 2),
    (Action::Protect, 2),
    (Action::SwapLimit, 2),
    (Action::KillTogether, 1),
    (Action::Enable, 2),
    (Action::Disable, 1),
    (Action::Pids, 1),
    (Action::OomControl, 2),
    (Action::Swappiness, 1),
    (Action::MemSwLimit, 2),
    (Action::TcpLimit, 1),
    (Action::Listen, 3),
    (Action::ZswapLimit, 1),
    (Action::TakesOver, 1),
];

pub fn run(actor: &mut Actor<'_>) {
    let mut deck = actor.deck(DECK);
    while !actor.over() {
        let action = deck.draw(&mut actor.random);
        let place = Place::any(&mut actor.random);
        let result = act(actor, action, &place);
        actor.count(action, result);
        actor.random.pause(0, 30);
    }
}

fn act(actor: &mut Actor<'_>, action: Action, place: &Place) -> io::Result<()> {
    let hierarchy = actor.hierarchy;
    let version = actor.version();
    let container = place.container(hierarchy);
    let inner = place.inner(hierarchy);
    let bytes = place.limit(&mut actor.random);
    let random = &mut actor.random;
    match action {
        Action::Create => place.create(hierarchy),
        Action::Remove => container.try_remove(),
        Action::Destroy => place::destroy(&container),
        Action::Limit => container.try_limit(bytes),
        Action::Unlimit => container.try_unlimited(),
        Action::Reclaim => match version {
            Version::V1 => container.try_write("memory.force_empty", "0"),
            Version::V2 => container.try_write("memory.reclaim", &(bytes / 4).to_string()),
        },
        Action::Read => read(&container, version),
        Action::Kill => place::kill(&container),
        Action::High => container.try_write("memory.high", &or_max(random.once_in(3), bytes)),
        Action::Protect => {
            let file = ["memory.min", "memory.low"][random.below(2) as usize];
            container.try_write(file, &(random.below(2) * bytes / 8).to_string())
        }
        Action::SwapLimit => {
            let bytes = random.below(4) * 4 * MB;
            container.try_write("memory.swap.max", &or_max(bytes == 0, bytes))
        }
        Action::KillTogether => {
            container.try_write("memory.oom.group", &random.below(2).to_string())
        }
        Action::Enable => inner.try_write("cgroup.subtree_control", "+memory"),
        Action::Disable => inner.try_write("cgroup.subtree_control", "-memory"),
        Action::Pids => {
            let pids = random.between(20, 60);
            place
                .family(hierarchy)
                .try_write("pids.max", &pids.to_string())
        }
        // Most often the killer is on, or all would soon wait.
        Action::OomControl => {
            let disabled = u64::from(random.once_in(6));
            container.try_write("memory.oom_control", &disabled.to_string())
        }
        Action::Swappiness => {
            container.try_write("memory.swappiness", &random.below(101).to_string())
        }
        // One that is below the other limit is refused.
        Action::MemSwLimit => {
            let limit = match random.once_in(3) {
                true => "-1".into(),
                false => (bytes + random.below(3) * 4 * MB).to_string(),
            };
            container.try_write("memory.memsw.limit_in_bytes", &limit)
        }
        Action::TcpLimit => {
            let limit = random.below(3) * MB;
            container.try_write("memory.kmem.tcp.limit_in_bytes", &limit.to_string())
        }
        Action::Listen => {
            let threshold = (random.below(16) * MB).to_string();
            let (file, arguments) = [
                ("memory.usage_in_bytes", threshold.as_str()),
                ("memory.oom_control", ""),
                ("memory.pressure_level", "low,hierarchy"),
            ][random.below(3) as usize];
            let events = listen(&container, file, arguments)?;
            random.pause(0, 50);
            drop(events);
            Ok(())
        }
        Action::ZswapLimit => {
            let bytes = random.below(4) * MB / 4;
            container.try_write("memory.zswap.max", &or_max(random.once_in(3), bytes))
        }
        Action::TakesOver => {
            let takes = u64::from(!random.once_in(3));
            container.try_write("memory.handover", &takes.to_string())
        }
        _ => unreachable!("not in the deck of a keeper"),
    }
}

/// Listens to a file, until what is returned is dropped.
fn listen(container: &Cgroup, file: &str, arguments: &str) -> io::Result<File> {
    let events = sys::event_counter()?;
    container.try_listen(&events, &File::open(container.file(file))?, arguments)?;
    Ok(events)
}

fn or_max(max: bool, bytes: u64) -> String {
    if max {
        "max".into()
    } else {
        bytes.to_string()
    }
}

/// Reads what sums over all CPUs, nodes and descendants.
fn read(container: &Cgroup, version: Version) -> io::Result<()> {
    let usage = match version {
        Version::V1 => "memory.usage_in_bytes",
        Version::V2 => "memory.current",
    };
    for name in ["memory.stat", "memory.numa_stat", usage, "cgroup.procs"] {
        std::fs::read(container.file(name))?;
    }
    Ok(())
}

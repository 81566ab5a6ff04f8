// SPDX-License-Identifier: GPL-2.0

//! Moves processes to other containers, and their pages to other nodes, while they fault.

use super::actor::Actor;
use super::place::Place;
use super::tally::Action;
use crate::machine;
use crate::sys;

pub fn run(actor: &mut Actor<'_>) {
    let nodes = machine::nodes() as u64;
    let version = actor.version();
    while !actor.over() {
        let from = Place::home(&mut actor.random, version).container(actor.hierarchy);
        let to = Place::home(&mut actor.random, version).container(actor.hierarchy);
        let migrates = actor.random.once_in(6);
        let node = actor.random.below(nodes) as usize;
        let processes = from.try_processes().unwrap_or_default();
        if let Some(pid) = actor.random.one_of(&processes) {
            if !migrates {
                let result = to.try_write("cgroup.procs", &pid.number().to_string());
                actor.count(Action::Move, result);
            } else if nodes > 1 {
                let other = (node + 1) % nodes as usize;
                let result = sys::migrate_pages(*pid, other, node);
                actor.count(Action::Migrate, result);
            }
        }
        actor.random.pause(0, 30);
    }
}

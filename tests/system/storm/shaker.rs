// SPDX-License-Identifier: GPL-2.0

//! Shakes the machine under the containers: swap, compaction, caches, pools, mounts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::actor::Actor;
use super::tally::Action;
use crate::cgroup::Version;
use crate::machine;
use crate::plug;
use crate::sys;

/// Splits all huge pages there are.
pub const SPLIT: &str = "/sys/kernel/debug/split_huge_pages";
/// Chooses between the classic and the multi-generational LRU.
pub const GENERATIONS: &str = "/sys/kernel/mm/lru_gen/enabled";

/// Whether what is swapped out stays in memory, compressed.
pub const ZSWAP: &str = "/sys/module/zswap/parameters/enabled";

const SECOND_MOUNT: &str = "/tmp/memctl-second";

const DECK: &[(Action, usize)] = &[
    (Action::Compact, 3),
    (Action::SplitAll, 1),
    (Action::DropCaches, 1),
    (Action::Generations, 2),
    (Action::Pool, 3),
    (Action::Mount, 2),
    (Action::Zswap, 2),
    (Action::Handover, 1),
];

pub fn run(actor: &mut Actor<'_>) {
    let version = actor.version();
    let mut deck = actor.deck(DECK);
    while !actor.over() {
        let action = deck.draw(&mut actor.random);
        let number = actor.random.next();
        let result = match action {
            Action::Compact => compact(),
            Action::SplitAll => fs::write(SPLIT, "1"),
            Action::DropCaches => {
                let what = (number % 3 + 1).to_string();
                fs::write("/proc/sys/vm/drop_caches", what)
            }
            Action::Generations => {
                let kinds = ["0x0000", "0x0001", "0x0003", "0x0007"];
                fs::write(GENERATIONS, kinds[(number % 4) as usize])
            }
            Action::Pool => grow_pool(number % 7),
            Action::Mount => mount(version),
            Action::Zswap => fs::write(ZSWAP, (number % 2).to_string()),
            Action::Handover => {
                // Most often it is on.
                let on = u64::from(number % 4 != 0);
                fs::write(machine::HANDOVER, on.to_string())
            }
            _ => unreachable!("not in the deck of a shaker"),
        };
        let done = actor.count(action, result);
        actor.random.pause(100, 1000);
        if action == Action::Mount && done {
            actor.count(Action::Unmount, unmount());
        }
    }
}

/// Compacts all memory, while no block of it is taken away.
fn compact() -> io::Result<()> {
    sys::exclusively(Path::new(plug::MEMORY_LOCK), || {
        fs::write("/proc/sys/vm/compact_memory", "1")
    })
}

/// Makes the hugetlb pool larger. It gets smaller as memory goes away, and only so: pages in use that
/// the pool has no more room for are surplus, and with memory going away Linux 7.3 loses count of
/// those. From then on the pool has one page less than none, whoever the controller is.
fn grow_pool(pages: u64) -> io::Result<()> {
    let now = machine::hugetlb_pages().unwrap_or(0);
    machine::resize_hugetlb_pool(now.max(pages))
}

fn mount(version: Version) -> io::Result<()> {
    let (kind, options) = match version {
        Version::V1 => ("cgroup", "memory"),
        Version::V2 => ("cgroup2", ""),
    };
    fs::create_dir_all(SECOND_MOUNT)?;
    sys::mount("none", Path::new(SECOND_MOUNT), kind, options)
}

fn unmount() -> io::Result<()> {
    sys::unmount(&PathBuf::from(SECOND_MOUNT))
}

/// Turns swap on and off, over and over.
pub fn swap(actor: &mut Actor<'_>) {
    if !machine::has_swap_device() {
        return;
    }
    let mut on = false;
    while !actor.over() {
        let (action, result) = if on {
            (Action::SwapOff, machine::try_swap_off())
        } else {
            (Action::SwapOn, machine::try_swap_on())
        };
        if actor.count(action, result) {
            on = !on;
        }
        // Without swap, limits are for those that kill.
        let longest = if on { 2000 } else { 5000 };
        actor.random.pause(300, longest);
    }
}

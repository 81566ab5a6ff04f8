// SPDX-License-Identifier: GPL-2.0

//! What every process of a storm has: its random numbers, and a way to tell what it did.

use std::fs;
use std::io;

use super::random::{Deck, Random};
use super::tally::{Action, Tally};
use crate::cgroup::{Hierarchy, Version};
use crate::ktap;

/// What an attempt may be answered while others do the opposite.
const TO_BE_EXPECTED: &[i32] = &[
    libc::EAGAIN,
    libc::EBUSY,
    libc::EEXIST,
    libc::EINTR,
    libc::EINVAL,
    libc::ENODEV,
    libc::ENOENT,
    libc::ENOMEM,
    libc::ENFILE,
    libc::EMFILE,
    libc::ENOSPC,
    libc::ENOTEMPTY,
    libc::EOPNOTSUPP,
    libc::ESRCH,
];

/// Of more oddities than these only the number is told.
const WORTH_TELLING: u64 = 20;

/// One process of a storm. What it decides depends on its random numbers only, of which each
/// decision takes as many whatever comes of it: so with the same seed it decides the same.
pub struct Actor<'a> {
    pub hierarchy: &'a Hierarchy,
    pub random: Random,
    pub tally: Tally,
    /// Tells this one from its like.
    pub number: u64,
}

impl Actor<'_> {
    pub fn version(&self) -> Version {
        self.hierarchy.version()
    }

    pub fn over(&self) -> bool {
        self.tally.over()
    }

    /// A deck of those actions that can be done here, each as often as it says.
    pub fn deck(&self, actions: &[(Action, usize)]) -> Deck<Action> {
        let mut cards = actions.to_vec();
        cards.retain(|(action, _)| action.available(self.version()));
        Deck::new(&cards)
    }

    /// Counts what came of an attempt, and tells whether it succeeded.
    pub fn count(&self, action: Action, result: io::Result<()>) -> bool {
        match result {
            Ok(()) => {
                self.tally.count_done(action);
                return true;
            }
            Err(error) if expected(&error) => self.tally.count_refused(action),
            Err(error) => self.odd(format_args!("{}: {error}", action.words())),
        }
        false
    }

    /// Something that should not happen.
    pub fn odd(&self, what: impl std::fmt::Display) {
        if self.tally.count_odd() < WORTH_TELLING {
            ktap::note(format_args!("odd: {what}"));
        }
    }
}

fn expected(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    number.is_some_and(|number| TO_BE_EXPECTED.contains(&number))
}

/// Makes the calling process one that the OOM killer leaves alone.
pub fn spare() -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", "-1000")
}

/// Makes the calling process the first that the OOM killer takes.
pub fn expose() -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", "500")
}

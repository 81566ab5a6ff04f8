// SPDX-License-Identifier: GPL-2.0

//! How often reclaim is tried that frees nothing.
//!
//! What it has taken may be free only later: names and inodes, of which a container that looks
//! through a file system is full, are freed by RCU. Sixteen tries in a row are over long before
//! that; and reclaim for a container waits nowhere in between. So before something is done that
//! cannot be undone, or given up, a grace period is waited for, once.
#![deny(unsafe_code)]

use crate::c::task::Current;
use kernel::{
    psi,
    sched,
    sync::rcu::GracePeriod, //
};

/// How often reclaim may fail to free anything before something else is tried.
pub(crate) const MAX_RECLAIM_RETRIES: u32 = 16;

/// The same, after what was taken has been waited for: what RCU has to call is called by and by, on
/// CPUs that may have something else to do. So each of these is a jiffy after the one before.
pub(crate) const RETRIES_LATER: u32 = 4;

/// Whether to try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    /// At once.
    Now,
    /// When what has been taken is free.
    Later,
    /// In a jiffy.
    Soon,
    /// No.
    Never,
}

impl Again {
    /// Whether to try again, now. Sleeps if it is to be later: for a grace period, unless this task
    /// is going to exit (it has been killed for what others wait for), or for a jiffy.
    ///
    /// Where RCU may be lazy (`CONFIG_RCU_LAZY`) it may take longer, which is not waited for.
    pub(crate) fn in_time(self) -> bool {
        match self {
            Self::Now => {}
            Self::Later => psi::stalled(|| {
                let (grace, current) = (GracePeriod::begin(), Current::get());
                while !grace.has_passed() && !current.is_dying() {
                    sched::sleep_killable(1);
                }
            }),
            Self::Soon => psi::stalled(|| sched::sleep_killable(1)),
            Self::Never => return false,
        }
        true
    }
}

/// How often somebody still tries.
pub(crate) struct Patience {
    retries: u32,
    waits: bool,
    next: Again,
}

impl Patience {
    /// Of one who waits for what is not free yet, once.
    pub(crate) const fn new() -> Self {
        Self {
            retries: MAX_RECLAIM_RETRIES,
            waits: true,
            next: Again::Now,
        }
    }

    /// Of one who has waited before.
    pub(crate) const fn without_waiting() -> Self {
        Self {
            waits: false,
            ..Self::new()
        }
    }

    /// Whether to go on after reclaim has freed `reclaimed` pages. Sleeps, see [`Again::in_time`].
    pub(crate) fn goes_on(&mut self, reclaimed: usize) -> bool {
        reclaimed != 0 || self.again().in_time()
    }

    /// Whether to try again after reclaim has freed nothing.
    pub(crate) fn again(&mut self) -> Again {
        if let Some(left) = self.retries.checked_sub(1) {
            self.retries = left;
            return self.next;
        }
        if core::mem::replace(&mut self.waits, false) {
            self.retries = RETRIES_LATER;
            self.next = Again::Soon;
            return Again::Later;
        }
        Again::Never
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/patience.rs"]
mod tests;

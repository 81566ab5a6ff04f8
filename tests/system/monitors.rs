// SPDX-License-Identifier: GPL-2.0

//! Processes that read the statistics of the whole machine all the time, as monitors do.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::cgroup::Hierarchy;
use crate::outcome::Outcome;
use crate::sys;
use crate::worker::Worker;

pub struct Monitors {
    over: &'static AtomicU64,
    reads: &'static AtomicU64,
    workers: Vec<Worker>,
}

impl Monitors {
    /// Starts so many.
    pub fn start(hierarchy: &Hierarchy, count: usize) -> Outcome<Self> {
        let root = hierarchy.root();
        let counters = sys::shared_counters(2)?;
        let (over, reads) = (&counters[0], &counters[1]);
        let mut workers = Vec::new();
        for _ in 0..count {
            workers.push(Worker::start(&root, |_| {
                while over.load(SeqCst) == 0 {
                    root.stat()?;
                    reads.fetch_add(1, SeqCst);
                }
                Ok(())
            })?);
        }
        Ok(Self {
            over,
            reads,
            workers,
        })
    }

    /// Expects them to come to an end. Tells how often they have read.
    pub fn end(self) -> Outcome<u64> {
        self.over.store(1, SeqCst);
        self.workers.into_iter().try_for_each(Worker::ends_well)?;
        Ok(self.reads.load(SeqCst))
    }
}

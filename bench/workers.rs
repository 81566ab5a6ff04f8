// SPDX-License-Identifier: GPL-2.0

//! Processes that wait, each in a container, for their turn to fault and free a few pages.

use std::sync::atomic::AtomicU64;

use crate::calls::{self, Shared};
use crate::clock;
use crate::outcome::{fail, Outcome};
use crate::place::Home;
use crate::sys::{self, Advice, Mapping, Pid};

/// The most pages of a turn.
pub const MOST: u32 = 128;

/// What a worker's number says if it is no number of pages.
const IDLE: u32 = 0;
const STARTING: u32 = u32::MAX;
const FAILED: u32 = u32::MAX - 1;

pub struct Workers {
    /// For each worker how many pages it has yet to fault. Words in shared memory take no
    /// descriptors, of which there would be too many.
    turns: &'static [AtomicU64],
    faults: Shared,
    frees: Shared,
    /// Both, without what others did in between.
    alone: Shared,
    pids: Vec<Pid>,
}

impl Workers {
    /// None yet, but room for so many.
    pub fn new(room: usize) -> Outcome<Self> {
        Ok(Self {
            turns: sys::shared_counters(room)?,
            faults: Shared::new()?,
            frees: Shared::new()?,
            alone: Shared::new()?,
            pids: Vec::new(),
        })
    }

    /// One more, in `home`.
    pub fn start(&mut self, home: &Home) -> Outcome {
        let turn = &self.turns[self.pids.len()];
        calls::tell(turn, STARTING);
        let pid = sys::spawn(|| {
            let Err(why) = home
                .adopt(Pid::of_self())
                .and_then(|()| self.take_turns(turn));
            eprintln!("memctl-bench: worker: {why}");
            calls::tell(turn, FAILED);
            1
        })?;
        self.pids.push(pid);
        Self::wait(turn, STARTING)
    }

    /// Has a worker fault and free `pages`, and waits for it.
    pub fn turn(&self, worker: usize, pages: u32) -> Outcome {
        let turn = &self.turns[worker];
        calls::tell(turn, pages);
        Self::wait(turn, pages)
    }

    fn wait(turn: &AtomicU64, told: u32) -> Outcome {
        match calls::wait_while(turn, told) {
            now if now == u64::from(IDLE) => Ok(()),
            _ => fail("a worker failed"),
        }
    }

    /// The instructions that all of them have spent on faults, and on freeing.
    pub fn spent(&self) -> (u64, u64) {
        (self.faults.get(), self.frees.get())
    }

    /// Both together, without what others did in between: with a call of the kernel for each turn.
    pub fn spent_alone(&self) -> u64 {
        self.alone.get()
    }

    fn take_turns(&self, turn: &AtomicU64) -> Outcome<std::convert::Infallible> {
        let page = sys::page_size();
        let all = MOST as usize * page;
        let mut memory = Mapping::anon(all)?;
        // Page tables stay.
        memory.fill(0..all, 1);
        memory.advise(0..all, Advice::DontNeed)?;
        loop {
            calls::tell(turn, IDLE);
            let pages = calls::wait_while(turn, IDLE);
            let bytes = (pages as usize * page).min(all);
            let begun = calls::thread_time();
            let start = clock::now();
            memory.fill(0..bytes, 1);
            let faulted = clock::now();
            memory.advise(0..bytes, Advice::DontNeed)?;
            let freed = clock::now();
            self.alone.add(calls::thread_time() - begun);
            self.faults.add(faulted - start);
            self.frees.add(freed - faulted);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for pid in &self.pids {
            pid.kill(sys::SIGKILL);
        }
        for pid in &self.pids {
            let _ = pid.wait();
        }
    }
}

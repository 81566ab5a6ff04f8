// SPDX-License-Identifier: GPL-2.0

//! Processes that wait, each in a container, for their turn to do some work.

use std::sync::atomic::AtomicU64;

use crate::calls::{self, Shared};
use crate::clock;
use crate::outcome::{fail, Outcome};
use crate::place::Home;
use crate::sys::{self, Advice, Mapping, Pid};

/// The most pages of a turn of [`Paging`].
pub const MOST: u32 = 128;

/// What a worker's number says if it does not say how much to do.
const IDLE: u32 = 0;
const STARTING: u32 = u32::MAX;
const FAILED: u32 = u32::MAX - 1;

/// Work that a process does in turns.
pub trait Job {
    /// What a process needs for it.
    type Tools;

    fn prepare(&self) -> Outcome<Self::Tools>;
    fn turn(&self, tools: &mut Self::Tools, amount: u32) -> Outcome;
}

pub struct Workers<J> {
    pub job: J,
    /// For each worker how much it has yet to do. Words in shared memory take no descriptors, of
    /// which there would be too many.
    turns: &'static [AtomicU64],
    pids: Vec<Pid>,
}

impl<J: Job> Workers<J> {
    /// None yet, but room for so many.
    pub fn new(job: J, room: usize) -> Outcome<Self> {
        Ok(Self {
            job,
            turns: sys::shared_counters(room)?,
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

    /// Has a worker do its work, and waits for it.
    pub fn turn(&self, worker: usize, amount: u32) -> Outcome {
        let turn = &self.turns[worker];
        calls::tell(turn, amount);
        Self::wait(turn, amount)
    }

    fn wait(turn: &AtomicU64, told: u32) -> Outcome {
        match calls::wait_while(turn, told) {
            now if now == u64::from(IDLE) => Ok(()),
            _ => fail("a worker failed"),
        }
    }

    fn take_turns(&self, turn: &AtomicU64) -> Outcome<std::convert::Infallible> {
        let mut tools = self.job.prepare()?;
        loop {
            calls::tell(turn, IDLE);
            let amount = calls::wait_while(turn, IDLE);
            self.job.turn(&mut tools, amount as u32)?;
        }
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        for pid in &self.pids {
            pid.kill(sys::SIGKILL);
        }
        for pid in &self.pids {
            let _ = pid.wait();
        }
    }
}

/// To fault and free a few pages.
pub struct Paging {
    faults: Shared,
    frees: Shared,
    /// Both, without what others did in between.
    alone: Shared,
}

impl Paging {
    pub fn new() -> Outcome<Self> {
        Ok(Self {
            faults: Shared::new()?,
            frees: Shared::new()?,
            alone: Shared::new()?,
        })
    }

    /// The instructions that all workers have spent on faults, and on freeing.
    pub fn spent(&self) -> (u64, u64) {
        (self.faults.get(), self.frees.get())
    }

    /// Both together, without what others did in between: with a call of the kernel for each turn.
    pub fn spent_alone(&self) -> u64 {
        self.alone.get()
    }
}

impl Job for Paging {
    type Tools = Mapping;

    fn prepare(&self) -> Outcome<Mapping> {
        let all = MOST as usize * sys::page_size();
        let mut memory = Mapping::anon(all)?;
        // Page tables stay.
        memory.fill(0..all, 1);
        memory.advise(0..all, Advice::DontNeed)?;
        Ok(memory)
    }

    fn turn(&self, memory: &mut Mapping, pages: u32) -> Outcome {
        let bytes = pages as usize * sys::page_size();
        let begun = calls::thread_time();
        let start = clock::now();
        memory.fill(0..bytes, 1);
        let faulted = clock::now();
        memory.advise(0..bytes, Advice::DontNeed)?;
        let freed = clock::now();
        self.alone.add(calls::thread_time() - begun);
        self.faults.add(faulted - start);
        self.frees.add(freed - faulted);
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The clock that counts instructions.
//!
//! With `-icount shift=0,sleep=off` the guest's time goes on by one nanosecond an instruction, and
//! the time-stamp counter ticks once a nanosecond. The periodic interrupt of the guest is counted
//! like everything else; so work is cut into pieces that fit between two of them, and the best of
//! several is the figure.

use std::time::Duration;

use crate::calls::{self, Shared};
use crate::outcome::{fail, Outcome};
use crate::sys::{self, Pid};

/// Instructions since some time in the past.
pub fn now() -> u64 {
    calls::time_stamp()
}

/// How often each piece of work is done.
pub const TIMES: usize = 24;

/// How long to wait for what work has others do.
const DEFERRED: Duration = Duration::from_millis(500);

/// The least that `work` took of several times, in instructions, for each of its `parts`. What
/// `prepare` makes, and what `work` leaves, is not counted.
pub fn best<T, U>(
    parts: usize,
    mut prepare: impl FnMut() -> Outcome<T>,
    mut work: impl FnMut(&mut T) -> Outcome<U>,
) -> Outcome<f64> {
    let mut best = u64::MAX;
    for _ in 0..TIMES {
        let mut prepared = prepare()?;
        let start = now();
        let left = work(&mut prepared)?;
        best = best.min(now() - start);
        drop(left);
    }
    Ok(best as f64 / parts as f64)
}

/// The median of what `measure` returns several times: for what is too long to fit between two
/// interrupts, or has moments at which it costs nothing.
pub fn median(times: usize, measure: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut figures = std::iter::repeat_with(measure)
        .take(times)
        .collect::<Outcome<Vec<f64>>>()?;
    figures.sort_by(f64::total_cmp);
    match figures.get(times / 2) {
        Some(median) => Ok(*median),
        None => fail("the median of nothing"),
    }
}

/// A process that runs when nobody else does, and counts how often it gets around its loop: what
/// remains of a span of time is what all others needed, the kernel's threads included.
pub struct Idler {
    pid: Pid,
    rounds: Shared,
    cost: f64,
}

impl Idler {
    pub fn start() -> Outcome<Self> {
        let rounds = Shared::new()?;
        let pid = sys::spawn(|| {
            if calls::run_when_idle().is_err() {
                return 1;
            }
            loop {
                rounds.add(1);
            }
        })?;
        let mut idler = Self {
            pid,
            rounds,
            cost: 0.0,
        };
        // What is left to be done from before is done now, and then the best span is one in which
        // nobody but the idler runs, and what comes up in any such span: no less, or a shorter one
        // could be without it.
        let mut best = f64::MAX;
        for _ in 0..6 {
            let (span, rounds) = idler.span(|| Ok(()))?;
            if rounds > 0 {
                best = best.min(span as f64 / rounds as f64);
            }
        }
        if best == f64::MAX {
            return fail("the idler does not run");
        }
        idler.cost = best;
        Ok(idler)
    }

    /// How long `work` and what it has others do take with the rounds in between, and how many
    /// these are.
    fn span(&self, work: impl FnOnce() -> Outcome) -> Outcome<(u64, u64)> {
        let (start, rounds) = (now(), self.rounds.get());
        work()?;
        std::thread::sleep(DEFERRED);
        Ok((now() - start, self.rounds.get() - rounds))
    }

    /// The instructions that `work` takes, and all that it has others do.
    pub fn cost(&self, work: impl FnOnce() -> Outcome) -> Outcome<f64> {
        let (span, rounds) = self.span(work)?;
        Ok(span as f64 - rounds as f64 * self.cost)
    }

    /// The least of several such costs.
    pub fn least(&self, mut work: impl FnMut() -> Outcome) -> Outcome<f64> {
        let mut least = f64::MAX;
        for _ in 0..4 {
            least = least.min(self.cost(&mut work)?);
        }
        Ok(least)
    }
}

impl Drop for Idler {
    fn drop(&mut self) {
        self.pid.kill(sys::SIGKILL);
        let _ = self.pid.wait();
    }
}

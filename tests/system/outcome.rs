// SPDX-License-Identifier: GPL-2.0

//! What a test comes to, and the words in which it says what it expects.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Why a test did not pass.
pub enum Verdict {
    /// The kernel did something else than it should.
    Failed(String),
    /// The machine lacks what the test needs.
    Skipped(String),
}

pub type Outcome<T = ()> = Result<T, Verdict>;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Failed(why) => f.write_str(why),
            Verdict::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

impl From<io::Error> for Verdict {
    fn from(error: io::Error) -> Self {
        Verdict::Failed(error.to_string())
    }
}

pub fn fail<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Verdict::Failed(why.into()))
}

pub fn skip<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Verdict::Skipped(why.into()))
}

/// Fails the test with a message unless the condition holds.
#[macro_export]
macro_rules! check {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return $crate::outcome::fail(format!($($message)+));
        }
    };
}

/// Says what an `io::Error` was about.
pub trait Context<T> {
    fn context(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Verdict::Failed(format!("{what}: {error}")))
    }
}

pub fn equal<T: PartialEq + fmt::Debug>(what: impl fmt::Display, is: T, expected: T) -> Outcome {
    check!(is == expected, "{what} is {is:?}, expected {expected:?}");
    Ok(())
}

/// Expects an amount in bytes to lie within bounds.
pub fn within(what: impl fmt::Display, bytes: u64, bounds: RangeInclusive<u64>) -> Outcome {
    check!(
        bounds.contains(&bytes),
        "{what} is {}, expected {} to {}",
        Amount(bytes),
        Amount(*bounds.start()),
        Amount(*bounds.end())
    );
    Ok(())
}

/// Expects a call to fail with `errno`.
pub fn refused<T>(what: impl fmt::Display, result: io::Result<T>, errno: i32) -> Outcome {
    match result {
        Ok(_) => fail(format!(
            "{what} succeeded, expected \"{}\"",
            io::Error::from_raw_os_error(errno)
        )),
        Err(error) => {
            check!(
                error.raw_os_error() == Some(errno),
                "{what}: {error}, expected \"{}\"",
                io::Error::from_raw_os_error(errno)
            );
            Ok(())
        }
    }
}

/// Expects a process to have ended well.
pub fn check_child(status: ExitStatus) -> Outcome {
    check!(status.success(), "child: {status}");
    Ok(())
}

/// Repeats `attempt` until it passes: what the kernel does lazily needs a moment. The bound is
/// for a debugging kernel on an emulated machine; statistics alone may lag for two seconds.
pub fn eventually(attempt: impl FnMut() -> Outcome) -> Outcome {
    within_time(Duration::from_secs(10), Duration::from_millis(50), attempt)
}

/// Repeats `attempt`, with a `pause` in between, until it passes or `limit` is over.
pub fn within_time(
    limit: Duration,
    pause: Duration,
    mut attempt: impl FnMut() -> Outcome,
) -> Outcome {
    let end = Instant::now() + limit;
    loop {
        match attempt() {
            Err(Verdict::Failed(_)) if Instant::now() < end => std::thread::sleep(pause),
            outcome => return outcome,
        }
    }
}

/// An amount of memory for people: bytes when small, else megabytes.
pub struct Amount(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 64 * 1024 {
            write!(f, "{} bytes", self.0)
        } else {
            write!(f, "{:.2} MB", self.0 as f64 / MB as f64)
        }
    }
}

pub const MB: u64 = 1 << 20;

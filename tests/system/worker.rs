// SPDX-License-Identifier: GPL-2.0

//! Processes that a test puts into containers and talks to.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::cgroup::Cgroup;
use crate::ktap;
use crate::outcome::{fail, Context, Outcome, MB};
use crate::sys::{self, Advice, Mapping, Pid};

/// How long to wait for a worker's next word. A debugging kernel on an emulated machine is slow,
/// and a worker may be busy in reclaim.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The worker's end of the line to its test.
pub struct Line(UnixStream);

impl Line {
    pub fn say(&mut self, word: u64) -> Outcome {
        self.0
            .write_all(&word.to_ne_bytes())
            .context("test is gone")
    }

    pub fn listen(&mut self) -> Outcome<u64> {
        let mut word = [0; 8];
        self.0.read_exact(&mut word).context("test is gone")?;
        Ok(u64::from_ne_bytes(word))
    }

    /// Reports readiness and waits to be told to go on.
    pub fn rest(&mut self) -> Outcome {
        self.say(0)?;
        self.listen().map(drop)
    }
}

/// A process in a container. Killed when dropped.
pub struct Worker {
    pid: Pid,
    line: UnixStream,
    /// Once it has been waited for.
    ended: Option<ExitStatus>,
}

impl Worker {
    /// Starts a process in `home` that runs `body`.
    pub fn start(home: &Cgroup, body: impl FnOnce(&mut Line) -> Outcome) -> Outcome<Self> {
        let (ours, theirs) = UnixStream::pair().context("socketpair")?;
        ours.set_read_timeout(Some(PATIENCE)).context("timeout")?;
        let run = || {
            let moved = home.adopt(Pid::of_self());
            match moved.and_then(|()| body(&mut Line(theirs))) {
                Ok(()) => 0,
                Err(why) => {
                    ktap::note(format_args!("worker: {why}"));
                    1
                }
            }
        };
        let pid = sys::spawn(run).context("fork")?;
        Ok(Self {
            pid,
            line: ours,
            ended: None,
        })
    }

    /// Starts a process that fills `bytes` of anonymous memory, then rests. Told to go on, it
    /// checks that its memory still holds what it wrote.
    pub fn holding(home: &Cgroup, bytes: u64) -> Outcome<Self> {
        Self::holding_in(home, bytes, Mapping::anon)
    }

    /// As [`holding`](Self::holding), in huge pages of `huge` bytes.
    pub fn holding_huge(home: &Cgroup, bytes: u64, huge: u64) -> Outcome<Self> {
        Self::holding_in(home, bytes, |len| Mapping::huge(len, huge as usize))
    }

    fn holding_in(
        home: &Cgroup,
        bytes: u64,
        map: impl FnOnce(usize) -> io::Result<Mapping>,
    ) -> Outcome<Self> {
        let mut worker = Self::start(home, |line| {
            let len = bytes as usize;
            let mut memory = map(len)?;
            memory.fill(0..len, bytes);
            line.rest()?;
            crate::check!(memory.holds(0..len, bytes), "memory has changed");
            Ok(())
        })?;
        worker.hear()?;
        Ok(worker)
    }

    /// As [`holding`](Self::holding), but rests once more when it has checked: then all of its
    /// memory is back.
    pub fn returning(home: &Cgroup, bytes: u64) -> Outcome<Self> {
        let mut worker = Self::start(home, |line| {
            let len = bytes as usize;
            let mut memory = Mapping::anon(len)?;
            memory.fill(0..len, bytes);
            line.rest()?;
            crate::check!(memory.holds(0..len, bytes), "memory has changed");
            line.rest()
        })?;
        worker.hear()?;
        Ok(worker)
    }

    /// Starts a process that grows by one megabyte a word until it has `bytes`, then rests.
    pub fn growing(home: &Cgroup, bytes: u64) -> Outcome<Self> {
        Self::start(home, |line| {
            let len = bytes as usize;
            let mut memory = Mapping::anon(len)?;
            for start in (0..len).step_by(MB as usize) {
                memory.fill(start..start + MB as usize, bytes);
                line.say((start + MB as usize) as u64)?;
            }
            line.listen()?;
            crate::check!(memory.holds(0..len, bytes), "memory has changed");
            memory.advise(0..len, Advice::DontNeed)?;
            Ok(())
        })
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for the worker's next word.
    pub fn hear(&mut self) -> Outcome<u64> {
        match self.hear_or_end()? {
            Some(word) => Ok(word),
            None => fail("worker ended before its time"),
        }
    }

    /// Waits for the worker's next word; `None` when it has ended instead.
    pub fn hear_or_end(&mut self) -> Outcome<Option<u64>> {
        let mut word = [0; 8];
        match self.line.read_exact(&mut word) {
            Ok(()) => Ok(Some(u64::from_ne_bytes(word))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error).context("no word from worker"),
        }
    }

    /// Whether the worker keeps silent for `span`: it is stuck, or waits.
    pub fn silent_for(&mut self, span: Duration) -> Outcome<bool> {
        self.line.set_read_timeout(Some(span)).context("timeout")?;
        let mut word = [0; 8];
        let heard = self.line.read_exact(&mut word);
        self.line
            .set_read_timeout(Some(PATIENCE))
            .context("timeout")?;
        match heard {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(true),
            _ => Ok(false),
        }
    }

    pub fn tell(&mut self, word: u64) -> Outcome {
        self.line
            .write_all(&word.to_ne_bytes())
            .context("worker is gone")
    }

    /// Tells the worker to go on and waits until it has ended well.
    pub fn finish(mut self) -> Outcome {
        self.tell(0)?;
        self.ends_well()
    }

    /// Waits until the worker has ended well.
    pub fn ends_well(self) -> Outcome {
        let status = self.end()?;
        crate::check!(status.success(), "worker: {status}");
        Ok(())
    }

    /// Waits until the worker has ended, however it has.
    pub fn end(mut self) -> Outcome<ExitStatus> {
        match self.wait_for(PATIENCE)? {
            Some(status) => Ok(status),
            None => fail("worker does not end"),
        }
    }

    /// Waits no longer than `limit`; `None` when the worker still runs then.
    fn wait_for(&mut self, limit: Duration) -> Outcome<Option<ExitStatus>> {
        // There is nobody to wait for a second time.
        if self.ended.is_none() {
            self.ended = self.pid.wait_for(limit).context("wait")?;
        }
        Ok(self.ended)
    }

    pub fn killed(self) -> Outcome {
        let status = self.end()?;
        crate::check!(
            status.signal() == Some(sys::SIGKILL),
            "worker: {status}, expected to be killed"
        );
        Ok(())
    }

    /// Whether the worker still runs.
    pub fn lives(&mut self) -> Outcome<bool> {
        Ok(self.wait_for(Duration::ZERO)?.is_none())
    }

    /// Kills the worker and waits until its memory is gone.
    pub fn stop(self) -> Outcome {
        self.pid.kill(sys::SIGKILL);
        self.end().map(drop)
    }

    /// A number of kilobytes from /proc/PID/status, in bytes.
    pub fn status(&self, key: &str) -> Outcome<u64> {
        let value = self.pid.status(key);
        value.map_or_else(|| fail(format!("no {key} in the worker's status")), Ok)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.pid.kill(sys::SIGKILL);
            let _ = self.pid.wait();
        }
    }
}

/// Runs `body` in a process in `home` and waits until it has ended well.
pub fn run_in(home: &Cgroup, body: impl FnOnce() -> Outcome) -> Outcome {
    Worker::start(home, |_| body())?.ends_well()
}

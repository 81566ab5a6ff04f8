// SPDX-License-Identifier: GPL-2.0

//! What it costs when a container has to give up pages that are mapped: pages that it alone uses,
//! and pages that another one uses, which touches them again. The file is a RAM disk, see
//! `limits.rs`: with a disk, to read a page again costs more.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::clock::{self, median};
use crate::figure;
use crate::limits::{Disk, RAM_DISK};
use crate::outcome::{Context, Outcome};
use crate::place::{Hierarchy, Home, Kind};
use crate::sys::{self, Mapping, Pid, Sharing};

const MB: usize = 1 << 20;
const PAGE: usize = 4096;

/// What is mapped, and what of that has room when the limit has been lowered.
const FROM: usize = 12 * MB;
const TO: usize = 8 * MB;

const TIMES: usize = 5;

/// A process that maps the start of the file, and touches it when it is told to.
struct User {
    pid: Pid,
    line: UnixStream,
}

impl User {
    fn start(home: &Home) -> Outcome<Self> {
        let (line, mut theirs) = UnixStream::pair()?;
        let pid = sys::spawn(|| {
            let mut body = || -> Outcome {
                home.adopt(Pid::of_self())?;
                let file = File::options().read(true).write(true).open(RAM_DISK);
                let file = file.context(RAM_DISK)?;
                let mapping = Mapping::file(&file, FROM, Sharing::Shared).context("mmap")?;
                loop {
                    theirs.read_exact(&mut [0])?;
                    let before = clock::now();
                    mapping.touch(0..FROM);
                    let took = clock::now() - before;
                    theirs.write_all(&took.to_ne_bytes())?;
                }
            };
            i32::from(body().is_err())
        })?;
        Ok(Self { pid, line })
    }

    /// Has it touch all; returns how many instructions that takes.
    fn touch(&mut self) -> Outcome<u64> {
        let mut took = [0; 8];
        self.line.write_all(&[0])?;
        self.line.read_exact(&mut took).context("user")?;
        Ok(u64::from_ne_bytes(took))
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.pid.kill(sys::SIGKILL);
        let _ = self.pid.wait();
    }
}

/// Lowers the limit of `home`; returns what that takes, and how many pages went.
fn lower(hierarchy: &Hierarchy, home: &Home) -> Outcome<(u64, usize)> {
    let full = hierarchy.usage(home)?;
    let before = clock::now();
    home.write(hierarchy.limit_file(), &TO.to_string())?;
    let took = clock::now() - before;
    let pages = full.saturating_sub(hierarchy.usage(home)?) as usize / PAGE;
    home.write(hierarchy.limit_file(), hierarchy.unlimited())?;
    Ok((took, pages.max(1)))
}

pub fn all(hierarchy: &Hierarchy) -> Outcome {
    if hierarchy.kind == Kind::Uncontrolled {
        return Ok(());
    }
    let owner = hierarchy.create(&["one", "two", "owner"])?;
    let other = hierarchy.create(&["one", "two", "other"])?;
    let disk = Disk::fill()?;

    let alone = median(TIMES, || {
        disk.evict()?;
        let mut user = User::start(&owner)?;
        user.touch()?;
        let (took, pages) = lower(hierarchy, &owner)?;
        Ok(took as f64 / pages as f64)
    })?;
    figure("deep", "reclaim_mapped", alone);

    let shared = |again: bool| {
        median(TIMES, || {
            disk.evict()?;
            owner.run(|| disk.read(0..FROM).map(drop))?;
            let mut user = User::start(&other)?;
            user.touch()?;
            let still = user.touch()?;
            let (took, pages) = lower(hierarchy, &owner)?;
            let touched = user.touch()?.saturating_sub(still);
            let took = if again { took + touched } else { took };
            Ok(took as f64 / pages as f64)
        })
    };
    figure("deep", "reclaim_shared", shared(false)?);
    figure("deep", "reclaim_shared_again", shared(true)?);
    for home in [owner, other] {
        home.remove()?;
    }
    Ok(())
}

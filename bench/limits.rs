// SPDX-License-Identifier: GPL-2.0

//! What a limit costs that many share: files that are read through it, read again after they had
//! to go, and what siblings lose to somebody's fault.
//!
//! The file is a RAM disk, read as a block device is: its page cache is charged and reclaimed as
//! any file's, and it is there at once. With a disk that is waited for, the clock would leap.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::calls::Shared;
use crate::clock::{self, median};
use crate::figure;
use crate::outcome::{fail, Context, Outcome};
use crate::place::Home;
use crate::sys::{self, Advice, Mapping, Sharing};
use crate::wide::Family;

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;
const PAGE: usize = 4096;

const RAM_DISK: &str = "/dev/ram0";
/// What is there of it (`CONFIG_BLK_DEV_RAM_SIZE`).
const SIZE: usize = 64 * MB;

/// How much page cache a limit has room for.
const ROOM: usize = 8 * MB;
/// When so much has been read, the limit is met, and a part of the start has gone.
const MET: usize = ROOM + 4 * MB;
/// What is read altogether.
const STREAM: usize = 32 * MB;

/// What a sibling has of the file, one in two parts of it: where the page before is not there,
/// nothing is read ahead. 1,000 siblings find room.
const PART: usize = 32 * KB;

const TIMES: usize = 5;

/// Opens the RAM disk, to read, write and map it.
pub fn open() -> Outcome<File> {
    let file = File::options().read(true).write(true).open(RAM_DISK);
    file.context(RAM_DISK)
}

/// Maps the first `bytes` of what [`open`] has opened.
pub fn map(file: &File, bytes: usize) -> Outcome<Mapping> {
    Mapping::file(file, bytes, Sharing::Shared).context(RAM_DISK)
}

/// The RAM disk. While it is open, its page cache stays.
pub struct Disk(File);

impl Disk {
    pub fn fill() -> Outcome<Self> {
        let file = open()?;
        // What was never written has no memory, and would be cleared instead of copied.
        let block = vec![1; MB];
        for start in (0..SIZE).step_by(MB) {
            file.write_all_at(&block, start as u64).context(RAM_DISK)?;
        }
        file.sync_all().context(RAM_DISK)?;
        Ok(Self(file))
    }

    /// Drops its page cache.
    pub fn evict(&self) -> Outcome {
        sys::evict(&self.0).context(RAM_DISK)
    }

    /// Reads a range in order; returns how many instructions that takes.
    pub fn read(&self, range: Range<usize>) -> Outcome<u64> {
        const PIECE: usize = 64 * KB;

        // With a state of its own of what to read ahead.
        let file = File::open(RAM_DISK).context(RAM_DISK)?;
        let mut buffer = vec![1; PIECE];
        let before = clock::now();
        for start in range.clone().step_by(PIECE) {
            let piece = &mut buffer[..PIECE.min(range.end - start)];
            file.read_exact_at(piece, start as u64).context(RAM_DISK)?;
        }
        Ok(clock::now() - before)
    }

    /// The first `bytes`, to ask what is in the page cache.
    fn map(&self, bytes: usize) -> Outcome<Mapping> {
        map(&self.0, bytes)
    }
}

pub fn all(family: &Family<'_>, disk: &Disk, place: &str) -> Outcome {
    let leaf = family.leaf();
    // What there is to compare with: the same without reclaim.
    leaf.run(|| stream(disk, place, "stream_free"))?;
    for (name, home) in [("stream_leaf", leaf), ("stream_parent", &family.parent)] {
        limited(family, disk, home, || stream(disk, place, name))?;
    }
    limited(family, disk, &family.parent, || refault(disk, place))?;
    if family.children.len() > 1 {
        figure(place, "lost_pages", lost(family, disk)?);
    }
    Ok(())
}

/// Does `body` in the leaf while `home`, it or its parent, has room for so much page cache.
fn limited(
    family: &Family<'_>,
    disk: &Disk,
    home: &Home,
    body: impl FnOnce() -> Outcome,
) -> Outcome {
    let hierarchy = family.hierarchy;
    disk.evict()?;
    hierarchy.drain(home)?;
    let limit = hierarchy.usage(home)? + ROOM as u64;
    home.write(hierarchy.limit_file(), &limit.to_string())?;
    family.leaf().run(body)?;
    unlimit(family, home)
}

fn unlimit(family: &Family<'_>, home: &Home) -> Outcome {
    let hierarchy = family.hierarchy;
    home.write(hierarchy.limit_file(), hierarchy.unlimited())
}

/// A file that is read once, for each page after the limit is met.
fn stream(disk: &Disk, place: &str, name: &str) -> Outcome {
    let cost = median(TIMES, || {
        disk.evict()?;
        disk.read(0..MET)?;
        let took = disk.read(MET..STREAM)?;
        Ok(took as f64 / ((STREAM - MET) / PAGE) as f64)
    })?;
    figure(place, name, cost);
    Ok(())
}

/// A file that is read again just after it had to go, for each page that did.
fn refault(disk: &Disk, place: &str) -> Outcome {
    const AGAIN: usize = 2 * MB;

    let start = disk.map(AGAIN)?;
    let cost = median(TIMES, || {
        disk.evict()?;
        disk.read(0..MET)?;
        let gone = AGAIN - start.resident()?;
        if gone == 0 {
            return fail("what was read first is still there");
        }
        Ok(disk.read(0..AGAIN)? as f64 / (gone / PAGE) as f64)
    })?;
    figure(place, "refault", cost);
    Ok(())
}

/// How many pages more than the one that is needed the siblings lose to a fault at the parent's
/// limit.
fn lost(family: &Family<'_>, disk: &Disk) -> Outcome<f64> {
    let total = Shared::new()?;
    disk.evict()?;
    let lost = median(TIMES, || {
        for (number, sibling) in family.children.iter().enumerate().skip(1) {
            let start = number * 2 * PART;
            sibling.run(|| disk.read(start..start + PART).map(drop))?;
        }
        let before = total.get();
        family.leaf().run(|| {
            total.add(lost_to_a_fault(family, disk)?);
            Ok(())
        })?;
        unlimit(family, &family.parent)?;
        Ok((total.get() - before) as f64)
    })?;
    disk.evict()?;
    Ok(lost)
}

/// Faults until pages go, and counts those in the page cache itself: statistics may be late, and
/// pages that are charged in advance are in the usage.
fn lost_to_a_fault(family: &Family<'_>, disk: &Disk) -> Outcome<u64> {
    const FAULTS: usize = 1024;

    let hierarchy = family.hierarchy;
    let mut memory = Mapping::anon(FAULTS * PAGE)?;
    memory.fill(0..FAULTS * PAGE, 1);
    memory.advise(0..FAULTS * PAGE, Advice::DontNeed)?;
    let file = disk.map(family.children.len() * 2 * PART)?;
    // What asking needs of memory is there from now on.
    file.resident()?;
    hierarchy.drain(&family.parent)?;
    let limit = hierarchy.usage(&family.parent)?.to_string();
    family.parent.write(hierarchy.limit_file(), &limit)?;

    let before = file.resident()?;
    for start in (0..FAULTS * PAGE).step_by(PAGE) {
        // What reclaim left over is used first.
        memory.fill(start..start + PAGE, 1);
        let now = file.resident()?;
        if now < before {
            return Ok(((before - now) / PAGE).saturating_sub(1) as u64);
        }
    }
    fail("a parent at its limit reclaims nothing")
}

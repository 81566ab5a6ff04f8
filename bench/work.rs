// SPDX-License-Identifier: GPL-2.0

//! What a process does with memory: faults, files.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::clock::best;
use crate::figure;
use crate::outcome::{Context, Outcome};
use crate::place::Home;
use crate::sys::{Mapping, Sharing};

const PAGE: usize = 4096;
/// As many pages as can be faulted between two periodic interrupts.
const PAGES: usize = 256;
const BYTES: usize = PAGES * PAGE;
const HUGE: usize = 2 << 20;

const TMPFS: &str = "/tmp/bench";
const DISK: &str = "/mnt/bench";

/// All workloads, done in `home`.
pub fn all(place: &str, home: &Home) -> Outcome {
    home.run(|| {
        anon(place)?;
        huge(place)?;
        file(place)?;
        fill(place, "tmpfs_4k", TMPFS, PAGE)?;
        fill(place, "ext4_4k", DISK, PAGE)?;
        fill(place, "ext4_large", DISK, BYTES)?;
        cached(place)
    })
}

/// Memory with nothing in it, but with its page table.
fn empty() -> Outcome<Mapping> {
    let mut memory = Mapping::anon(BYTES + HUGE)?;
    // The first page of the range comes with the tables above it.
    memory.fill(BYTES..BYTES + PAGE, 0);
    memory.fill(0..PAGE, 0);
    Ok(memory)
}

fn anon(place: &str) -> Outcome {
    let fault = best(PAGES, empty, |memory| {
        memory.fill(PAGE..BYTES, 1);
        Ok(())
    })?;
    figure(
        place,
        "anon_fault",
        fault * PAGES as f64 / (PAGES - 1) as f64,
    );

    let full = || {
        let mut memory = empty()?;
        memory.fill(0..BYTES, 1);
        Ok(memory)
    };
    let free = best(PAGES, full, |memory| {
        Ok(memory.advise(0..BYTES, crate::sys::Advice::DontNeed)?)
    })?;
    figure(place, "anon_free", free);
    Ok(())
}

fn huge(place: &str) -> Outcome {
    let map = || Ok(Mapping::huge(HUGE, HUGE)?);
    let fault = best(1, map, |memory| {
        memory.fill(0..PAGE, 1);
        Ok(())
    })?;
    figure(place, "thp_fault", fault);

    let full = || {
        let mut memory = map()?;
        memory.fill(0..PAGE, 1);
        Ok(memory)
    };
    let free = best(1, full, |memory| {
        Ok(memory.advise(0..HUGE, crate::sys::Advice::DontNeed)?)
    })?;
    figure(place, "thp_free", free);
    Ok(())
}

/// A file of `BYTES` that is in the page cache.
fn make(path: &Path, piece: usize) -> Outcome {
    let mut file = File::create(path).context(path.display())?;
    let piece = vec![1; piece];
    for _ in 0..BYTES / piece.len() {
        file.write_all(&piece).context(path.display())?;
    }
    Ok(())
}

/// Faults of a mapped file whose pages are there: the kernel maps those around at once.
fn file(place: &str) -> Outcome {
    const AROUND: usize = 16;

    for (name, path) in [("tmpfs", TMPFS), ("ext4", DISK)] {
        let path = Path::new(path);
        make(path, PAGE)?;
        let map = || {
            let file = File::options().read(true).write(true).open(path);
            let file = file.context(path.display())?;
            let memory = Mapping::file(&file, BYTES, Sharing::Shared)?;
            Ok(memory)
        };
        let fault = best(PAGES / AROUND, map, |memory| {
            memory.touch(0..BYTES);
            Ok(())
        })?;
        figure(place, &format!("file_fault_{name}"), fault);

        let mapped = || {
            let memory = map()?;
            memory.touch(0..BYTES);
            Ok(memory)
        };
        let unmap = best(PAGES / AROUND, mapped, |memory| {
            Ok(memory.advise(0..BYTES, crate::sys::Advice::DontNeed)?)
        })?;
        figure(place, &format!("file_unmap_{name}"), unmap);
        fs::remove_file(path).context(path.display())?;
    }
    Ok(())
}

/// Writes a file that was not there, in pieces, for each 4 KiB; and removes it.
fn fill(place: &str, name: &str, path: &str, piece: usize) -> Outcome {
    let path = Path::new(path);
    let block = vec![1; piece];
    let write = best(
        PAGES,
        || {
            let _ = fs::remove_file(path);
            File::create(path).context(path.display())
        },
        |file| {
            for _ in 0..BYTES / piece {
                file.write_all(&block).context(path.display())?;
            }
            Ok(())
        },
    )?;
    figure(place, &format!("fill_{name}"), write);

    let truncate = best(
        PAGES,
        || {
            // A file that is truncated and filled again, ext4 writes to disk when it is closed.
            let _ = fs::remove_file(path);
            make(path, piece)?;
            File::options()
                .write(true)
                .open(path)
                .context(path.display())
        },
        |file| file.set_len(0).context(path.display()),
    )?;
    figure(place, &format!("truncate_{name}"), truncate);
    fs::remove_file(path).context(path.display())
}

fn cached(place: &str) -> Outcome {
    let path = Path::new(DISK);
    make(path, BYTES)?;
    let mut block = vec![0; BYTES];
    let read = best(
        PAGES,
        || File::open(path).context(path.display()),
        |file| {
            file.rewind()?;
            file.read_exact(&mut block).context(path.display())
        },
    )?;
    figure(place, "read_cached", read);
    fs::remove_file(path).context(path.display())
}

/// Faults and frees anonymous memory until somebody ends it.
pub fn forever(home: &Home) -> Outcome {
    home.run(|| {
        println!("memctl-bench: in the loop");
        let mut memory = empty()?;
        loop {
            memory.fill(0..BYTES, 1);
            memory.advise(0..BYTES, crate::sys::Advice::DontNeed)?;
        }
    })
}

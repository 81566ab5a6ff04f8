// SPDX-License-Identifier: GPL-2.0

//! Files of the guest's disk, and how much of them is in the page cache.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::outcome::{Context, Outcome, MB};
use crate::sys::{self, Mapping, Sharing};

/// Where tests put their files: on the ext4 disk, when the guest has it.
pub fn scratch() -> PathBuf {
    PathBuf::from("/mnt/memctl-test")
}

/// How much to read and write at a time: little, because it is charged as well.
const BLOCK: usize = 64 << 10;

/// A place in the scratch directory; nothing need be there yet.
pub fn file(name: &str) -> PathBuf {
    scratch().join(name)
}

/// Writes a file of `bytes` (whole megabytes); its page cache is charged to the caller.
pub fn write(path: &Path, bytes: u64) -> Outcome {
    let mut file = File::create(path).context(path.display())?;
    let mut block = vec![0x6d; BLOCK];
    for number in 0..bytes / BLOCK as u64 {
        block[..8].copy_from_slice(&number.to_ne_bytes());
        file.write_all(&block).context(path.display())?;
    }
    Ok(())
}

/// Drops the page cache of a file, once it is on disk.
pub fn evict(path: &Path) -> Outcome {
    let file = File::open(path).context(path.display())?;
    file.sync_all().context("fsync")?;
    sys::evict(&file).context("fadvise")
}

/// Writes a file of `bytes` and leaves none of it in the page cache.
pub fn make(path: &Path, bytes: u64) -> Outcome {
    write(path, bytes)?;
    evict(path)
}

/// Reads a file from start to end, calling `each` after every megabyte.
pub fn read_by(path: &Path, mut each: impl FnMut(u64) -> Outcome) -> Outcome {
    let mut file = File::open(path).context(path.display())?;
    let mut block = vec![0; BLOCK];
    let mut total = 0;
    loop {
        match file.read(&mut block).context(path.display())? {
            0 => return Ok(()),
            len => total += len as u64,
        }
        if total % MB == 0 {
            each(total)?;
        }
    }
}

/// Reads a file from start to end; its page cache is charged to the caller unless it was there.
pub fn read(path: &Path) -> Outcome {
    read_by(path, |_| Ok(()))
}

/// Maps a whole file.
pub fn map(path: &Path, sharing: Sharing) -> Outcome<Mapping> {
    let file = File::options().read(true).write(true).open(path);
    let file = file.context(path.display())?;
    let len = file.metadata().context(path.display())?.len();
    Mapping::file(&file, len as usize, sharing).context(path.display())
}

/// How many bytes of a file are in the page cache.
pub fn resident(path: &Path) -> Outcome<u64> {
    let resident = map(path, Sharing::Private)?.resident();
    Ok(resident.context("mincore")? as u64)
}

pub fn remove(path: &Path) -> Outcome {
    fs::remove_file(path).context(path.display())
}

/// Empties the scratch directory, or makes it.
pub fn clean() -> Outcome {
    let path = scratch();
    if path.exists() {
        fs::remove_dir_all(&path).context(path.display())?;
    }
    fs::create_dir_all(&path).context(path.display())
}

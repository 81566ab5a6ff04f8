// SPDX-License-Identifier: GPL-2.0

//! A page that is taken away since its memory is broken is in no statistics any more.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use crate::cgroup::{Cgroup, Hierarchy, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, skip, Context, Outcome};
use crate::sys::{self, page_size, Advice, Mapping, Sharing};
use crate::worker::Worker;

pub const GROUP: Group = group!("poison": clean, dirty, tmpfs);

/// Expects so many bytes of page cache: in all, of tmpfs, and dirty.
fn cache_is(container: &Cgroup, bytes: [u64; 3]) -> Outcome {
    let [all, shmem, dirty] = match container.version() {
        Version::V1 => ["cache", "shmem", "dirty"],
        Version::V2 => ["file", "shmem", "file_dirty"],
    };
    eventually(|| {
        let stat = container.stat()?;
        let counted = [stat.get(all)?, stat.get(shmem)?, stat.get(dirty)?];
        equal("page cache: all, of tmpfs, dirty", counted, bytes)
    })
}

/// Lets a process in a container map the file at `path`, of one page, and `bring` that in, which
/// makes so many `bytes` of page cache. Then its memory breaks, and the file is removed.
fn breaks(hierarchy: &Hierarchy, path: &Path, bring: fn(&mut Mapping), bytes: [u64; 3]) -> Outcome {
    let container = hierarchy.create("poison")?;
    let mut worker = Worker::start(&container, |line| {
        let mut mapping = disk::map(path, Sharing::Shared)?;
        bring(&mut mapping);
        line.rest()?;
        let poisoned = mapping.advise(0..mapping.len(), Advice::Poison);
        poisoned.context("madvise")
    })?;
    worker.hear()?;
    machine::drain_lru_batches()?;
    cache_is(&container, bytes)?;
    worker.tell(0)?;
    // Who has lost what was nowhere else is told so.
    let status = worker.end()?;
    check!(
        status.success() || status.signal() == Some(sys::SIGBUS),
        "worker: {status}"
    );
    disk::remove(path)?;
    cache_is(&container, [0; 3])
}

fn has_memory_failure() -> Outcome {
    if !Path::new("/proc/sys/vm/memory_failure_recovery").exists() {
        return skip("the kernel does not handle broken memory");
    }
    Ok(())
}

/// A file of one page on the disk, which is not in the page cache. It is not of the container's
/// making, and so the metadata is not, either.
fn one_page() -> Outcome<PathBuf> {
    let path = disk::file("data");
    fs::write(&path, vec![0x6d_u8; page_size()]).context(path.display())?;
    disk::evict(&path)?;
    Ok(path)
}

/// The page leaves the page cache at once.
fn clean(hierarchy: &Hierarchy) -> Outcome {
    has_memory_failure()?;
    let page = page_size() as u64;
    let bring = |mapping: &mut Mapping| mapping.touch(0..mapping.len());
    breaks(hierarchy, &one_page()?, bring, [page, 0, 0])
}

fn dirty(hierarchy: &Hierarchy) -> Outcome {
    has_memory_failure()?;
    let page = page_size() as u64;
    let bring = |mapping: &mut Mapping| mapping.fill(0..mapping.len(), 1);
    breaks(hierarchy, &one_page()?, bring, [page, 0, page])
}

/// The page stays in the page cache until the file is removed.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    has_memory_failure()?;
    let page = page_size() as u64;
    let tmpfs = machine::Tmpfs::mount("")?;
    let path = tmpfs.file("data");
    File::create(&path)?.set_len(page)?;
    let bring = |mapping: &mut Mapping| mapping.touch(0..mapping.len());
    breaks(hierarchy, &path, bring, [page, page, 0])
}

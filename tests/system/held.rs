// SPDX-License-Identifier: GPL-2.0

//! What a container has of each kind of kernel memory while its process holds as much as always, to
//! be compared with what another controller says of the same.

use std::fs::{self, File};
use std::io::Write;

use crate::cgroup::{Cgroup, Hierarchy, Version};
use crate::disk;
use crate::machine;
use crate::outcome::{Outcome, MB};
use crate::sys::{self, Mapping};
use crate::worker::{Line, Worker};

/// Of version 2: lines of memory.stat.
const LINES: &[&str] = &[
    "kernel",
    "kernel_stack",
    "pagetables",
    "percpu",
    "slab_reclaimable",
    "slab_unreclaimable",
    "vmalloc",
];

type Hold = fn(&mut Line) -> Outcome;

/// What a process holds when it says so, until it is told to go on.
const HELD: &[(&str, Hold)] = &[
    ("files of tmpfs", files),
    ("names of a disk", names),
    ("pipes", pipes),
    ("threads", threads),
    ("page tables", tables),
];

fn files(line: &mut Line) -> Outcome {
    let tmpfs = machine::Tmpfs::mount("nr_inodes=0")?;
    let directory = tmpfs.file("held");
    fs::create_dir(&directory)?;
    for number in 0..8000 {
        File::create(directory.join(number.to_string()))?;
    }
    line.rest()?;
    Ok(fs::remove_dir_all(&directory)?)
}

fn names(line: &mut Line) -> Outcome {
    for number in 0..8000 {
        let _ = fs::metadata(disk::file(&format!("held-{number:0>200}")));
    }
    line.rest()
}

fn pipes(line: &mut Line) -> Outcome {
    sys::allow_descriptors(1 << 13)?;
    let mut pipes = Vec::new();
    for _ in 0..2000 {
        let (from, mut to) = sys::pipe()?;
        to.write_all(&vec![0; sys::page_size()])?;
        pipes.push((from, to));
    }
    line.rest()?;
    drop(pipes);
    Ok(())
}

fn threads(line: &mut Line) -> Outcome {
    for _ in 0..400 {
        std::thread::Builder::new()
            .stack_size(16 << 10)
            .spawn(|| loop {
                std::thread::park();
            })?;
    }
    line.rest()
}

fn tables(line: &mut Line) -> Outcome {
    const SPAN: usize = 2 * MB as usize;
    const COUNT: usize = 2048;

    let memory = Mapping::sparse(COUNT * SPAN)?;
    for start in (0..memory.len()).step_by(SPAN) {
        memory.touch(start..start + 1);
    }
    line.rest()
}

fn print(container: &Cgroup, what: &str) -> Outcome {
    let (file, values) = match container.version() {
        Version::V1 => {
            let bytes = container.number("memory.kmem.usage_in_bytes")?;
            ("memory.kmem.usage_in_bytes", vec![("bytes", bytes)])
        }
        Version::V2 => {
            let stat = container.stat()?;
            let value = |line: &&'static str| stat.get(line).map(|value| (*line, value));
            let values = LINES.iter().map(value).collect::<Result<_, _>>()?;
            ("memory.stat", values)
        }
    };
    for (key, value) in values {
        println!("held/{file}\t{what}: {key}\t{value}\t-");
    }
    Ok(())
}

/// What is in zswap of 32 MB that a page is a word of, when all is to be reclaimed: reclaim for half
/// of it takes as much more as the device has not written yet.
fn print_zswap(hierarchy: &Hierarchy) -> Outcome {
    const SIZE: u64 = 32 * MB;

    if hierarchy.version() != Version::V2 || !machine::has_zswap() || !machine::has_swap_device() {
        return Ok(());
    }
    machine::swap_on()?;
    machine::zswap_on()?;
    for limit in ["0", "65536", "max"] {
        let container = hierarchy.create("held")?;
        container.write("memory.zswap.max", limit)?;
        let worker = Worker::holding(&container, SIZE)?;
        container.reclaim_all()?;
        let stat = container.stat()?;
        for (key, value) in [
            (
                "memory.zswap.current",
                container.number("memory.zswap.current")?,
            ),
            (
                "memory.swap.current",
                container.number("memory.swap.current")?,
            ),
            ("zswapped", stat.get("zswapped")?),
        ] {
            println!("held/zswap\tmemory.zswap.max {limit}: {key}\t{value}\t-");
        }
        worker.finish()?;
        container.destroy()?;
    }
    machine::restore()
}

/// Prints it all. A container without a process is left out: what a container itself takes is for
/// each controller to say.
pub fn print_all(hierarchy: &Hierarchy) -> Outcome {
    if !machine::counts_kernel_memory() {
        return Ok(());
    }
    for (what, hold) in HELD {
        let container = hierarchy.create("held")?;
        let mut worker = Worker::start(&container, hold)?;
        worker.hear()?;
        print(&container, what)?;
        worker.finish()?;
        container.reclaim_all()?;
        container.destroy()?;
    }
    print_zswap(hierarchy)
}

// SPDX-License-Identifier: GPL-2.0

//! Charging and uncharging in native time, for a kernel that runs natively: what instructions do
//! not say, locked operations and lines that CPUs share among it.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::clock::median;
use crate::figure;
use crate::outcome::{check_child, Context, Outcome};
use crate::place::{Hierarchy, Home};
use crate::sys::{self, Pid};

/// How long each measurement takes, and how many there are: the machine is noisy.
const SPAN: Duration = Duration::from_millis(100);
const TURNS: usize = 15;

/// Pages of the file that is filled and cut back, again and again.
const PAGES: usize = 256;

/// One process; two on two CPUs in one container; two in two.
pub fn all(hierarchy: &Hierarchy) -> Outcome {
    let here = hierarchy.create(&["one", "two", "three"])?;
    let there = hierarchy.create(&["one", "two", "four"])?;
    for (place, homes) in [
        ("alone", &[&here][..]),
        ("together", &[&here, &here]),
        ("apart", &[&here, &there]),
    ] {
        let nanoseconds = median(TURNS, || measure(homes))?;
        figure(place, "tmpfs_page", nanoseconds);
    }
    blocks(hierarchy)
}

/// The nanoseconds that it takes to write a page of a file on tmpfs and to free it, on average, by
/// a process in each of `homes` at the same time.
fn measure(homes: &[&Home]) -> Outcome<f64> {
    let spent = sys::shared_counters(2)?;
    let mut children = Vec::new();
    for (cpu, home) in homes.iter().enumerate() {
        let child = sys::spawn(|| match fill(cpu, home) {
            Ok((time, pages)) => {
                let time = time.as_nanos() as u64;
                spent[0].fetch_add(time, Relaxed);
                spent[1].fetch_add(pages, Relaxed);
                0
            }
            Err(why) => {
                eprintln!("memctl-bench: {why}");
                1
            }
        });
        children.push(child.context("fork")?);
    }
    for child in children {
        check_child(child.wait().context("wait")?)?;
    }
    let [time, pages] = [0, 1].map(|i| spent[i].load(Relaxed));
    Ok(time as f64 / pages as f64)
}

/// How long it took to fill how many pages.
fn fill(cpu: usize, home: &Home) -> Outcome<(Duration, u64)> {
    home.adopt(Pid::of_self())?;
    sys::run_on_cpu(cpu)?;
    let path = format!("/dev/shm/native{cpu}");
    let mut file = File::create(&path).context(&path)?;
    // At once: a call into this kernel takes longer than a page.
    let pages_at_once = vec![1; PAGES * sys::page_size()];
    let (start, mut pages) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        file.write_all(&pages_at_once).context(&path)?;
        file.set_len(0).context(&path)?;
        file.rewind().context(&path)?;
        pages += PAGES as u64;
    }
    let time = start.elapsed();
    fs::remove_file(&path).context(&path)?;
    Ok((time, pages))
}

/// The nanoseconds that it takes the kernel to take and to free a block, by a loop of its own: not
/// accounted, charged to one container, and to ten in turns.
fn blocks(hierarchy: &Hierarchy) -> Outcome {
    const COUNT: usize = 10;
    const ROUNDS: usize = 200_000;
    /// See `tests/native/um.patch`.
    const FILE: &str = "/proc/blocks";

    sys::run_on_cpu(0)?;
    let open = |number| -> Outcome<File> {
        let home = hierarchy.create(&["one", "two", &format!("block{number}")])?;
        File::open(&home.0).context(home.0.display())
    };
    let containers = (0..COUNT).map(open).collect::<Outcome<Vec<_>>>()?;
    for (place, count) in [("plain", 0), ("charged", 1), ("turns", COUNT)] {
        for (name, size) in [("block_64", 64), ("block_4k", 4096)] {
            let mut numbers = vec![size.to_string(), ROUNDS.to_string()];
            let turns = containers.iter().take(count);
            numbers.extend(turns.map(|container| container.as_raw_fd().to_string()));
            let line = numbers.join(",");
            let nanoseconds = median(TURNS, || {
                let start = Instant::now();
                fs::write(FILE, &line).context(FILE)?;
                Ok(start.elapsed().as_nanos() as f64 / ROUNDS as f64)
            })?;
            figure(place, name, nanoseconds);
        }
    }
    Ok(())
}

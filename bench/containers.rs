// SPDX-License-Identifier: GPL-2.0

//! What containers themselves cost: to reclaim from, to make and remove, to ask, to keep.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::clock::{self, best, Idler};
use crate::figure;
use crate::outcome::{check_child, Context, Outcome};
use crate::place::{Hierarchy, Home, Kind};
use crate::sys::{self, Mapping, Pid};

const MB: usize = 1 << 20;
const PAGE: usize = 4096;

/// How many containers there are when making one more is measured.
const CROWDS: [usize; 7] = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];

/// Reclaim at the limit, for each page: of files that are clean, and of memory that goes to a RAM
/// disk. Lowering the limit is what has it done, so that no disk is waited for.
pub fn reclaim(hierarchy: &Hierarchy) -> Outcome {
    const FROM: usize = 12 * MB;
    const TO: usize = 8 * MB;

    let home = hierarchy.create(&["one", "two", "three"])?;
    if hierarchy.kind == Kind::Uncontrolled {
        return Ok(());
    }
    let usage = || hierarchy.usage(&home);
    let (limit, unlimited) = (hierarchy.limit_file(), hierarchy.unlimited());
    let lower = |name: &str, fill: &dyn Fn() -> Outcome| -> Outcome {
        let mut least = f64::MAX;
        for _ in 0..6 {
            home.write(limit, unlimited)?;
            fill()?;
            let full = usage()?;
            let before = clock::now();
            home.write(limit, &TO.to_string())?;
            let took = clock::now() - before;
            // Reclaim may do more than it has to.
            let pages = full.saturating_sub(usage()?) / PAGE as u64;
            least = least.min(took as f64 / pages.max(1) as f64);
        }
        home.write(limit, unlimited)?;
        figure("deep", name, least);
        Ok(())
    };

    let path = Path::new("/mnt/reclaim");
    fs::write(path, vec![1; FROM]).context(path.display())?;
    sys::sync();
    lower("reclaim_file", &|| {
        let file = File::open(path).context(path.display())?;
        file.sync_all().context(path.display())?;
        sys::evict(&file)?;
        home.run(|| fs::read(path).map(drop).context(path.display()))
    })?;
    fs::remove_file(path).context(path.display())?;

    let swap = Path::new("/dev/ram0");
    check_child(
        std::process::Command::new("/bin/mkswap")
            .arg(swap)
            .stdout(std::process::Stdio::null())
            .status()?,
    )?;
    sys::swapon(swap).context("swapon")?;
    let holder = std::cell::RefCell::new(None::<Pid>);
    lower("reclaim_anon", &|| {
        if let Some(pid) = holder.borrow_mut().take() {
            pid.kill(sys::SIGKILL);
            pid.wait()?;
        }
        let (mut ready, mut line) = std::os::unix::net::UnixStream::pair()?;
        let pid = sys::spawn(|| {
            let mut hold = || -> Outcome {
                home.adopt(Pid::of_self())?;
                let mut memory = Mapping::anon(FROM)?;
                memory.fill(0..FROM, 1);
                std::io::Write::write_all(&mut line, &[0])?;
                loop {
                    std::thread::sleep(Duration::from_secs(100));
                }
            };
            i32::from(hold().is_err())
        })?;
        *holder.borrow_mut() = Some(pid);
        std::io::Read::read_exact(&mut ready, &mut [0]).context("holder")
    })?;
    if let Some(pid) = holder.into_inner() {
        pid.kill(sys::SIGKILL);
        pid.wait()?;
    }
    sys::swapoff(swap).context("swapoff")
}

/// A container that is made, holds a page, and is removed; all that is deferred is waited for.
pub fn life(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: usize = 16;

    let parent = hierarchy.create(&["one", "two", "nest", "any"])?;
    parent.remove()?;
    let path = parent.0;
    let idler = Idler::start()?;
    let least = idler.least(|| {
        for _ in 0..ROUNDS {
            fs::create_dir(&path).context(path.display())?;
            fs::remove_dir(&path).context(path.display())?;
        }
        Ok(())
    })?;
    figure("deep", "create_remove", least / ROUNDS as f64);
    Ok(())
}

/// Reading a file that is open, from its start.
fn reading(path: &Path) -> Outcome<f64> {
    let file = File::open(path).context(path.display())?;
    let mut buffer = vec![0; 64 << 10];
    best(
        1,
        || Ok(()),
        |()| file.read_at(&mut buffer, 0).context(path.display()),
    )
}

/// Reading usage and statistics: at several depths, and next to many others that are busy.
pub fn read(hierarchy: &Hierarchy) -> Outcome {
    if hierarchy.kind == Kind::Uncontrolled {
        return Ok(());
    }
    for depth in [1, 3, 10] {
        let place = format!("depth{depth}");
        let mut path = vec![place.as_str()];
        path.resize(depth, "deeper");
        let home = hierarchy.create(&path)?;
        home.run(|| {
            Mapping::anon(MB)?.fill(0..MB, 1);
            Ok(())
        })?;
        if let Some(usage) = hierarchy.usage_file(&home) {
            figure(&place, "read_usage", reading(&usage)?);
            figure(&place, "read_stat", reading(&home.0.join("memory.stat"))?);
        }
    }

    let asked = hierarchy.create(&["asked"])?;
    let mut others: Vec<Home> = Vec::new();
    for count in [1, 100, 1000] {
        while others.len() < count {
            let name = format!("other{}", others.len());
            others.push(hierarchy.create(&[&name])?);
        }
        // All of them have been busy since anybody last looked.
        for home in others.iter().chain([&asked]) {
            home.adopt(Pid::of_self())?;
            Mapping::anon(16 * PAGE)?.fill(0..16 * PAGE, 1);
        }
        hierarchy.root().adopt(Pid::of_self())?;
        if let Some(usage) = hierarchy.usage_file(&asked) {
            figure(&format!("of{count}"), "read_usage", reading(&usage)?);
            let stat = asked.0.join("memory.stat");
            let file = File::open(&stat).context(stat.display())?;
            let mut buffer = vec![0; 64 << 10];
            // The first one who looks pays for what was put off.
            let before = clock::now();
            file.read_at(&mut buffer, 0).context(stat.display())?;
            figure(
                &format!("of{count}"),
                "read_stat_first",
                (clock::now() - before) as f64,
            );
            figure(&format!("of{count}"), "read_stat", reading(&stat)?);
        }
    }
    for home in others {
        home.remove()?;
    }
    Ok(())
}

/// Bytes that the kernel has allocated for objects and for each CPU, once they do not change any
/// more.
fn kernel_memory() -> Outcome<f64> {
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
        let of = |key: &str| -> u64 {
            let value = text.lines().find_map(|line| {
                let rest = line.strip_prefix(key)?.strip_suffix(" kB")?;
                rest.trim().parse().ok()
            });
            value.unwrap_or(0)
        };
        let now = of("Slab:") + of("Percpu:");
        if now == before {
            return Ok(now as f64 * 1024.0);
        }
        before = now;
    }
}

/// How many CPUs may ever be online.
pub fn possible_cpus() -> Outcome<usize> {
    let text = fs::read_to_string("/sys/devices/system/cpu/possible").context("possible CPUs")?;
    let last = text
        .trim()
        .rsplit('-')
        .next()
        .and_then(|n| n.parse::<usize>().ok());
    Ok(last.unwrap_or(0) + 1)
}

/// What the controller takes of memory: for a container, the same directories with it and without;
/// for pages, what describes them.
pub fn memory(hierarchy: &Hierarchy) -> Outcome {
    let place = format!("cpus{}", possible_cpus()?);

    let vmstat = fs::read_to_string("/proc/vmstat").context("/proc/vmstat")?;
    let count = |key: &str| -> f64 {
        let value = vmstat
            .lines()
            .find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
        value.unwrap_or(0.0)
    };
    let pages = count("nr_memmap_pages ") + count("nr_memmap_boot_pages ");
    figure(&place, "memmap_bytes", pages * PAGE as f64);

    if hierarchy.kind == Kind::V2 {
        figure(&place, "bytes_a_container", bytes_a_container(hierarchy)?);
    }
    Ok(())
}

fn bytes_a_container(hierarchy: &Hierarchy) -> Outcome<f64> {
    const CONTAINERS: usize = 1024;

    let parent = hierarchy.root().0.join("many");
    fs::create_dir(&parent).context(parent.display())?;
    for number in 0..CONTAINERS {
        let path = parent.join(number.to_string());
        fs::create_dir(&path).context(path.display())?;
    }
    let without = kernel_memory()?;
    let control = parent.join("cgroup.subtree_control");
    fs::write(&control, "+memory").context(control.display())?;
    let with = kernel_memory()?;
    Ok((with - without) / CONTAINERS as f64)
}

/// What one more container costs where there are many, the mean of the next 256.
pub fn crowd(hierarchy: &Hierarchy) -> Outcome {
    const SAMPLE: usize = 256;

    let parent = hierarchy.create(&["many", "any"])?;
    parent.remove()?;
    let many = hierarchy.root().0.join("many");
    let mut number = 0;
    let mut make = |upto: usize| -> Outcome {
        while number < upto {
            let path = many.join(number.to_string());
            fs::create_dir(&path).context(path.display())?;
            number += 1;
        }
        Ok(())
    };
    for count in CROWDS {
        make(count)?;
        let before = clock::now();
        make(count + SAMPLE)?;
        let cost = (clock::now() - before) as f64 / SAMPLE as f64;
        figure(&format!("after{count}"), "create", cost);
    }
    Ok(())
}

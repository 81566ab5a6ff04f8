// SPDX-License-Identifier: GPL-2.0

//! What machines with many containers show, and with many CPUs: a parent with up to 10,000
//! children, a process in each. To be booted with several numbers of possible CPUs, one of them
//! online.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::clock::{self, median, Idler};
use crate::containers::possible_cpus;
use crate::figure;
use crate::limits::{self, Disk};
use crate::outcome::{fail, Context, Outcome};
use crate::place::{Hierarchy, Home, Kind};
use crate::sys;
use crate::workers::{Paging, Workers, MOST};

/// How many children there are when all is measured. The same ones: there only come more.
const COUNTS: [usize; 4] = [1, 100, 1000, 10_000];
/// Where pages are reclaimed: with more, those that workers have are most of the memory there is.
const RECLAIMED: usize = 1000;

/// A parent and its children.
pub struct Family<'a> {
    pub hierarchy: &'a Hierarchy,
    pub parent: Home,
    pub children: Vec<Home>,
    workers: Workers<Paging>,
}

/// Who faults and frees pages before a file is read.
#[derive(Clone, Copy)]
enum Busy {
    Nobody,
    One,
    All,
}

impl<'a> Family<'a> {
    fn new(hierarchy: &'a Hierarchy, most: usize) -> Outcome<Self> {
        // What is to have children gives them the controller.
        let first = hierarchy.create(&["wide", "any"])?;
        first.remove()?;
        Ok(Self {
            hierarchy,
            parent: Home(hierarchy.root().0.join("wide")),
            children: Vec::new(),
            workers: Workers::new(Paging::new()?, most)?,
        })
    }

    /// One more child, which the family does not count.
    fn child(&self, name: &str) -> Outcome<Home> {
        let path = self.parent.0.join(name);
        fs::create_dir(&path).context(path.display())?;
        Ok(Home(path))
    }

    /// The child that is looked at.
    pub fn leaf(&self) -> &Home {
        &self.children[0]
    }

    fn grow(&mut self, count: usize) -> Outcome {
        while self.children.len() < count {
            let child = self.child(&self.children.len().to_string())?;
            self.workers.start(&child)?;
            self.children.push(child);
        }
        Ok(())
    }

    fn busy(&self, who: Busy) -> Outcome {
        // Enough of them that the C controller does not take its statistics for fresh: it lets
        // 64 changes pass on a CPU, and a page is more than one.
        const FEW: u32 = 16;

        let count = self.children.len();
        match who {
            Busy::Nobody => Ok(()),
            Busy::One => self.workers.turn(0, MOST),
            Busy::All if count == 1 => self.workers.turn(0, MOST),
            Busy::All => (0..count).try_for_each(|child| self.workers.turn(child, FEW)),
        }
    }
}

/// All figures, with up to `most` children.
pub fn all(hierarchy: &Hierarchy, most: usize) -> Outcome {
    if hierarchy.kind == Kind::Uncontrolled {
        return fail("there is no controller to look at");
    }
    let disk = Disk::fill()?;
    let machine = format!("wide{}", possible_cpus()?);
    let mut family = Family::new(hierarchy, most)?;
    for count in COUNTS.into_iter().filter(|count| *count <= most) {
        family.grow(count)?;
        let place = format!("{machine}/n{count}");
        reads(&family, &place)?;
        if count == 100 {
            turns(&family, &machine)?;
        }
        if count <= RECLAIMED {
            limits::all(&family, &disk, &place)?;
        }
        if count == RECLAIMED {
            storm(&family, &place)?;
            removals(&family, &disk, &place)?;
        }
    }
    Ok(())
}

/// Reading an open file from its start, each time after somebody was busy.
fn reading(family: &Family<'_>, who: Busy, path: &Path) -> Outcome<f64> {
    const TIMES: usize = 5;

    let file = File::open(path).context(path.display())?;
    let mut buffer = vec![0; 64 << 10];
    let mut read = || -> Outcome<f64> {
        let before = clock::now();
        file.read_at(&mut buffer, 0).context(path.display())?;
        Ok((clock::now() - before) as f64)
    };
    // The first one finds out how large the text is, and counts what was put off.
    read()?;
    median(TIMES, || {
        family.busy(who)?;
        read()
    })
}

fn reads(family: &Family<'_>, place: &str) -> Outcome {
    let root = family.hierarchy.root();
    let homes = [
        ("", &family.parent),
        ("_root", &root),
        ("_leaf", family.leaf()),
    ];
    for (state, who) in [
        ("idle", Busy::Nobody),
        ("one", Busy::One),
        ("all", Busy::All),
    ] {
        let place = format!("{place}/{state}");
        for (suffix, home) in homes {
            for what in ["stat", "numa_stat"] {
                let path = home.0.join(format!("memory.{what}"));
                let cost = reading(family, who, &path)?;
                figure(&place, &format!("read_{what}{suffix}"), cost);
            }
        }
        // The usage is one number; with all busy it would be the same.
        if matches!(who, Busy::All) {
            continue;
        }
        for (suffix, home) in [("", &family.parent), ("_leaf", family.leaf())] {
            if let Some(path) = family.hierarchy.usage_file(home) {
                let cost = reading(family, who, &path)?;
                figure(&place, &format!("read_usage{suffix}"), cost);
            }
        }
    }
    Ok(())
}

/// Containers that take turns on one CPU, a few pages each: a fault and a free, without the switch
/// from one to the other.
fn turns(family: &Family<'_>, machine: &str) -> Outcome {
    const PAGES: u32 = 4;
    /// More than what is charged in advance lasts for, and enough that interrupts do not matter.
    const ROUNDS: usize = 256;

    for count in [1, 10, 100] {
        let rounds = |rounds: usize| {
            (0..rounds * count).try_for_each(|turn| family.workers.turn(turn % count, PAGES))
        };
        rounds(ROUNDS / 16)?;
        let before = family.workers.job.spent();
        rounds(ROUNDS)?;
        let after = family.workers.job.spent();
        let pages = (ROUNDS * count) as f64 * f64::from(PAGES);
        let place = format!("{machine}/turns{count}");
        figure(&place, "anon_fault", (after.0 - before.0) as f64 / pages);
        figure(&place, "anon_free", (after.1 - before.1) as f64 / pages);
    }
    Ok(())
}

/// Faults and frees of all children, a few pages each, and the same while the statistics of the
/// machine are read all the time.
fn storm(family: &Family<'_>, place: &str) -> Outcome {
    const READERS: usize = 8;
    const PAGES: u32 = 16;
    const ROUNDS: usize = 8;

    let count = family.children.len();
    let page = || -> Outcome<f64> {
        let before = family.workers.job.spent_alone();
        for child in 0..ROUNDS * count {
            family.workers.turn(child % count, PAGES)?;
        }
        let spent = family.workers.job.spent_alone() - before;
        Ok(spent as f64 / (ROUNDS * count) as f64 / f64::from(PAGES))
    };
    figure(place, "calm_fault_and_free", page()?);

    let path = family.hierarchy.root().0.join("memory.stat");
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let pid = sys::spawn(|| {
            let Err(why) = read_for_ever(&path);
            eprintln!("memctl-bench: reader: {why}");
            1
        });
        readers.push(pid.context("fork")?);
    }
    figure(place, "storm_fault_and_free", page()?);
    for pid in readers {
        pid.kill(sys::SIGKILL);
        let _ = pid.wait();
    }
    Ok(())
}

fn read_for_ever(path: &Path) -> Outcome<std::convert::Infallible> {
    let file = File::open(path).context(path.display())?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        file.read_at(&mut buffer, 0).context(path.display())?;
    }
}

/// Removing a child with nothing in it, and one that has page cache; all that is deferred is waited
/// for.
fn removals(family: &Family<'_>, disk: &Disk, place: &str) -> Outcome {
    const AT_ONCE: usize = 16;
    const CACHE: usize = 1 << 20;

    let idler = Idler::start()?;
    for (name, bytes) in [("rmdir_empty", 0), ("rmdir_cache", CACHE)] {
        let mut least = f64::MAX;
        for _ in 0..4 {
            disk.evict()?;
            let mut homes = Vec::new();
            for number in 0..AT_ONCE {
                let home = family.child(&format!("gone{number}"))?;
                if bytes > 0 {
                    // Far enough apart that nobody reads ahead for the next one.
                    let start = number * 2 * CACHE;
                    home.run(|| disk.read(start..start + bytes).map(drop))?;
                }
                homes.push(home);
            }
            // What making them has deferred.
            std::thread::sleep(Duration::from_millis(500));
            let cost = idler.cost(|| homes.iter().try_for_each(Home::remove))?;
            least = least.min(cost);
        }
        figure(place, name, least / AT_ONCE as f64);
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! What must hold when a storm is over.

use std::fs;
use std::time::{Duration, Instant};

use super::shaker::GENERATIONS;
use super::tally::{Action, Tally};
use crate::audit;
use crate::cgroup::{Hierarchy, Version};
use crate::check;
use crate::disk;
use crate::ktap;
use crate::machine;
use crate::outcome::{equal, skip, within, Amount, Context, Outcome, Verdict, MB};
use crate::plug;
use crate::sys;

/// How much less memory may be free after the first storm of a boot: slabs that are used in
/// part, what the file system keeps for files that were there, and all that the kernel
/// makes once, when something is used for the first time.
const LOST_AT_FIRST: u64 = 16 * MB;

/// And after one that follows.
const LOST: u64 = 4 * MB;

/// How long the kernel may take to be done with what was removed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What memory may be, by the names of /proc/meminfo: tells where the rest is.
const KINDS: &[&str] = &[
    "MemTotal",
    "MemFree",
    "Buffers",
    "Cached",
    "AnonPages",
    "Shmem",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "Percpu",
];

/// The machine as it was before the storm.
pub struct Before {
    free: u64,
    meminfo: Vec<(&'static str, u64)>,
    generations: Option<String>,
    complaints: (u64, bool),
    effects: Vec<u64>,
}

impl Before {
    pub fn look() -> Outcome<Self> {
        machine::drop_caches()?;
        let kinds = KINDS.iter().map(|key| Ok((*key, machine::meminfo(key)?)));
        Ok(Self {
            meminfo: kinds.collect::<Outcome<_>>()?,
            free: machine::free()?,
            generations: fs::read_to_string(GENERATIONS).ok(),
            complaints: machine::complaints(),
            effects: EFFECTS.iter().map(|(_, key, _)| vmstat(key)).collect(),
        })
    }

    /// Undoes what the storm did to the machine.
    pub fn restore(&self) -> Outcome {
        if let Some(generations) = &self.generations {
            fs::write(GENERATIONS, generations.trim()).context(GENERATIONS)?;
        }
        machine::restore()?;
        let left = fs::read_dir(super::SHM).context(super::SHM)?.flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("storm-"));
        left.into_iter().try_for_each(|entry| {
            let path = entry.path();
            match path.is_dir() {
                true => fs::remove_dir_all(&path).context(path.display()),
                false => disk::remove(&path),
            }
        })
    }
}

/// What must come of a storm, by /proc/vmstat; each is looked for if an action is available.
const EFFECTS: &[(&str, &str, Action)] = &[
    ("pages swapped out", "pswpout", Action::SwapOn),
    ("pages swapped in", "pswpin", Action::SwapOn),
    ("pages migrated", "pgmigrate_success", Action::Compact),
    ("huge pages faulted in", "thp_fault_alloc", Action::Huge),
    ("huge pages split", "thp_split_page", Action::SplitAll),
    (
        "processes killed for want of memory",
        "oom_kill",
        Action::Limit,
    ),
];

fn vmstat(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once(' ')?;
        (found == key).then(|| value.parse().ok())?
    });
    value.unwrap_or(0)
}

/// Tells how often everything was done; expects that there is nothing that never was.
pub fn everything_done(
    tally: Tally,
    hierarchy: &Hierarchy,
    before: &Before,
    took: Duration,
) -> Outcome {
    let version = hierarchy.version();
    let mut missing = Vec::new();
    ktap::note(format_args!("  done  refused  a minute"));
    for action in Action::ALL
        .iter()
        .filter(|action| action.available(version))
    {
        let done = tally.done(*action);
        ktap::note(format_args!(
            "{done:6} {:8} {:9.1}  {}",
            tally.refused(*action),
            done as f64 * 60.0 / took.as_secs_f64(),
            action.words()
        ));
        if done == 0 {
            missing.push(action.words());
        }
    }
    for ((words, key, action), then) in EFFECTS.iter().zip(&before.effects) {
        if action.available(version) {
            let count = vmstat(key) - then;
            ktap::note(format_args!("{count:6}                     {words}"));
            if count == 0 {
                missing.push(words);
            }
        }
    }
    if Action::Handover.available(version) {
        let key = match version {
            Version::V1 => "total_pghandover_in",
            Version::V2 => "pghandover_in",
        };
        let count = hierarchy.root().stat()?.get(key)?;
        let words = "pages handed over";
        ktap::note(format_args!("{count:6}                     {words}"));
        if count == 0 {
            missing.push(words);
        }
    }
    check!(missing.is_empty(), "never: {}", missing.join(", "));
    Ok(())
}

/// Repeats an attempt, as [`crate::outcome::eventually`], but with more patience: a storm leaves
/// more behind than a test.
fn in_the_end(mut attempt: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(Verdict::Failed(_)) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(200));
            }
            outcome => return outcome,
        }
    }
}

pub fn nothing_odd(tally: Tally) -> Outcome {
    equal("what was odd", tally.odd(), 0)
}

/// All children have been reaped, and theirs, who are ours when they lose their parent.
pub fn processes_gone() -> Outcome {
    in_the_end(|| match sys::reap() {
        Ok(None) => crate::outcome::fail("there are processes left"),
        Ok(Some((pid, _))) => crate::outcome::fail(format!("process {} was left", pid.number())),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(()),
        Err(error) => Err(error.into()),
    })
}

pub fn containers_gone(hierarchy: &Hierarchy) -> Outcome {
    in_the_end(|| equal("removed containers", hierarchy.dying()?, 0))
}

/// Nobody sleeps without hope of being woken.
pub fn nobody_stuck() -> Outcome {
    in_the_end(|| {
        let mut stuck = Vec::new();
        for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // The name, in parentheses, may have blanks.
            let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
            if state == Some("D") {
                stuck.push(stat.split(')').next().unwrap_or_default().to_string() + ")");
            }
        }
        check!(stuck.is_empty(), "stuck: {}", stuck.join(", "));
        Ok(())
    })
}

pub fn audit_clean() -> Outcome {
    in_the_end(|| match audit::report()? {
        None => skip("the kernel has no audit"),
        Some(report) => audit::verdict(&report),
    })
}

pub fn memory_back(before: &Before, is_first: bool) -> Outcome {
    let lost = if is_first { LOST_AT_FIRST } else { LOST };
    let mut now = 0;
    let outcome = in_the_end(|| {
        machine::drop_caches()?;
        now = machine::free()?;
        within(
            "free memory",
            now,
            before.free.saturating_sub(lost)..=u64::MAX,
        )
    });
    ktap::note(format_args!(
        "memory free: {} before, {} after",
        Amount(before.free),
        Amount(now)
    ));
    for (key, then) in &before.meminfo {
        let now = machine::meminfo(key)?;
        if now.abs_diff(*then) >= MB {
            ktap::note(format_args!(
                "{key}: {} before, {} after",
                Amount(*then),
                Amount(now)
            ));
        }
    }
    outcome
}

/// All CPUs and all memory are there, and the hugetlb pool is empty again.
pub fn machine_whole() -> Outcome {
    plug::all_on()?;
    if machine::has_hugetlb_pool() {
        equal("hugetlb pages", machine::hugetlb_pages()?, 0)?;
    }
    Ok(())
}

pub fn kernel_quiet(before: &Before) -> Outcome {
    let quiet = machine::complaints() == before.complaints;
    check!(quiet, "the kernel complains, see its log");
    Ok(())
}

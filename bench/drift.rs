// SPDX-License-Identifier: GPL-2.0

//! Who pays for pages that several containers use, as hours go by.
//!
//! A *mix* is a few containers. Each has a process that every ten seconds goes over a range of a
//! file which it shares with others, and over a piece of what is its alone. The kernel says whose
//! each shared page is (`/proc/kpagecgroup`), and the page tables of those who map it say where it
//! is. With a clock that counts instructions nobody waits while all sleep: an hour takes a minute
//! or two.
//!
//! The file is a RAM disk, see `limits.rs`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use crate::calls::{self, Shared};
use crate::handover;
use crate::limits::{self, Disk};
use crate::outcome::{fail, Context, Outcome};
use crate::place::{Hierarchy, Home};
use crate::sys::{self, Mapping, Pid, Sharing};

const MB: usize = 1 << 20;
const PAGE: usize = 4096;

/// How long a process rests between two rounds, and how often is looked at everything, in seconds.
const ROUND: u64 = 10;
const SAMPLE: u64 = 60;

/// What all share is at the start of the disk; what belongs to one alone comes behind.
const OWN: usize = 24 * MB;
/// What each container has there, and how much of it a process reads in a round.
const OWN_EACH: usize = 6 * MB;
const PIECE: usize = 3 * MB / 2;

/// How a process uses what it shares.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Maps,
    Reads,
    /// It has inherited anonymous memory, of which it writes to a quarter.
    Inherits,
    /// It has inherited memory that all share, as processes of a database do: a file of tmpfs.
    Attaches,
}

struct Member {
    /// Its limit in megabytes, if it has one.
    limit: Option<usize>,
    uses: Use,
    range: Range<usize>,
    /// After so many seconds it goes on to other things, if it does.
    until: Option<u64>,
}

struct Mix {
    name: &'static str,
    members: Vec<Member>,
    /// One after the other is made anew each time so many seconds have gone by.
    restarts: Option<u64>,
    /// When so many seconds have gone by, the first gets a limit of so many megabytes.
    squeezed: Option<(u64, usize)>,
}

impl Mix {
    fn new(name: &'static str, members: Vec<Member>) -> Self {
        Self {
            name,
            members,
            restarts: None,
            squeezed: None,
        }
    }
}

fn members(limits: &[Option<usize>], uses: Use, range: Range<usize>) -> Vec<Member> {
    let member = |limit: &Option<usize>| Member {
        limit: *limit,
        uses,
        range: range.clone(),
        until: None,
    };
    limits.iter().map(member).collect()
}

fn mixes() -> Vec<Mix> {
    const LIBRARY: Range<usize> = 0..12 * MB;

    // The first has brought in what all use, and does not use it any more after a while.
    let mut left = members(&[Some(16); 6], Use::Maps, LIBRARY);
    left[0].until = Some(300);
    let unequal = [Some(6), Some(16), Some(32), None, Some(20), Some(10)];
    let mut parts = members(&[Some(20)], Use::Maps, 0..16 * MB);
    for part in 0..4 {
        let range = part * 4 * MB..(part + 1) * 4 * MB;
        parts.append(&mut members(&[Some(12)], Use::Maps, range));
    }
    let six = || members(&[Some(16); 6], Use::Maps, LIBRARY);
    vec![
        Mix::new("library", six()),
        Mix::new("left", left),
        Mix {
            squeezed: Some((900, 4)),
            ..Mix::new("squeezed", six())
        },
        Mix {
            restarts: Some(300),
            ..Mix::new("restarts", six())
        },
        Mix::new("unequal", members(&unequal, Use::Maps, LIBRARY)),
        Mix::new("parts", parts),
        Mix::new("readers", members(&[Some(16); 4], Use::Reads, LIBRARY)),
        Mix::new("forked", members(&[Some(32); 4], Use::Inherits, 0..8 * MB)),
        Mix {
            restarts: Some(600),
            ..Mix::new(
                "database",
                members(&[Some(16); 4], Use::Attaches, 0..8 * MB),
            )
        },
    ]
}

/// A container of a mix, with its process.
struct Tenant<'a> {
    name: String,
    member: &'a Member,
    number: usize,
    home: Home,
    pid: Pid,
    /// Where the process has mapped what it shares.
    address: Shared,
    /// What was counted in containers of this name before.
    before: [u64; COUNTS.len()],
}

/// Counts of `memory.stat`; not all controllers have all.
const COUNTS: [&str; 4] = [
    "pgmajfault",
    "workingset_refault_file",
    "pghandover_in",
    "pghandover_out",
];

fn counts(home: &Home) -> Outcome<[u64; COUNTS.len()]> {
    let path = home.0.join("memory.stat");
    let text = fs::read_to_string(&path).context(path.display())?;
    let value = |key: &str| {
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(key));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .unwrap_or(0)
    };
    Ok(COUNTS.map(value))
}

impl<'a> Tenant<'a> {
    fn start(
        hierarchy: &Hierarchy,
        member: &'a Member,
        number: usize,
        inherited: &mut Option<Mapping>,
    ) -> Outcome<Self> {
        let name = format!("c{number}");
        let home = hierarchy.create(&["drift", &name])?;
        if let Some(limit) = member.limit {
            home.write(hierarchy.limit_file(), &(limit * MB).to_string())?;
        }
        let address = Shared::new()?;
        let pid = sys::spawn(|| {
            let lived = home
                .adopt(Pid::of_self())
                .and_then(|()| live(member, number, &address, inherited.as_mut()));
            if let Err(why) = lived {
                eprintln!("memctl-bench: c{number}: {why}");
            }
            1
        })?;
        Ok(Self {
            name,
            member,
            number,
            home,
            pid,
            address,
            before: [0; COUNTS.len()],
        })
    }

    fn stop(&self) -> Outcome {
        self.pid.kill(sys::SIGKILL);
        self.pid.wait()?;
        self.home.remove()
    }

    /// Ends it, removes its container, and starts again.
    fn restart(&mut self, hierarchy: &Hierarchy, inherited: &mut Option<Mapping>) -> Outcome {
        let so_far = self.counted()?;
        self.stop()?;
        *self = Self::start(hierarchy, self.member, self.number, inherited)?;
        self.before = so_far;
        Ok(())
    }

    fn counted(&self) -> Outcome<[u64; COUNTS.len()]> {
        let now = counts(&self.home)?;
        Ok(std::array::from_fn(|i| self.before[i] + now[i]))
    }

    /// Where in memory the pages are that it shares and has in its page tables.
    fn frames(&self) -> Outcome<Vec<u64>> {
        const PRESENT: u64 = 1 << 63;
        const FRAME: u64 = (1 << 55) - 1;

        let address = self.address.get() as usize;
        if address == 0 {
            return Ok(Vec::new());
        }
        let file = File::open(format!("/proc/{}/pagemap", self.pid.number())).context("pagemap")?;
        let mut entries = vec![0; self.member.range.len() / PAGE * 8];
        file.read_exact_at(&mut entries, (address / PAGE * 8) as u64)
            .context("pagemap")?;
        let entries = entries.chunks_exact(8).filter_map(|bytes| {
            let entry = u64::from_ne_bytes(bytes.try_into().ok()?);
            (entry & PRESENT != 0).then_some(entry & FRAME)
        });
        Ok(entries.collect())
    }
}

/// Memory that is filled in the container of the first, and that all inherit.
fn inherited(hierarchy: &Hierarchy, mix: &Mix) -> Outcome<Option<Mapping>> {
    let Some(first) = mix.members.first() else {
        return Ok(None);
    };
    let len = first.range.end;
    let mut memory = match first.uses {
        Use::Maps | Use::Reads => return Ok(None),
        Use::Inherits => Mapping::anon(len),
        Use::Attaches => {
            calls::memfd(len).and_then(|file| Mapping::file(&file, len, Sharing::Shared))
        }
    }
    .context("mmap")?;
    hierarchy.create(&["drift", "c0"])?.adopt(Pid::of_self())?;
    memory.fill(0..len, 1);
    hierarchy.root().adopt(Pid::of_self())?;
    Ok(Some(memory))
}

/// What a process does until it is killed.
fn live(
    member: &Member,
    number: usize,
    address: &Shared,
    inherited: Option<&mut Mapping>,
) -> Outcome {
    let file = limits::open()?;
    let own = OWN + number * OWN_EACH;
    let mut buffer = vec![1; 64 << 10];
    let mut read = |from: usize, len: usize| -> Outcome {
        for start in (from..from + len).step_by(64 << 10) {
            file.read_exact_at(&mut buffer, start as u64)
                .context("read")?;
        }
        Ok(())
    };
    let mut mapped;
    let mut shared = match member.uses {
        Use::Maps => {
            mapped = limits::map(&file, member.range.end)?;
            Some(&mut mapped)
        }
        Use::Reads => None,
        Use::Inherits | Use::Attaches => inherited,
    };
    if let Some(shared) = &mut shared {
        address.add(shared.address(member.range.start) as u64);
        if member.uses == Use::Inherits {
            shared.fill(0..member.range.end / 4, number as u64);
        }
    }
    // Not all at the same moment.
    std::thread::sleep(Duration::from_millis(number as u64 * 700));
    for round in 0.. {
        let left = member
            .until
            .is_some_and(|until| round as u64 * ROUND >= until);
        match &shared {
            _ if left => {}
            Some(shared) => shared.touch(member.range.clone()),
            None => read(member.range.start, member.range.len())?,
        }
        read(own + round % (OWN_EACH / PIECE) * PIECE, PIECE)?;
        std::thread::sleep(Duration::from_secs(ROUND));
    }
    Ok(())
}

/// The inode of the cgroup that each page in memory is charged to.
struct Owners(File);

impl Owners {
    fn open() -> Outcome<Self> {
        let path = "/proc/kpagecgroup";
        Ok(Self(File::open(path).context(path)?))
    }

    fn of(&self, frame: u64) -> Outcome<u64> {
        let mut inode = [0; 8];
        self.0
            .read_exact_at(&mut inode, frame * 8)
            .context("/proc/kpagecgroup")?;
        Ok(u64::from_ne_bytes(inode))
    }
}

/// Prints for each container what it pays of the shared pages, and what it would have to pay if
/// those who use a page shared that; both in pages. Then what was counted so far.
fn look(mix: &Mix, tenants: &[Tenant<'_>], owners: &Owners, time: u64) -> Outcome {
    let mut names = BTreeMap::new();
    let mut pages: BTreeMap<u64, usize> = BTreeMap::new();
    let mut of_each = Vec::new();
    for tenant in tenants {
        if !tenant.pid.runs() {
            return fail(format!("{}: {} has ended", mix.name, tenant.name));
        }
        let inode = fs::metadata(&tenant.home.0).context(tenant.home.0.display())?;
        names.insert(inode.ino(), tenant.number);
        let frames = tenant.frames()?;
        for frame in &frames {
            *pages.entry(*frame).or_default() += 1;
        }
        of_each.push(frames);
    }
    let (mut paid, mut others) = (vec![0; tenants.len()], 0);
    for frame in pages.keys() {
        match names.get(&owners.of(*frame)?) {
            Some(number) => paid[*number] += 1,
            None => others += 1,
        }
    }
    for (tenant, frames) in tenants.iter().zip(of_each) {
        let share: f64 = frames.iter().map(|frame| 1.0 / pages[frame] as f64).sum();
        let counted = tenant.counted()?.map(|count| count.to_string()).join(" ");
        println!(
            "drift {} {time} {} {} {share:.1} {counted}",
            mix.name, tenant.name, paid[tenant.number]
        );
    }
    println!("drift {} {time} others {others} 0.0 0 0 0 0", mix.name);
    Ok(())
}

fn run(hierarchy: &Hierarchy, disk: &Disk, mix: &Mix, seconds: u64) -> Outcome {
    disk.evict()?;
    let owners = Owners::open()?;
    let mut inherited = inherited(hierarchy, mix)?;
    let mut tenants = Vec::new();
    for (number, member) in mix.members.iter().enumerate() {
        tenants.push(Tenant::start(hierarchy, member, number, &mut inherited)?);
        // The first is the one that brings in what is shared.
        std::thread::sleep(Duration::from_secs(2));
    }
    let mut next = 0;
    for time in (SAMPLE..=seconds).step_by(SAMPLE as usize) {
        std::thread::sleep(Duration::from_secs(SAMPLE));
        look(mix, &tenants, &owners, time)?;
        if let Some((_, limit)) = mix.squeezed.filter(|(at, _)| *at == time) {
            let limit = (limit * MB).to_string();
            tenants[0].home.write(hierarchy.limit_file(), &limit)?;
        }
        if mix.restarts.is_some_and(|every| time % every == 0) {
            let count = tenants.len();
            tenants[next % count].restart(hierarchy, &mut inherited)?;
            next += 1;
        }
    }
    for tenant in tenants {
        tenant.stop()?;
    }
    Ok(())
}

/// All mixes, for so many seconds each; what only others use is handed over to them where that is
/// `on`, and the controller does so.
pub fn all(hierarchy: &Hierarchy, seconds: u64, on: bool) -> Outcome {
    handover::switch(on)?;
    if !fs::exists("/proc/kpagecgroup")? {
        return fail("the kernel does not say whose a page is");
    }
    let disk = Disk::fill()?;
    for mix in mixes() {
        run(hierarchy, &disk, &mix, seconds)?;
    }
    Ok(())
}

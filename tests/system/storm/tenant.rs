// SPDX-License-Identifier: GPL-2.0

//! Has processes live in containers for a while and fill them with memory of all kinds, which
//! must hold what was written there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Arc;
use std::time::{Duration, Instant};

use std::os::unix::process::ExitStatusExt;

use super::actor::{self, Actor};
use super::place::Place;
use super::tally::Action;
use crate::cgroup::Cgroup;
use crate::disk;
use crate::machine;
use crate::outcome::MB;
use crate::sys::{self, Advice, Mapping, Pid, Sharing};

/// What processes have, and how often of all times.
const DECK: &[(Action, usize)] = &[
    (Action::Anon, 5),
    (Action::Huge, 4),
    (Action::Tmpfs, 3),
    (Action::Cache, 3),
    (Action::Share, 1),
    (Action::Use, 5),
    (Action::Hugetlb, 2),
    (Action::Names, 2),
    (Action::Pipes, 2),
    (Action::Threads, 1),
    (Action::Sockets, 2),
];

/// How long a process may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(12);

/// Exit statuses of a process that was not killed.
const WELL: i32 = 0;
const REFUSED: i32 = 1;
const CHANGED: i32 = 3;

/// How many files each tenant has of each kind. They stay when their process ends, until their
/// name comes up again.
const FILES: u64 = 2;

pub fn run(actor: &mut Actor<'_>) {
    let version = actor.version();
    let mut deck = actor.deck(DECK);
    while !actor.over() {
        let action = deck.draw(&mut actor.random);
        let place = Place::home(&mut actor.random, version);
        let seed = actor.random.next();
        if !actor.random.once_in(4) {
            // Most often it is there.
            let _ = place.create(actor.hierarchy);
        }
        let container = place.container(actor.hierarchy);
        let limit = place.limit(&mut actor.random);
        if actor.random.once_in(2) {
            actor.count(Action::Limit, container.try_limit(limit));
        }
        let mut stay = Stay {
            actor: Actor {
                hierarchy: actor.hierarchy,
                random: super::random::Random::new(seed),
                tally: actor.tally,
                number: actor.number,
            },
        };
        match sys::spawn(|| stay.live(action, &container)) {
            Ok(pid) => settle(actor, action, pid),
            Err(error) => {
                actor.count(action, Err(error));
            }
        }
        actor.random.pause(0, 20);
    }
}

/// Waits for a process, kills it if it takes too long, and looks at how it ended.
fn settle(actor: &Actor<'_>, action: Action, pid: Pid) {
    const GRACE: Duration = Duration::from_secs(60);

    let started = Instant::now();
    let ended = loop {
        match pid.wait_for(Duration::from_millis(50)) {
            Ok(None) if !actor.over() && started.elapsed() < PATIENCE => (),
            Ok(None) => {
                pid.kill(sys::SIGKILL);
                break pid.wait_for(GRACE);
            }
            ended => break ended,
        }
    };
    match ended {
        Ok(Some(status)) => judge(actor, action, status),
        Ok(None) => actor.odd(format_args!(
            "a process with {} cannot be killed",
            action.words()
        )),
        Err(error) => actor.odd(error),
    }
}

fn judge(actor: &Actor<'_>, action: Action, status: ExitStatus) {
    match (status.code(), status.signal()) {
        // Counted by the process itself.
        (Some(WELL | REFUSED), _) => (),
        (Some(CHANGED), _) => actor.odd(format_args!("{}: contents have changed", action.words())),
        (_, Some(sys::SIGKILL)) => (),
        // Of the pool there may be only pages in memory that is just being taken away, which
        // nobody gets; or the container has no room for one.
        (_, Some(sys::SIGBUS)) if action == Action::Hugetlb => {
            actor.count(action, Err(io::Error::from_raw_os_error(sys::ENOMEM)));
        }
        _ => actor.odd(format_args!("{}: {status}", action.words())),
    }
}

/// Where a tenant's file of a kind is.
fn file(action: Action, tenant: u64, number: u64) -> PathBuf {
    let name = format!("storm-{tenant}-{number}");
    match action {
        Action::Tmpfs => Path::new(super::SHM).join(name),
        _ => disk::file(&name),
    }
}

/// The life of one process in a container.
struct Stay<'a> {
    actor: Actor<'a>,
}

/// What a stay comes to, unless it is refused: whether memory held what was written to it.
type Kept = io::Result<bool>;

impl Stay<'_> {
    fn live(&mut self, action: Action, container: &Cgroup) -> i32 {
        let moved = container.try_write("cgroup.procs", &Pid::of_self().number().to_string());
        let moved = moved.and_then(|()| actor::expose());
        let kept = moved.and_then(|()| self.fill(action));
        let status = match kept {
            Ok(true) => WELL,
            Ok(false) => CHANGED,
            Err(_) => REFUSED,
        };
        self.actor.count(action, kept.map(drop));
        status
    }

    fn fill(&mut self, action: Action) -> Kept {
        match action {
            Action::Anon => self.anon(),
            Action::Huge => self.huge(),
            Action::Tmpfs | Action::Cache => self.file(action),
            Action::Share => self.share(),
            Action::Use => self.use_shared(),
            Action::Hugetlb => self.hugetlb(),
            Action::Names => self.names(),
            Action::Pipes => self.pipes(),
            Action::Threads => self.threads(),
            Action::Sockets => self.sockets(),
            _ => unreachable!("not in the deck of a tenant"),
        }
    }

    fn random_size(&mut self, low: u64, high: u64) -> usize {
        (self.actor.random.between(low, high) * MB) as usize
    }

    /// Grows step by step, so that there is time to be moved in between.
    fn grow(&mut self, memory: &mut Mapping, range: Range<usize>, seed: u64) {
        const STEP: usize = 256 << 10;

        for start in range.step_by(STEP) {
            memory.fill(start..start + STEP, seed);
            self.actor.random.pause(0, 4);
        }
    }

    fn anon(&mut self) -> Kept {
        let mut memory = Mapping::anon(self.random_size(1, 24))?;
        let seed = self.actor.random.next();
        // Not at the end: few live to see it.
        let first = 0..MB as usize;
        self.grow(&mut memory, first.clone(), seed);
        match self.actor.random.below(4) {
            0 => self.copy(&mut memory, first.clone(), seed)?,
            1 => {
                memory.advise(first.clone(), Advice::DontNeed)?;
                memory.fill(first.clone(), seed);
            }
            2 => {
                let locked = memory.lock(first.clone());
                self.actor.count(Action::Lock, locked);
            }
            _ => self.move_pages(&memory, first.clone()),
        }
        let rest = first.end..memory.len();
        self.grow(&mut memory, rest, seed);
        self.actor.random.pause(0, 300);
        Ok(memory.holds(0..memory.len(), seed))
    }

    /// Has a child write to memory that it shares, until one of both writes.
    fn copy(&mut self, memory: &mut Mapping, range: Range<usize>, seed: u64) -> io::Result<()> {
        let (mine, shared) = (0..range.end / 2, range.end / 2..range.end);
        let child = sys::spawn(|| {
            memory.fill(mine.clone(), !seed);
            if memory.holds(mine, !seed) && memory.holds(shared, seed) {
                WELL
            } else {
                CHANGED
            }
        })?;
        let status = child.wait()?;
        if status.success() {
            self.actor.count(Action::Copy, Ok(()));
        } else {
            judge(&self.actor, Action::Copy, status);
        }
        Ok(())
    }

    fn move_pages(&mut self, memory: &Mapping, range: Range<usize>) {
        let nodes = machine::nodes() as u64;
        let node = self.actor.random.below(nodes) as i32;
        if nodes > 1 {
            let moved = memory.move_to_node(range, node).map(drop);
            self.actor.count(Action::MovePages, moved);
        }
    }

    fn huge(&mut self) -> Kept {
        let huge = machine::huge_page_size().unwrap_or(2 * MB) as usize;
        let count = self.actor.random.between(1, 5) as usize;
        let mut memory = Mapping::huge(count * huge, huge)?;
        let seed = self.actor.random.next();
        let all = 0..memory.len();
        self.grow(&mut memory, all.clone(), seed);
        match self.actor.random.below(4) {
            0 => self.copy(&mut memory, all.clone(), seed)?,
            1 => self.move_pages(&memory, all.clone()),
            _ => {
                // Without some of its pages it waits to be split.
                let hole = huge / 4..huge / 2;
                let split = memory.advise(hole.clone(), Advice::DontNeed);
                self.actor.count(Action::Split, split);
                self.actor.random.pause(0, 100);
                memory.fill(hole, seed);
                let collapsed = memory.advise(0..huge, Advice::Collapse);
                self.actor.count(Action::Collapse, collapsed);
            }
        }
        self.actor.random.pause(0, 300);
        Ok(memory.holds(all, seed))
    }

    /// Writes a file, by write(2) or through a mapping, and looks at it again.
    fn file(&mut self, action: Action) -> Kept {
        let number = self.actor.random.below(FILES);
        let path = file(action, self.actor.number, number);
        let most = if action == Action::Tmpfs { 8 } else { 12 };
        let len = self.random_size(1, most);
        let seed = self.actor.random.next();
        let mapped = self.actor.random.once_in(2);
        // Not only its contents: the file, too, is a new one.
        let _ = fs::remove_file(&path);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        if mapped {
            file.set_len(len as u64)?;
            let mut memory = Mapping::file(&file, len, Sharing::Shared)?;
            self.grow(&mut memory, 0..len, seed);
        } else {
            self.write(&mut file, 0..len, seed)?;
        }
        let rest = self.actor.random.below(4);
        match rest {
            0 => file.sync_all().and_then(|()| sys::evict(&file))?,
            1 => file.sync_data()?,
            _ => self.actor.random.pause(0, 200),
        }
        let kept = Mapping::file(&file, len, Sharing::Private)?.holds(0..len, seed);
        if self.actor.random.once_in(2) {
            fs::remove_file(&path)?;
        }
        Ok(kept)
    }

    /// Writes what [`Mapping::fill`] does.
    fn write(&mut self, file: &mut File, range: Range<usize>, seed: u64) -> io::Result<()> {
        const BLOCK: usize = 64 << 10;

        let mut block = vec![0; BLOCK];
        for start in range.step_by(BLOCK) {
            for page in (0..BLOCK).step_by(sys::page_size()) {
                let word = seed ^ (start + page) as u64;
                block[page..page + 8].copy_from_slice(&word.to_ne_bytes());
            }
            file.write_all(&block)?;
            if start % (4 * BLOCK) == 0 {
                self.actor.random.pause(0, 4);
            }
        }
        Ok(())
    }

    /// Reads a file of another tenant, whoever is charged for it.
    fn share(&mut self) -> Kept {
        io::copy(&mut self.file_of_another()?, &mut io::sink()).map(|_| true)
    }

    /// Maps such a file, and touches all of it time and again. It does not get shorter: who makes it
    /// anew removes it first.
    fn use_shared(&mut self) -> Kept {
        let file = self.file_of_another()?;
        let len = file.metadata()?.len() as usize;
        let mapping = Mapping::file(&file, len, Sharing::Private)?;
        for _ in 0..self.actor.random.between(3, 12) {
            mapping.touch(0..len);
            self.actor.random.pause(0, 200);
        }
        Ok(true)
    }

    fn file_of_another(&mut self) -> io::Result<File> {
        let owner = self.actor.random.below(super::TENANTS);
        let number = self.actor.random.below(FILES);
        let kinds = [Action::Tmpfs, Action::Cache];
        let kind = kinds[self.actor.random.below(2) as usize];
        // Some are there.
        for step in 0..FILES * super::TENANTS {
            let owner = (owner + step / FILES) % super::TENANTS;
            let path = file(kind, owner, (number + step) % FILES);
            match File::open(&path) {
                Ok(file) => return Ok(file),
                Err(_) => continue,
            }
        }
        Err(io::Error::from_raw_os_error(libc::ENOENT))
    }

    fn hugetlb(&mut self) -> Kept {
        let len = self.actor.random.between(1, 2) as usize
            * machine::hugetlb_page_size().unwrap_or(2 * MB) as usize;
        let mut memory = Mapping::hugetlb(len)?;
        let seed = self.actor.random.next();
        self.grow(&mut memory, 0..len, seed);
        self.actor.random.pause(0, 200);
        Ok(memory.holds(0..len, seed))
    }

    /// Makes files that are empty, and looks for some that are not there.
    fn names(&mut self) -> Kept {
        let number = self.actor.number;
        let directory = match self.actor.random.once_in(2) {
            true => Path::new(super::SHM).join(format!("storm-{number}-names")),
            false => disk::file(&format!("storm-{number}-names")),
        };
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory)?;
        // A few or thousands: who is slowed at every name, as above memory.high, has few.
        let count = 1 << self.actor.random.between(3, 12);
        for name in 0..count {
            File::create(directory.join(name.to_string()))?;
            let _ = fs::metadata(directory.join(format!("no-{name}")));
            if name % 256 == 0 {
                self.actor.random.pause(0, 4);
            }
        }
        let kept = fs::read_dir(&directory)?.count() as u64 == count;
        if self.actor.random.once_in(2) {
            fs::remove_dir_all(&directory)?;
        }
        Ok(kept)
    }

    /// Fills pipes, which hold what was written.
    fn pipes(&mut self) -> Kept {
        let seed = self.actor.random.next().to_ne_bytes();
        let mut pipes = Vec::new();
        for _ in 0..self.actor.random.between(10, 400) {
            let (from, mut to) = sys::pipe()?;
            to.write_all(&seed)?;
            pipes.push((from, to));
        }
        self.actor.random.pause(0, 100);
        for (from, _) in &mut pipes {
            let mut read = [0; 8];
            from.read_exact(&mut read)?;
            if read != seed {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Threads that do nothing, each with a stack.
    fn threads(&mut self) -> Kept {
        let end = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for _ in 0..self.actor.random.between(5, 100) {
            let end = Arc::clone(&end);
            let thread = std::thread::Builder::new().spawn(move || {
                while !end.load(SeqCst) {
                    std::thread::park();
                }
            });
            match thread {
                Ok(thread) => threads.push(thread),
                Err(_) => break,
            }
        }
        self.actor.random.pause(0, 200);
        end.store(true, SeqCst);
        for thread in threads {
            thread.thread().unpark();
            let _ = thread.join();
        }
        Ok(true)
    }

    /// Connections to itself, with something in them that was not read.
    fn sockets(&mut self) -> Kept {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let word = self.actor.random.next();
        let block = vec![word as u8; 16 << 10];
        let mut streams = Vec::new();
        for _ in 0..self.actor.random.between(1, 40) {
            let mut to = TcpStream::connect(address)?;
            let (from, _) = listener.accept()?;
            to.set_nonblocking(true)?;
            for _ in 0..self.actor.random.between(1, 40) {
                if to.write(&block).is_err() {
                    break;
                }
            }
            streams.push((to, from));
        }
        self.actor.random.pause(0, 100);
        let mut kept = true;
        for (_, from) in &mut streams {
            let mut first = [0; 64];
            from.set_read_timeout(Some(Duration::from_millis(200)))?;
            if let Ok(n) = from.read(&mut first) {
                kept &= first[..n].iter().all(|byte| *byte == word as u8);
            }
        }
        Ok(kept)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Memory that the kernel takes for what a process has it do: files, pipes, sockets, threads, and
//! blocks of a size.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::calls::{self, Queue, Shared};
use crate::clock::{self, Idler};
use crate::figure;
use crate::outcome::{fail, Context, Outcome};
use crate::place::{Hierarchy, Home};
use crate::sys::Mapping;
use crate::workers::{Job, Workers};

const HUGE: usize = 2 << 20;

/// How often each is done: so often that what the idler is wrong by does not matter.
const ROUNDS: usize = 4096;

/// All figures, in the root container and in one three levels deep.
pub fn all(hierarchy: &Hierarchy) -> Outcome {
    let idler = Idler::start()?;
    let root = hierarchy.root();
    let deep = hierarchy.create(&["one", "two", "three"])?;
    for (place, home) in [("root", &root), ("deep", &deep)] {
        home.run(|| operations(place, &idler))?;
    }
    blocks(hierarchy)
}

/// What a process does again and again. Much of what it had is freed a grace period later, so this
/// is waited for.
fn operations(place: &str, idler: &Idler) -> Outcome {
    let row = |name: &str, operation: &mut dyn FnMut() -> Outcome| -> Outcome {
        let mut rounds = || (0..ROUNDS).try_for_each(|_| operation());
        // Nothing is done for the first time then.
        rounds()?;
        figure(place, name, idler.least(rounds)? / ROUNDS as f64);
        Ok(())
    };

    row("open_close", &mut || {
        File::open("/dev/null").map(drop).context("/dev/null")
    })?;
    row("pipe_close", &mut || {
        calls::pipe().map(drop).context("pipe")
    })?;
    row("map_touch_unmap", &mut || {
        // The first page of 2 MiB that are nobody else's has a page table to itself.
        let mut memory = Mapping::anon(2 * HUGE)?;
        let start = memory.address(0).next_multiple_of(HUGE) - memory.address(0);
        memory.fill(start..start + 1, 1);
        Ok(())
    })?;
    for (name, path) in [
        ("create_unlink_tmpfs", "/tmp/kmem"),
        ("create_unlink_ext4", "/mnt/kmem"),
    ] {
        let path = Path::new(path);
        row(name, &mut || {
            File::create(path).context(path.display())?;
            fs::remove_file(path).context(path.display())
        })?;
    }
    row("socketpair_close", &mut || {
        UnixStream::pair().map(drop).context("socketpair")
    })?;
    row("epoll_close", &mut || {
        calls::epoll().map(drop).context("epoll")
    })?;

    let (mut ours, mut theirs) = UnixStream::pair().context("socketpair")?;
    let mut text = [1; 1024];
    row("unix_send_1k", &mut || {
        ours.write_all(&text)?;
        Ok(theirs.read_exact(&mut text)?)
    })?;

    row("thread_join", &mut || {
        let thread = std::thread::Builder::new().spawn(|| ());
        match thread.context("thread")?.join() {
            Ok(()) => Ok(()),
            Err(_) => fail("the thread panicked"),
        }
    })
}

/// Passes messages with a text of `BYTES`. What the kernel wants for one is a block of memory, with
/// 48 bytes more.
struct Passing<const BYTES: usize> {
    spent: Shared,
}

impl<const BYTES: usize> Job for Passing<BYTES> {
    type Tools = Queue;

    fn prepare(&self) -> Outcome<Queue> {
        Queue::new().context("message queue")
    }

    fn turn(&self, queue: &mut Queue, messages: u32) -> Outcome {
        let start = clock::now();
        for _ in 0..messages {
            queue.pass::<BYTES>().context("message")?;
        }
        self.spent.add(clock::now() - start);
        Ok(())
    }
}

/// A block of 64 bytes and one of 4 KiB, for a container alone and for ten that take turns on the
/// CPU.
fn blocks(hierarchy: &Hierarchy) -> Outcome {
    for (count, suffix) in [(1, ""), (10, "_turns")] {
        let homes = (0..count).map(|n| hierarchy.create(&["one", "two", &format!("block{n}")]));
        let homes = homes.collect::<Outcome<Vec<_>>>()?;
        block::<16>(&format!("block_64{suffix}"), &homes)?;
        block::<4048>(&format!("block_4k{suffix}"), &homes)?;
        homes.iter().try_for_each(Home::remove)?;
    }
    Ok(())
}

fn block<const BYTES: usize>(name: &str, homes: &[Home]) -> Outcome {
    /// Of a turn.
    const MESSAGES: u32 = 4;
    /// More than what is charged in advance lasts for, and enough that interrupts do not matter.
    const TURNS: usize = 4096;

    let job = Passing::<BYTES> {
        spent: Shared::new()?,
    };
    let mut workers = Workers::new(job, homes.len())?;
    for home in homes {
        workers.start(home)?;
    }
    let turns =
        |turns: usize| (0..turns).try_for_each(|turn| workers.turn(turn % homes.len(), MESSAGES));
    turns(TURNS / 16)?;
    let before = workers.job.spent.get();
    turns(TURNS)?;
    let spent = workers.job.spent.get() - before;
    figure(
        "deep",
        name,
        spent as f64 / TURNS as f64 / f64::from(MESSAGES),
    );
    Ok(())
}

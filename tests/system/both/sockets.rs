// SPDX-License-Identifier: GPL-2.0

//! What a connection has buffered is charged to the container of the process that made or accepted
//! it: on version 2 with all other memory, on version 1 where TCP was given a limit.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::remove::nobody_lingers;
use crate::cgroup::{process_slack, stock_slack, Cgroup, Hierarchy, Version};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::machine;
use crate::outcome::{equal, eventually, refused, skip, within, Context, Outcome, MB};
use crate::sys::{self, EINVAL};
use crate::worker::{Line, Worker};

pub const GROUP: Group = group!("sockets":
    unread, both_sides, limited, beside_protocol, left_behind, many, neighbour);

pub const V1_GROUP: Group = group!("tcp": unlimited_is_not_counted, settings, pressure);

/// What a kernel does that was told not to count sockets.
pub const NOT_COUNTED_GROUP: Group = group!("nosocket": nothing);

const LIMIT: u64 = 16 * MB;

/// As much room there is for what comes in and nobody reads, of which there is more. All together
/// is less than what TCP may have on the machine.
const FLOODED: u64 = 4 * MB;

/// What sockets of the container have.
fn buffered(container: &Cgroup) -> Outcome<u64> {
    match container.version() {
        Version::V1 => container.number("memory.kmem.tcp.usage_in_bytes"),
        Version::V2 => container.stat()?.get("sock"),
    }
}

/// A container whose sockets are counted.
fn counting(hierarchy: &Hierarchy, name: &str) -> Outcome<Cgroup> {
    if hierarchy.version() == Version::V2 && !machine::counts_sockets() {
        return skip("sockets are not counted");
    }
    sys::loopback_on().context("lo")?;
    let container = hierarchy.create(name)?;
    limit_tcp(&container, 1024 * MB)?;
    Ok(container)
}

/// Limits what TCP may have, where that has a limit of its own.
fn limit_tcp(container: &Cgroup, limit: u64) -> Outcome {
    match container.version() {
        Version::V1 => container.write("memory.kmem.tcp.limit_in_bytes", limit),
        Version::V2 => Ok(()),
    }
}

fn listen() -> Outcome<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let address = listener.local_addr().context("address")?;
    Ok((listener, address))
}

/// Sends until nothing more fits, or `most` bytes have been sent. Returns how many have.
fn stuff(stream: &mut TcpStream, most: u64) -> Outcome<u64> {
    let block = vec![0x55; 64 << 10];
    stream.set_nonblocking(true).context("nonblocking")?;
    let mut sent = 0;
    while sent < most {
        match stream.write(&block) {
            Ok(n) => sent += n as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // What a socket may have is what its container may.
            Err(error) if error.raw_os_error() == Some(sys::ENOMEM) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

/// Connects `count` times to itself, and sends what nobody reads, up to `most` bytes each.
fn connections(count: usize, most: u64) -> Outcome<Vec<(TcpStream, TcpStream)>> {
    let (listener, address) = listen()?;
    let mut streams = Vec::new();
    for _ in 0..count {
        let to = TcpStream::connect(address).context("connect")?;
        let (from, _) = listener.accept().context("accept")?;
        streams.push((to, from));
    }
    for (to, _) in &mut streams {
        stuff(to, most)?;
    }
    Ok(streams)
}

/// A process of `home` that keeps what nobody reads until it is told to go on.
fn keeping(home: &Cgroup, count: usize, most: u64) -> Outcome<Worker> {
    let mut worker = Worker::start(home, |line| {
        sys::allow_descriptors(1 << 14)?;
        let streams = connections(count, most)?;
        line.rest()?;
        drop(streams);
        Ok(())
    })?;
    worker.hear()?;
    Ok(worker)
}

fn nothing_buffered(container: &Cgroup) -> Outcome {
    eventually(|| equal("buffered at the end", buffered(container)?, 0))
}

/// As if there were no sockets, whatever they hold. A limit of their own is another matter.
fn nothing(hierarchy: &Hierarchy) -> Outcome {
    if machine::counts_sockets() {
        return skip("sockets are counted");
    }
    sys::loopback_on().context("lo")?;
    let container = hierarchy.create("nosocket")?;
    let before = container.usage()?;
    let worker = keeping(&container, 8, MB)?;
    equal("buffered", buffered(&container)?, 0)?;
    within("usage", container.usage()?, 0..=before + 2 * MB - 1)?;
    worker.finish()?;
    limit_tcp(&container, 1024 * MB)?;
    let worker = keeping(&container, 8, MB)?;
    let bytes = buffered(&container)?;
    let expected = match container.version() {
        Version::V1 => 2 * MB..=64 * MB,
        Version::V2 => 0..=0,
    };
    within("buffered with a limit", bytes, expected)?;
    worker.finish()
}

fn unread(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "unread")?;
    let worker = keeping(&container, 8, MB)?;
    let bytes = buffered(&container)?;
    within("buffered", bytes, 2 * MB..=64 * MB)?;
    match container.version() {
        Version::V1 => within("usage", container.usage()?, 0..=bytes)?,
        // What was sent may still be acknowledged.
        Version::V2 => eventually(|| {
            let (bytes, usage) = (buffered(&container)?, container.usage()?);
            check!(
                usage >= bytes,
                "usage is {usage}, of which {bytes} buffered"
            );
            Ok(())
        })?,
    }
    worker.finish()?;
    nothing_buffered(&container)?;
    within("usage at the end", container.usage()?, 0..=process_slack())
}

/// Who connects pays for what it sends, who accepts for what it receives.
fn both_sides(hierarchy: &Hierarchy) -> Outcome {
    let server = counting(hierarchy, "server")?;
    let client = counting(hierarchy, "client")?;
    let (listener, address) = listen()?;
    let mut sending = Worker::start(&client, |line| {
        let mut stream = TcpStream::connect(address).context("connect")?;
        line.say(0)?;
        stuff(&mut stream, 8 * MB)?;
        line.rest()?;
        drop(stream);
        Ok(())
    })?;
    let mut receiving = Worker::start(&server, |line| {
        let (stream, _) = listener.accept().context("accept")?;
        line.rest()?;
        drop(stream);
        Ok(())
    })?;
    sending.hear()?;
    receiving.hear()?;
    sending.hear()?;
    for container in [&server, &client] {
        eventually(|| {
            within(
                container.path().display(),
                buffered(container)?,
                64 << 10..=32 * MB,
            )
        })?;
    }
    sending.finish()?;
    receiving.finish()?;
    nothing_buffered(&server)?;
    nothing_buffered(&client)
}

/// Somebody outside sends to `container`, which has no room, what a process there does not read.
/// Returns both processes.
fn flooded(hierarchy: &Hierarchy, container: &Cgroup) -> Outcome<[Worker; 2]> {
    const CONNECTIONS: usize = 60;

    limit_tcp(container, FLOODED)?;
    if container.version() == Version::V2 {
        container.set_limit(FLOODED)?;
    }
    let (listener, address) = listen()?;
    let mut receiving = Worker::start(container, |line| {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            streams.push(listener.accept().context("accept")?);
        }
        line.rest()?;
        drop(streams);
        Ok(())
    })?;
    let mut sending = Worker::start(&counting(hierarchy, "sender")?, |line| {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            streams.push(TcpStream::connect(address).context("connect")?);
        }
        // The receiver does nothing more, for which it would need room.
        line.rest()?;
        for stream in &mut streams {
            stuff(stream, MB / 4)?;
        }
        line.rest()?;
        drop(streams);
        Ok(())
    })?;
    receiving.hear()?;
    sending.hear()?;
    sending.tell(0)?;
    sending.hear()?;
    Ok([sending, receiving])
}

/// No more is buffered than there is room for. Senders wait, and nobody is killed.
fn limited(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "limited")?;
    let workers = flooded(hierarchy, &container)?;
    // A socket that has next to nothing may exceed the limit, on version 1 by all of that.
    within("buffered", buffered(&container)?, FLOODED / 4..=2 * FLOODED)?;
    match container.version() {
        Version::V1 => check!(
            container.number("memory.kmem.tcp.failcnt")? > 0,
            "failcnt is 0"
        ),
        Version::V2 => {
            let refused = container.events()?.get("max")?;
            check!(refused > 0, "no event max");
        }
    }
    equal("processes killed", container.oom_kills()?, 0)?;
    for worker in workers {
        worker.finish()?;
    }
    nothing_buffered(&container)
}

/// Sockets that are made while `net.core.bypass_prot_mem` is set have what they buffer counted by
/// their container alone, and not against what TCP may have on the machine.
fn beside_protocol(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "beside")?;
    let room = MB;
    for beside in [false, true] {
        machine::leave_out_protocol(beside)?;
        let before = machine::tcp_memory()?;
        let worker = keeping(&container, 8, MB)?;
        within("buffered", buffered(&container)?, 2 * MB..=64 * MB)?;
        let grown = machine::tcp_memory()?.saturating_sub(before);
        // Those of before may have left, and what a CPU has taken ahead is counted.
        let expected = if beside { 0..=room } else { room..=64 * MB };
        within("what TCP has on the machine", grown, expected)?;
        worker.finish()?;
        nothing_buffered(&container)?;
    }
    Ok(())
}

/// Connections stay where they are when their process moves, and are the parent's when the
/// container has been removed.
fn left_behind(hierarchy: &Hierarchy) -> Outcome {
    let parent = counting(hierarchy, "parent")?;
    let old = parent.child("old")?;
    limit_tcp(&old, 1024 * MB)?;
    let new = parent.child("new")?;
    let worker = keeping(&old, 4, MB)?;
    let bytes = buffered(&old)?;
    within("buffered", bytes, MB..=64 * MB)?;
    new.adopt(worker.pid())?;
    within("buffered by the new one", buffered(&new)?, 0..=0)?;
    eventually(|| old.remove())?;
    within("buffered by the parent", buffered(&parent)?, MB..=bytes)?;
    worker.finish()?;
    nothing_buffered(&parent)?;
    nobody_lingers(hierarchy)?;
    within("usage at the end", parent.usage()?, 0..=process_slack())
}

/// Connections that come and go leave nothing.
fn many(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "many")?;
    let worker = Worker::start(&container, |_: &mut Line| {
        for _ in 0..200 {
            drop(connections(4, 64 << 10)?);
        }
        Ok(())
    })?;
    worker.ends_well()?;
    nothing_buffered(&container)
}

/// Who fills its container with what nobody reads does not keep others from sending.
fn neighbour(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "limited")?;
    let neighbour = counting(hierarchy, "neighbour")?;
    let filled = flooded(hierarchy, &container)?;
    let worker = Worker::start(&neighbour, |_: &mut Line| {
        let (listener, address) = listen()?;
        let mut to = TcpStream::connect(address).context("connect")?;
        let (mut from, _) = listener.accept().context("accept")?;
        let reader =
            std::thread::spawn(move || -> io::Result<u64> { io::copy(&mut from, &mut io::sink()) });
        to.set_write_timeout(Some(Duration::from_secs(20)))
            .context("timeout")?;
        let block = vec![1; 64 << 10];
        for _ in 0..256 {
            to.write_all(&block).context("send")?;
        }
        drop(to);
        let read = reader.join().expect("reader")?;
        equal("read", read, 16 * MB)
    })?;
    worker.ends_well()?;
    equal("processes killed", container.oom_kills()?, 0)?;
    for worker in filled {
        worker.finish()?;
    }
    within(
        "usage",
        neighbour.usage()?,
        0..=process_slack() + stock_slack(),
    )
}

/// Nobody has set a limit: then nothing is counted.
fn unlimited_is_not_counted(hierarchy: &Hierarchy) -> Outcome {
    sys::loopback_on().context("lo")?;
    let container = hierarchy.create("unlimited")?;
    let worker = keeping(&container, 4, MB)?;
    equal("buffered", buffered(&container)?, 0)?;
    // Those that are there are not counted later, either.
    limit_tcp(&container, LIMIT)?;
    worker.finish()?;
    equal("buffered at the end", buffered(&container)?, 0)?;
    let worker = keeping(&container, 4, MB)?;
    check!(buffered(&container)? > MB, "nothing is counted");
    worker.finish()?;
    nothing_buffered(&container)
}

fn settings(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.kmem.tcp.limit_in_bytes";

    let container = hierarchy.create("settings")?;
    container.answers(
        FILE,
        LIMIT,
        &[
            ("32M", Ok(32 * MB)),
            ("0", Ok(0)),
            ("4097", Ok(4096)),
            ("abc", Err(EINVAL)),
            ("-2", Err(EINVAL)),
        ],
    )?;
    refused(FILE, hierarchy.root().try_write(FILE, "1M"), EINVAL)?;
    equal(
        "memory.kmem.tcp.failcnt",
        container.number("memory.kmem.tcp.failcnt")?,
        0,
    )
}

/// The most that was in use, and how often there was no room.
fn pressure(hierarchy: &Hierarchy) -> Outcome {
    let container = counting(hierarchy, "pressure")?;
    limit_tcp(&container, LIMIT / 4)?;
    keeping(&container, 20, MB)?.finish()?;
    let most = container.number("memory.kmem.tcp.max_usage_in_bytes")?;
    within("max_usage", most, LIMIT / 8..=LIMIT)?;
    check!(
        container.number("memory.kmem.tcp.failcnt")? > 0,
        "failcnt is 0"
    );
    nothing_buffered(&container)?;
    for file in [
        "memory.kmem.tcp.failcnt",
        "memory.kmem.tcp.max_usage_in_bytes",
    ] {
        container.write(file, 0)?;
        equal(file, container.number(file)?, 0)?;
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! What a process has a connection do, to itself. On cgroup v1 nothing of this is charged.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use crate::clock::Idler;
use crate::figure;
use crate::outcome::{fail, Context, Outcome};
use crate::place::{Hierarchy, Kind};
use crate::sys;
use crate::workers::{Job, Workers};

const BYTES: usize = 16 << 10;

/// All figures, in the root container and in one three levels deep.
pub fn all(hierarchy: &Hierarchy) -> Outcome {
    sys::loopback_on().context("lo")?;
    let idler = Idler::start()?;
    let root = hierarchy.root();
    let deep = hierarchy.create(&["one", "two", "three"])?;
    for (place, home) in [("root", &root), ("deep", &deep)] {
        home.run(|| operations(place, &idler))?;
    }
    match hierarchy.kind {
        Kind::V2 => beside(hierarchy, &idler),
        _ => Ok(()),
    }
}

/// Accepts connections, and reads nothing.
struct Receiving(TcpListener);

impl Job for Receiving {
    type Tools = Vec<TcpStream>;

    fn prepare(&self) -> Outcome<Self::Tools> {
        Ok(Vec::new())
    }

    fn turn(&self, streams: &mut Self::Tools, count: u32) -> Outcome {
        for _ in 0..count {
            streams.push(self.0.accept().context("accept")?.0);
        }
        Ok(())
    }
}

/// Connects, or sends.
struct Sending(SocketAddr);

impl Sending {
    const SEND: u32 = u32::MAX / 2;
    /// Is sent on each connection at most: what does not fit waits here.
    const BLOCKS: usize = 16;
}

impl Job for Sending {
    type Tools = Vec<TcpStream>;

    fn prepare(&self) -> Outcome<Self::Tools> {
        Ok(Vec::new())
    }

    fn turn(&self, streams: &mut Self::Tools, count: u32) -> Outcome {
        if count != Self::SEND {
            for _ in 0..count {
                streams.push(TcpStream::connect(self.0).context("connect")?);
            }
            return Ok(());
        }
        let block = vec![1; BYTES];
        for stream in streams {
            stream.set_nonblocking(true).context("nonblocking")?;
            let _ = (0..Self::BLOCKS).find(|_| stream.write(&block).is_err());
        }
        Ok(())
    }
}

/// The same operation next to a container whose limit is filled by what nobody there reads.
fn beside(hierarchy: &Hierarchy, idler: &Idler) -> Outcome {
    const LIMIT: u64 = 64 << 20;
    const CONNECTIONS: u32 = 500;
    /// As many may wait to be accepted.
    const AT_ONCE: u32 = 100;
    const POOL: &str = "/proc/sys/net/ipv4/tcp_mem";
    const BUFFER: &str = "/proc/sys/net/ipv4/tcp_rmem";

    let full = hierarchy.create(&["full"])?;
    let neighbour = hierarchy.create(&["neighbour"])?;
    full.write("memory.max", &LIMIT.to_string())?;
    // What TCP may have on the machine is another bound, which is met by everybody.
    let pool = fs::read_to_string(POOL).context(POOL)?;
    fs::write(POOL, "1000000 1000000 1000000").context(POOL)?;
    let buffer = fs::read_to_string(BUFFER).context(BUFFER)?;
    fs::write(BUFFER, "4096 524288 6291456").context(BUFFER)?;
    neighbour.run(|| send("alone", idler))?;
    // For each of the processes that keep the ends.
    sys::allow_descriptors(1 << 14).context("RLIMIT_NOFILE")?;
    let (listener, address) = listen()?;
    let mut receiving = Workers::new(Receiving(listener), 1)?;
    receiving.start(&full)?;
    let mut sending = Workers::new(Sending(address), 1)?;
    sending.start(&hierarchy.create(&["sender"])?)?;
    for _ in 0..CONNECTIONS / AT_ONCE {
        sending.turn(0, AT_ONCE)?;
        receiving.turn(0, AT_ONCE)?;
    }
    sending.turn(0, Sending::SEND)?;
    let read = |file: &str, key: &str| -> Outcome<f64> {
        let path = full.0.join(file);
        let text = fs::read_to_string(&path).context(path.display())?;
        let value = text.lines().find_map(|line| line.strip_prefix(key));
        match value.map(|value| value.trim().parse()) {
            Some(Ok(value)) => Ok(value),
            _ => fail(format!("{}: no number {key}", path.display())),
        }
    };
    for (name, file, key) in [
        ("unread_usage", "memory.current", ""),
        ("unread_bytes", "memory.stat", "sock "),
        ("unread_throttled", "memory.events", "sock_throttled "),
    ] {
        figure("beside", name, read(file, key)?);
    }
    if read("memory.events", "oom_kill ")? != 0.0 {
        return fail("somebody was killed");
    }
    neighbour.run(|| send("beside", idler))?;
    drop((sending, receiving));
    fs::write(POOL, pool).context(POOL)?;
    fs::write(BUFFER, buffer).context(BUFFER)?;
    Ok(())
}

fn listen() -> Outcome<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let address = listener.local_addr().context("address")?;
    Ok((listener, address))
}

fn pair(listener: &TcpListener, address: SocketAddr) -> Outcome<(TcpStream, TcpStream)> {
    let ours = TcpStream::connect(address).context("connect")?;
    let (theirs, _) = listener.accept().context("accept")?;
    Ok((ours, theirs))
}

fn row(
    place: &str,
    idler: &Idler,
    (name, rounds): (&str, usize),
    mut operation: impl FnMut() -> Outcome,
) -> Outcome {
    let mut all = || (0..rounds).try_for_each(|_| operation());
    // Nothing is done for the first time then.
    all()?;
    figure(place, name, idler.least(all)? / rounds as f64);
    Ok(())
}

fn send(place: &str, idler: &Idler) -> Outcome {
    let (listener, address) = listen()?;
    let (mut ours, mut theirs) = pair(&listener, address)?;
    let mut text = vec![1; BYTES];
    row(place, idler, ("tcp_send_16k", 4096), || {
        ours.write_all(&text)?;
        Ok(theirs.read_exact(&mut text)?)
    })
}

fn operations(place: &str, idler: &Idler) -> Outcome {
    send(place, idler)?;
    let (listener, address) = listen()?;
    row(place, idler, ("tcp_connect_close", 512), || {
        pair(&listener, address).map(drop)
    })
}

// SPDX-License-Identifier: GPL-2.0

//! What a process has a connection do, to itself. On cgroup v1 nothing of this is charged.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::clock::Idler;
use crate::figure;
use crate::outcome::{Context, Outcome};
use crate::place::Hierarchy;
use crate::sys;

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
    Ok(())
}

fn operations(place: &str, idler: &Idler) -> Outcome {
    let row = |name: &str, rounds: usize, operation: &mut dyn FnMut() -> Outcome| -> Outcome {
        let mut all = || (0..rounds).try_for_each(|_| operation());
        // Nothing is done for the first time then.
        all()?;
        figure(place, name, idler.least(all)? / rounds as f64);
        Ok(())
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let address = listener.local_addr().context("address")?;
    let pair = || -> Outcome<(TcpStream, TcpStream)> {
        let ours = TcpStream::connect(address).context("connect")?;
        let (theirs, _) = listener.accept().context("accept")?;
        Ok((ours, theirs))
    };

    let (mut ours, mut theirs) = pair()?;
    let mut text = vec![1; BYTES];
    row("tcp_send_16k", 4096, &mut || {
        ours.write_all(&text)?;
        Ok(theirs.read_exact(&mut text)?)
    })?;
    row("tcp_connect_close", 512, &mut || pair().map(drop))
}

// SPDX-License-Identifier: GPL-2.0

//! What it costs when a container has to give up pages that are mapped: pages that it alone uses,
//! and pages that another one uses, which touches them again. The file is a RAM disk, see
//! `limits.rs`: with a disk, to read a page again costs more.

use std::fs;

use crate::calls::Shared;
use crate::clock::{self, median};
use crate::figure;
use crate::limits::{self, Disk};
use crate::outcome::{Context, Outcome};
use crate::place::{Hierarchy, Home, Kind};
use crate::sys::Mapping;
use crate::workers::{Job, Workers};

const MB: usize = 1 << 20;
const PAGE: usize = 4096;

/// What is mapped, and what of that has room when the limit has been lowered.
const FROM: usize = 12 * MB;
const TO: usize = 8 * MB;

const TIMES: usize = 5;

/// Turns hand-over on or off, if the controller does so.
pub fn switch(on: bool) -> Outcome {
    const SWITCH: &str = "/sys/kernel/mm/memctl/handover";

    if fs::exists(SWITCH)? {
        fs::write(SWITCH, u8::from(on).to_string()).context(SWITCH)?;
    }
    Ok(())
}

/// To touch the start of the file, which is mapped.
struct Touching(Shared);

impl Job for Touching {
    type Tools = Mapping;

    fn prepare(&self) -> Outcome<Mapping> {
        limits::map(&limits::open()?, FROM)
    }

    fn turn(&self, mapping: &mut Mapping, _amount: u32) -> Outcome {
        let before = clock::now();
        mapping.touch(0..FROM);
        self.0.add(clock::now() - before);
        Ok(())
    }
}

/// A process in `home` that does so.
fn user(home: &Home) -> Outcome<Workers<Touching>> {
    let mut user = Workers::new(Touching(Shared::new()?), 1)?;
    user.start(home)?;
    Ok(user)
}

/// Has it touch all; returns how many instructions that takes.
fn touch(user: &Workers<Touching>) -> Outcome<u64> {
    let before = user.job.0.get();
    user.turn(0, 1)?;
    Ok(user.job.0.get() - before)
}

/// Lowers the limit of `home`; returns what that takes, and how many pages went.
fn lower(hierarchy: &Hierarchy, home: &Home) -> Outcome<(u64, usize)> {
    let full = hierarchy.usage(home)?;
    let before = clock::now();
    home.write(hierarchy.limit_file(), &TO.to_string())?;
    let took = clock::now() - before;
    let pages = full.saturating_sub(hierarchy.usage(home)?) as usize / PAGE;
    home.write(hierarchy.limit_file(), hierarchy.unlimited())?;
    Ok((took, pages.max(1)))
}

pub fn all(hierarchy: &Hierarchy) -> Outcome {
    if hierarchy.kind == Kind::Uncontrolled {
        return Ok(());
    }
    let owner = hierarchy.create(&["one", "two", "owner"])?;
    let other = hierarchy.create(&["one", "two", "other"])?;
    let disk = Disk::fill()?;

    let alone = || {
        median(TIMES, || {
            disk.evict()?;
            let user = user(&owner)?;
            touch(&user)?;
            let (took, pages) = lower(hierarchy, &owner)?;
            Ok(took as f64 / pages as f64)
        })
    };
    switch(false)?;
    figure("off", "reclaim_mapped", alone()?);
    switch(true)?;
    figure("deep", "reclaim_mapped", alone()?);

    let shared = |again: bool| {
        median(TIMES, || {
            disk.evict()?;
            owner.run(|| disk.read(0..FROM).map(drop))?;
            let user = user(&other)?;
            touch(&user)?;
            let still = touch(&user)?;
            let (took, pages) = lower(hierarchy, &owner)?;
            let touched = touch(&user)?.saturating_sub(still);
            let took = if again { took + touched } else { took };
            Ok(took as f64 / pages as f64)
        })
    };
    figure("deep", "reclaim_shared", shared(false)?);
    figure("deep", "reclaim_shared_again", shared(true)?);
    for home in [owner, other] {
        home.remove()?;
    }
    Ok(())
}

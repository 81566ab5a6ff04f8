// SPDX-License-Identifier: GPL-2.0

//! `cgroup.event_control`: who writes `<eventfd> <file> <arguments>` to it is told of what happens
//! to that file, until the eventfd is closed or the container removed.
#![deny(unsafe_code)]

use super::v1::UNLIMITED;
use crate::{
    c::{
        listener::Watched,
        memcg::MemCgroup,
        wish::{
            Measured,
            Mode,
            OutOfMemory,
            Pressure, //
        },
    },
    pressure::oom,
    usage::thresholds,
    PAGES,
};
use kernel::{
    bindings as c,
    cgroup::{
        Show,
        Write, //
    },
    prelude::*,
    seq_file::SeqFile,
    sync::counted::Counted, //
};

/// The number at the beginning of `text`, and what is behind it. Digits beyond those of the number
/// of a file do not count.
fn number(text: &[u8]) -> (u32, &[u8]) {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits).unwrap_or((text, b""));
    let value = digits.iter().fold(0u32, |value, digit| {
        value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))
    });
    (value, rest)
}

/// The numbers of eventfd and file, and the arguments.
///
/// # Errors
///
/// `EINVAL` if there is something else behind a number than a blank.
fn parse(text: &[u8]) -> Result<(u32, u32, &[u8])> {
    let (eventfd, rest) = number(text);
    let (file, rest) = number(rest.strip_prefix(b" ").ok_or(EINVAL)?);
    match rest {
        [] => Ok((eventfd, file, rest)),
        [b' ', arguments @ ..] => Ok((eventfd, file, arguments)),
        _ => Err(EINVAL),
    }
}

/// What is asked for of `memory.pressure_level`: a level, and a mode behind a comma.
///
/// # Errors
///
/// `EINVAL` if there is no such level, or no such mode.
fn pressure(arguments: &[u8]) -> Result<Pressure> {
    let mut parts = arguments.split(|b| *b == b',');
    let level = match parts.next() {
        Some(b"low") => c::vmpressure_levels_VMPRESSURE_LOW,
        Some(b"medium") => c::vmpressure_levels_VMPRESSURE_MEDIUM,
        Some(b"critical") => c::vmpressure_levels_VMPRESSURE_CRITICAL,
        _ => return Err(EINVAL),
    };
    let mode = match parts.next() {
        None | Some(b"default") => Mode::Default,
        Some(b"hierarchy") => Mode::Hierarchy,
        Some(b"local") => Mode::Local,
        Some(_) => return Err(EINVAL),
    };
    Ok(Pressure { level, mode })
}

/// Takes who wants to be told.
pub(crate) struct EventControl;

impl EventControl {
    fn threshold(
        memcg: &Counted<MemCgroup>,
        eventfd: &Watched,
        of: Measured,
        text: &[u8],
    ) -> Result {
        let pages = PAGES.parse(text, UNLIMITED)?;
        eventfd.listen(memcg, thresholds::new(memcg, of, pages))?;
        // Usage may have changed meanwhile.
        thresholds::look(memcg);
        Ok(())
    }
}

impl Write for EventControl {
    type Data = MemCgroup;

    fn write(memcg: &Counted<MemCgroup>, text: &[u8], _nonblock: bool) -> Result {
        let (eventfd, file, arguments) = parse(text)?;
        let eventfd = Watched::new(eventfd)?;
        let file = Watched::new(file);
        eventfd.expect_eventfd()?;
        let file = file?;
        let name = file.cgroup_file()?;
        if !file.is_of(memcg) {
            return Err(EINVAL);
        }
        match name {
            b"memory.oom_control" => {
                let listener = eventfd.listen(memcg, OutOfMemory)?;
                if oom::is_under_oom(memcg) {
                    listener.tell();
                }
                Ok(())
            }
            b"memory.pressure_level" => eventfd.listen(memcg, pressure(arguments)?).map(drop),
            b"memory.usage_in_bytes" => {
                Self::threshold(memcg, &eventfd, Measured::Memory, arguments)
            }
            b"memory.memsw.usage_in_bytes" if cfg!(CONFIG_SWAP) => {
                Self::threshold(memcg, &eventfd, Measured::MemSw, arguments)
            }
            _ => Err(EINVAL),
        }
    }
}

/// There is nothing to read; but a file that can be opened can be listened to.
pub(crate) struct PressureLevel;

impl Show for PressureLevel {
    type Data = MemCgroup;

    fn show(_memcg: &Counted<MemCgroup>, _seq: &SeqFile) -> Result {
        Err(EINVAL)
    }
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/v1_events.rs"]
mod tests;

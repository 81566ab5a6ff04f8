// SPDX-License-Identifier: GPL-2.0

//! What the files of the controller answer, to be compared with those of another controller.
//!
//! A line is printed for each case, of four fields with tabs between them: the file, what was done,
//! the answer (a number of bytes or the name of an error), and the value that the file has then.
//! Two controllers that behave alike print the same lines. What may vary from run to run is put in
//! words here, such as "much", so that nothing need be left out of the comparison.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};

use crate::cgroup::{Cgroup, Hierarchy, Version};
use crate::disk;
use crate::held;
use crate::machine;
use crate::outcome::{Context, Outcome, MB};
use crate::sys::{self, Mapping};
use crate::worker::run_in;

/// What settings are before each write: no multiple of anything that is written.
const BEFORE: &str = "33554432";

/// How much is charged where a container is to have had some.
const CONTENT: u64 = 4 * MB;

/// Texts for every file. A `\x` that is not ASCII is one byte.
const TEXTS: &[&[u8]] = &[
    // nothing
    b"",
    b"\n",
    b"\n\n",
    b" ",
    b"\t",
    b"\0",
    // small numbers
    b"0",
    b"0\n",
    b"00",
    b"1",
    b"1\n",
    b"01",
    b"2",
    b"35",
    b"100",
    b"200",
    b"201",
    b"1000",
    b"4095",
    b"4096",
    b"4097",
    b"8191",
    b"65536",
    b"33554433",
    b"67108864",
    b"67108864\n",
    b"67112959",
    // signs
    b"-0",
    b"-1",
    b"-1\n",
    b" -1",
    b"-1 ",
    b"-01",
    b"-1M",
    b"-2",
    b"-5",
    b"-4096",
    b"-2147483648",
    b"-2147483649",
    b"-9223372036854775808",
    b"-18446744073709551615",
    b"+0",
    b"+1",
    b"+64M",
    b"++1",
    b"--1",
    b"+-1",
    b"-",
    b"+",
    b"- 1",
    // the ends of what fits
    b"2147483647",
    b"2147483648",
    b"4294967295",
    b"4294967296",
    b"4294967297",
    b"9223372036854767615",
    b"9223372036854767616",
    b"9223372036854771711",
    b"9223372036854771712",
    b"9223372036854771713",
    b"9223372036854775807",
    b"9223372036854775808",
    b"9223372036854775809",
    b"18446744073709547520",
    b"18446744073709551614",
    b"18446744073709551615",
    b"18446744073709551616",
    b"18446744073709551617",
    b"18446744073742999552",
    b"36893488147419103232",
    b"99999999999999999999",
    b"123456789012345678901234567890",
    b"9007199254740991K",
    b"9007199254740992K",
    b"18014398509481983K",
    b"18014398509481984K",
    b"8388607T",
    b"8388608T",
    b"16777216T",
    b"000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    // blanks and lines
    b" 64M",
    b"  64M  ",
    b"\t64M",
    b"\n64M",
    b"\x0b64M",
    b"\xa064M",
    b"64M ",
    b"64M\t",
    b"64M\n",
    b"64M\n\n",
    b"64M\r\n",
    b"64M\x0b",
    b"64M\x0c",
    b"64M\xa0",
    b"64M 1",
    b"64M\n64M\n",
    b"1 2",
    b"1,2",
    b"1\n2\n",
    b"1 ",
    b" 1",
    b"\n1\n",
    b"\xa01",
    b"1\xa0",
    // suffixes
    b"64k",
    b"64K",
    b"64m",
    b"64M",
    b"64g",
    b"1G",
    b"1t",
    b"1T",
    b"1p",
    b"1P",
    b"1e",
    b"1E",
    b"8E",
    b"15E",
    b"16E",
    b"1024E",
    b"1Z",
    b"64B",
    b"64b",
    b"64KB",
    b"64kB",
    b"64MB",
    b"64MiB",
    b"64Ki",
    b"64KK",
    b"0K",
    b"K",
    b"M",
    b"64 M",
    b"64M-",
    b"64%",
    // other ways to write numbers
    b"1.5G",
    b"1.0",
    b".5",
    b"1e3",
    b"0x1",
    b"0x10",
    b"0X10",
    b"0x",
    b"0xg",
    b"0x4000000",
    b"0x10000K",
    b"0xFFFFFFFFFFFFFFFF",
    b"0x10000000000000000",
    b"-0x1",
    b"010",
    b"08",
    b"0b1",
    b"0o10",
    b"1_000",
    b"1'000",
    // words
    b"max",
    b"max\n",
    b" max",
    b"\nmax",
    b"max ",
    b"max\t\n",
    b"\xa0max",
    b"max\xa0",
    b"MAX",
    b"Max",
    b"ma",
    b"maxi",
    b"maximum",
    b"max max",
    b"max 1",
    b"-max",
    b"unlimited",
    b"inf",
    b"none",
    b"default",
    b"yes",
    b"no",
    b"on",
    b"off",
    b"true",
    b"y",
    b"Y",
    b"n",
    b"N",
    b"abc",
    b"low",
    b"medium,local",
    b"%d%s%n",
    // what ends a string of C
    b"1\0",
    b"1\x002",
    b"0\0",
    b"64M\0",
    b"64M\0junk",
    b"64M \0",
    b"64M\0\n",
    b"max\0",
    b"max\0imum",
    b"\0max",
    b"\x0064M",
    // no ASCII
    "é".as_bytes(),
    "６４M".as_bytes(),
    "64M\u{a0}".as_bytes(),
    "\u{feff}64M".as_bytes(),
    b"\xff\xfe",
];

/// What only memory.reclaim knows.
const RECLAIM_TEXTS: &[&[u8]] = &[
    b"1M swappiness=0",
    b"1M swappiness=1",
    b"1M swappiness=60",
    b"1M swappiness=200",
    b"1M swappiness=201",
    b"1M swappiness=max",
    b"1M swappiness=max\n",
    b"1M swappiness=MAX",
    b"1M swappiness=maximum",
    b"1M swappiness=-1",
    b"1M swappiness=+5",
    b"1M swappiness=abc",
    b"1M swappiness=60abc",
    b"1M swappiness=60K",
    b"1M swappiness=0x10",
    b"1M swappiness=010",
    b"1M swappiness=1.5",
    b"1M swappiness=4294967296",
    b"1M swappiness=4294967356",
    b"1M swappiness=18446744073709551676",
    b"1M swappiness=",
    b"1M swappiness",
    b"1M swappiness =60",
    b"1M swappiness= 60",
    b"1M swappiness=60 ",
    b"1M swappiness=60\n",
    b"1M  swappiness=60",
    b" 1M swappiness=60",
    b"1M\tswappiness=60",
    b"1M\nswappiness=60",
    b"1M,swappiness=60",
    b"1M swappiness=60 swappiness=60",
    b"1M swappiness=max swappiness=60",
    b"1M swappiness=60 swappiness=max",
    b"1M swappiness=60 swappiness=abc",
    b"1M swappiness=60 swappiness=201",
    b"1M swappiness=60 foo",
    b"1M swappiness=60\0",
    b"1M swappiness=60\0 foo",
    b"1M Swappiness=60",
    b"1M xswappiness=60",
    b"1M foo",
    b"1M foo=1",
    b"1M =",
    b"1M 2M",
    b"1M 60",
    b"1M max",
    b"swappiness=60",
    b"swappiness=60 1M",
    b"0 swappiness=0",
    b"0 swappiness=201",
    b"0 foo",
    b"0K swappiness=max",
    b"max swappiness=max",
    b" swappiness=60",
    b"4095 swappiness=60",
];

/// A text of `len` bytes, with `start` and `end` and as much of `filling` between them as it takes.
fn long(start: &str, filling: &str, len: usize, end: &str) -> Vec<u8> {
    let mut text = start.as_bytes().to_vec();
    let filling = filling.bytes().cycle();
    text.extend(filling.take(len - start.len() - end.len()));
    text.extend(end.as_bytes());
    text
}

/// What is written, and how it is called in the report.
fn inputs(file: &str) -> Vec<(String, Vec<u8>)> {
    let more = match file {
        "memory.reclaim" => RECLAIM_TEXTS,
        _ => &[],
    };
    let name = |text: &&[u8]| (format!("\"{}\"", text.escape_ascii()), text.to_vec());
    let mut inputs: Vec<_> = TEXTS.iter().chain(more).map(name).collect();
    for len in [4094, 4095, 4096, 4097, MB as usize] {
        for (filling, what) in [(" ", "blanks"), ("1", "ones"), ("\0", "NULs")] {
            inputs.push((format!("{len} bytes: {what}"), long("", filling, len, "")));
        }
        for (start, filling, end) in [
            ("", "0", "64M"),
            ("", " ", "64M"),
            ("64M", " ", ""),
            ("64M", "\n", ""),
            ("64M", "\0", ""),
            ("64M", " ", "x"),
            ("1", " ", ""),
            ("", "0", "1"),
            ("max", " ", ""),
            ("", "64M\n", ""),
        ] {
            inputs.push((
                format!("{len} bytes: {start:?} {filling:?}... {end:?}"),
                long(start, filling, len, end),
            ));
        }
    }
    inputs
}

/// Where a file is.
struct Place<'a> {
    name: &'a str,
    cgroup: Cgroup,
}

/// What a file of a container is set to, or what is done in it, before each write.
#[derive(Clone, Copy)]
enum State {
    AsItIs,
    Setting(&'static str),
    /// It has had [`CONTENT`].
    Watermark,
    /// Its limit was reached.
    Failures,
    /// It has as much page cache.
    Cache,
}

impl Place<'_> {
    fn is_root(&self) -> bool {
        self.name == "root"
    }

    fn report(&self, file: &str, case: &str, answer: &str, value: &str) {
        println!("{}/{file}\t{case}\t{answer}\t{value}", self.name);
    }

    /// The files in the container's directory, by name, with their modes.
    fn files(&self) -> Outcome<BTreeMap<String, u32>> {
        let path = self.cgroup.path();
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(path).context(path.display())?.flatten() {
            let metadata = entry.metadata().context(entry.path().display())?;
            if metadata.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                files.insert(name, metadata.permissions().mode() & 0o7777);
            }
        }
        Ok(files)
    }

    fn open(&self, file: &str, flags: i32) -> io::Result<File> {
        let access = flags & sys::O_ACCMODE;
        OpenOptions::new()
            .read(access != sys::O_WRONLY)
            .write(access != sys::O_RDONLY)
            .custom_flags(flags & !sys::O_ACCMODE)
            .open(self.cgroup.file(file))
    }

    /// Limits that have to be in place for the file's own state.
    fn set_up(&self, file: &str) {
        let limits: &[_] = match file {
            "memory.memsw.limit_in_bytes" => &[("memory.limit_in_bytes", "16M")],
            "memory.failcnt" => &[("memory.limit_in_bytes", "2M")],
            "memory.memsw.failcnt" => &[
                ("memory.limit_in_bytes", "2M"),
                ("memory.memsw.limit_in_bytes", "2M"),
            ],
            _ => &[],
        };
        for (limit, value) in limits {
            // A refusal shows in the answers.
            let _ = self.cgroup.try_write(limit, value);
        }
    }

    fn state(&self, file: &str) -> State {
        match file {
            "memory.min" | "memory.low" | "memory.high" | "memory.max" => State::Setting(BEFORE),
            "memory.swap.max" | "memory.swap.high" | "memory.zswap.max" => State::Setting(BEFORE),
            "memory.limit_in_bytes" | "memory.soft_limit_in_bytes" => State::Setting(BEFORE),
            "memory.memsw.limit_in_bytes" => State::Setting(BEFORE),
            "memory.kmem.limit_in_bytes" | "memory.kmem.tcp.limit_in_bytes" => {
                State::Setting(BEFORE)
            }
            "memory.swappiness" => State::Setting("35"),
            "memory.oom.group" | "memory.oom_control" | "memory.zswap.writeback" => {
                State::Setting("1")
            }
            "memory.reclaim" if self.name != "child" => State::Cache,
            "memory.force_empty" if self.name == "filled" => State::Cache,
            _ if self.is_root() => State::AsItIs,
            "memory.peak" | "memory.max_usage_in_bytes" => State::Watermark,
            "memory.memsw.max_usage_in_bytes" => State::Watermark,
            "memory.failcnt" | "memory.memsw.failcnt" => State::Failures,
            _ => State::AsItIs,
        }
    }

    fn bring_about(&self, file: &str, state: State) -> Outcome {
        let path = disk::file("content");
        match state {
            State::AsItIs => Ok(()),
            // Root refuses some, which shows in the answers.
            State::Setting(value) => {
                let _ = self.cgroup.try_write(file, value);
                Ok(())
            }
            State::Watermark => run_in(&self.cgroup, || {
                let len = CONTENT as usize;
                Mapping::anon(len)?.fill(0..len, 1);
                Ok(())
            }),
            State::Failures | State::Cache => {
                disk::evict(&path)?;
                run_in(&self.cgroup, || disk::read(&path))
            }
        }
    }

    /// The file that shows what writing to `file` has done.
    fn shown_by<'f>(&self, file: &'f str) -> Option<&'f str> {
        match file {
            "memory.reclaim" if self.is_root() => None,
            "memory.reclaim" => Some("memory.current"),
            "memory.force_empty" if self.is_root() => None,
            "memory.force_empty" => Some("memory.usage_in_bytes"),
            _ => Some(file),
        }
    }

    /// What an open file says, in words where a number may vary.
    fn value(&self, name: &str, file: &File) -> String {
        let mut text = vec![0; 1 << 16];
        match file.read_at(&mut text, 0) {
            Ok(len) => text.truncate(len),
            Err(error) => return sys::errno_name(&error),
        }
        let number = std::str::from_utf8(&text).ok();
        let number = number.and_then(|text| text.trim_end().parse::<u64>().ok());
        let counts = |ending: &&str| name.ends_with(ending);
        match number {
            Some(n) if ["usage_in_bytes", "current", "peak"].iter().any(counts) => {
                if n < CONTENT / 2 { "little" } else { "much" }.into()
            }
            Some(n) if counts(&"failcnt") => if n == 0 { "none" } else { "some" }.into(),
            _ if ["memory.stat", "memory.numa_stat"].contains(&name) => "numbers".into(),
            _ if self.is_root() && name == "memory.oom_control" => "numbers".into(),
            _ => text.escape_ascii().to_string(),
        }
    }

    /// What the file has then, and what whoever wrote sees, if that is something else.
    fn value_after(&self, file: &str, written: Option<&File>) -> String {
        let Some(name) = self.shown_by(file) else {
            return "-".into();
        };
        let now = match self.open(name, sys::O_RDONLY) {
            Ok(file) => self.value(name, &file),
            Err(error) => sys::errno_name(&error),
        };
        let seen = written.map(|file| self.value(name, file));
        match seen {
            Some(seen) if name == file && seen != now => format!("{now}, to its writer {seen}"),
            _ => now,
        }
    }

    /// Opens the file with `flags`, has `write` write to it, and reports.
    fn written_by(
        &self,
        file: &str,
        state: State,
        case: &str,
        flags: i32,
        write: impl Fn(&mut File) -> String,
    ) -> Outcome {
        self.bring_about(file, state)?;
        match self.open(file, flags) {
            Ok(mut open) => {
                let answer = write(&mut open);
                let seen = (flags & sys::O_ACCMODE == sys::O_RDWR).then_some(&open);
                self.report(file, case, &answer, &self.value_after(file, seen));
            }
            Err(error) => {
                let answer = format!("open: {}", sys::errno_name(&error));
                self.report(file, case, &answer, &self.value_after(file, None));
            }
        }
        Ok(())
    }

    /// Writes everything there is to a writable file.
    fn writes(&self, file: &str) -> Outcome {
        self.set_up(file);
        let state = self.state(file);
        // What cannot be read cannot show its writer anything.
        let flags = match self.shown_by(file) {
            Some(shown) if shown == file => sys::O_RDWR,
            _ => sys::O_WRONLY,
        };
        for (case, text) in inputs(file) {
            let case = format!("write {case}");
            self.written_by(file, state, &case, flags, |open| answer(open.write(&text)))?;
        }

        let one = |text: &'static [u8]| move |open: &mut File| answer(open.write(text));
        let at = |text: &'static [u8], offset| {
            move |open: &mut File| answer(open.write_at(text, offset))
        };
        let two = |first: &'static [u8], second: &'static [u8]| {
            move |open: &mut File| {
                let first = answer(open.write(first));
                format!("{first} {}", answer(open.write(second)))
            }
        };
        for (case, text, more_flags) in [
            ("O_TRUNC, 64M", b"64M" as &[u8], sys::O_TRUNC),
            ("O_APPEND, 64M", b"64M", sys::O_APPEND),
            ("O_NONBLOCK, 64M", b"64M", sys::O_NONBLOCK),
            ("O_TRUNC, 1", b"1", sys::O_TRUNC),
            ("O_APPEND, 1", b"1", sys::O_APPEND),
            ("O_NONBLOCK, 1", b"1", sys::O_NONBLOCK),
        ] {
            self.written_by(file, state, case, flags | more_flags, one(text))?;
        }
        for (case, text, offset) in [
            ("64M at 1", b"64M" as &[u8], 1),
            ("64M at 4096", b"64M", 4096),
            ("1 at 5000000000", b"1", 5_000_000_000),
            ("nothing at 3", b"", 3),
        ] {
            self.written_by(file, state, case, flags, at(text, offset))?;
        }
        for (case, first, second) in [
            ("6, then 4M", b"6" as &[u8], b"4M" as &[u8]),
            ("1, then 0", b"1", b"0"),
            ("64M, then abc", b"64M", b"abc"),
            ("abc, then 64M", b"abc", b"64M"),
            ("64M, then nothing", b"64M", b""),
            ("max, then a newline", b"max", b"\n"),
        ] {
            self.written_by(file, state, case, flags, two(first, second))?;
        }
        Ok(())
    }

    /// Writes to a file that is not for writing, which the super-user may open.
    fn refused_writes(&self, file: &str) -> Outcome {
        for text in ["", "\n", "0", "1", "max", "64M", "abc"] {
            let case = format!("write {text:?}");
            self.written_by(file, State::AsItIs, &case, sys::O_WRONLY, |open| {
                answer(open.write(text.as_bytes()))
            })?;
        }
        Ok(())
    }

    fn opens(&self, file: &str) {
        for (case, flags) in [
            ("open O_RDONLY", sys::O_RDONLY),
            ("open O_WRONLY", sys::O_WRONLY),
            ("open O_RDWR", sys::O_RDWR),
            ("open O_RDONLY|O_TRUNC", sys::O_RDONLY | sys::O_TRUNC),
            ("open O_WRONLY|O_TRUNC", sys::O_WRONLY | sys::O_TRUNC),
            ("open O_RDWR|O_APPEND", sys::O_RDWR | sys::O_APPEND),
            ("open O_RDONLY|O_NONBLOCK", sys::O_RDONLY | sys::O_NONBLOCK),
            ("open O_RDWR|O_DIRECT", sys::O_RDWR | sys::O_DIRECT),
            ("open O_RDONLY|O_DIRECTORY", sys::O_DIRECTORY),
        ] {
            match self.open(file, flags) {
                Ok(_) => self.report(file, case, "opened", "-"),
                Err(error) => self.report(file, case, &sys::errno_name(&error), "-"),
            }
        }
    }

    fn reads(&self, file: &str) -> Outcome {
        let mut open = self.open(file, sys::O_RDONLY).context(file)?;
        let mut text = Vec::new();
        let read = open.read_to_end(&mut text);
        let answer_to_read = match read {
            Ok(0) => "nothing",
            Ok(_) => "some",
            Err(error) => &sys::errno_name(&error),
        };
        let keys = keys(&text);
        if keys.is_empty() {
            let value = match self.value(file, &open) {
                value if answer_to_read == "some" => value,
                _ => "-".into(),
            };
            self.report(file, "read", answer_to_read, &value);
        } else {
            self.report(file, "read", answer_to_read, "-");
            self.report(file, "keys", &keys.join(" "), "-");
        }

        let ready = sys::poll_now(&open).context("poll")?;
        self.report(file, "poll", &format!("{ready:#x}"), "-");
        let beyond = open.read_at(&mut [0; 16], MB);
        self.report(file, "read beyond the end", &answer(beyond), "-");
        let nothing = open.read_at(&mut [], 0);
        self.report(file, "read nothing", &answer(nothing), "-");

        let pieces = |offsets: &mut dyn Iterator<Item = usize>| -> Outcome<&str> {
            let open = self.open(file, sys::O_RDONLY).context(file)?;
            let mut found = vec![0; text.len()];
            for offset in offsets {
                if let Some(byte) = found.get_mut(offset..=offset) {
                    if open.read_at(byte, offset as u64).context(file)? == 0 {
                        break;
                    }
                }
            }
            Ok(if masked(&found) == masked(&text) {
                "the same"
            } else {
                "something else"
            })
        };
        if !text.is_empty() {
            self.report(file, "read bytewise", pieces(&mut (0..text.len()))?, "-");
            // Each byte is of a text of its own, which stays the same only where nothing happens.
            if !self.is_root() {
                let backwards = pieces(&mut (0..text.len()).rev())?;
                self.report(file, "read backwards", backwards, "-");
            }
        }
        Ok(())
    }
}

/// Texts that differ in numbers only become the same.
fn masked(text: &[u8]) -> Vec<u8> {
    let mut masked: Vec<_> = text
        .iter()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte })
        .collect();
    masked.dedup_by(|a, b| *a == b'0' && *b == b'0');
    masked
}

/// The first word of each line of a text that has more than one value.
fn keys(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let key = |line: &str| Some(line.split_once([' ', '='])?.0.to_string());
    text.lines().filter_map(key).collect()
}

fn answer(result: io::Result<usize>) -> String {
    match result {
        Ok(count) => count.to_string(),
        Err(error) => sys::errno_name(&error),
    }
}

fn memory_files(place: &Place<'_>) -> Outcome<Vec<(String, u32)>> {
    let files = place.files()?.into_iter();
    Ok(files
        .filter(|(name, _)| name.starts_with("memory.") && name != "memory.pressure")
        .collect())
}

/// Calls `body` with a new container, removed afterwards.
fn in_container(
    hierarchy: &Hierarchy,
    name: &str,
    body: impl FnOnce(&Place<'_>) -> Outcome,
) -> Outcome {
    let place = Place {
        name,
        cgroup: hierarchy.create(name)?,
    };
    body(&place)?;
    place.cgroup.destroy()
}

/// What there is, how it opens, and how it reads.
fn appearance(place: &Place<'_>) -> Outcome {
    for (name, mode) in place.files()? {
        place.report(&name, "mode", &format!("{mode:04o}"), "-");
    }
    for (name, _) in memory_files(place)? {
        place.opens(&name);
        place.reads(&name)?;
    }
    Ok(())
}

/// What is handed over with a cgroup, by the kernel's own word; the same for all that are mounted.
fn delegatable(place: &Place<'_>) -> Outcome {
    let path = "/sys/kernel/cgroup/delegate";
    for name in fs::read_to_string(path).context(path)?.lines() {
        place.report(name, "delegate", "yes", "-");
    }
    Ok(())
}

fn written(place: &Place<'_>, file: &str, mode: u32) -> Outcome {
    if mode & 0o222 != 0 {
        place.writes(file)
    } else {
        place.refused_writes(file)
    }
}

/// What files that were opened before answer once the container is gone.
fn removed(hierarchy: &Hierarchy) -> Outcome {
    let place = Place {
        name: "removed",
        cgroup: hierarchy.create("removed")?,
    };
    let mut files = Vec::new();
    for (name, _) in memory_files(&place)? {
        let open = place.open(&name, sys::O_RDWR);
        let open = open.or_else(|_| place.open(&name, sys::O_RDONLY));
        files.push((name.clone(), open.context(name)?));
    }
    place.cgroup.remove()?;
    for (name, mut open) in files {
        place.report(&name, "read", &answer(open.read(&mut [0; 64])), "-");
        for text in ["", "1", "64M", "abc"] {
            let case = format!("write {text:?}");
            place.report(&name, &case, &answer(open.write(text.as_bytes())), "-");
        }
    }
    Ok(())
}

/// Prints all answers of one version of the interface.
pub fn print(version: Version) -> Outcome {
    let hierarchy = Hierarchy::open(version)?;
    machine::restore()?;
    hierarchy.clean()?;
    held::print_all(&hierarchy)?;
    disk::make(&disk::file("content"), CONTENT)?;

    let root = Place {
        name: "root",
        cgroup: hierarchy.root(),
    };
    appearance(&root)?;
    delegatable(&root)?;
    in_container(&hierarchy, "child", appearance)?;
    removed(&hierarchy)?;

    let swappiness = root.cgroup.read("memory.swappiness");
    for (file, mode) in memory_files(&root)? {
        written(&root, &file, mode)?;
    }
    if let Ok(value) = swappiness {
        root.cgroup.write("memory.swappiness", value.trim_end())?;
    }
    // A container for each file, so that no answer depends on what other files were set to.
    let mut files = Vec::new();
    in_container(&hierarchy, "child", |place| {
        files = memory_files(place)?;
        Ok(())
    })?;
    for (file, mode) in files {
        in_container(&hierarchy, "child", |place| written(place, &file, mode))?;
        if ["memory.reclaim", "memory.force_empty"].contains(&file.as_str()) {
            in_container(&hierarchy, "filled", |place| written(place, &file, mode))?;
        }
    }
    machine::restore()?;
    hierarchy.close()
}

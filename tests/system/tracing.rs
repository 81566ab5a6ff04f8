// SPDX-License-Identifier: GPL-2.0

//! Trace events of the kernel, as tracefs shows them.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use crate::outcome::{equal, fail, skip, Context, Outcome};
use crate::sys;

const MOUNT_POINT: &str = "/tmp/tracing";

/// Something that was traced.
pub struct Event {
    pub name: String,
    fields: HashMap<String, String>,
}

impl Event {
    /// One of the numbers that a line has after the name: `memcg_id=7 item=4 val=-1`.
    pub fn field(&self, key: &str) -> Outcome<i64> {
        match self.fields.get(key).and_then(|value| value.parse().ok()) {
            Some(value) => Ok(value),
            None => fail(format!("{}: no number {key}", self.name)),
        }
    }

    /// What a line shows; nothing of a comment.
    fn of(line: &str) -> Option<Self> {
        let (_, shown) = line.strip_prefix(' ')?.split_once(": ")?;
        let (name, fields) = shown.split_once(": ")?;
        let field = |text: &str| {
            let (key, value) = text.split_once('=')?;
            Some((key.to_string(), value.to_string()))
        };
        Some(Self {
            name: name.to_string(),
            fields: fields.split_whitespace().filter_map(field).collect(),
        })
    }
}

/// tracefs, while it is mounted.
pub struct Tracing(PathBuf);

impl Tracing {
    pub fn mount() -> Outcome<Self> {
        let known = fs::read_to_string("/proc/filesystems").context("/proc/filesystems")?;
        if !known.lines().any(|line| line == "nodev\ttracefs") {
            return skip("no trace events");
        }
        let path = PathBuf::from(MOUNT_POINT);
        fs::create_dir_all(&path).context(path.display())?;
        sys::mount("none", &path, "tracefs", "").context("mount tracefs")?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, value: &str) -> Outcome {
        let path = self.0.join(name);
        fs::write(&path, value).context(path.display())
    }

    fn read(&self, name: &str) -> Outcome<String> {
        let path = self.0.join(name);
        fs::read_to_string(&path).context(path.display())
    }

    /// What tools are told of `event`, as `memcg/mod_memcg_state`: types and names of its fields,
    /// and how it is printed.
    pub fn format(&self, event: &str) -> Outcome<(Vec<String>, String)> {
        let text = self.read(&format!("events/{event}/format"))?;
        let lines = |start| {
            text.lines()
                .filter_map(move |line| line.trim().strip_prefix(start))
        };
        let fields = lines("field:")
            .filter_map(|line| line.split(';').next())
            .filter(|field| !field.contains(" common_"));
        let print = lines("print fmt: ").next().unwrap_or("");
        Ok((fields.map(String::from).collect(), print.to_string()))
    }

    /// Which of `events` happen in the course of `run`.
    pub fn record(&self, events: &[&str], run: impl FnOnce() -> Outcome) -> Outcome<Vec<Event>> {
        let enable = |value| -> Outcome {
            events
                .iter()
                .try_for_each(|event| self.write(&format!("events/{event}/enable"), value))
        };
        self.write("trace", "")?;
        let ran = enable("1").and_then(|()| run());
        enable("0")?;
        ran?;
        let text = self.read("trace")?;
        let counts = text.lines().find_map(|line| {
            let (_, counts) = line.split_once("entries-in-buffer/entries-written: ")?;
            counts.split_whitespace().next()?.split_once('/')
        });
        match counts {
            Some((there, written)) => equal("events that are left", there, written)?,
            None => return fail("no header"),
        }
        Ok(text.lines().filter_map(Event::of).collect())
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // `restore` reports a mount that stays.
        let _ = sys::unmount(&self.0);
    }
}

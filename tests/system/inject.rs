// SPDX-License-Identifier: GPL-2.0

//! Allocations of the kernel's that fail because a test wants them to
//! (Documentation/fault-injection/fault-injection.rst).
//!
//! Only what the calling process asks for fails, while it does what the test says.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::outcome::{skip, Context, Outcome, Verdict};

/// What can be made to fail: objects, and pages.
const KINDS: [&str; 2] = ["failslab", "fail_page_alloc"];

/// How many faults of each kind the kernel may inject until it boots again: more than any test does.
/// It counts down.
const TIMES: u64 = 1 << 30;

/// Of how many allocations in a hundred fail by chance, where that is asked for.
const CHANCE: u32 = 5;

fn setting(kind: &str, name: &str) -> PathBuf {
    Path::new("/sys/kernel/debug").join(kind).join(name)
}

fn set(kind: &str, name: &str, value: impl ToString) -> Outcome {
    let path = setting(kind, name);
    fs::write(&path, value.to_string()).context(path.display())
}

fn times_left(kind: &str) -> Outcome<u64> {
    let path = setting(kind, "times");
    let text = fs::read_to_string(&path).context(path.display())?;
    text.trim()
        .parse()
        .map_err(|_| Verdict::Failed(format!("{}: \"{text}\"", path.display())))
}

/// How many faults there have been since the kernel booted.
pub fn injected() -> Outcome<u64> {
    let mut sum = 0;
    for kind in KINDS {
        // Before any test has asked for faults, it is one.
        let left = times_left(kind)?;
        sum += if left > 1 { TIMES - left } else { 0 };
    }
    Ok(sum)
}

/// Prepares for all allocations of either kind to be counted, and to fail without a word.
pub fn prepare() -> Outcome {
    for kind in KINDS {
        if !setting(kind, "times").exists() {
            return skip("the kernel has no fault injection");
        }
        set(kind, "verbose", 0)?;
        set(kind, "task-filter", "Y")?;
        set(kind, "probability", CHANCE)?;
        set(kind, "ignore-gfp-wait", "N")?;
        if times_left(kind)? <= 1 {
            set(kind, "times", TIMES)?;
        }
    }
    set("failslab", "cache-filter", "N")?;
    set("fail_page_alloc", "ignore-gfp-highmem", "N")?;
    set("fail_page_alloc", "min-order", 0)
}

/// Faults in what the process does that has made it.
pub struct Injector {
    nth: File,
    make_it_fail: File,
}

impl Injector {
    pub fn new() -> Outcome<Self> {
        let open = |name| {
            let path = format!("/proc/self/{name}");
            let file = fs::OpenOptions::new().read(true).write(true).open(&path);
            file.context(path)
        };
        Ok(Self {
            nth: open("fail-nth")?,
            make_it_fail: open("make-it-fail")?,
        })
    }

    /// Lets the `nth` allocation within `action` fail, if there are so many. Says whether it has
    /// failed, and what `action` returned.
    pub fn nth<T>(
        &self,
        nth: u32,
        action: impl FnOnce() -> io::Result<T>,
    ) -> Outcome<(bool, io::Result<T>)> {
        let nth = nth.to_string();
        self.nth.write_at(nth.as_bytes(), 0).context("fail-nth")?;
        let result = action();
        let mut text = [0; 16];
        let len = self.nth.read_at(&mut text, 0).context("fail-nth")?;
        let failed = text[..len].trim_ascii() == b"0";
        if !failed {
            self.nth.write_at(b"0", 0).context("fail-nth")?;
        }
        Ok((failed, result))
    }

    /// Lets allocations within `action` fail by chance.
    pub fn by_chance<T>(&self, action: impl FnOnce() -> io::Result<T>) -> Outcome<io::Result<T>> {
        let switch = |state| self.make_it_fail.write_at(state, 0).context("make-it-fail");
        switch(b"1")?;
        let result = action();
        switch(b"0")?;
        Ok(result)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The audit of memctl, where the kernel has one: what is there, counted page by page.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::check;
use crate::outcome::{eventually, fail, Context, Outcome};

const FILE: &str = "/sys/kernel/debug/memctl/audit";

/// Whether the kernel has an audit.
pub fn exists() -> bool {
    Path::new(FILE).exists()
}

/// The report of an audit made now; `None` if the kernel has none.
pub fn report() -> Outcome<Option<String>> {
    match fs::read_to_string(FILE) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        report => report.map(Some).context(FILE),
    }
}

/// The last line of a report is its verdict; those above that begin with "!!" say why.
pub fn verdict(report: &str) -> Outcome {
    if report.lines().last() == Some("audit: clean") {
        return Ok(());
    }
    let mut why = vec!["the audit found differences:"];
    let lines: Vec<_> = report.lines().collect();
    for (line, next) in lines.iter().zip(&lines[1..]) {
        if line.starts_with("!!") || next.starts_with("!!") {
            why.push(line);
        }
    }
    fail(why.join("\n"))
}

/// Expects an audit to find no difference in the end, not even one that is uncertain because
/// something moves.
pub fn clean() -> Outcome {
    eventually(|| match report()? {
        None => Ok(()),
        Some(report) => {
            verdict(&report)?;
            let moving = report.lines().find(|line| line.starts_with(" ~"));
            check!(
                moving.is_none(),
                "in motion: {}",
                moving.unwrap_or_default()
            );
            Ok(())
        }
    })
}

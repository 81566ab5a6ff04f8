// SPDX-License-Identifier: GPL-2.0

//! Containers as text: columns, a table, a JSON document.

use std::path::Path;

use serde_json::{json, Map, Value};

use crate::files::{Limit, Numbers, Version};
use crate::tree::{Root, Row};

/// A column of numbers.
pub struct Column {
    pub title: &'static str,
    /// Cells, in which no number takes more.
    pub width: u16,
    pub text: fn(&Numbers) -> String,
    /// What a change of means trouble; `None` where it means none.
    pub trouble: Option<fn(&Numbers) -> Option<u64>>,
}

/// The columns that a version of cgroup has files for; those of hand-overs if asked for.
pub fn columns(version: Version, handover: bool) -> Vec<Column> {
    let size = |title, text| Column {
        title,
        width: 5,
        text,
        trouble: None,
    };
    let event = |title, text, count| Column {
        title,
        width: 4,
        text,
        trouble: Some(count),
    };
    let v2 = version == Version::V2;

    let mut columns = vec![
        size("USAGE", |numbers| or_dash(numbers.usage, bytes)),
        size("LIMIT", |numbers| or_dash(numbers.limit, limit)),
    ];
    if v2 {
        columns.push(size("PROT", |numbers| or_dash(numbers.protected(), limit)));
    }
    columns.push(size("WSET", |numbers| or_dash(numbers.working_set, bytes)));
    if v2 {
        columns.push(Column {
            title: "PSI%",
            width: 4,
            text: |numbers| or_dash(numbers.pressure, percent),
            trouble: None,
        });
        let high: fn(&Numbers) -> _ = |numbers| numbers.events.high;
        columns.push(event(
            "HIGH",
            |numbers| or_dash(numbers.events.high, count),
            high,
        ));
    }
    columns.push(event(
        "MAX",
        |n| or_dash(n.events.max, count),
        |n| n.events.max,
    ));
    if v2 {
        columns.push(event(
            "OOM",
            |n| or_dash(n.events.oom, count),
            |n| n.events.oom,
        ));
    }
    columns.push(event(
        "KILL",
        |n| or_dash(n.events.oom_kill, count),
        |n| n.events.oom_kill,
    ));
    if handover {
        let pages = |title, text| Column {
            title,
            width: 5,
            text,
            trouble: None,
        };
        columns.push(pages("H-IN", |n| {
            or_dash(n.handover.map(|pages| pages.taken), count)
        }));
        columns.push(pages("H-OUT", |n| {
            or_dash(n.handover.map(|pages| pages.given), count)
        }));
    }
    columns
}

fn or_dash<T>(value: Option<T>, text: fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_string(), text)
}

/// Bytes in five cells, rounded down: "812", "1.5K", "64M"; whole ones without a fraction.
pub fn bytes(bytes: u64) -> String {
    let mut unit = 1;
    let mut name = "";
    for next in ["K", "M", "G", "T", "P", "E"] {
        if bytes / unit < 1024 {
            break;
        }
        unit <<= 10;
        name = next;
    }
    let whole = bytes / unit;
    if whole >= 100 || bytes % unit == 0 {
        return format!("{whole}{name}");
    }
    // A fraction of an exabyte, ten times, is less than the most there can be.
    format!("{whole}.{}{name}", bytes % unit * 10 / unit)
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Max => "max".to_string(),
        Limit::Bytes(number) => bytes(number),
    }
}

/// A count in four cells, rounded down: "9999", "10k", "1.2M".
pub fn count(count: u64) -> String {
    if count < 10_000 {
        return count.to_string();
    }
    let mut unit = 1;
    let mut name = "";
    for next in ["k", "M", "G", "T", "P", "E"] {
        if count / unit < 1000 {
            break;
        }
        unit *= 1000;
        name = next;
    }
    match count / unit {
        whole @ 0..=9 => format!("{whole}.{}{name}", count % unit * 10 / unit),
        whole => format!("{whole}{name}"),
    }
}

/// Hundredths of a per cent in four cells, rounded down.
fn percent(hundredths: u32) -> String {
    match hundredths {
        10_000.. => (hundredths / 100).to_string(),
        _ => format!("{}.{}", hundredths / 100, hundredths % 100 / 10),
    }
}

/// A container's name without what would move the cursor: such names are possible.
pub fn name(path: &Path) -> String {
    let Some(name) = path.file_name() else {
        return "/".to_string();
    };
    clean(&name.to_string_lossy())
}

pub fn clean(text: &str) -> String {
    let visible = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().map(visible).collect()
}

/// A line of titles and one for each container.
pub fn table(root: &Root, containers: &[(Row, Numbers)]) -> String {
    let handover = containers
        .iter()
        .any(|(_, numbers)| numbers.handover.is_some());
    let columns = columns(root.version, handover);
    let names: Vec<_> = containers
        .iter()
        .map(|(row, _)| format!("{}{}", "  ".repeat(row.depth), name(&row.path)))
        .collect();
    let first = "CONTAINER";
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).max(first.len());

    let mut text = format!("{first:width$}");
    for Column { title, width, .. } in &columns {
        text += &format!("  {title:>0$}", usize::from(*width));
    }
    text.push('\n');
    for ((_, numbers), name) in containers.iter().zip(&names) {
        text += &format!("{name:width$}");
        for column in &columns {
            text += &format!(
                "  {:>1$}",
                (column.text)(numbers),
                usize::from(column.width)
            );
        }
        text.push('\n');
    }
    text
}

/// The document that Documentation/mm/memctl.rst describes.
pub fn document(root: &Root, containers: &[(Row, Numbers)]) -> Value {
    let containers: Vec<_> = containers
        .iter()
        .map(|(row, numbers)| container(&row.path, numbers))
        .collect();
    json!({
        "root": root.path.to_string_lossy(),
        "cgroup": match root.version {
            Version::V1 => 1,
            Version::V2 => 2,
        },
        "containers": containers,
    })
}

/// What there is no file for has no key; what is unlimited is null.
fn container(path: &Path, numbers: &Numbers) -> Value {
    let Numbers {
        usage,
        limit,
        min,
        low,
        working_set,
        pressure,
        events,
        handover,
    } = *numbers;
    let number = |value: Option<u64>| value.map(Value::from);
    let limit_of = |limit: Option<Limit>| {
        limit.map(|limit| match limit {
            Limit::Max => Value::Null,
            Limit::Bytes(bytes) => bytes.into(),
        })
    };
    let handover = handover.map(|pages| json!({ "in": pages.taken, "out": pages.given }));
    let events = object([
        ("high", number(events.high)),
        ("max", number(events.max)),
        ("oom", number(events.oom)),
        ("oom_kill", number(events.oom_kill)),
    ]);
    Value::Object(object([
        ("path", Some(format!("/{}", path.to_string_lossy()).into())),
        ("usage", number(usage)),
        ("limit", limit_of(limit)),
        ("min", limit_of(min)),
        ("low", limit_of(low)),
        ("working_set", number(working_set)),
        (
            "pressure",
            pressure.map(|hundredths| (f64::from(hundredths) / 100.0).into()),
        ),
        ("events", Some(Value::Object(events))),
        ("handover", handover),
    ]))
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let there = |(name, value): (&str, Option<Value>)| Some((name.to_string(), value?));
    fields.into_iter().filter_map(there).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::files::{Events, Handover};
    use crate::tree::Below;

    fn root(version: Version) -> Root {
        Root {
            version,
            path: "/cg".into(),
        }
    }

    fn row(path: &str, depth: usize) -> Row {
        Row {
            path: PathBuf::from(path),
            depth,
            below: Below::Nothing,
        }
    }

    fn numbers() -> Numbers {
        Numbers {
            usage: Some(3 << 19),
            limit: Some(Limit::Max),
            min: Some(Limit::Bytes(4096)),
            low: Some(Limit::Max),
            working_set: Some(1 << 20),
            pressure: Some(1234),
            events: Events {
                high: Some(0),
                max: Some(12_345),
                oom: Some(1),
                oom_kill: None,
            },
            handover: Some(Handover { taken: 7, given: 8 }),
        }
    }

    #[test]
    fn bytes_fit() {
        for (number, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1K"),
            (1536, "1.5K"),
            (102_399, "99.9K"),
            (102_401, "100K"),
            ((1 << 20) - 1, "1023K"),
            (64 << 20, "64M"),
            ((64 << 20) + 1, "64.0M"),
            (u64::MAX, "15.9E"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert!((0..64).all(|bits| bytes(u64::MAX >> bits).len() <= 5));
    }

    #[test]
    fn counts_fit() {
        for (number, text) in [
            (0, "0"),
            (9999, "9999"),
            (10_000, "10k"),
            (999_999, "999k"),
            (1_250_000, "1.2M"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(count(number), text);
        }
        assert!((0..64).all(|bits| count(u64::MAX >> bits).len() <= 4));
        assert_eq!(
            [0, 7, 1239, 9999, 10_000].map(percent),
            ["0.0", "0.0", "12.3", "99.9", "100"]
        );
    }

    #[test]
    fn names_do_not_move_the_cursor() {
        assert_eq!(name(Path::new("")), "/");
        assert_eq!(name(Path::new("a/b c")), "b c");
        assert_eq!(name(Path::new("a\u{1b}[2J")), "a\u{fffd}[2J");
    }

    #[test]
    fn table_of_v2() {
        let containers = [
            (row("", 0), Numbers::default()),
            (row("shop", 1), numbers()),
        ];
        let expected = "\
CONTAINER  USAGE  LIMIT   PROT   WSET  PSI%  HIGH   MAX   OOM  KILL   H-IN  H-OUT
/              -      -      -      -     -     -     -     -     -      -      -
  shop      1.5M    max    max     1M  12.3     0   12k     1     -      7      8
";
        assert_eq!(table(&root(Version::V2), &containers), expected);
    }

    #[test]
    fn table_of_v1_and_c() {
        let c = Numbers {
            handover: None,
            ..numbers()
        };
        let expected = "\
CONTAINER  USAGE  LIMIT   WSET   MAX  KILL
  a         1.5M    max     1M   12k     -
";
        assert_eq!(table(&root(Version::V1), &[(row("a", 1), c)]), expected);
    }

    #[test]
    fn documents() {
        let containers = [(row("", 0), Numbers::default()), (row("a/b", 2), numbers())];
        let expected = json!({
            "root": "/cg",
            "cgroup": 2,
            "containers": [
                { "path": "/", "events": {} },
                {
                    "path": "/a/b",
                    "usage": 1_572_864,
                    "limit": null,
                    "min": 4096,
                    "low": null,
                    "working_set": 1_048_576,
                    "pressure": 12.34,
                    "events": { "high": 0, "max": 12_345, "oom": 1 },
                    "handover": { "in": 7, "out": 8 },
                },
            ],
        });
        assert_eq!(document(&root(Version::V2), &containers), expected);
    }
}

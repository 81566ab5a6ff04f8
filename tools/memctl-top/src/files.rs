// SPDX-License-Identifier: GPL-2.0

//! What the files of a container say, on either version of cgroup.
//!
//! Nothing here touches a file: functions take text, or a function that has it. A line counts if
//! it ends in a newline; one that does not is torn. What is missing, torn or odd is `None`, never
//! a zero: files come and go with versions, configurations and containers.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// A number of bytes that may be reached, or is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    Bytes(u64),
    Max,
}

/// How often something happened since the container was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// It was beyond `memory.high`; never there on v1.
    pub high: Option<u64>,
    /// A charge found no room; on v1 `memory.failcnt`.
    pub max: Option<u64>,
    /// Reclaim had not made room; never there on v1.
    pub oom: Option<u64>,
    /// Processes that the OOM killer has killed.
    pub oom_kill: Option<u64>,
}

/// Pages that changed hands in reclaim; only memctl counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    pub taken: u64,
    pub given: u64,
}

/// All that is shown of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Bytes that are charged, here and below.
    pub usage: Option<u64>,
    pub limit: Option<Limit>,
    pub min: Option<Limit>,
    pub low: Option<Limit>,
    /// Bytes that are in use, and not on the list of file pages that reclaim takes first.
    pub working_set: Option<u64>,
    /// The part of the last ten seconds that some task waited for memory, in 1/100 per cent.
    pub pressure: Option<u32>,
    pub events: Events,
    pub handover: Option<Handover>,
}

/// What siblings are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Usage,
    Name,
    Pressure,
    Events,
}

/// The place among siblings: the greater comes first, and of equals the one whose name does.
pub type Key = [u64; 4];

impl Sort {
    pub const ALL: [Self; 4] = [Self::Usage, Self::Name, Self::Pressure, Self::Events];

    pub fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Name => "name",
            Self::Pressure => "pressure",
            Self::Events => "events",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }

    /// The one that comes after it, in a circle.
    pub fn next(self) -> Self {
        match self {
            Self::Usage => Self::Name,
            Self::Name => Self::Pressure,
            Self::Pressure => Self::Events,
            Self::Events => Self::Usage,
        }
    }
}

impl Numbers {
    /// Reads all files of a container. `file` has the text of the one with that name.
    pub fn read(version: Version, file: impl Fn(&str) -> Option<String>) -> Self {
        let stat = file("memory.stat").unwrap_or_default();
        let names = match version {
            Version::V1 => [
                "total_inactive_file",
                "total_pghandover_in",
                "total_pghandover_out",
            ],
            Version::V2 => ["inactive_file", "pghandover_in", "pghandover_out"],
        };
        let [inactive, taken, given] = keyed(&stat, names);
        let usage = usage(version, &file);
        let limit = |name| file(name).as_deref().and_then(limit);
        Self {
            usage,
            limit: limit(match version {
                Version::V1 => "memory.limit_in_bytes",
                Version::V2 => "memory.max",
            }),
            min: limit("memory.min"),
            low: limit("memory.low"),
            // They are read one after the other, so that the second may be the greater.
            working_set: usage
                .zip(inactive)
                .map(|(all, idle)| all.saturating_sub(idle)),
            pressure: pressure_of(&file),
            events: events(version, &file),
            handover: taken
                .zip(given)
                .map(|(taken, given)| Handover { taken, given }),
        }
    }

    /// The greater of `memory.min` and `memory.low`, as configured.
    pub fn protected(&self) -> Option<Limit> {
        self.min.max(self.low)
    }
}

/// Reads what it takes to sort a container by `sort`, and no more: no file for the name, two for
/// events on v1, else one.
pub fn key(version: Version, sort: Sort, file: impl Fn(&str) -> Option<String>) -> Key {
    match sort {
        Sort::Name => [0; 4],
        Sort::Usage => [usage(version, &file).unwrap_or(0), 0, 0, 0],
        Sort::Pressure => [pressure_of(&file).unwrap_or(0).into(), 0, 0, 0],
        Sort::Events => {
            let Events {
                high,
                max,
                oom,
                oom_kill,
            } = events(version, &file);
            // What is worse counts first.
            [oom_kill, oom, max, high].map(|count| count.unwrap_or(0))
        }
    }
}

fn usage(version: Version, file: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    number(&file(match version {
        Version::V1 => "memory.usage_in_bytes",
        Version::V2 => "memory.current",
    })?)
}

fn pressure_of(file: &impl Fn(&str) -> Option<String>) -> Option<u32> {
    pressure(&file("memory.pressure")?)
}

fn events(version: Version, file: &impl Fn(&str) -> Option<String>) -> Events {
    match version {
        Version::V1 => {
            let [oom_kill] = keyed(
                &file("memory.oom_control").unwrap_or_default(),
                ["oom_kill"],
            );
            let max = file("memory.failcnt").as_deref().and_then(number);
            Events {
                max,
                oom_kill,
                ..Events::default()
            }
        }
        Version::V2 => {
            let keys = ["high", "max", "oom", "oom_kill"];
            let [high, max, oom, oom_kill] =
                keyed(&file("memory.events").unwrap_or_default(), keys);
            Events {
                high,
                max,
                oom,
                oom_kill,
            }
        }
    }
}

/// The lines of `text` that are whole.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
}

/// The number that is all of a file.
pub fn number(text: &str) -> Option<u64> {
    lines(text).next()?.parse().ok()
}

/// A limit: a number or "max". On v1 there is no such word, but a number that is the most pages
/// there could be, whatever the size of a page.
pub fn limit(text: &str) -> Option<Limit> {
    const MOST: u64 = i64::MAX as u64 - 0xffff;

    match lines(text).next()? {
        "max" => Some(Limit::Max),
        line => match line.parse().ok()? {
            MOST.. => Some(Limit::Max),
            bytes => Some(Limit::Bytes(bytes)),
        },
    }
}

/// The values of `keys` in a flat keyed file such as `memory.stat`, each `None` if it is not there.
pub fn keyed<const N: usize>(text: &str, keys: [&str; N]) -> [Option<u64>; N] {
    let mut values = [None; N];
    for line in lines(text) {
        let Some((name, value)) = line.split_once(' ') else {
            continue;
        };
        if let Some(at) = keys.iter().position(|key| *key == name) {
            values[at] = value.parse().ok();
        }
    }
    values
}

/// "some avg10" of a pressure file, in hundredths of a per cent.
pub fn pressure(text: &str) -> Option<u32> {
    let some = lines(text).find_map(|line| line.strip_prefix("some "))?;
    let value = some
        .split(' ')
        .find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, hundredths) = value.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    whole
        .checked_mul(100)?
        .checked_add(hundredths.parse().ok()?)
}

/// Where cgroup hierarchies are mounted that may have the memory controller, as
/// `/proc/self/mounts` has them: those of v1 by their options, those of v2 all.
pub fn mounts(text: &str) -> Vec<(Version, PathBuf)> {
    let mount = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, kind, options) = (words.next()?, words.next()?, words.next()?);
        let version = match kind {
            "cgroup" if options.split(',').any(|option| option == "memory") => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        Some((version, unescape(place)))
    };
    lines(text).filter_map(mount).collect()
}

/// A path whose blanks and the like are written in octal, as in `\040`.
fn unescape(text: &str) -> PathBuf {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        rest = tail;
        let byte = match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                rest = tail;
                [a, b, c]
                    .iter()
                    .fold(0, |byte, digit| byte << 3 | (*digit - b'0'))
            }
            _ => *first,
        };
        bytes.push(byte);
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container whose files are these.
    fn container<'a>(files: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let file = files.iter().find(|(there, _)| *there == name);
            file.map(|(_, text)| text.to_string())
        }
    }

    const V2: &[(&str, &str)] = &[
        ("memory.current", "33554432\n"),
        ("memory.max", "67108864\n"),
        ("memory.min", "0\n"),
        ("memory.low", "max\n"),
        (
            "memory.pressure",
            "some avg10=1.05 avg60=0.50 avg300=0.10 total=99\n\
             full avg10=0.75 avg60=0.40 avg300=0.08 total=88\n",
        ),
        (
            "memory.events",
            "low 0\nhigh 7\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
        ),
        (
            "memory.stat",
            "anon 4096\nfile 8192\ninactive_file 1048576\npghandover_in 5\npghandover_out 6\n",
        ),
    ];

    const V1: &[(&str, &str)] = &[
        ("memory.usage_in_bytes", "33554432\n"),
        ("memory.limit_in_bytes", "9223372036854771712\n"),
        ("memory.failcnt", "41\n"),
        (
            "memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
        ),
        (
            "memory.stat",
            "inactive_file 1\npghandover_in 2\npghandover_out 3\n\
             total_inactive_file 1048576\ntotal_pghandover_in 5\ntotal_pghandover_out 6\n",
        ),
    ];

    #[test]
    fn all_of_v2() {
        let numbers = Numbers::read(Version::V2, container(V2));
        let expected = Numbers {
            usage: Some(32 << 20),
            limit: Some(Limit::Bytes(64 << 20)),
            min: Some(Limit::Bytes(0)),
            low: Some(Limit::Max),
            working_set: Some(31 << 20),
            pressure: Some(105),
            events: Events {
                high: Some(7),
                max: Some(12),
                oom: Some(3),
                oom_kill: Some(2),
            },
            handover: Some(Handover { taken: 5, given: 6 }),
        };
        assert_eq!(numbers, expected);
        assert_eq!(numbers.protected(), Some(Limit::Max));
    }

    #[test]
    fn all_of_v1() {
        let numbers = Numbers::read(Version::V1, container(V1));
        let expected = Numbers {
            usage: Some(32 << 20),
            limit: Some(Limit::Max),
            working_set: Some(31 << 20),
            events: Events {
                max: Some(41),
                oom_kill: Some(1),
                ..Events::default()
            },
            handover: Some(Handover { taken: 5, given: 6 }),
            ..Numbers::default()
        };
        assert_eq!(numbers, expected);
        assert_eq!(numbers.protected(), None);
    }

    #[test]
    fn a_container_that_is_gone_has_nothing() {
        for version in [Version::V1, Version::V2] {
            assert_eq!(Numbers::read(version, |_| None), Numbers::default());
            for sort in Sort::ALL {
                assert_eq!(key(version, sort, |_| None), [0; 4]);
            }
        }
    }

    #[test]
    fn the_c_controller_hands_nothing_over() {
        let files = [
            ("memory.stat", "inactive_file 4096\n"),
            ("memory.current", "8192\n"),
        ];
        let numbers = Numbers::read(Version::V2, container(&files));
        assert_eq!(numbers.handover, None);
        assert_eq!(numbers.working_set, Some(4096));
    }

    #[test]
    fn usage_that_fell_between_two_reads() {
        let files = [
            ("memory.stat", "inactive_file 8192\n"),
            ("memory.current", "4096\n"),
        ];
        assert_eq!(
            Numbers::read(Version::V2, container(&files)).working_set,
            Some(0)
        );
    }

    #[test]
    fn torn_and_odd_numbers() {
        assert_eq!(number("12\n"), Some(12));
        assert_eq!(number("18446744073709551615\n"), Some(u64::MAX));
        for text in [
            "",
            "\n",
            "12",
            "-1\n",
            "12 \n",
            "1x\n",
            "18446744073709551616\n",
            "max\n",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(limit("max\n"), Some(Limit::Max));
        assert_eq!(limit("0\n"), Some(Limit::Bytes(0)));
        assert_eq!(limit("9223372036854771711\n"), Some(Limit::Max));
        // As it is with pages of 4 KiB and of 64 KiB.
        assert_eq!(limit("9223372036854771712\n"), Some(Limit::Max));
        assert_eq!(limit("9223372036854710272\n"), Some(Limit::Max));
        assert_eq!(
            limit("9223372036854710271\n"),
            Some(Limit::Bytes(i64::MAX as u64 - 65536))
        );
        for text in ["", "ma", "max", "maximum\n", "10", "10M\n"] {
            assert_eq!(limit(text), None, "{text:?}");
        }
    }

    #[test]
    fn torn_and_odd_keys() {
        assert_eq!(keyed("a 1\nab 2\nb 3\n", ["b", "a"]), [Some(3), Some(1)]);
        assert_eq!(keyed("a 1\nb 34", ["a", "b"]), [Some(1), None]);
        assert_eq!(
            keyed("\n \na\nb x\nc  1\n d 1\n", ["a", "b", "c", "d"]),
            [None; 4]
        );
        assert_eq!(keyed("", ["a"]), [None]);
    }

    #[test]
    fn torn_and_odd_pressure() {
        assert_eq!(pressure("some avg10=100.00 avg60=0.00\n"), Some(10_000));
        assert_eq!(
            pressure("full avg10=2.00\nsome avg60=1.00 avg10=0.07\n"),
            Some(7)
        );
        for text in [
            "",
            "some avg10=1.00",
            "full avg10=1.00\n",
            "some\n",
            "some avg10=\n",
            "some avg10=1\n",
            "some avg10=1.0\n",
            "some avg10=-1.00\n",
            "some avg10=nan\n",
            "some avg10=99999999.00\n",
        ] {
            assert_eq!(pressure(text), None, "{text:?}");
        }
    }

    #[test]
    fn keys_of_the_order() {
        assert_eq!(
            key(Version::V2, Sort::Usage, container(V2)),
            [32 << 20, 0, 0, 0]
        );
        assert_eq!(
            key(Version::V2, Sort::Pressure, container(V2)),
            [105, 0, 0, 0]
        );
        assert_eq!(key(Version::V2, Sort::Events, container(V2)), [2, 3, 12, 7]);
        assert_eq!(key(Version::V1, Sort::Events, container(V1)), [1, 0, 41, 0]);
        assert_eq!(key(Version::V2, Sort::Name, container(V2)), [0; 4]);
    }

    #[test]
    fn orders_have_names_and_come_round() {
        let mut sort = Sort::Usage;
        for expected in Sort::ALL {
            assert_eq!(sort, expected);
            assert_eq!(Sort::from_name(sort.name()), Some(sort));
            sort = sort.next();
        }
        assert_eq!(sort, Sort::Usage);
        assert_eq!(Sort::from_name("size"), None);
    }

    #[test]
    fn mounts_of_both_versions() {
        let text = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                    cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                    cgroup /sys/fs/cgroup/my\\040memory cgroup rw,memory 0 0\n\
                    cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                    odd\n\
                    none /mnt cgroup2 rw 0 0";
        let expected = [
            (Version::V1, PathBuf::from("/sys/fs/cgroup/my memory")),
            (Version::V2, PathBuf::from("/sys/fs/cgroup/unified")),
        ];
        assert_eq!(mounts(text), expected);
        assert_eq!(
            unescape("a\\0\\477\\134b\\"),
            PathBuf::from("a\\0\\477\\b\\")
        );
    }
}

// SPDX-License-Identifier: GPL-2.0

//! memctl-top: a live tree of containers, and what memory they use. It knows them by their cgroup
//! files only: on memctl and on the C controller, on cgroup v2 and v1.

mod files;
mod screen;
mod show;
mod tree;

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use files::{Numbers, Sort};
use tree::{Root, Row, View};

const USAGE: &str = "\
usage: memctl-top [OPTION...]

A live tree of memory cgroups: what they use, may use, and wait for.

  --once              print a table, and end
  --json              print a JSON document, and end
  --root DIR          the container to begin with (where cgroup is mounted)
  --interval SECONDS  how often to look, 0.1 to 3600 (2)
  --sort ORDER        of siblings: usage, name, pressure or events (usage)
  --depth N           show N levels below the first container (all)
  --help, --version

Columns: bytes in USE, their LIMIT, PROTected by min or low, and in the Working SET; PSI%, the
time some task waited for memory; how often HIGH and MAX were hit, OOM ran, a process was
KILLed; pages that were Handed over, IN and OUT (memctl only). '-': there is no such file.

Keys: q quit; arrows, j, k, PgUp, PgDn, Home, End move; Enter or space folds; s sorts by
something else; p pauses.
";

/// How the program is to run.
#[derive(Debug, PartialEq)]
struct Options {
    mode: Mode,
    root: Option<PathBuf>,
    interval: Duration,
    sort: Sort,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Screen,
    Table,
    Json,
    Help,
    Version,
}

/// Why it ends: what to say, and with what status.
enum Failure {
    /// It was called in a way that makes no sense.
    Call(String),
    /// What it needs is not there.
    Run(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Run(error.to_string())
    }
}

fn main() -> ExitCode {
    let (text, status) = match run() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Call(text)) => (text, 2),
        Err(Failure::Run(text)) => (text, 1),
    };
    // There is nobody else to tell.
    let _ = writeln!(io::stderr(), "memctl-top: {text}");
    ExitCode::from(status)
}

fn run() -> Result<(), Failure> {
    let options = Options::parse(std::env::args_os().skip(1)).map_err(Failure::Call)?;
    match options.mode {
        Mode::Help => return print(USAGE),
        Mode::Version => return print(concat!("memctl-top ", env!("CARGO_PKG_VERSION"), "\n")),
        Mode::Screen | Mode::Table | Mode::Json => {}
    }
    let root = find(&options)?;
    let view = View {
        sort: options.sort,
        depth: options.depth,
        folded: HashSet::new(),
    };
    match options.mode {
        Mode::Table => print(&show::table(&root, &all(&root, &view)?)),
        Mode::Json => print(&format!(
            "{:#}\n",
            show::document(&root, &all(&root, &view)?)
        )),
        _ if !(io::stdin().is_terminal() && io::stdout().is_terminal()) => Err(Failure::Call(
            "this is no terminal; --once or --json print".to_string(),
        )),
        _ => Ok(screen::run(root, view, options.interval)?),
    }
}

/// The root that was asked for, or the one that is mounted.
fn find(options: &Options) -> Result<Root, Failure> {
    if let Some(path) = &options.root {
        let text = || format!("{}: no directory of a memory cgroup", path.display());
        return Root::at(path).ok_or_else(|| Failure::Call(text()));
    }
    let text = "no cgroup hierarchy with the memory controller is mounted; --root DIR names one";
    Root::mounted()?.ok_or_else(|| Failure::Run(text.to_string()))
}

/// Every container of a view that is still there, with what its files say.
fn all(root: &Root, view: &View) -> io::Result<Vec<(Row, Numbers)>> {
    let rows = root.rows(view)?;
    let read = |row: Row| root.read(&row.path).map(|numbers| (row, numbers));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Whoever has read enough of it may close the pipe.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

impl Options {
    /// Takes the program's arguments; an error is what to say about them.
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Self {
            mode: Mode::Screen,
            root: None,
            interval: Duration::from_secs(2),
            sort: Sort::Usage,
            depth: usize::MAX,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy();
            let mut value = || arguments.next().ok_or(format!("{name} wants a value"));
            match name.as_ref() {
                "--once" => options.only(Mode::Table)?,
                "--json" => options.only(Mode::Json)?,
                "--help" => options.mode = Mode::Help,
                "--version" => options.mode = Mode::Version,
                "--root" => options.root = Some(value()?.into()),
                "--interval" => options.interval = interval(&value()?.to_string_lossy())?,
                "--sort" => options.sort = sort(&value()?.to_string_lossy())?,
                "--depth" => options.depth = depth(&value()?.to_string_lossy())?,
                _ => return Err(format!("{name:?}: no such option; there is --help")),
            }
            if matches!(options.mode, Mode::Help | Mode::Version) {
                break;
            }
        }
        Ok(options)
    }

    fn only(&mut self, mode: Mode) -> Result<(), String> {
        if self.mode != Mode::Screen && self.mode != mode {
            return Err("either --once or --json".to_string());
        }
        self.mode = mode;
        Ok(())
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("--interval {text}: 0.1 to 3600 seconds, please"))
}

fn sort(text: &str) -> Result<Sort, String> {
    let names = Sort::ALL.map(Sort::name).join(", ");
    Sort::from_name(text).ok_or_else(|| format!("--sort {text}: there are {names}"))
}

fn depth(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("--depth {text}: a number of levels, please"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options, String> {
        Options::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn all_options() -> Result<(), String> {
        let options = parse(&[
            "--once",
            "--root",
            "/a b",
            "--interval",
            "0.5",
            "--sort",
            "events",
            "--depth",
            "3",
        ])?;
        let expected = Options {
            mode: Mode::Table,
            root: Some("/a b".into()),
            interval: Duration::from_millis(500),
            sort: Sort::Events,
            depth: 3,
        };
        assert_eq!(options, expected);
        assert_eq!(parse(&[])?.mode, Mode::Screen);
        assert_eq!(parse(&["--json", "--json"])?.mode, Mode::Json);
        // What comes after it is of no interest.
        assert_eq!(parse(&["--once", "--help", "--nonsense"])?.mode, Mode::Help);
        Ok(())
    }

    #[test]
    fn bad_options() {
        for words in [
            &["--nonsense"][..],
            &["-x"],
            &["root"],
            &[""],
            &["--root"],
            &["--interval", "0"],
            &["--interval", "-1"],
            &["--interval", "nan"],
            &["--interval", "1e9"],
            &["--interval", "soon"],
            &["--sort", "size"],
            &["--depth", "-1"],
            &["--depth", "all"],
            &["--once", "--json"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}

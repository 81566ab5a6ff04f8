// SPDX-License-Identifier: GPL-2.0

//! Containers: memory cgroups of either version, and what their files say.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::outcome::{equal, eventually, fail, refused, Context, Outcome, Verdict};
use crate::sys::{self, Pid};

/// Every container of ours begins with this, so that leftovers can be found.
const PREFIX: &str = "memctl-";

/// A file of cgroup v1 that is written to in order to be told of events.
pub const EVENT_CONTROL: &str = "cgroup.event_control";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1 => "v1",
            Version::V2 => "v2",
        })
    }
}

/// A mounted cgroup hierarchy that has the memory controller.
pub struct Hierarchy {
    version: Version,
    root: PathBuf,
}

impl Hierarchy {
    /// Finds the memory controller where it is mounted, or mounts it.
    pub fn open(version: Version) -> Outcome<Self> {
        let root = match Self::mounted(version)? {
            Some(root) => root,
            None => Self::mount(version)?,
        };
        if version == Version::V2 {
            let control = root.join("cgroup.subtree_control");
            fs::write(&control, "+memory").context(control.display())?;
        }
        Ok(Self { version, root })
    }

    fn mounted(version: Version) -> Outcome<Option<PathBuf>> {
        let mounts = fs::read_to_string("/proc/mounts").context("/proc/mounts")?;
        Ok(mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (target, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            let ours = match version {
                Version::V1 => kind == "cgroup" && options.split(',').any(|o| o == "memory"),
                Version::V2 => kind == "cgroup2",
            };
            ours.then(|| PathBuf::from(target))
        }))
    }

    fn mount(version: Version) -> Outcome<PathBuf> {
        let (root, kind, options) = match version {
            Version::V1 => ("/sys/fs/cgroup/memory", "cgroup", "memory"),
            Version::V2 => ("/sys/fs/cgroup/unified", "cgroup2", ""),
        };
        let root = PathBuf::from(root);
        if fs::create_dir_all(&root).is_err() {
            // The directory of sysfs takes no directories; cover it with a file system that does.
            let parent = Path::new("/sys/fs/cgroup");
            sys::mount("tmpfs", parent, "tmpfs", "mode=755").context("mount /sys/fs/cgroup")?;
            fs::create_dir_all(&root).context(root.display())?;
        }
        sys::mount("none", &root, kind, options)
            .context(format_args!("mount {kind} {}", root.display()))?;
        Ok(root)
    }

    /// Mounts it with other options, until what is returned is dropped.
    pub fn mounted_with(&self, options: &str) -> Outcome<Mounted<'_>> {
        sys::remount(&self.root, options).context(options)?;
        Ok(Mounted(self))
    }

    /// Lets go of the controller, so that the other version can have it. The kernel hands it over
    /// when the last container is gone for good.
    pub fn close(self) -> Outcome {
        if self.version == Version::V2 {
            fs::write(self.root.join("cgroup.subtree_control"), "-memory").context("-memory")?;
        }
        sys::unmount(&self.root).context(self.root.display())
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// The root container.
    pub fn root(&self) -> Cgroup {
        Cgroup {
            version: self.version,
            path: self.root.clone(),
        }
    }

    pub fn create(&self, name: &str) -> Outcome<Cgroup> {
        let path = self.root.join(format!("{PREFIX}{name}"));
        fs::create_dir(&path).context(path.display())?;
        Ok(Cgroup {
            version: self.version,
            path,
        })
    }

    /// The container of that name, or of that path, whether there is one or not.
    pub fn find(&self, name: &str) -> Cgroup {
        Cgroup {
            version: self.version,
            path: self.root.join(format!("{PREFIX}{name}")),
        }
    }

    /// Kills and removes whatever a test has left behind.
    pub fn clean(&self) -> Outcome {
        let entries = fs::read_dir(&self.root).context(self.root.display())?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                let leftover = Cgroup {
                    version: self.version,
                    path: entry.path(),
                };
                leftover.destroy()?;
            }
        }
        Ok(())
    }

    /// How many memory cgroups were removed but are not freed yet.
    pub fn dying(&self) -> Outcome<u64> {
        if self.version == Version::V2 {
            let stat = self.root().keyed("cgroup.stat")?;
            return stat.get("nr_dying_descendants");
        }
        let table = fs::read_to_string("/proc/cgroups").context("/proc/cgroups")?;
        let count = table.lines().find_map(|line| {
            let mut fields = line.split('\t');
            (fields.next()? == "memory").then(|| fields.nth(1)?.parse::<u64>().ok())?
        });
        let Some(count) = count else {
            return fail("no memory controller in /proc/cgroups");
        };
        Ok(count.saturating_sub(directories(&self.root)?))
    }
}

/// How many directories there are from `path` down, itself included.
fn directories(path: &Path) -> Outcome<u64> {
    let mut count = 1;
    for entry in fs::read_dir(path).context(path.display())?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            count += directories(&entry.path())?;
        }
    }
    Ok(count)
}

/// A hierarchy that is mounted with other options.
pub struct Mounted<'a>(&'a Hierarchy);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // The next test finds out.
        let _ = sys::remount(&self.0.root, "");
    }
}

/// The numbers of a flat keyed file such as memory.stat.
pub struct Stat(BTreeMap<String, u64>);

impl Stat {
    pub fn get(&self, key: &str) -> Outcome<u64> {
        let value = self.0.get(key).copied();
        value.ok_or_else(|| Verdict::Failed(format!("no \"{key}\"")))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }

    pub fn sum(&self, keys: &[&str]) -> Outcome<u64> {
        keys.iter().map(|key| self.get(key)).sum()
    }
}

/// One line of memory.numa_stat: a total and the share of each node, in the unit of the file.
pub struct NumaLine {
    pub total: u64,
    pub nodes: Vec<u64>,
}

/// What a page is, as memory.stat sees it.
#[derive(Clone, Copy)]
pub enum Kind {
    Anon,
    /// Page cache, tmpfs included.
    File,
    Mapped,
    /// Anonymous memory in transparent huge pages.
    Huge,
}

/// One container.
#[derive(Clone)]
pub struct Cgroup {
    version: Version,
    path: PathBuf,
}

impl Cgroup {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the container at `path`, whichever version it is of.
    pub fn at(path: &Path) -> Self {
        let version = if path.join("memory.current").exists() {
            Version::V2
        } else {
            Version::V1
        };
        Self {
            version,
            path: path.to_path_buf(),
        }
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// The container at `path`, of the same hierarchy.
    pub fn inside(&self, path: &Path) -> Self {
        Self {
            version: self.version,
            path: path.to_path_buf(),
        }
    }

    pub fn child(&self, name: &str) -> Outcome<Self> {
        if self.version == Version::V2 {
            // A process that has just ended is in there until its CPU has gone on to another task.
            eventually(|| self.write("cgroup.subtree_control", "+memory"))?;
        }
        let path = self.path.join(name);
        fs::create_dir(&path).context(path.display())?;
        Ok(Self {
            version: self.version,
            path,
        })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn read(&self, name: &str) -> Outcome<String> {
        let path = self.file(name);
        fs::read_to_string(&path).context(path.display())
    }

    pub fn number(&self, name: &str) -> Outcome<u64> {
        let text = self.read(name)?;
        text.trim_end().parse().map_err(|_| {
            Verdict::Failed(format!(
                "{}: \"{text}\" is no number",
                self.file(name).display()
            ))
        })
    }

    /// Writes `value` in one call, the way the kernel sees `echo -n`. An empty value is a write of
    /// no bytes, which the standard library would not pass on as such were it buffered.
    pub fn try_write(&self, name: &str, value: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(self.file(name))?;
        file.write(value.as_bytes()).map(drop)
    }

    /// Asks to be told on `events` of what happens to `watched`, a file of version 1.
    pub fn try_listen(&self, events: &File, watched: &File, arguments: &str) -> io::Result<()> {
        let (events, watched) = (events.as_raw_fd(), watched.as_raw_fd());
        self.try_write(EVENT_CONTROL, &format!("{events} {watched} {arguments}"))
    }

    pub fn write(&self, name: &str, value: impl ToString) -> Outcome {
        self.try_write(name, &value.to_string())
            .context(self.file(name).display())
    }

    /// Writes each text of `table` to a file that holds `before`, and expects its answer: what the
    /// file holds then, or an error that leaves it as it was.
    pub fn answers<T>(&self, name: &str, before: T, table: &[(&str, Result<T, i32>)]) -> Outcome
    where
        T: ToString + Copy,
    {
        for (written, answer) in table {
            self.write(name, before)?;
            let what = format!("writing {written:?} to {name}");
            let result = self.try_write(name, written);
            let expected = match answer {
                Ok(value) => {
                    result.context(what)?;
                    *value
                }
                Err(errno) => {
                    refused(what, result, *errno)?;
                    before
                }
            };
            equal(
                format_args!("{name} after {written:?}"),
                self.read(name)?.trim_end(),
                expected.to_string().as_str(),
            )?;
        }
        Ok(())
    }

    fn keyed(&self, name: &str) -> Outcome<Stat> {
        let text = self.read(name)?;
        let pairs = text.lines().filter_map(|line| {
            let (key, value) = line.split_once(' ')?;
            Some((key.to_string(), value.parse().ok()?))
        });
        Ok(Stat(pairs.collect()))
    }

    pub fn stat(&self) -> Outcome<Stat> {
        self.keyed("memory.stat")
    }

    /// How much of a kind is charged to this container; with version 2, to its children as well.
    pub fn charged(&self, kind: Kind) -> Outcome<u64> {
        let key = match (self.version, kind) {
            (Version::V1, Kind::Anon) => "rss",
            (Version::V1, Kind::File) => "cache",
            (Version::V1, Kind::Mapped) => "mapped_file",
            (Version::V1, Kind::Huge) => "rss_huge",
            (Version::V2, Kind::Anon) => "anon",
            (Version::V2, Kind::File) => "file",
            (Version::V2, Kind::Mapped) => "file_mapped",
            (Version::V2, Kind::Huge) => "anon_thp",
        };
        self.stat()?.get(key)
    }

    pub fn oom_control(&self) -> Outcome<Stat> {
        self.keyed("memory.oom_control")
    }

    pub fn events(&self) -> Outcome<Stat> {
        self.keyed("memory.events")
    }

    /// The events of swap space, of version 2.
    pub fn swap_events(&self) -> Outcome<Stat> {
        self.keyed("memory.swap.events")
    }

    /// For how long some process in here has waited for memory, since the container was made; `None`
    /// if nobody counts that. Of version 2.
    pub fn stalled(&self) -> Option<Duration> {
        let text = fs::read_to_string(self.file("memory.pressure")).ok()?;
        let some = text.lines().find(|line| line.starts_with("some "))?;
        let (_, total) = some.rsplit_once("total=")?;
        total.trim().parse().ok().map(Duration::from_micros)
    }

    pub fn local_events(&self) -> Outcome<Stat> {
        self.keyed("memory.events.local")
    }

    /// memory.numa_stat, by key.
    pub fn numa_stat(&self) -> Outcome<BTreeMap<String, NumaLine>> {
        let text = self.read("memory.numa_stat")?;
        let line = |line: &str| {
            let mut fields = line.split(' ');
            let first = fields.next()?;
            let nodes = fields.map(|field| field.split_once('=')?.1.parse().ok());
            let nodes: Vec<u64> = nodes.collect::<Option<_>>()?;
            // Version 2 has no totals.
            let (key, total) = match first.split_once('=') {
                Some((key, total)) => (key, total.parse().ok()?),
                None => (first, nodes.iter().sum()),
            };
            Some((key.to_string(), NumaLine { total, nodes }))
        };
        let lines: Option<_> = text.lines().map(line).collect();
        lines.ok_or_else(|| Verdict::Failed(format!("memory.numa_stat: cannot read \"{text}\"")))
    }

    pub fn usage(&self) -> Outcome<u64> {
        self.number(match self.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        })
    }

    /// How much kernel memory is charged to this container and those below it.
    pub fn kernel_memory(&self) -> Outcome<u64> {
        match self.version {
            Version::V1 => self.number("memory.kmem.usage_in_bytes"),
            Version::V2 => self.stat()?.get("kernel"),
        }
    }

    fn limit_file(&self) -> &'static str {
        match self.version {
            Version::V1 => "memory.limit_in_bytes",
            Version::V2 => "memory.max",
        }
    }

    pub fn set_limit(&self, bytes: u64) -> Outcome {
        self.write(self.limit_file(), bytes)
    }

    /// The limit in bytes; it must have one.
    pub fn limit(&self) -> Outcome<u64> {
        self.number(self.limit_file())
    }

    pub fn try_limit(&self, bytes: u64) -> io::Result<()> {
        self.try_write(self.limit_file(), &bytes.to_string())
    }

    pub fn try_unlimited(&self) -> io::Result<()> {
        self.try_write(
            self.limit_file(),
            match self.version {
                Version::V1 => "-1",
                Version::V2 => "max",
            },
        )
    }

    pub fn unlimited(&self) -> Outcome {
        let file = self.file(self.limit_file());
        self.try_unlimited().context(file.display())
    }

    /// Reclaims what can be.
    pub fn reclaim_all(&self) -> Outcome {
        match self.version {
            Version::V1 => self.write("memory.force_empty", 0),
            // There may be less than that.
            Version::V2 => match self.try_write("memory.reclaim", "1G") {
                Err(error) if error.raw_os_error() != Some(sys::EAGAIN) => Err(error.into()),
                _ => Ok(()),
            },
        }
    }

    /// How many processes the kernel's OOM killer has taken from this container.
    pub fn oom_kills(&self) -> Outcome<u64> {
        match self.version {
            Version::V1 => self.oom_control(),
            Version::V2 => self.events(),
        }?
        .get("oom_kill")
    }

    pub fn adopt(&self, pid: Pid) -> Outcome {
        self.write("cgroup.procs", pid.number())
    }

    pub fn try_processes(&self) -> io::Result<Vec<Pid>> {
        let text = fs::read_to_string(self.file("cgroup.procs"))?;
        let pids = text.lines().filter_map(|line| line.parse().ok());
        Ok(pids.filter_map(Pid::from_number).collect())
    }

    pub fn processes(&self) -> Outcome<Vec<Pid>> {
        let file = self.file("cgroup.procs");
        self.try_processes().context(file.display())
    }

    pub fn try_remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }

    pub fn remove(&self) -> Outcome {
        self.try_remove()
            .context(format_args!("rmdir {}", self.path.display()))
    }

    /// Kills the processes of the subtree and removes it.
    pub fn destroy(&self) -> Outcome {
        let entries = fs::read_dir(&self.path).context(self.path.display())?;
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let child = Self {
                    version: self.version,
                    path: entry.path(),
                };
                child.destroy()?;
            }
        }
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            for pid in self.processes()? {
                pid.kill(sys::SIGKILL);
            }
            match self.try_remove() {
                Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
                outcome => return outcome.context(format_args!("rmdir {}", self.path.display())),
            }
        }
    }
}

/// How far a container's counter may be from what is in use where nothing is charged in advance: a
/// page for each CPU.
pub fn exact_slack() -> u64 {
    (sys::cpus() * sys::page_size()) as u64
}

/// How far a container's counter may run ahead of what is in use: each CPU keeps up to 64 pages
/// charged in advance, and up to 31 that were freed on their way to a list.
pub fn stock_slack() -> u64 {
    (96 * sys::cpus() * sys::page_size()) as u64
}

/// What a process costs its container besides the memory that a test means: stack and heap pages
/// that it writes after it has moved in, and charges made in advance.
pub fn process_slack() -> u64 {
    stock_slack() + (64 * sys::page_size()) as u64
}

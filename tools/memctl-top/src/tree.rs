// SPDX-License-Identifier: GPL-2.0

//! Which containers there are, and in what order they are shown.
//!
//! # What a walk costs
//!
//! A walk goes through containers that are not below a folded one, nor deeper than asked for. For
//! each it asks for the status of the directory (one system call) and, if there is more than one
//! sibling, reads the file that the order goes by: none by name, one by usage or pressure, one
//! (v1: two) by events. It lists a directory only if its link count says that there are others in
//! it. So a walk is bounded by the number of unfolded containers, not by that of all, and all
//! other files are read by the caller, for those it shows. What is folded costs nothing.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files::{self, Numbers, Sort, Version};

/// A hierarchy, or a part of one.
#[derive(Clone, Debug)]
pub struct Root {
    pub version: Version,
    pub path: PathBuf,
}

/// What is below a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Nothing, or nothing that was asked for.
    Nothing,
    Folded,
    Shown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From the root, which has an empty one.
    pub path: PathBuf,
    pub depth: usize,
    pub below: Below,
}

/// What is to be seen of a hierarchy.
#[derive(Clone, Debug)]
pub struct View {
    pub sort: Sort,
    /// How many levels below the root are shown.
    pub depth: usize,
    pub folded: HashSet<PathBuf>,
}

impl Root {
    /// The hierarchy that has the memory controller, wherever it is mounted; `None` if none has.
    pub fn mounted() -> io::Result<Option<Self>> {
        const MOUNTS: &str = "/proc/self/mounts";

        let text = fs::read_to_string(MOUNTS).map_err(|error| about(MOUNTS.as_ref(), error))?;
        let mounts = files::mounts(&text);
        let has_memory = |(version, path): &(Version, PathBuf)| match version {
            // The option has said so.
            Version::V1 => true,
            Version::V2 => fs::read_to_string(path.join("cgroup.controllers"))
                .is_ok_and(|names| names.split_whitespace().any(|name| name == "memory")),
        };
        let found = mounts.into_iter().find(has_memory);
        Ok(found.map(|(version, path)| Self { version, path }))
    }

    /// The container at `path` and those below it; `None` if it has no file of a memory cgroup.
    pub fn at(path: &Path) -> Option<Self> {
        let there = |name: &str| path.join(name).exists();
        let version = if there("memory.usage_in_bytes") {
            Version::V1
        } else if there("memory.current") || there("cgroup.controllers") {
            Version::V2
        } else {
            return None;
        };
        Some(Self {
            version,
            path: path.to_path_buf(),
        })
    }

    /// Reads all files of the container at `path` from here; `None` if it is gone.
    pub fn read(&self, path: &Path) -> Option<Numbers> {
        let directory = self.path.join(path);
        let numbers = Numbers::read(self.version, text_in(&directory));
        // On v2 there are containers without the memory controller.
        (numbers != Numbers::default() || directory.is_dir()).then_some(numbers)
    }

    /// The containers of a view, each before those below it.
    ///
    /// A container that goes meanwhile is left out; that the root cannot be looked at is an error.
    pub fn rows(&self, view: &View) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let status = fs::metadata(&self.path).map_err(|error| about(&self.path, error))?;
        let links = status.nlink();
        self.visit(view, PathBuf::new(), 0, links, &mut rows);
        Ok(rows)
    }

    /// Goes no deeper than a path may be long.
    fn visit(&self, view: &View, path: PathBuf, depth: usize, links: u64, rows: &mut Vec<Row>) {
        let directory = self.path.join(&path);
        let folded = view.folded.contains(&path);
        let below = if depth >= view.depth || !has_directories(&directory, links) {
            Below::Nothing
        } else if folded {
            Below::Folded
        } else {
            Below::Shown
        };
        rows.push(Row {
            path: path.clone(),
            depth,
            below,
        });
        if below != Below::Shown {
            return;
        }
        let names = directories(&directory);
        let alone = names.len() == 1;
        let mut children: Vec<_> = names
            .into_iter()
            .filter_map(|name| {
                let child = directory.join(&name);
                let links = fs::symlink_metadata(&child).ok()?.nlink();
                let key = if alone {
                    files::Key::default()
                } else {
                    files::key(self.version, view.sort, text_in(&child))
                };
                Some((Reverse(key), name, links))
            })
            .collect();
        children.sort_unstable();
        for (_, name, links) in children {
            self.visit(view, path.join(name), depth + 1, links, rows);
        }
    }
}

/// The same error, which says what it is about.
fn about(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The text of the files in a directory; `None` where there is none, or no text.
fn text_in(directory: &Path) -> impl Fn(&str) -> Option<String> + '_ {
    |name| fs::read_to_string(directory.join(name)).ok()
}

/// Are there directories in this one? Most file systems count them in its links, cgroup's, too:
/// two, and one for each. Of those that do not, a directory has one link.
fn has_directories(directory: &Path, links: u64) -> bool {
    match links {
        2 => false,
        3.. => true,
        _ => !directories(directory).is_empty(),
    }
}

/// The names of the directories in this one; none if it cannot be listed.
fn directories(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name())
        .collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A directory that looks like a hierarchy, and goes with this.
    pub struct Made(pub Root);

    impl Made {
        /// Of v2, with these containers: their path, and bytes in use.
        pub fn new(name: &str, containers: &[(&str, u64)]) -> io::Result<Self> {
            let name = format!("memctl-top-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let made = Self(Root {
                version: Version::V2,
                path,
            });
            for (container, usage) in [("", 0)].iter().chain(containers) {
                made.add(container, *usage)?;
            }
            fs::write(made.0.path.join("cgroup.controllers"), "memory\n")?;
            Ok(made)
        }

        pub fn add(&self, container: &str, usage: u64) -> io::Result<()> {
            let directory = self.0.path.join(container);
            fs::create_dir_all(&directory)?;
            fs::write(directory.join("memory.max"), "max\n")?;
            fs::write(directory.join("memory.current"), format!("{usage}\n"))
        }

        pub fn remove(&self, container: &str) -> io::Result<()> {
            fs::remove_dir_all(self.0.path.join(container))
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            // If it stays, it is in nobody's way.
            let _ = fs::remove_dir_all(&self.0.path);
        }
    }

    pub fn view(sort: Sort, depth: usize, folded: &[&str]) -> View {
        let folded = folded.iter().map(PathBuf::from).collect();
        View {
            sort,
            depth,
            folded,
        }
    }

    fn shown(root: &Root, view: &View) -> io::Result<Vec<String>> {
        let rows = root.rows(view)?;
        Ok(rows
            .iter()
            .map(|row| row.path.display().to_string())
            .collect())
    }

    const SHOP: &[(&str, u64)] = &[("batch", 5), ("shop", 9), ("shop/db", 1), ("shop/web", 2)];

    #[test]
    fn order_of_siblings() -> io::Result<()> {
        let made = Made::new("order", SHOP)?;
        let by = |sort| shown(&made.0, &view(sort, usize::MAX, &[]));
        assert_eq!(
            by(Sort::Usage)?,
            ["", "shop", "shop/web", "shop/db", "batch"]
        );
        assert_eq!(
            by(Sort::Name)?,
            ["", "batch", "shop", "shop/db", "shop/web"]
        );
        // None has any: then the name decides.
        assert_eq!(by(Sort::Pressure)?, by(Sort::Name)?);
        assert_eq!(by(Sort::Events)?, by(Sort::Name)?);
        Ok(())
    }

    #[test]
    fn what_is_folded_or_too_deep() -> io::Result<()> {
        let made = Made::new("folded", SHOP)?;
        let rows = made.0.rows(&view(Sort::Name, usize::MAX, &["shop"]))?;
        let below: Vec<_> = rows.iter().map(|row| row.below).collect();
        assert_eq!(below, [Below::Shown, Below::Nothing, Below::Folded]);
        assert_eq!(
            shown(&made.0, &view(Sort::Name, 1, &[]))?,
            ["", "batch", "shop"]
        );
        assert_eq!(shown(&made.0, &view(Sort::Name, 0, &[]))?, [""]);
        Ok(())
    }

    #[test]
    fn containers_go() -> io::Result<()> {
        let made = Made::new("gone", SHOP)?;
        made.remove("shop/db")?;
        assert_eq!(made.0.read(Path::new("shop/db")), None);
        assert!(made.0.read(Path::new("shop/web")).is_some());
        let all = view(Sort::Usage, usize::MAX, &[]);
        assert_eq!(shown(&made.0, &all)?, ["", "shop", "shop/web", "batch"]);
        made.remove("")?;
        assert!(made.0.rows(&all).is_err());
        Ok(())
    }

    #[test]
    fn a_container_without_the_controller() -> io::Result<()> {
        let made = Made::new("bare", &[])?;
        fs::create_dir(made.0.path.join("bare"))?;
        assert_eq!(made.0.read(Path::new("bare")), Some(Numbers::default()));
        Ok(())
    }

    #[test]
    fn which_version() -> io::Result<()> {
        let made = Made::new("version", &[("a", 1)])?;
        let version = |path: &str| Root::at(&made.0.path.join(path)).map(|root| root.version);
        assert_eq!(version(""), Some(Version::V2));
        assert_eq!(version("a"), Some(Version::V2));
        assert_eq!(version("b"), None);
        fs::write(made.0.path.join("a/memory.usage_in_bytes"), "0\n")?;
        assert_eq!(version("a"), Some(Version::V1));
        Ok(())
    }
}

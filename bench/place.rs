// SPDX-License-Identifier: GPL-2.0

//! Where work is done: containers of a hierarchy with the memory controller, or of one without.

use std::fs;
use std::path::PathBuf;

use crate::outcome::{check_child, fail, Context, Outcome};
use crate::sys::{self, Pid};

/// Which hierarchy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    V1,
    V2,
    /// Version 2, of a kernel that has no memory controller.
    Uncontrolled,
}

pub struct Hierarchy {
    pub kind: Kind,
    root: PathBuf,
}

/// A container; any directory of a hierarchy.
#[derive(Clone)]
pub struct Home(pub PathBuf);

impl Hierarchy {
    pub fn mount(kind: Kind) -> Outcome<Self> {
        let root = PathBuf::from("/tmp/cgroup");
        fs::create_dir_all(&root).context(root.display())?;
        let (name, options) = match kind {
            Kind::V1 => ("cgroup", "memory"),
            Kind::V2 | Kind::Uncontrolled => ("cgroup2", ""),
        };
        sys::mount("none", &root, name, options).context(format_args!("mount {name}"))?;
        let hierarchy = Self { kind, root };
        hierarchy.delegate(&hierarchy.root())?;
        Ok(hierarchy)
    }

    /// Gives the children of `home` the memory controller.
    fn delegate(&self, home: &Home) -> Outcome {
        if self.kind == Kind::V2 {
            home.write("cgroup.subtree_control", "+memory")?;
        }
        Ok(())
    }

    pub fn root(&self) -> Home {
        Home(self.root.clone())
    }

    /// Makes a container below the root, and those on the way there.
    pub fn create(&self, path: &[&str]) -> Outcome<Home> {
        let mut home = self.root();
        for name in path {
            self.delegate(&home)?;
            home = Home(home.0.join(name));
            if !home.0.exists() {
                fs::create_dir(&home.0).context(home.0.display())?;
            }
        }
        Ok(home)
    }

    /// The file that says how much is in use, where there is one.
    pub fn usage_file(&self, home: &Home) -> Option<PathBuf> {
        match self.kind {
            Kind::V1 => Some(home.0.join("memory.usage_in_bytes")),
            Kind::V2 => Some(home.0.join("memory.current")),
            Kind::Uncontrolled => None,
        }
    }

    /// How much is in use, in bytes.
    pub fn usage(&self, home: &Home) -> Outcome<u64> {
        let Some(file) = self.usage_file(home) else {
            return fail("nobody counts what is in use");
        };
        let text = fs::read_to_string(&file).context(file.display())?;
        match text.trim().parse() {
            Ok(bytes) => Ok(bytes),
            Err(_) => fail(format!("{}: {text}", file.display())),
        }
    }

    /// Has CPUs give back what has been charged in advance below `home`, so that its usage is what
    /// it really needs. At worst a few pages of page cache go; nobody is killed.
    pub fn drain(&self, home: &Home) -> Outcome {
        const PAGE: u64 = 4096;

        // A limit that is not met takes these pages first.
        let less = self.usage(home)?.saturating_sub(PAGE).to_string();
        if self.kind == Kind::V1 {
            // Refused, if there is nothing to reclaim either.
            let _ = home.write(self.limit_file(), &less);
            return home.write(self.limit_file(), self.unlimited());
        }
        home.write("memory.high", &less)?;
        home.write("memory.high", "max")
    }

    /// The name of the file with the limit.
    pub fn limit_file(&self) -> &'static str {
        match self.kind {
            Kind::V1 => "memory.limit_in_bytes",
            _ => "memory.max",
        }
    }

    /// What to write there so that there is no limit.
    pub fn unlimited(&self) -> &'static str {
        match self.kind {
            Kind::V1 => "-1",
            _ => "max",
        }
    }
}

impl Home {
    pub fn write(&self, name: &str, value: &str) -> Outcome {
        let path = self.0.join(name);
        fs::write(&path, value).context(path.display())
    }

    pub fn adopt(&self, pid: Pid) -> Outcome {
        self.write("cgroup.procs", &pid.number().to_string())
    }

    pub fn remove(&self) -> Outcome {
        fs::remove_dir(&self.0).context(self.0.display())
    }

    /// Runs `body` in a process of this container, and waits for it.
    pub fn run(&self, body: impl FnOnce() -> Outcome) -> Outcome {
        let child = sys::spawn(|| match self.adopt(Pid::of_self()).and_then(|()| body()) {
            Ok(()) => 0,
            Err(why) => {
                eprintln!("memctl-bench: {why}");
                1
            }
        });
        check_child(child.context("fork")?.wait().context("wait")?)
    }
}

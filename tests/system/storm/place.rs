// SPDX-License-Identifier: GPL-2.0

//! Where a container may be: a small tree, three levels deep, so that actors meet.

use std::fs;
use std::io;
use std::time::Duration;

use super::random::Random;
use crate::cgroup::{Cgroup, Hierarchy, Version};
use crate::outcome::MB;
use crate::sys;

/// How many places there are on each level, below each of the level above.
const PLACES: [u64; 3] = [3, 2, 2];

/// One place of the tree. Whether a container is there changes all the time.
pub struct Place {
    levels: Vec<u64>,
}

impl Place {
    /// A place on any level.
    pub fn any(random: &mut Random) -> Self {
        Self::at(&[1, 2, 2, 3, 3, 3], random)
    }

    /// A place for processes: at the bottom if with version 2 they can only be there, but for a try
    /// now and then.
    pub fn home(random: &mut Random, version: Version) -> Self {
        match version {
            Version::V1 => Self::any(random),
            Version::V2 => Self::at(&[2, 3, 3, 3, 3, 3], random),
        }
    }

    fn at(depths: &[usize], random: &mut Random) -> Self {
        let depth = random.one_of(depths).copied().unwrap_or(PLACES.len());
        let mut levels: Vec<_> = PLACES.iter().map(|places| random.below(*places)).collect();
        levels.truncate(depth);
        Self { levels }
    }

    /// The places above this one, topmost first, then this one.
    fn way(&self) -> impl Iterator<Item = Place> + '_ {
        (1..=self.levels.len()).map(|depth| Place {
            levels: self.levels[..depth].to_vec(),
        })
    }

    fn name(&self) -> String {
        let names: Vec<_> = self.levels.iter().map(u64::to_string).collect();
        names.join("/")
    }

    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// The container that is here, if there is one.
    pub fn container(&self, hierarchy: &Hierarchy) -> Cgroup {
        hierarchy.find(&self.name())
    }

    /// The topmost container on the way here.
    pub fn family(&self, hierarchy: &Hierarchy) -> Cgroup {
        hierarchy.find(&self.levels[0].to_string())
    }

    /// The container here that others can be in, or the next one above.
    pub fn inner(&self, hierarchy: &Hierarchy) -> Cgroup {
        let mut levels = self.levels.clone();
        levels.truncate(PLACES.len() - 1);
        Place { levels }.container(hierarchy)
    }

    /// A limit in bytes, tight enough here that what comes hits it.
    pub fn limit(&self, random: &mut Random) -> u64 {
        let (low, high) = [(24, 80), (12, 48), (2, 16)][self.depth() - 1];
        random.between(low, high) * MB
    }

    /// Makes a container here, and what is missing on the way.
    pub fn create(&self, hierarchy: &Hierarchy) -> io::Result<()> {
        for place in self.way() {
            let last = place.depth() == self.depth();
            let container = place.container(hierarchy);
            match fs::create_dir(container.path()) {
                Err(error) if last || error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error)
                }
                _ => (),
            }
            if !last && hierarchy.version() == Version::V2 {
                // Refused where processes are.
                let _ = container.try_write("cgroup.subtree_control", "+memory");
            }
        }
        Ok(())
    }
}

/// Kills what is in a container and below it, and removes all of it.
pub fn destroy(container: &Cgroup) -> io::Result<()> {
    const ATTEMPTS: u32 = 10;

    let mut outcome = Ok(());
    for _ in 0..ATTEMPTS {
        for below in fs::read_dir(container.path())?.flatten() {
            if below.file_type().is_ok_and(|kind| kind.is_dir()) {
                // Somebody else may be faster.
                let _ = destroy(&container.inside(&below.path()));
            }
        }
        // Without processes it can be removed even if they cannot be listed any more.
        let _ = kill(container);
        outcome = container.try_remove();
        if outcome.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    outcome
}

/// Kills all processes of a container.
pub fn kill(container: &Cgroup) -> io::Result<()> {
    match container.version() {
        Version::V2 => container.try_write("cgroup.kill", "1"),
        Version::V1 => {
            let processes = container.try_processes()?;
            processes.iter().for_each(|pid| pid.kill(sys::SIGKILL));
            Ok(())
        }
    }
}

/// Whether the pids controller can bound what is in the tree of version 2.
pub fn has_pids() -> bool {
    let controllers = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    // With a hierarchy of its own it is version 1's.
    controllers
        .lines()
        .any(|line| line.starts_with("pids\t0\t"))
}

// SPDX-License-Identifier: GPL-2.0

//! What was done in a storm and how often, counted in memory that all its processes share.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cgroup::Version;
use crate::machine;
use crate::sys;

macro_rules! actions {
    ($($action:ident: $words:literal, $needs:ident;)+) => {
        /// What an actor does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($action),+
        }

        impl Action {
            pub const ALL: &'static [Action] = &[$(Action::$action),+];

            pub fn words(self) -> &'static str {
                match self {
                    $(Action::$action => $words),+
                }
            }

            fn needs(self) -> Needs {
                match self {
                    $(Action::$action => Needs::$needs),+
                }
            }
        }
    };
}

/// What an action takes besides a memory controller.
enum Needs {
    Nothing,
    V1,
    V2,
    Swap,
    Zswap,
    HugePages,
    HugetlbPool,
    Handover,
    Nodes,
    Compaction,
    Splitting,
    Generations,
    Pids,
    MovableCpus,
    MovableMemory,
}

actions! {
    Create: "container created", Nothing;
    Remove: "container removed", Nothing;
    Destroy: "container killed and removed with all below it", Nothing;
    Limit: "limit set", Nothing;
    Unlimit: "limit lifted", Nothing;
    Reclaim: "reclaim asked for", Nothing;
    Read: "statistics read", Nothing;
    Kill: "all processes of a container killed", Nothing;
    Move: "process moved to another container", Nothing;
    High: "memory.high set", V2;
    Protect: "memory.min or memory.low set", V2;
    SwapLimit: "memory.swap.max set", V2;
    KillTogether: "memory.oom.group set", V2;
    Enable: "controller enabled for children", V2;
    Disable: "controller disabled for children", V2;
    Pids: "pids.max set", Pids;
    OomControl: "memory.oom_control set", V1;
    Swappiness: "memory.swappiness set", V1;
    MemSwLimit: "memory.memsw.limit_in_bytes set", V1;
    TcpLimit: "memory.kmem.tcp.limit_in_bytes set", V1;
    Listen: "listened to, and stopped", V1;
    ZswapLimit: "memory.zswap.max set", Zswap;
    TakesOver: "memory.handover set", Handover;
    Handover: "hand-over turned on or off", Handover;
    Zswap: "zswap turned on or off", Zswap;
    Anon: "stay with anonymous memory", Nothing;
    Copy: "memory copied on write after a fork", Nothing;
    Lock: "memory locked", Nothing;
    Huge: "stay with huge pages", HugePages;
    Split: "huge page unmapped in part", HugePages;
    Collapse: "huge page collapsed", HugePages;
    Tmpfs: "stay with tmpfs", Nothing;
    Cache: "stay with page cache", Nothing;
    Share: "file of another read", Nothing;
    Use: "file of another mapped and used", Nothing;
    Hugetlb: "stay with hugetlb pages", HugetlbPool;
    Names: "stay with names and inodes", Nothing;
    Pipes: "stay with pipes", Nothing;
    Threads: "stay with threads", Nothing;
    Sockets: "stay with sockets", Nothing;
    MovePages: "own pages moved to a node", Nodes;
    Migrate: "pages of a process migrated to a node", Nodes;
    Bomb: "fork bomb", Nothing;
    SwapOn: "swap on", Swap;
    SwapOff: "swap off", Swap;
    Compact: "memory compacted", Compaction;
    SplitAll: "all huge pages split", Splitting;
    DropCaches: "caches dropped", Nothing;
    Generations: "other kind of LRU chosen", Generations;
    Pool: "hugetlb pool grown", HugetlbPool;
    Mount: "hierarchy mounted a second time", Nothing;
    Unmount: "second mount unmounted", Nothing;
    CpuOff: "CPU offline", MovableCpus;
    CpuOn: "CPU online", MovableCpus;
    MemoryOff: "memory block offline", MovableMemory;
    MemoryOn: "memory block online", MovableMemory;
}

impl Action {
    /// Whether this machine and this version have what the action takes.
    pub fn available(self, version: Version) -> bool {
        match self.needs() {
            Needs::Nothing => true,
            Needs::V1 => version == Version::V1,
            Needs::V2 => version == Version::V2,
            Needs::Swap => machine::has_swap_device(),
            Needs::Zswap => version == Version::V2 && Path::new(super::shaker::ZSWAP).exists(),
            Needs::HugePages => machine::huge_page_size().is_ok(),
            Needs::HugetlbPool => machine::has_hugetlb_pool(),
            Needs::Handover => machine::hands_over(),
            Needs::Nodes => machine::nodes() > 1,
            Needs::Compaction => Path::new("/proc/sys/vm/compact_memory").exists(),
            Needs::Splitting => Path::new(super::shaker::SPLIT).exists(),
            Needs::Generations => Path::new(super::shaker::GENERATIONS).exists(),
            Needs::Pids => version == Version::V2 && super::place::has_pids(),
            Needs::MovableCpus => !crate::plug::cpus().is_empty(),
            Needs::MovableMemory => !crate::plug::memory_blocks().is_empty(),
        }
    }
}

/// Counters that all processes of a storm share.
#[derive(Clone, Copy)]
pub struct Tally {
    done: &'static [AtomicU64],
    refused: &'static [AtomicU64],
    odd: &'static AtomicU64,
    over: &'static AtomicU64,
}

impl Tally {
    pub fn new() -> io::Result<Self> {
        let count = Action::ALL.len();
        let (done, rest) = sys::shared_counters(2 * count + 2)?.split_at(count);
        let (refused, rest) = rest.split_at(count);
        Ok(Self {
            done,
            refused,
            odd: &rest[0],
            over: &rest[1],
        })
    }

    pub fn done(&self, action: Action) -> u64 {
        self.done[action as usize].load(Relaxed)
    }

    pub fn refused(&self, action: Action) -> u64 {
        self.refused[action as usize].load(Relaxed)
    }

    /// How often something happened that should not.
    pub fn odd(&self) -> u64 {
        self.odd.load(Relaxed)
    }

    pub fn count_done(&self, action: Action) {
        self.done[action as usize].fetch_add(1, Relaxed);
    }

    pub fn count_refused(&self, action: Action) {
        self.refused[action as usize].fetch_add(1, Relaxed);
    }

    /// Counts something odd; returns how many there were before.
    pub fn count_odd(&self) -> u64 {
        self.odd.fetch_add(1, Relaxed)
    }

    /// Tells everybody to come to an end.
    pub fn end(&self) {
        self.over.store(1, Relaxed);
    }

    pub fn over(&self) -> bool {
        self.over.load(Relaxed) != 0
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What may be listened for on cgroup v1, and whether anybody does: who makes something happen asks
//! that first, by one number.
#![deny(unsafe_code)]

use super::{
    listener::Listener,
    listeners::{
        Listeners,
        Wish, //
    },
    memcg::MemCgroup,
    wait, //
};
use kernel::{
    res_counter::ResCounter,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// What a limit of cgroup v1 is of, or a threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Measured {
    /// Pages in memory.
    Memory = 0,
    /// Pages in memory and in swap space together.
    MemSw = 1,
}

impl Measured {
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::MemSw];

    /// What counts it in `memcg`.
    pub(crate) fn counter(self, memcg: &MemCgroup) -> Option<&ResCounter> {
        match self {
            Self::Memory => Some(memcg.memory()),
            Self::MemSw => memcg.memsw(),
        }
    }
}

/// Usage crosses a number of pages, up or down.
pub(crate) struct Threshold {
    pub(crate) of: Measured,
    pub(crate) pages: usize,
    /// On which side usage was when that was looked at last.
    above: Atomic<bool>,
}

impl Threshold {
    /// One that `usage` pages have crossed already, or not.
    pub(crate) fn new(of: Measured, pages: usize, usage: usize) -> Self {
        Self {
            of,
            pages,
            above: Atomic::new(usage >= pages),
        }
    }

    /// Whether it has been crossed since this was called last.
    pub(crate) fn is_crossed(&self, usage: usize) -> bool {
        let above = usage >= self.pages;
        self.above.xchg(above, Full) != above
    }
}

impl Wish for Threshold {
    fn listeners(memcg: &MemCgroup) -> Option<&Listeners<Self>> {
        memcg.thresholds().map(|(listeners, _)| listeners)
    }

    fn changed(memcg: &MemCgroup, all: &[Arc<Listener<Self>>], by: isize) {
        wait::watchers().fetch_add(by as i32, Full);
        if let Some((_, bounds)) = memcg.thresholds() {
            Measured::ALL.iter().for_each(|of| bounds.set(*of, all));
        }
    }
}

/// Between which numbers of pages usage may move without crossing a threshold.
pub(crate) struct Bounds {
    /// The lowest threshold above; none is the greatest number.
    above: [Atomic<usize>; 2],
    /// The highest threshold that was reached; none is 0.
    below: [Atomic<usize>; 2],
}

impl Bounds {
    pub(crate) fn new() -> Self {
        Self {
            above: [const { Atomic::new(usize::MAX) }; 2],
            below: [const { Atomic::new(0) }; 2],
        }
    }

    /// Whether there is nobody who wants to know about `of`.
    #[inline]
    pub(crate) fn are_none(&self, of: Measured) -> bool {
        let [above, below] = self.get(of);
        above == usize::MAX && below == 0
    }

    /// Whether `usage` pages are between them.
    pub(crate) fn hold(&self, of: Measured, usage: usize) -> bool {
        let [above, below] = self.get(of);
        below <= usage && usage < above
    }

    fn get(&self, of: Measured) -> [usize; 2] {
        [&self.above, &self.below].map(|bounds| match of {
            Measured::Memory => bounds[0].load(Relaxed),
            Measured::MemSw => bounds[1].load(Relaxed),
        })
    }

    /// Finds them anew. The list is locked.
    pub(crate) fn set(&self, of: Measured, all: &[Arc<Listener<Threshold>>]) {
        let mine = || all.iter().map(|l| &l.wish).filter(|wish| wish.of == of);
        let reached = |wish: &&Threshold| wish.above.load(Relaxed);
        let above = mine().filter(|wish| !reached(wish)).map(|wish| wish.pages);
        let below = mine().filter(reached).map(|wish| wish.pages);
        let (above, below) = (above.min(), below.max());
        let i = of as usize % 2;
        self.below[i].store(below.unwrap_or(0), Relaxed);
        // Fully ordered for who looks at usage next: who changes it then sees these.
        self.above[i].xchg(above.unwrap_or(usize::MAX), Full);
    }
}

/// A process is about to be killed for want of room, or to wait.
pub(crate) struct OutOfMemory;

/// How many listen for that, in all containers.
static LISTEN_FOR_OOM: Atomic<isize> = Atomic::new(0);

impl OutOfMemory {
    /// Whether anybody listens for that, in some container.
    pub(crate) fn is_wanted() -> bool {
        LISTEN_FOR_OOM.load(Relaxed) != 0
    }
}

impl Wish for OutOfMemory {
    fn listeners(memcg: &MemCgroup) -> Option<&Listeners<Self>> {
        memcg.oom_listeners()
    }

    fn changed(_memcg: &MemCgroup, _all: &[Arc<Listener<Self>>], by: isize) {
        LISTEN_FOR_OOM.fetch_add(by, Full);
    }
}

/// Whose pressure is told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// That of the container and those below it, unless somebody further down was told.
    Default,
    /// That of the container and those below it.
    Hierarchy,
    /// That of the container.
    Local,
}

/// Reclaim has a hard time.
pub(crate) struct Pressure {
    /// From which level on, as C numbers them.
    pub(crate) level: u32,
    pub(crate) mode: Mode,
}

/// How many listen for that, in all containers.
static LISTEN_FOR_PRESSURE: Atomic<isize> = Atomic::new(0);

#[cfg(CONFIG_MEMCG_V1)]
impl Pressure {
    /// Whether anybody listens for that, in some container.
    pub(crate) fn is_wanted() -> bool {
        LISTEN_FOR_PRESSURE.load(Relaxed) != 0
    }
}

impl Wish for Pressure {
    fn listeners(memcg: &MemCgroup) -> Option<&Listeners<Self>> {
        memcg.pressure_listeners()
    }

    fn changed(_memcg: &MemCgroup, _all: &[Arc<Listener<Self>>], by: isize) {
        LISTEN_FOR_PRESSURE.fetch_add(by, Full);
    }
}

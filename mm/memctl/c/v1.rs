// SPDX-License-Identifier: GPL-2.0

//! What a container has that only cgroup v1 shows. On v2 it takes no memory.
#![deny(unsafe_code)]

use super::{
    listeners::Listeners,
    memcg::MemCgroup,
    wish::{
        Bounds,
        OutOfMemory,
        Pressure,
        Threshold, //
    },
};
use kernel::{
    prelude::*,
    res_counter::ResCounter,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};

/// What only cgroup v1 has.
#[pin_data]
pub(crate) struct V1 {
    /// Kernel memory, in pages: nothing is limited by it.
    kmem: ResCounter,
    /// What TCP has for sockets, in pages. It counts to no other limit.
    tcp: ResCounter,
    /// Whether a limit of that was ever set: sockets are accounted from then on.
    tcp_limited: Atomic<bool>,
    bounds: Bounds,
    #[pin]
    thresholds: Listeners<Threshold>,
    #[pin]
    oom: Listeners<OutOfMemory>,
    #[pin]
    pressure: Listeners<Pressure>,
    /// Pages that reclaim has looked at, and got, since pressure was told of last.
    window: [Atomic<usize>; 2],
}

impl V1 {
    /// With counters that have a parent, or are the root's.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(kmem: ResCounter, tcp: ResCounter) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                kmem,
                tcp,
                tcp_limited: Atomic::new(false),
                bounds: Bounds::new(),
                thresholds <- Listeners::new(),
                oom <- Listeners::new(),
                pressure <- Listeners::new(),
                window: [const { Atomic::new(0) }; 2],
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }
}

impl MemCgroup {
    /// What it has on cgroup v1. The root keeps it on v2.
    #[inline]
    pub(super) fn v1(&self) -> Option<&V1> {
        self.state.v1.as_deref()
    }

    /// The counter of pages of kernel memory, on cgroup v1: nothing is limited by it.
    #[inline]
    pub(crate) fn kmem(&self) -> Option<&ResCounter> {
        self.v1().map(|v1| &v1.kmem)
    }

    /// The counter of pages that TCP has for sockets, on cgroup v1.
    #[inline]
    pub(crate) fn tcp(&self) -> Option<&ResCounter> {
        self.v1().map(|v1| &v1.tcp)
    }

    /// The counter of pages in memory and in swap space together, on cgroup v1.
    #[inline]
    pub(crate) fn memsw(&self) -> Option<&ResCounter> {
        match cfg!(CONFIG_SWAP) {
            true => self.v1().map(|_| &self.state.swap),
            false => None,
        }
    }

    /// Whether its sockets are accounted on cgroup v1.
    pub(super) fn is_tcp_limited(&self) -> bool {
        self.v1().is_some_and(|v1| v1.tcp_limited.load(Relaxed))
    }

    /// Notes that they are.
    pub(super) fn note_tcp_limited(&self) {
        if let Some(v1) = self.v1() {
            v1.tcp_limited.xchg(true, Full);
        }
    }

    /// Who wants to know when usage crosses a threshold, and between which there are none.
    #[inline]
    pub(crate) fn thresholds(&self) -> Option<(&Listeners<Threshold>, &Bounds)> {
        self.v1().map(|v1| (&v1.thresholds, &v1.bounds))
    }

    /// Who wants to know when there is no room.
    pub(crate) fn oom_listeners(&self) -> Option<&Listeners<OutOfMemory>> {
        self.v1().map(|v1| &v1.oom)
    }

    /// Who wants to know when reclaim has a hard time.
    pub(crate) fn pressure_listeners(&self) -> Option<&Listeners<Pressure>> {
        self.v1().map(|v1| &v1.pressure)
    }

    /// Pages that reclaim has looked at, and got, since pressure was told of last.
    #[cfg(CONFIG_MEMCG_V1)]
    pub(crate) fn pressure_window(&self) -> Option<&[Atomic<usize>; 2]> {
        self.v1().map(|v1| &v1.window)
    }

    /// It is being removed: nobody listens any more. Steps: listeners.
    pub(crate) fn close_listeners(&self) {
        if let Some(v1) = self.v1() {
            v1.thresholds.close();
            v1.oom.close();
            v1.pressure.close();
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Which rows of counters have changed, and who carries that up.
//!
//! Containers and their shares of nodes have rows of counters on each CPU
//! ([`Rows`](kernel::percpu::Rows)). Those that change are listed; who holds the [`Lock`] takes
//! them off, one at a time. A mutex: to carry up takes time in proportion to what has changed, and
//! may be interrupted.
//!
//! Lock order: inside `cgroup_mutex`, `oom_lock` and all locks of those who charge; outside
//! `memctl_objcg_lock` and `lru_lock`.

mod lock;
pub(crate) use lock::{
    Carrier,
    Lock, //
};

use super::{
    items::{
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN, //
    },
    memcg::MemCgroup,
    node::Node, //
};
use kernel::{
    percpu::{
        Flusher,
        Owner,
        RowList, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Release, //
        },
        global_lock,
    },
};

/// Rows of shares of nodes that have changed.
// SAFETY: It is the list of nodes, see below.
static NODES: RowList<Node, NR_NODE_OFTEN> = unsafe { RowList::new() };

/// Rows of containers that have changed.
// SAFETY: It is the list of containers.
static MEMCGS: RowList<MemCgroup, NR_MEMCG_OFTEN> = unsafe { RowList::new() };

// SAFETY: It is the same each time, and rows are there.
unsafe impl Owner<NR_NODE_OFTEN> for Node {
    const ROWS: usize = Node::ROWS;

    fn list() -> &'static RowList<Self, NR_NODE_OFTEN> {
        &NODES
    }
}

// SAFETY: As above.
unsafe impl Owner<NR_MEMCG_OFTEN> for MemCgroup {
    const ROWS: usize = MemCgroup::ROWS;

    fn list() -> &'static RowList<Self, NR_MEMCG_OFTEN> {
        &MEMCGS
    }
}

/// Both of these that there are.
pub(crate) struct Flushers {
    nodes: Flusher<Node, NR_NODE_OFTEN>,
    memcgs: Flusher<MemCgroup, NR_MEMCG_OFTEN>,
}

global_lock! {
    // SAFETY: `init()` initializes it before `READY` says that it is.
    unsafe(uninit) static FLUSHERS: Mutex<Option<Flushers>> = None;
}

static READY: Atomic<bool> = Atomic::new(false);

/// How many flushes have begun, and which was the last one to end.
static BEGUN: Atomic<usize> = Atomic::new(0);
static ENDED: Atomic<usize> = Atomic::new(0);

/// Makes the lists, before the first container. Sleeps.
///
/// # Errors
///
/// `ENOMEM`.
pub(super) fn init() -> Result {
    NODES.init(GFP_KERNEL)?;
    MEMCGS.init(GFP_KERNEL)?;
    if let (Some(nodes), Some(memcgs)) = (NODES.flusher(), MEMCGS.flusher()) {
        // SAFETY: There are flushers once.
        unsafe { FLUSHERS.init() };
        *FLUSHERS.lock() = Some(Flushers { nodes, memcgs });
        READY.store(true, Release);
    }
    Ok(())
}

impl MemCgroup {
    /// Lets its counts be found.
    ///
    /// # Safety
    ///
    /// The container is about to be published: nobody else counts yet.
    pub(super) unsafe fn adopt_rows(&self) {
        // SAFETY: As required. It is freed by `Freeing` alone, which looks whether the rows are
        // retired.
        unsafe {
            self.rows().adopt();
            for node in self.nodes() {
                node.rows().adopt();
            }
        }
    }

    /// Whether its counts are not found any more.
    pub(super) fn has_no_rows(&self) -> bool {
        self.rows().is_retired() && self.nodes().all(|node| node.rows().is_retired())
    }
}

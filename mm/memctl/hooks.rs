// SPDX-License-Identifier: GPL-2.0

//! What does the rest of the kernel call? Every function of the controller, in a file for each part
//! of the kernel that calls it.
//!
//! There is no policy here: a hook calls one method and hands back what that returns. What each
//! must do is said by `include/linux/memcontrol.h` and the callers. The bodies are safe Rust; what
//! they take from C is turned into types by the [`seam`], and the comment `# Safety` of a hook says
//! what its callers promise and where that is written.
//!
//! [`folio`]: page cache, page faults, shmem, hugetlb, migration, splitting. [`swap`]: swap space.
//! [`lru`]: LRU lists. [`stats`]: statistics and events. [`find`]: who asks whose something is.
//! [`reclaim`]: walks of reclaim, protection, throttling, pressure. [`handover`]: who could have
//! what reclaim takes. [`oom`]: the OOM killer.
//! [`writeback`]: dirty pages. [`cgroup`]: the cgroup core. [`kmem`] and [`slab`]: kernel
//! memory. [`net`]: sockets. [`zswap`]: swap space that is compressed memory. [`debug`]: debugfs.
#![deny(unsafe_code)]

mod args;
mod cgroup;
#[cfg(CONFIG_MEMCTL_DEBUG)]
mod debug;
mod find;
mod folio;
mod handover;
mod kmem;
mod lru;
mod net;
mod oom;
mod reclaim;
mod results;
#[allow(unsafe_code)]
mod seam;
mod slab;
mod stats;
mod swap;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
mod writeback;
#[cfg(CONFIG_ZSWAP)]
mod zswap;

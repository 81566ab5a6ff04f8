// SPDX-License-Identifier: GPL-2.0

//! What is asked of C, and what C's structures are to Rust.
//!
//! All `unsafe` of the controller is here, but for the seam of the hooks (`hooks/seam.rs`). Each
//! file wraps one structure or one part of the kernel, thinly: what is decided is decided
//! elsewhere. What any other user of the `kernel` crate could want is not here but there. The
//! chapter "Why safe code cannot break memory" of `Documentation/mm/memctl.rst` argues for each.
//!
//! Containers: [`memcg`] (with [`state`], [`v1`], [`create`], [`ids`] with [`id_count`], and
//! [`life`]), [`node`] (with [`sizes`]), [`objcg`] (with [`handles`]); [`counts`], [`changed`] and
//! [`stocked`]. Folios and pages: [`meta_page`] (with [`binding`], [`frozen`] and
//! [`kernel_pages`]), [`lists`]. Objects of slab caches: [`slab`]. What the audit passes:
//! [`passed`]. Others: [`task`] (with [`current`]), [`swap`], [`foreign`] (with [`note`]),
//! [`sock`], [`wait`], [`listener`] (with [`listeners`], [`wish`] and [`cgroup_file`]), [`log`],
//! [`trace`], [`vm`] (with [`mount`]). What C has numbers or bits for: [`items`], [`events`],
//! [`gfp`].

/// Checks that a type of ours has the layout of one of C: the size, and where the fields are.
macro_rules! same_layout {
    ($ours:ty, $theirs:ty, { $($field:ident),* $(,)? }) => {
        ::kernel::static_assert!(size_of::<$ours>() == size_of::<$theirs>());
        ::kernel::static_assert!(align_of::<$ours>() == align_of::<$theirs>());
        $(
            ::kernel::static_assert!(
                ::core::mem::offset_of!($ours, $field) == ::core::mem::offset_of!($theirs, $field)
            );
        )*
    };
}
use same_layout;

pub(crate) mod binding;
mod cgroup_file;
pub(crate) mod changed;
pub(crate) mod counts;
pub(crate) mod create;
mod current;
pub(crate) mod events;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
pub(crate) mod foreign;
pub(crate) mod frozen;
pub(crate) mod gfp;
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) mod handles;
mod id_count;
mod ids;
pub(crate) mod items;
mod kernel_pages;
pub(crate) mod life;
pub(crate) mod listener;
mod listeners;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod memcg;
pub(crate) mod meta_page;
pub(crate) mod mount;
pub(crate) mod node;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
mod note;
pub(crate) mod objcg;
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) mod passed;
mod sizes;
pub(crate) mod slab;
pub(crate) mod sock;
mod state;
pub(crate) mod stocked;
#[cfg(any(CONFIG_SWAP, CONFIG_MEMCTL_DEBUG))]
pub(crate) mod swap;
pub(crate) mod task;
pub(crate) mod trace;
mod v1;
pub(crate) mod vm;
pub(crate) mod wait;
pub(crate) mod wish;

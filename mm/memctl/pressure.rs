// SPDX-License-Identifier: GPL-2.0

//! What happens when there is no room? [`reclaim`] takes pages back, [`protection`] says from whom
//! not, [`patience`] how often, [`throttle`] slows down, [`oom`] kills or lets wait, [`listeners`]
//! are told, of pressure by [`levels`], and [`writeback`] limits dirty pages.
#![deny(unsafe_code)]

#[cfg(CONFIG_MEMCG_V1)]
pub(crate) mod levels;
pub(crate) mod listeners;
pub(crate) mod oom;
pub(crate) mod patience;
pub(crate) mod protection;
pub(crate) mod reclaim;
pub(crate) mod throttle;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
pub(crate) mod writeback;

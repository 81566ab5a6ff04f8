// SPDX-License-Identifier: GPL-2.0

//! What do users read and write? [`v1`] and [`v2`] are the files in the cgroup filesystem, with the
//! statistics of each in [`v1_stat`] and [`v2_stat`]; [`v1_counters`], [`v1_events`], [`v1_kmem`]
//! and [`v2_zswap`] are what is behind some, [`switch`] behind those that are on or off; [`log`] is
//! what the report of an OOM kill says.
#![deny(unsafe_code)]

pub(crate) mod log;
mod switch;
pub(crate) mod v1;
mod v1_counters;
mod v1_events;
mod v1_kmem;
mod v1_stat;
pub(crate) mod v2;
pub(crate) mod v2_stat;
#[cfg(CONFIG_ZSWAP)]
mod v2_zswap;

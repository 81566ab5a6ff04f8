// SPDX-License-Identifier: GPL-2.0

//! How much is in use, and who waits for room? [`counters`] are what pages are charged to,
//! [`stock`] is what CPUs have charged in advance, [`bytes`] what objects use of that, [`waiters`]
//! are those who wait until pages come back, [`thresholds`] those who want to know how much is in
//! use, [`shared`] counts writes to what CPUs share.
#![deny(unsafe_code)]

pub(crate) mod bytes;
pub(crate) mod counters;
pub(crate) mod shared;
pub(crate) mod stock;
pub(crate) mod thresholds;
pub(crate) mod waiters;

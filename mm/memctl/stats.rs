// SPDX-License-Identifier: GPL-2.0

//! What is counted, and what has happened? [`count`] adds, [`read`] sums up, [`moves`] hands what a
//! removed container has counted to its parent, [`events`] tells user space.
#![deny(unsafe_code)]

pub(crate) mod count;
pub(crate) mod events;
pub(crate) mod moves;
pub(crate) mod read;

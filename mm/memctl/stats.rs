// SPDX-License-Identifier: GPL-2.0

//! What is counted, and what has happened? [`count`] adds, [`flush`] carries up, [`read`] reads
//! totals, [`events`] tells user space.
#![deny(unsafe_code)]

pub(crate) mod count;
pub(crate) mod events;
pub(crate) mod flush;
pub(crate) mod read;

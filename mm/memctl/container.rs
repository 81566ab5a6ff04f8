// SPDX-License-Identifier: GPL-2.0

//! How does a container come and go? [`life`] are the steps as the cgroup core calls them,
//! [`reparent`] is what its parent inherits.
#![deny(unsafe_code)]

pub(crate) mod life;
mod reparent;

// SPDX-License-Identifier: GPL-2.0

//! Which containers are there? Walks over a container and all below it.
#![deny(unsafe_code)]

pub(crate) mod iter;

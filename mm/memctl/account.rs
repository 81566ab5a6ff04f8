// SPDX-License-Identifier: GPL-2.0

//! Whose is it? [`charge`] binds folios to containers and [`uncharge`] takes that back, [`migrate`]
//! hands a charge over, [`swap`] is for what is no folio, [`kmem`] and [`objects`] are for what the
//! kernel allocates, [`lru`] finds and locks the lists of a folio.
#![deny(unsafe_code)]

pub(crate) mod charge;
pub(crate) mod kmem;
pub(crate) mod lru;
pub(crate) mod migrate;
pub(crate) mod objects;
#[cfg(CONFIG_SWAP)]
pub(crate) mod swap;
pub(crate) mod uncharge;

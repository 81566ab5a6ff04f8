// SPDX-License-Identifier: GPL-2.0

//! Whose is it? [`charge`] binds folios to containers and [`uncharge`] takes that back, [`migrate`]
//! lets another folio have a charge, [`handover`] another container a folio, [`swap`], [`memsw`]
//! and [`zswap`] are for what is no folio, [`kmem`] and [`objects`] are for what the kernel
//! allocates, [`socket`] for what connections have buffered, [`lru`] finds and locks the lists of a
//! folio.
#![deny(unsafe_code)]

pub(crate) mod charge;
pub(crate) mod handover;
pub(crate) mod kmem;
pub(crate) mod lru;
#[cfg(all(CONFIG_MEMCG_V1, CONFIG_SWAP))]
pub(crate) mod memsw;
pub(crate) mod migrate;
pub(crate) mod objects;
pub(crate) mod socket;
#[cfg(CONFIG_SWAP)]
pub(crate) mod swap;
pub(crate) mod uncharge;
#[cfg(CONFIG_ZSWAP)]
pub(crate) mod zswap;

// SPDX-License-Identifier: GPL-2.0

//! Where a walk is that several reclaimers share: see `Node::move_position()`.
#![deny(unsafe_code)]

use super::memcg::MemCgroup;
use kernel::sync::counted::Counted;

/// Where a shared walk goes.
pub(crate) enum Position<'a> {
    /// To the end of the round.
    Nowhere,
    /// To the container whose share keeps the position.
    Here,
    /// To one below that.
    Below(&'a Counted<MemCgroup>),
}

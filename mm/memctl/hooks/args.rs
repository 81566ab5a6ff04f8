// SPDX-License-Identifier: GPL-2.0

//! Arguments of hooks that are what others know, by another name: `seam.rs` says what each claims.
#![deny(unsafe_code)]

use crate::c::{
    life::Offlining,
    memcg::MemCgroup,
    node::Node, //
};
use kernel::{
    mm::pages::Passed,
    sync::counted::Counted, //
};

/// A container, or the root where C has null.
pub(super) struct OrRoot<'a>(pub(super) &'a MemCgroup);

/// A container by its css, if there is one.
pub(super) struct ByCss<'a>(pub(super) Option<&'a Counted<MemCgroup>>);

/// A container that somebody has a reference on, if there is one.
#[cfg(CONFIG_MEMCG_V1)]
pub(super) struct MayHeld<'a>(pub(super) Option<&'a Counted<MemCgroup>>);

/// A container by the pressure that C keeps for it.
#[cfg(CONFIG_MEMCG_V1)]
pub(super) struct ByPressure<'a>(pub(super) &'a MemCgroup);

/// A container that goes offline, unless it has no parent.
pub(super) struct MayOffline<'a>(pub(super) Option<Offlining<'a>>);

/// A container's share of a node, by the lists of it.
pub(super) struct ByLists<'a>(pub(super) &'a Node);

/// The first page of those that were allocated together with one, or that page itself: nothing is
/// known of it but that it is a page.
pub(super) struct OfPage<'a>(pub(super) Passed<'a>);

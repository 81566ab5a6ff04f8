// SPDX-License-Identifier: GPL-2.0

//! Pages that somebody has allocated for the kernel, and whose they are. Unlike a folio they may be
//! split into single ones.
#![deny(unsafe_code)]

use super::{
    meta_page::KernelPages,
    objcg::Owner, //
};
use kernel::{
    mm::numa::NodeId,
    sync::aref::ARef, //
};

impl KernelPages<'_> {
    /// How many there are.
    #[inline]
    pub(crate) fn nr(&self) -> usize {
        1 << self.order
    }

    /// The node that they are on.
    #[inline]
    pub(crate) fn nid(&self) -> NodeId {
        self.first.folio().nid()
    }

    /// Binds the first one to `owner`, for all.
    #[inline]
    pub(crate) fn bind(mut self, owner: Owner) {
        self.first.bind_as_kernel(owner);
    }

    /// Unbinds the first one, for all.
    #[inline]
    pub(crate) fn unbind(mut self) -> Option<Owner> {
        self.first.unbind()
    }

    /// Binds each page as the first one is bound. Steps: pages, which are about to be freed one by
    /// one.
    pub(crate) fn split(self) {
        if let Some(owner) = self.first.owner() {
            for mut page in self.rest() {
                page.bind_as_kernel(ARef::from(owner));
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Kernel memory. It is not accounted yet, as with `cgroup.memory=nokmem`: all of it is the root
//! container's, whose pages are not charged.
#![deny(unsafe_code)]

use crate::c::{
    memcg::MemCgroup,
    objcg::ObjCgroup, //
};
use kernel::{
    mm::numa::NodeId,
    sync::rcu, //
};

/// Whether kernel memory is left out.
pub(crate) const DISABLED: bool = true;

/// The handle that kernel memory of the node `nid` belongs to.
pub(crate) fn owner<'a>(nid: NodeId, rcu: &'a rcu::Guard) -> Option<&'a ObjCgroup> {
    MemCgroup::root().node(nid).owner(rcu)
}

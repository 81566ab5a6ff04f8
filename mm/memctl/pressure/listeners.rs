// SPDX-License-Identifier: GPL-2.0

//! Those who want to be told that a container has no room, by an eventfd: on cgroup v1.
#![deny(unsafe_code)]

use crate::{
    c::{
        memcg::MemCgroup,
        wish::OutOfMemory, //
    },
    tree::iter::Tree,
};

/// Tells those who listen in `memcg` or below it that there is no room. May sleep. Steps:
/// containers below, as the killer takes, if anybody listens.
pub(crate) fn tell_oom(memcg: &MemCgroup) {
    if !OutOfMemory::is_wanted() {
        return;
    }
    for memcg in Tree::new(memcg) {
        if let Some(listeners) = memcg.oom_listeners() {
            listeners.with(|all| all.iter().for_each(|listener| listener.tell()));
        }
    }
}

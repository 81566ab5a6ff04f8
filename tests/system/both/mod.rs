// SPDX-License-Identifier: GPL-2.0

//! What both versions of the interface show alike. Each module is one matter.

mod audit;
pub mod charge;
pub mod exhaustion;
pub mod faults;
pub mod handover;
mod huge;
pub mod kmem;
mod limit;
mod migrate;
mod oom;
pub mod permission;
mod poison;
pub mod remove;
pub mod share;
pub mod sockets;
mod stock;
mod stress;
pub mod sums;
mod swap;
mod trace;

use crate::ktap::Group;

pub const GROUPS: &[Group] = &[
    audit::GROUP,
    charge::GROUP,
    limit::GROUP,
    stock::GROUP,
    swap::GROUP,
    oom::GROUP,
    share::GROUP,
    handover::GROUP,
    huge::GROUP,
    sockets::GROUP,
    sockets::NOT_COUNTED_GROUP,
    kmem::GROUP,
    kmem::NOT_COUNTED_GROUP,
    migrate::GROUP,
    poison::GROUP,
    remove::GROUP,
    sums::GROUP,
    trace::GROUP,
    stress::GROUP,
    permission::GROUP,
    exhaustion::GROUP,
    faults::GROUP,
];

// SPDX-License-Identifier: GPL-2.0

//! Sockets: what a connection has buffered is its container's.
//!
//! A socket belongs to the container of the process that makes it or, if it is a connection that
//! came in, of the one that accepts it, and stays there. On cgroup v2 its pages count like all
//! others; on v1 they have a counter of their own, of what TCP has, and are only accounted where
//! that was given a limit once.
//!
//! Works in any context but NMI: packets come in by soft interrupts.
#![deny(unsafe_code)]

use super::charge::try_charge;
use crate::{
    c::{
        gfp::Gfp,
        memcg::MemCgroup,
        sock::Sock,
        task::Current, //
    },
    stats::count,
    usage::stock,
};
use kernel::{
    bindings::memcg_stat_item_MEMCG_SOCK,
    cgroup::CssData,
    prelude::*,
    res_counter::ResCounter,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

/// Lets a new socket charge the container of the current task. One that is made by an interrupt is
/// nobody's.
pub(crate) fn adopt(mut sock: Sock<'_>) {
    let current = Current::get();
    if !current.in_task() {
        return;
    }
    let rcu = rcu::read_lock();
    let memcg = current.memcg(&rcu);
    if !memcg.is_root() && memcg.accounts_sockets() {
        // If it is just going away, the socket is nobody's.
        sock.set_memcg(memcg.try_get());
    }
}

/// Lets `new` charge the container that `sock` does.
pub(crate) fn inherit(sock: &Sock<'_>, mut new: Sock<'_>) {
    new.set_memcg(sock.memcg().map(ARef::from));
}

/// A socket is freed: it charges nobody any more.
pub(crate) fn release(mut sock: Sock<'_>) {
    sock.set_memcg(None);
}

/// Charges `nr` pages of a socket of `memcg`.
///
/// # Errors
///
/// `ENOMEM`, as [`try_charge`].
#[inline]
pub(crate) fn charge(memcg: &Counted<MemCgroup>, gfp: Gfp, nr: usize) -> Result {
    if let Some(tcp) = memcg.tcp() {
        return charge_tcp(memcg, tcp, gfp, nr);
    }
    let rcu = rcu::read_lock();
    if !memcg.css().is_dying() && stock::consume_rcu(memcg, nr, &rcu) {
        count::count_socket_pages(memcg, nr as i32, &rcu);
        return Ok(());
    }
    drop(rcu);
    try_charge(memcg, gfp, nr)?;
    count::mod_memcg(memcg, memcg_stat_item_MEMCG_SOCK as usize, nr as isize);
    Ok(())
}

/// Takes that back.
#[inline]
pub(crate) fn uncharge(memcg: &Counted<MemCgroup>, nr: usize) {
    if let Some(tcp) = memcg.tcp() {
        tcp.uncharge(nr);
        return;
    }
    let rcu = rcu::read_lock();
    match memcg.css().is_dying() {
        true => count::mod_memcg(memcg, memcg_stat_item_MEMCG_SOCK as usize, -(nr as isize)),
        false => count::count_socket_pages(memcg, (nr as i32).wrapping_neg(), &rcu),
    }
    stock::refill(memcg, nr, &rcu);
}

/// On cgroup v1 nothing is reclaimed for a socket: senders are slowed, and receivers told to.
fn charge_tcp(memcg: &MemCgroup, tcp: &ResCounter, gfp: Gfp, nr: usize) -> Result {
    let fits = tcp.try_charge(nr).is_ok();
    memcg.tcp_pressure().store((!fits).into(), Relaxed);
    if !fits {
        if !gfp.has(Gfp::NOFAIL) {
            return Err(ENOMEM);
        }
        tcp.charge(nr);
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Sockets: `net/core/sock.c`, `net/ipv4/`, `net/mptcp/`. Socket pressure is in
//! `include/linux/memcontrol.h` and `mm/vmpressure.c`.

use super::seam::ConstSock;
use crate::{
    account::socket,
    c::{
        gfp::Gfp,
        sock::Sock, //
    },
};
use kernel::ffi::c_uint;

kernel::seam! {
    /// # Safety
    ///
    /// The socket is new, or is being accepted and has no container yet; it is the caller's:
    /// `sk_alloc()`, `__inet_accept()`.
    fn mem_cgroup_sk_alloc(sock: Sock<'_>) {
        socket::adopt(sock);
    }

    /// # Safety
    ///
    /// Nobody else has the socket, which is being freed: `sk_prot_free()`.
    fn mem_cgroup_sk_free(sock: Sock<'_>) {
        socket::release(sock);
    }

    /// # Safety
    ///
    /// Both stay, and the second one is the caller's: `net/mptcp/subflow.c`.
    fn mem_cgroup_sk_inherit(sock: ConstSock<'_>, new: Sock<'_>) {
        socket::inherit(sock.get(), new);
    }

    /// # Safety
    ///
    /// The socket stays, and so does what it charges to: it has its lock, or is on its way to be
    /// freed: `net/core/sock.c`. Any context but NMI, if `gfp` says so.
    fn mem_cgroup_sk_charge(sock: ConstSock<'_>, nr_pages: c_uint, gfp: Gfp) -> bool {
        sock.get()
            .memcg()
            .is_none_or(|memcg| socket::charge(memcg, gfp, nr_pages as usize).is_ok())
    }

    /// # Safety
    ///
    /// As above. Any context but NMI.
    fn mem_cgroup_sk_uncharge(sock: ConstSock<'_>, nr_pages: c_uint) {
        if let Some(memcg) = sock.get().memcg() {
            socket::uncharge(memcg, nr_pages as usize);
        }
    }
}

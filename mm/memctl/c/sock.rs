// SPDX-License-Identifier: GPL-2.0

//! Sockets, and the container that each charges what it has buffered: `struct sock`.
//!
//! A socket has a reference on its container, from when it is made, or is accepted, until it is
//! freed. In between it is changed by who inherits a connection, who has the lock of the socket.

use super::{
    memcg::MemCgroup,
    vm, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    sync::{
        aref::ARef,
        counted::Counted, //
    },
};

/// A socket.
///
/// # Invariants
///
/// It is not freed during `'a`, and what it charges to does not change but by `&mut self`.
pub(crate) struct Sock<'a>(NonNull<bindings::sock>, PhantomData<&'a bindings::sock>);

impl Sock<'_> {
    /// # Safety
    ///
    /// The socket is not freed during `'a`, and nobody else changes what it charges to. Who changes
    /// that has the only `Sock` of it.
    #[inline]
    pub(crate) unsafe fn new(sock: NonNull<bindings::sock>) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(sock, PhantomData)
    }

    #[inline]
    fn slot(&self) -> *mut *mut bindings::mem_cgroup {
        // SAFETY: By the type invariant.
        unsafe { &raw mut (*self.0.as_ptr()).sk_memcg }
    }

    /// The container that it charges.
    #[inline]
    pub(crate) fn memcg(&self) -> Option<&Counted<MemCgroup>> {
        // SAFETY: By the type invariant the socket keeps its reference while `self` is borrowed.
        unsafe {
            let memcg = self.slot().read().cast::<MemCgroup>();
            Some(Counted::new(memcg.as_ref()?))
        }
    }

    /// Lets it charge `memcg` from now on, and no other.
    pub(crate) fn set_memcg(&mut self, memcg: Option<ARef<Counted<MemCgroup>>>) {
        let new = memcg.map_or(core::ptr::null_mut(), |memcg| {
            ARef::into_raw(memcg).as_ptr()
        });
        // SAFETY: By the type invariant nobody else changes it; a reference goes with each.
        unsafe {
            if let Some(old) = NonNull::new(self.slot().replace(new.cast())) {
                drop(ARef::<Counted<MemCgroup>>::from_raw(old.cast()));
            }
        }
    }
}

impl MemCgroup {
    /// Whether all its sockets are accounted, as they are on cgroup v2.
    fn has_sockets(&self) -> bool {
        // SAFETY: The variable is written when the kernel starts.
        self.v1().is_none() && !unsafe { bindings::memctl_nosocket }
    }

    /// There is a container more whose sockets are accounted, if they are. May sleep.
    pub(super) fn get_sockets(&self) {
        if self.has_sockets() {
            // SAFETY: The caller may sleep.
            unsafe { bindings::memctl_sockets_get() }
        }
    }

    /// There is one less. May sleep.
    pub(super) fn put_sockets(&self) {
        if self.has_sockets() || self.is_tcp_limited() {
            // SAFETY: The caller may sleep; this was counted.
            unsafe { bindings::memctl_sockets_put() }
        }
    }

    /// Lets sockets be accounted on cgroup v1. May sleep.
    pub(crate) fn account_tcp(&self) {
        let _lock = vm::lock_limits();
        // First what lets sockets be charged, then what lets them have a container.
        if !self.is_tcp_limited() {
            // SAFETY: The caller may sleep.
            unsafe { bindings::memctl_sockets_get() }
            self.note_tcp_limited();
        }
    }

    /// Whether sockets that are made here are accounted.
    pub(crate) fn accounts_sockets(&self) -> bool {
        self.has_sockets() || self.is_tcp_limited()
    }
}

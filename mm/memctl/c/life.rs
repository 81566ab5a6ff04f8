// SPDX-License-Identifier: GPL-2.0

//! The steps of a container's life at which the cgroup core calls, as types: each is true once, and
//! what must be done once takes it.

use super::{
    memcg::MemCgroup,
    stocked,
    vm, //
};
use kernel::{
    bindings,
    cgroup::CssData,
    error::{
        to_result,
        Result, //
    }, //
};

/// A step that the core takes with a container right now, which is what a `$name` says.
macro_rules! step {
    ($(#[$meta:meta])* $name:ident, $callback:literal) => {
        $(#[$meta])*
        ///
        /// # Invariants
        ///
        #[doc = concat!("The core is calling `", $callback, "` for it, under `cgroup_mutex`.")]
        pub(crate) struct $name<'a>(&'a MemCgroup);

        impl<'a> $name<'a> {
            /// # Safety
            ///
            #[doc = concat!("The core calls `", $callback, "` for `memcg` during `'a`.")]
            pub(crate) unsafe fn new(memcg: &'a MemCgroup) -> Self {
                // INVARIANT: By the requirement of this function.
                Self(memcg)
            }

            /// The container.
            pub(crate) fn memcg(&self) -> &'a MemCgroup {
                self.0
            }
        }
    };
}

step! {
    /// A container that comes online right now.
    Onlining, "css_online"
}

step! {
    /// A container on which nobody has a reference any more.
    Released, "css_released"
}

impl Onlining<'_> {
    /// Brings it online: from now on folios are charged to it, and it is found by its id. May
    /// sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; it then is as it was, and will be freed.
    pub(crate) fn finish(self) -> Result {
        let raw = self.0.as_raw();
        // What others have for shrinkers comes with their first list. The root has things on no
        // list of its own, and so has everybody where lists are not for containers.
        if self.0.is_root() || vm::nokmem() {
            // SAFETY: By the type invariant it is coming online.
            to_result(unsafe { bindings::alloc_shrinker_info(raw) })
                .inspect_err(|_| self.0.cancel_id())?;
        }
        for node in self.0.nodes() {
            node.publish_owner(&self);
        }
        // SAFETY: It is coming online.
        unsafe { bindings::lru_gen_online_memcg(raw) };
        self.0.begin_kmem();
        self.publish_id();
        Ok(())
    }
}

/// A container that goes offline right now, and its parent. A container that has none stays.
///
/// # Invariants
///
/// The core is calling `css_offline` for it, under `cgroup_mutex`, a grace period after it began to
/// be removed.
pub(crate) struct Offlining<'a> {
    memcg: &'a MemCgroup,
    parent: &'a MemCgroup,
}

impl<'a> Offlining<'a> {
    /// # Safety
    ///
    /// The core calls `css_offline` for `memcg` during `'a`.
    pub(crate) unsafe fn new(memcg: &'a MemCgroup) -> Option<Self> {
        // INVARIANT: By the requirement of this function.
        Some(Self {
            memcg,
            parent: memcg.parent()?,
        })
    }

    /// The container.
    pub(crate) fn memcg(&self) -> &'a MemCgroup {
        self.memcg
    }

    /// Its parent, which inherits what it has.
    pub(crate) fn parent(&self) -> &'a MemCgroup {
        self.parent
    }

    /// Tells all who keep something for the container; its folios have gone already.
    pub(crate) fn tell_all(self) -> Offlined<'a> {
        // SAFETY: By the type invariant it is going offline, and this is said once.
        unsafe {
            #[cfg(CONFIG_CGROUP_WRITEBACK)]
            bindings::wb_memcg_offline(self.memcg.as_raw());
            bindings::reparent_shrinker_deferred(self.memcg.as_raw());
            bindings::lru_gen_offline_memcg(self.memcg.as_raw());
        }
        stocked::forget(self.memcg);
        Offlined(self.memcg)
    }

    /// What is on lists of caches goes to those of the parent: before what it belongs to does, so
    /// that nobody takes the one's lock for a list of the other.
    pub(crate) fn move_list_lrus(&self) {
        if !vm::nokmem() {
            // SAFETY: By the type invariant it is going offline.
            unsafe { bindings::memcg_reparent_list_lrus(self.memcg.as_raw(), self.parent.as_raw()) }
        }
    }

    /// Tells zswap.
    pub(crate) fn tell_zswap(&self) {
        // SAFETY: By the type invariant it is going offline.
        unsafe { bindings::zswap_memcg_offline_cleanup(self.memcg.as_raw()) }
    }
}

/// A container that goes offline right now, of which all know who keep something for it.
///
/// # Invariants
///
/// As for [`Offlining`].
pub(crate) struct Offlined<'a>(pub(super) &'a MemCgroup);

impl Released<'_> {
    /// Tells the generational LRU.
    pub(crate) fn tell_lru_gen(self) {
        // SAFETY: By the type invariant it has no references.
        unsafe { bindings::lru_gen_release_memcg(self.0.as_raw()) }
    }
}

/// A container that nobody can come by any more. Dropping it frees it.
///
/// # Invariants
///
/// The core is calling `css_free` for it.
pub(crate) struct Freeing(*mut MemCgroup);

impl Freeing {
    /// # Safety
    ///
    /// The core calls `css_free` for `memcg`, which is given away.
    pub(crate) unsafe fn new(memcg: *mut MemCgroup) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(memcg)
    }

    /// The container.
    pub(crate) fn memcg(&self) -> &MemCgroup {
        // SAFETY: By the type invariant it is ours.
        unsafe { &*self.0 }
    }
}

impl Drop for Freeing {
    fn drop(&mut self) {
        // It still has its id if it never came online.
        self.memcg().cancel_id();
        // SAFETY: By the type invariant.
        unsafe { MemCgroup::free(self.0) }
    }
}

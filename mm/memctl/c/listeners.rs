// SPDX-License-Identifier: GPL-2.0

//! Lists of those who want to be told of something in a container.
#![deny(unsafe_code)]

use super::{
    listener::Listener,
    memcg::MemCgroup, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};

/// What a listener wants to be told of, and where in a container those are who do.
pub(crate) trait Wish: Sized + Send + Sync + 'static {
    /// Those of `memcg`, on cgroup v1.
    fn listeners(memcg: &MemCgroup) -> Option<&Listeners<Self>>;

    /// One comes, or one has gone. The list is locked.
    fn changed(memcg: &MemCgroup, all: &[Arc<Listener<Self>>], by: isize);
}

/// Those who want to be told of something in a container.
#[pin_data]
pub(crate) struct Listeners<W: Wish> {
    #[pin]
    all: SpinLockIrq<KVec<Arc<Listener<W>>>>,
}

impl<W: Wish> Listeners<W> {
    /// Nobody.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            all <- new_spinlock_irq!(KVec::new(), "memctl::Listeners"),
        })
    }

    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn add(&self, new: &Arc<Listener<W>>) -> Result {
        // Room is made where one may sleep; others may take it meanwhile.
        let mut spare = KVec::new();
        loop {
            let mut all = self.all.lock();
            if all.len() < spare.capacity() {
                // What was there fits, and one more.
                for listener in all.drain_all() {
                    spare.push_within_capacity(listener).map_err(|_| ENOMEM)?;
                }
                spare
                    .push_within_capacity(new.clone())
                    .map_err(|_| ENOMEM)?;
                core::mem::swap(&mut *all, &mut spare);
                W::changed(new.memcg(), &all, 1);
                drop(all);
                // What there was is freed where one may.
                drop(spare);
                return Ok(());
            }
            let len = all.len() + 1;
            drop(all);
            spare = KVec::with_capacity(len, GFP_KERNEL_ACCOUNT)?;
        }
    }

    /// `gone` has gone.
    pub(super) fn remove(&self, gone: &Arc<Listener<W>>) {
        let mut all = self.all.lock();
        all.retain(|other| !Arc::ptr_eq(other, gone));
        W::changed(gone.memcg(), &all, -1);
    }

    /// Hands all to `see`, under the lock of the list. Any context but NMI. Steps: listeners.
    pub(crate) fn with(&self, see: impl FnOnce(&[Arc<Listener<W>>])) {
        see(&self.all.lock());
    }

    /// The container is being removed: nobody listens any more. Steps: listeners.
    pub(super) fn close(&self) {
        self.all.lock().iter().for_each(Listener::leave);
    }
}

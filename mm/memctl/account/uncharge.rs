// SPDX-License-Identifier: GPL-2.0

//! Taking back the charges of folios that are freed or leave their container.
//!
//! Works in any context but NMI. Pages of the kernel's own may be among the folios: page tables,
//! and what was in a pipe. They are counted apart, as by `kmem.rs`.
#![deny(unsafe_code)]

use super::kmem;
use crate::{
    c::{
        binding::Exclusive,
        memcg::MemCgroup,
        meta_page::MetaPage,
        objcg::{
            ObjCgroup,
            Owner, //
        },
        task::Current, //
    },
    stats::count,
    usage::{
        stock,
        waiters, //
    },
};
use kernel::{
    bindings::vm_event_item_PGPGOUT,
    sync::{
        counted::Many,
        rcu, //
    },
    warn_on_once, //
};

/// Takes back the charges of folios that are freed together.
///
/// Most are of one container, so they are gathered until one comes that is not.
pub(crate) struct Uncharge(Option<Gathered>);

impl Uncharge {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Unbinds a folio that is on its way to be freed.
    #[inline(always)]
    pub(crate) fn add(&mut self, mut page: MetaPage<'_, Exclusive>) {
        let nr = page.folio().nr_pages();
        if nr > 1 && page.is_bound() && !page.is_kernel() {
            warn_on_once!(page.unqueue_deferred_split());
        }
        let Some((owner, is_kernel)) = page.unbind_kind() else {
            return;
        };
        let mut gathered = match self.0.take() {
            None => Gathered::of(owner),
            Some(mut gathered) => match gathered.owner.add(owner) {
                Ok(()) => gathered,
                Err(owner) => {
                    gathered.uncharge();
                    Gathered::of(owner)
                }
            },
        };
        gathered.pages += nr;
        gathered.folios += 1;
        if is_kernel {
            gathered.kernel_pages += nr;
            gathered.kernel_folios += 1;
        }
        self.0 = Some(gathered);
    }
}

impl Drop for Uncharge {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(gathered) = self.0.take() {
            gathered.uncharge();
        }
    }
}

/// Folios of one handle that are unbound, and whose charges are to be taken back.
struct Gathered {
    owner: Many<ObjCgroup>,
    pages: usize,
    folios: usize,
    /// How many of these pages, and of these folios, are the kernel's own.
    kernel_pages: usize,
    kernel_folios: usize,
}

impl Gathered {
    /// None yet, of `owner`.
    #[inline]
    fn of(owner: Owner) -> Self {
        Self {
            owner: Many::new(owner),
            pages: 0,
            folios: 0,
            kernel_pages: 0,
            kernel_folios: 0,
        }
    }

    #[inline(never)]
    fn uncharge(self) {
        let rcu = rcu::read_lock();
        let memcg = self.owner.memcg(&rcu);
        if self.kernel_pages != 0 {
            kmem::uncharge(memcg, self.kernel_pages, &rcu);
            // Who frees folios may wake those who wait.
            waiters::wake(memcg);
        }
        if !self.owner.is_root() {
            uncharge(memcg, self.pages - self.kernel_pages, &rcu);
        }
        let folios = self.folios - self.kernel_folios;
        if folios != 0 {
            count::count_event_rcu(memcg, vm_event_item_PGPGOUT, folios, &rcu);
        }
    }
}

/// Takes back a charge of `nr` pages to `memcg`, and wakes those who wait for room. Nothing is
/// charged to the root, and what was charged below it is not when its container has gone.
pub(crate) fn uncharge(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    if nr == 0 || memcg.is_root() {
        return;
    }
    // What reclaim frees is for whoever has no room.
    match Current::get().frees_memory() {
        true => stock::give_back(memcg, nr),
        false => stock::refill(memcg, nr, rcu),
    }
}

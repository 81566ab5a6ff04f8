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
        objcg::ObjCgroup,
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
pub(crate) struct Uncharge {
    owner: Option<Many<ObjCgroup>>,
    pages: usize,
    /// How many pages of the kernel's own, beside these.
    kernel_pages: usize,
    folios: usize,
}

impl Uncharge {
    pub(crate) const fn new() -> Self {
        Self {
            owner: None,
            pages: 0,
            kernel_pages: 0,
            folios: 0,
        }
    }

    /// Unbinds a folio that is on its way to be freed.
    #[inline(always)]
    pub(crate) fn add(&mut self, mut page: MetaPage<'_, Exclusive>) {
        if !page.is_bound() {
            return;
        }
        let is_kernel = page.is_kernel();
        if !is_kernel {
            warn_on_once!(page.folio().unqueue_deferred_split());
        }
        let Some(owner) = page.unbind() else {
            return;
        };
        let nr = page.folio().nr_pages();
        if let Err(owner) = match &mut self.owner {
            Some(owners) => owners.add(owner),
            None => Err(owner),
        } {
            self.flush();
            self.owner = Some(Many::new(owner));
        }
        match is_kernel {
            true => self.kernel_pages += nr,
            false => {
                self.pages += nr;
                self.folios += 1;
            }
        }
    }

    #[inline]
    fn flush(&mut self) {
        let Some(owner) = self.owner.take() else {
            return;
        };
        let (pages, kernel_pages, folios) = (
            core::mem::take(&mut self.pages),
            core::mem::take(&mut self.kernel_pages),
            core::mem::take(&mut self.folios),
        );
        let rcu = rcu::read_lock();
        let memcg = owner.memcg(&rcu);
        if kernel_pages != 0 {
            kmem::uncharge(memcg, kernel_pages, &rcu);
            // Who frees folios may wake those who wait.
            waiters::wake(memcg);
        }
        if !owner.is_root() {
            uncharge(memcg, pages, &rcu);
        }
        if folios != 0 {
            count::count_event_rcu(memcg, vm_event_item_PGPGOUT, folios, &rcu);
        }
    }
}

impl Drop for Uncharge {
    fn drop(&mut self) {
        self.flush();
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

// SPDX-License-Identifier: GPL-2.0

//! Memory and swap space together, on cgroup v1.
//!
//! A page counts once, in memory or in swap space: so it has to be known for each entry of swap
//! space whether its page is in memory. An entry is written down as its container's when the page
//! leaves memory, and no longer is when the page has come back, even if the entry stays in use.
#![deny(unsafe_code)]

use super::swap;
use crate::{
    c::{
        binding::{
            Frozen,
            Locked, //
        },
        meta_page::MetaPage,
        swap::{
            forget_owner,
            Cluster, //
        },
        vm, //
    },
    stats::count,
    usage::waiters,
};
use kernel::{
    bindings::{
        memcg_stat_item_MEMCG_SWAP,
        vm_event_item_PGPGOUT, //
    },
    sync::rcu, //
};

/// `page`, whose contents are in swap space, is about to be freed: its charge goes to its entries.
/// With interrupts off.
pub(crate) fn swapped_out(mut page: MetaPage<'_, Frozen>, cluster: Cluster<'_>) {
    if vm::on_v2() {
        return;
    }
    let rcu = rcu::read_lock();
    let Some(owner) = page.owner() else {
        return;
    };
    let (memcg, is_root) = (owner.memcg(&rcu), owner.is_root());
    let nr = page.folio().nr_pages();
    // One that is being removed has no id: then it is the next one above that has the entries.
    let users = memcg.get_id(nr as u32);
    let heir = users.memcg();
    count::mod_memcg(heir, memcg_stat_item_MEMCG_SWAP as usize, nr as isize);
    users.record_in(&page, cluster);

    // A huge page may have waited to be split until now.
    page.unqueue_deferred_split();
    drop(page.unbind());
    // What was charged below the root is not when its container has gone.
    if !is_root && !memcg.is_root() {
        memcg.memory().uncharge(nr);
        if let Some(memsw) = memcg.memsw().filter(|_| !core::ptr::eq(heir, memcg)) {
            if let Some(heirs) = heir.memsw().filter(|_| !heir.is_root()) {
                heirs.charge(nr);
            }
            memsw.uncharge(nr);
        }
        waiters::wake(memcg);
    }
    count::count_event_rcu(memcg, vm_event_item_PGPGOUT, 1, &rcu);
}

/// `page` is in memory again, and charged: its entries no longer are.
pub(crate) fn swapped_in(page: MetaPage<'_, Locked>) {
    if !vm::on_v2() {
        swap::uncharge(forget_owner(&page));
    }
}

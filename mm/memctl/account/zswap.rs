// SPDX-License-Identifier: GPL-2.0

//! zswap: what is kept compressed in memory, instead of in swap space, is charged by its size, as
//! other bytes are. On cgroup v1 it is nobody's.
#![deny(unsafe_code)]

use super::kmem;
use crate::{
    c::{
        gfp::Gfp,
        memcg::MemCgroup,
        objcg::ObjCgroup,
        vm, //
    },
    stats::{
        count,
        flush::flush_below,
        read::{
            Source,
            Tree, //
        },
    },
    PAGES,
};
use kernel::{
    bindings::{
        memcg_stat_item_MEMCG_ZSWAPPED,
        memcg_stat_item_MEMCG_ZSWAP_B,
        memcg_stat_item_MEMCG_ZSWAP_INCOMP, //
    },
    cgroup::CssData,
    page::PAGE_SIZE,
    sync::{
        atomic::Relaxed,
        rcu, //
    },
    warn_on_once, //
};

/// Bytes that zswap holds of `memcg` and all below it. May sleep.
pub(crate) fn in_use(memcg: &MemCgroup) -> usize {
    flush_below(memcg);
    Tree(memcg).item(memcg_stat_item_MEMCG_ZSWAP_B as usize)
}

/// Whether zswap may take more of a container: what a page will take is known only later, so it may
/// if one byte less than the limit is in use. May sleep. Steps: levels of the hierarchy.
pub(crate) fn may_take(owner: &ObjCgroup) -> bool {
    if !vm::on_v2() {
        return true;
    }
    let memcg = {
        let rcu = rcu::read_lock();
        super::charge::held_memcg(owner, &rcu)
    };
    let may = memcg
        .up_below_root()
        .all(|memcg| match memcg.zswap_max().load(Relaxed) {
            max if max == PAGES.unlimited() => true,
            0 => false,
            max => in_use(memcg) / PAGE_SIZE < max,
        });
    may
}

/// Charges `size` bytes that hold a page. Nothing is refused: the caller frees memory.
pub(crate) fn charge(owner: &ObjCgroup, size: usize) {
    if vm::on_v2() && !owner.is_root() {
        warn_on_once!(kmem::charge_bytes(owner, Gfp::KERNEL, size).is_err());
        count_page(owner, size, 1);
    }
}

/// Takes that back. Any context but NMI.
pub(crate) fn uncharge(owner: &ObjCgroup, size: usize) {
    if vm::on_v2() && !owner.is_root() {
        kmem::uncharge_bytes(owner, size);
        count_page(owner, size, -1);
    }
}

fn count_page(owner: &ObjCgroup, size: usize, n: isize) {
    let rcu = rcu::read_lock();
    let memcg = owner.memcg(&rcu);
    let count = |item, n| count::mod_memcg(memcg, item as usize, n);
    count(memcg_stat_item_MEMCG_ZSWAP_B, size as isize * n);
    count(memcg_stat_item_MEMCG_ZSWAPPED, n);
    if size == PAGE_SIZE {
        count(memcg_stat_item_MEMCG_ZSWAP_INCOMP, n);
    }
}

/// Whether what zswap holds of `memcg` may be written to the swap device, and what zswap does not
/// take go there.
pub(crate) fn may_write_back(memcg: Option<&MemCgroup>) -> bool {
    let Some(memcg) = memcg.filter(|_| vm::zswap_is_enabled()) else {
        return true;
    };
    let may = memcg
        .up()
        .all(|memcg| memcg.zswap_writeback().load(Relaxed));
    may
}

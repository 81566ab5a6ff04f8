// SPDX-License-Identifier: GPL-2.0

//! Bytes that were charged as pages and are used by objects.
//!
//! Objects are smaller than what counters count, and there are more of them. So each CPU has, in
//! the row of each share of a node, a [`Quota`]: what was charged there in pages, and what objects
//! use of it. The difference is the *byte stock* of the CPU, which is kept nowhere. An object that
//! comes or goes changes one counter of its CPU, which is the statistic that has to be counted
//! anyway: no lock, no search, nothing that other CPUs write.
//!
//! An object may be freed on another CPU than it came on: then it goes back to the stock of that
//! one, in the share that its handle points at. What is used may be negative on a CPU; the sum of
//! all CPUs is right, and stays so when the objects of a removed container become its parent's.
//!
//! A container that gets a page here, or has one left, is noted as one that has a stock on the CPU:
//! see `c/stocked.rs`. When it loses its place there, its byte stock is given up: what is less than
//! a page goes to the stock of the first CPU, where it adds up. So containers of which nobody has
//! heard for a while keep less than a page for each node and, for CPUs where objects were freed
//! alone, up to two pages of each kind: before a process is killed for want of room in a container,
//! its own are taken back from all CPUs.
//!
//! A stock may be less than nothing for a while: where an interrupt used it up between a look and
//! a change, or another CPU took it back at that moment. The next charge there makes up for it, or
//! who gives up the stocks of the container, who charges what is owed. `tests/model/quota.pml` is a
//! model of all this.
//!
//! All of this works in any context, and takes no lock: kernel memory is freed in
//! NMI and under any lock.
#![deny(unsafe_code)]

use super::{
    counters,
    stock,
    waiters, //
};
use crate::c::{
    items::{
        GRAIN,
        GRANTED,
        NR_NODE_OFTEN,
        OTHER_BYTES,
        RECLAIMABLE,
        UNRECLAIMABLE, //
    },
    memcg::MemCgroup,
    node::Node,
    task::Current,
    vm, //
};
use kernel::{
    page::PAGE_SIZE,
    percpu::{
        self,
        Quota, //
    },
    sync::rcu, //
};

/// Grains of a page.
pub(crate) const PAGE: u32 = (PAGE_SIZE / GRAIN) as u32;

/// Whole pages of a stock beyond this are given back, and a page more where that is seen later:
/// objects that come and go by turns, of up to two pages, do not have pages charged each time.
const HIGH: i32 = 4 * PAGE as i32;

/// What is left of the stock then.
const LOW: i32 = 2 * PAGE as i32;

type ThisRow<'a> = percpu::ThisRow<'a, Node, NR_NODE_OFTEN>;

const QUOTA: Quota<NR_NODE_OFTEN> = Quota::new(GRANTED, [RECLAIMABLE, UNRECLAIMABLE, OTHER_BYTES]);

/// What uses bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Objects of caches that can be reclaimed.
    Reclaimable = 0,
    /// Other objects.
    Unreclaimable = 1,
    /// What is no object: per-CPU memory, for example.
    Other = 2,
}

/// How many grains `bytes` take: no more than 2^31.
#[inline]
pub(crate) fn grains(bytes: usize) -> u32 {
    bytes.div_ceil(GRAIN) as u32
}

/// Something was taken from a stock. [`Taken::note`] has to be called, under the same RCU; what is
/// in a hurry does other things first.
#[must_use]
pub(crate) struct Taken<'a>(ThisRow<'a>);

impl Taken<'_> {
    /// Lets the statistics know.
    #[inline(always)]
    pub(crate) fn note(self) {
        self.0.changed();
    }
}

/// Uses `n` grains of the stock of this CPU.
///
/// # Errors
///
/// What there is, if that is less.
#[inline]
pub(crate) fn take<'a>(
    node: &'a Node,
    kind: Kind,
    n: u32,
    rcu: &rcu::Guard,
) -> Result<Taken<'a>, i32> {
    node.rows().spend(&QUOTA, kind as usize, n, rcu).map(Taken)
}

/// Something was given back to a stock, which has [`Put::note`] called as [`Taken`] has.
#[must_use]
pub(crate) struct Put<'a> {
    row: ThisRow<'a>,
    /// There is a page more each time as much has come back.
    is_page: bool,
}

impl Put<'_> {
    /// Lets the statistics know, and keeps the stock in bounds: that of `node`, to which it was
    /// given back.
    #[inline(always)]
    pub(crate) fn note(self, node: &Node, rcu: &rcu::Guard) {
        if !self.row.is_listed() {
            note_put(self, node, rcu);
        } else if self.is_page {
            trim(node, rcu);
        }
    }
}

#[cold]
#[inline(never)]
fn note_put(put: Put<'_>, node: &Node, rcu: &rcu::Guard) {
    put.row.changed();
    if put.is_page {
        trim(node, rcu);
    }
}

/// Gives `n` grains back to the stock of this CPU.
#[inline]
pub(crate) fn put<'a>(node: &'a Node, kind: Kind, n: u32, rcu: &rcu::Guard) -> Put<'a> {
    let (now, row) = node.rows().unspend(&QUOTA, kind as usize, n, rcu);
    let before = now.wrapping_add(n as i32);
    let is_page = (now ^ before) as u32 >= PAGE;
    Put { row, is_page }
}

/// Uses `n` grains on this CPU, for which `pages` were charged.
pub(crate) fn grant(node: &Node, kind: Kind, pages: usize, n: u32, rcu: &rcu::Guard) {
    let _off = percpu::PreemptionOff::new();
    // In this order nobody can take it back before.
    node.rows()
        .overspend(&QUOTA, kind as usize, n, rcu)
        .changed();
    node.rows().this().grant(&QUOTA, pages as u32 * PAGE);
    if !node.memcg().is_root() {
        stock::note(node.memcg(), rcu);
    }
}

/// Keeps what is in the stock of this CPU in bounds, after a page has come back. What reclaim frees
/// is for whoever has no room.
#[cold]
#[inline(never)]
fn trim(node: &Node, rcu: &rcu::Guard) {
    let _off = percpu::PreemptionOff::new();
    let (row, memcg) = (node.rows().this(), node.memcg());
    let left = row.left(&QUOTA);
    if left < PAGE as i32 {
        return;
    }
    // What is left covers what may be owed elsewhere.
    let (bound, keep) = match (memcg.is_root(), Current::get().frees_memory()) {
        (true, _) => (0, 0),
        (false, true) => (LOW, LOW),
        (false, false) => (HIGH, LOW),
    };
    if left > bound {
        let grains = row.take_left(&QUOTA, keep, PAGE);
        uncharge(memcg, (grains / PAGE) as usize, rcu);
    }
    if keep != 0 {
        stock::note(memcg, rcu);
        // Who waits for room has all stocks given back.
        waiters::wake_soon(memcg);
    }
}

/// Notes that `nr` pages of kernel memory were charged to `memcg`.
#[inline]
pub(crate) fn note_charge(memcg: &MemCgroup, nr: usize) {
    if let Some(kmem) = memcg.kmem() {
        kmem.charge(nr);
    }
}

/// Takes back the charge of `nr` pages of kernel memory, which were charged to `memcg` or to one
/// below it that is being removed.
pub(crate) fn uncharge(memcg: &MemCgroup, nr: usize, rcu: &rcu::Guard) {
    if nr == 0 {
        return;
    }
    if memcg.is_root() {
        uncharge_root(memcg, nr);
        return;
    }
    if let Some(kmem) = memcg.kmem() {
        kmem.uncharge(nr);
    }
    match Current::get().frees_memory() {
        true => stock::give_back_quietly(memcg, nr),
        false => stock::refill_quietly(memcg, nr, rcu),
    }
}

/// Only the counter of kernel memory has what was charged below the root, on cgroup v1. What was
/// charged below it on v2 is not in it.
#[cold]
fn uncharge_root(root: &MemCgroup, nr: usize) {
    if let Some(kmem) = root.kmem().filter(|_| !vm::on_v2()) {
        kmem.uncharge(nr.min(kmem.usage()));
    }
}

/// Gives back the byte stocks of `memcg` on `cpu`: whole pages, as many as there are with what
/// others have left. Returns how many that were. Steps: nodes.
pub(super) fn give_up(memcg: &MemCgroup, cpu: u32) -> usize {
    if memcg.is_root() {
        return 0;
    }
    let grains: u32 = memcg.nodes().map(|node| give_up_on(node, cpu)).sum();
    let nr = (grains / PAGE) as usize;
    if nr == 0 {
        return 0;
    }
    if let Some(kmem) = memcg.kmem() {
        kmem.uncharge(nr);
    }
    stock::give_back_quietly(memcg, nr);
    nr
}

fn give_up_on(node: &Node, cpu: u32) -> u32 {
    let row = |cpu| node.rows().row(cpu);
    let Some((first, home)) = percpu::possible_cpus()
        .next()
        .and_then(|c| Some((c, row(c)?)))
    else {
        return 0;
    };
    if let Some(row) = row(cpu).filter(|row| cpu != first && row.left(&QUOTA) != 0) {
        home.grant(&QUOTA, row.take_all_left(&QUOTA) as u32);
    }
    let taken = home.take_left(&QUOTA, 0, PAGE);
    let owed = home.left(&QUOTA).min(0).unsigned_abs().div_ceil(PAGE);
    if owed != 0 {
        let (memcg, nr) = (node.memcg(), owed as usize);
        note_charge(memcg, nr);
        counters::charge(memcg, nr);
        home.grant(&QUOTA, owed * PAGE);
    }
    taken
}

/// What is left of the stocks of `from`, which is about to be freed, becomes `to`'s. Steps: nodes,
/// times possible CPUs.
pub(crate) fn hand_over(from: &MemCgroup, to: &MemCgroup) {
    for (from, to) in from.nodes().zip(to.nodes()) {
        let rows = percpu::possible_cpus().filter_map(|cpu| from.rows().row(cpu));
        let left = rows.map(|row| row.take_all_left(&QUOTA)).sum::<i32>();
        if left != 0 {
            to.rows().this().grant(&QUOTA, left as u32);
        }
    }
}

/// For how many grains pages were charged in `memcg` and all below it, as of the last flush of
/// statistics: whole pages, but for the root, which has what is left over of its children. Steps:
/// nodes.
#[cfg(CONFIG_MEMCTL_DEBUG)]
pub(crate) fn granted(memcg: &MemCgroup) -> isize {
    let granted = memcg.nodes().map(|node| node.totals().get(GRANTED.index()));
    granted.sum()
}

/// How many pages the byte stocks of `memcg` and of all below it hold, as of the last flush of
/// statistics. Steps: nodes.
pub(super) fn held(memcg: &MemCgroup) -> usize {
    let left = |node: &Node| node.totals().get(GRANTED.index()) - node.grains_used();
    memcg.nodes().map(left).sum::<isize>().max(0) as usize / PAGE as usize
}

#[cfg(CONFIG_MEMCTL_KUNIT_TEST)]
#[path = "../tests/bytes.rs"]
mod tests;

// SPDX-License-Identifier: GPL-2.0

//! The audit: is what the counters say what is there?
//!
//! All memory is walked. Of each folio it is noted which container it is bound to, which list it is
//! on and what the statistics should count it as; of each page that the kernel has allocated for a
//! container whose it is and what it is, where its type says so; of each object of a slab cache,
//! whose it is. So are all swap space, kernel stacks and per-CPU memory. Then, for each container:
//!
//! - what is bound to it and to those below it, what their stocks hold, and the pages that were
//!   charged for bytes of theirs, is its usage; of the latter there are whole pages;
//! - the sizes of its lists and of its generations, on each node, are the folios that say they are
//!   on them;
//! - its statistics of kinds of memory, on each node, are the folios of that kind, the page tables,
//!   the stacks and the bytes of objects that are bound to it and to those below it;
//! - so are those of kernel memory that are kept for no node: its pages, and per-CPU memory;
//! - the swap space that is written down for it and those below it is its usage of swap space.
//!
//! What has been counted is carried up before.
//!
//! Pages of `vmalloc()` have no type: they are counted as pages, but not compared with the
//! statistic of these. Nor is it known how many pages there are behind one that has an owner, if
//! they are no compound page: it counts as one. Kernel stacks may be such, and are found by their
//! tasks; who else allocates some for a container splits them, as `vmalloc()` does.
//!
//! This is exact for a container in which nothing moves. Whether something does is seen by its
//! figures before and after the walk, and by whether its counters were found changed in between:
//! then its differences are shown as uncertain and do not count. They are no more than what was
//! charged, freed, isolated or moved meanwhile.
#![deny(unsafe_code)]

mod account;
mod difference;
mod measure;
mod report;

use self::{
    account::{
        Account,
        Found,
        Ledger,
        Share, //
    },
    measure::Counts, //
};
use crate::{
    c::{
        handles::Handles,
        memcg::MemCgroup,
        meta_page,
        node::Node,
        objcg::ObjCgroup,
        passed,
        swap, //
    },
    stats::flush::flush,
    tree::iter, //
};
use kernel::{
    cgroup::CssData,
    mm::{
        folio::Folio,
        numa::NodeId,
        pages::{
            self,
            Passed, //
        },
    },
    page::PAGE_SIZE,
    prelude::*,
    rbtree::RBTree,
    seq_file::SeqFile,
    snapshot::Snapshot,
    sync::{
        counted::TryRefCounted,
        rcu, //
    },
};

/// The result of an audit.
pub(crate) struct Audit {
    /// Parents before their children.
    accounts: KVVec<Account>,
    /// Those of all accounts, in the same order: one for each node there may be.
    shares: KVVec<Share>,
    /// Where the account of a container is, by its address.
    index: RBTree<usize, usize>,
    /// The container looked up last, and where its account is.
    last: (usize, usize),
}

/// Where something is noted.
struct Place {
    at: usize,
    share: Option<usize>,
}

fn address(memcg: &MemCgroup) -> usize {
    core::ptr::from_ref(memcg) as usize
}

impl Snapshot for Audit {
    /// Makes an audit: walks all memory and all swap space. Sleeps.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn take() -> Result<Self> {
        let mut audit = Self {
            accounts: KVVec::new(),
            shares: KVVec::new(),
            index: RBTree::new(),
            last: (0, 0),
        };
        // A stack is in use until a grace period has passed, but its task is not found any more.
        rcu::rcu_barrier();
        flush();
        audit.open_accounts()?;
        let nodes = audit.accounts.iter().rev().flat_map(|a| a.memcg.nodes());
        let handles = Handles::of(nodes)?;
        pages::folios(|folio, rcu| audit.note_folio(folio, rcu));
        pages::passed(|page, rcu| audit.note_kernel(page, &handles, rcu));
        passed::stacks(|owner, bytes, rcu| audit.note_stack(owner, bytes, rcu));
        passed::per_cpu(|owner, bytes| audit.note_per_cpu(owner, bytes));
        swap::for_each_owner(|id| audit.note_swapped(id))?;
        flush();
        audit.close_accounts();
        Ok(audit)
    }

    /// How many bytes the report takes, more or less.
    fn size(&self) -> usize {
        4096 + self.accounts.len() * 1024
    }

    fn print(&self, seq: &SeqFile) {
        self.report(seq);
    }
}

impl Audit {
    fn open_accounts(&mut self) -> Result {
        let root = MemCgroup::root();
        for memcg in iter::Tree::new(root) {
            let at = self.accounts.len();
            self.index
                .try_create_and_insert(address(&memcg), at, GFP_KERNEL)?;
            for nid in NodeId::all() {
                let said = match nid {
                    Some(nid) => Counts::said(memcg.node(nid)),
                    None => Counts::NONE,
                };
                let found = Counts::NONE;
                self.shares.push(Share { said, found }, GFP_KERNEL)?;
            }
            let account = Account {
                said: Ledger::of(&memcg),
                parent: memcg.parent().and_then(|parent| self.find(parent)),
                memcg: memcg.try_get().ok_or(ENODEV)?,
                found: Found::default(),
                tree: Found::default(),
                swap: 0,
                misplaced: 0,
            };
            self.accounts.push(account, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Where the account of `memcg` is, if it has one.
    fn find(&self, memcg: &MemCgroup) -> Option<usize> {
        let address = address(memcg);
        if self.last.0 == address {
            return Some(self.last.1);
        }
        self.index.get(&address).copied()
    }

    /// Where the shares of an account are.
    fn shares_of(&self, at: usize) -> core::ops::Range<usize> {
        let nodes = NodeId::limit() as usize;
        at * nodes..(at + 1) * nodes
    }

    /// Where the account is that something bound to `owner` goes to, and the share of it, if it has
    /// one. If the container has been made meanwhile, that is the first of its parents: something
    /// moves in it.
    fn find_owner(&mut self, owner: &ObjCgroup, rcu: &rcu::Guard) -> Option<Place> {
        let (memcg, node) = (owner.memcg(rcu), owner.node(rcu));
        if let Some(at) = self.find(memcg) {
            self.last = (address(memcg), at);
            let share = self.shares_of(at).start + node.nid().index();
            return Some(Place {
                at,
                share: Some(share),
            });
        }
        let at = memcg.up().find_map(|m| self.find(m))?;
        self.accounts.get_mut(at)?.found.moved = true;
        Some(Place { at, share: None })
    }

    /// Notes something on the node `nid` that is bound to `owner`: `found` in its account, and
    /// `counted` in its share of the node.
    fn note(
        &mut self,
        (owner, nid): (&ObjCgroup, Option<NodeId>),
        rcu: &rcu::Guard,
        found: impl FnOnce(&mut Found),
        counted: impl FnOnce(&mut Counts, &Node),
    ) {
        let Some(place) = self.find_owner(owner, rcu) else {
            return;
        };
        let node = owner.node(rcu);
        if let Some(account) = self.accounts.get_mut(place.at) {
            found(&mut account.found);
            let there = nid.is_none_or(|nid| nid == node.nid())
                && core::ptr::eq(node.memcg(), owner.memcg(rcu));
            account.misplaced += usize::from(place.share.is_some() && !there);
        }
        if let Some(share) = place.share.and_then(|at| self.shares.get_mut(at)) {
            counted(&mut share.found, node);
        }
    }

    /// Notes a folio of user space.
    fn note_folio(&mut self, folio: &Folio, rcu: &rcu::Guard) {
        let Some(owner) = meta_page::bound_to(folio, rcu) else {
            return;
        };
        if meta_page::is_kernel(folio) {
            return;
        }
        self.note(
            (owner, Some(folio.nid())),
            rcu,
            |found| found.pages += folio.nr_pages(),
            |counts, node| counts.add_folio(folio, node),
        );
    }

    /// Notes what the kernel has allocated: pages, or objects that are in a slab.
    fn note_kernel(&mut self, page: &Passed<'_>, handles: &Handles, rcu: &rcu::Guard) {
        let nid = Some(page.nid());
        if let Some(owner) = handles.of_pages(page) {
            self.note(
                (owner, nid),
                rcu,
                |found| found.kernel += page.nr_pages(),
                |counts, _| counts.add_kernel(page),
            );
        }
        handles.of_objects(page, |owner, object| {
            self.note(
                (owner, nid),
                rcu,
                |_| {},
                |counts, _| counts.add_object(object),
            );
        });
    }

    /// Notes a kernel stack, or a page of one. Of more than one page, the first was come across as
    /// one page.
    fn note_stack(&mut self, owner: &ObjCgroup, bytes: usize, rcu: &rcu::Guard) {
        let behind = (bytes / PAGE_SIZE).saturating_sub(1);
        self.note(
            (owner, None),
            rcu,
            |found| found.kernel += behind,
            |counts, _| counts.add_stack(bytes),
        );
    }

    /// Notes per-CPU memory, which is on no node in particular.
    fn note_per_cpu(&mut self, owner: &ObjCgroup, bytes: usize) {
        self.note(
            (owner, None),
            &rcu::read_lock(),
            |found| found.per_cpu += bytes,
            |counts, _| counts.add_per_cpu(bytes),
        );
    }

    /// Notes a page in swap space. A container that has been removed is known there by its id as
    /// long as there are such pages; its parent counts for it then.
    fn note_swapped(&mut self, id: u32) {
        let rcu = rcu::read_lock();
        let Some(memcg) = MemCgroup::from_id(id, &rcu) else {
            return;
        };
        let charged = memcg.up().find_map(|m| self.find(m));
        if let Some(account) = charged.and_then(|at| self.accounts.get_mut(at)) {
            account.found.swap += 1;
        }
        let counted = memcg.not_dying().up().find_map(|m| self.find(m));
        if let Some(account) = counted.and_then(|at| self.accounts.get_mut(at)) {
            account.swap += 1;
        }
    }

    /// Looks again at what all say, and sums up.
    fn close_accounts(&mut self) {
        for at in (0..self.accounts.len()).rev() {
            let shares = self.shares_of(at);
            let Some(account) = self.accounts.get_mut(at) else {
                continue;
            };
            let memcg = &account.memcg;
            let moved = account.said != Ledger::of(memcg)
                || NodeId::all().zip(shares).any(|(nid, at)| {
                    let said = self.shares.get(at).map(|share| share.said);
                    nid.is_some_and(|nid| said != Some(Counts::said(memcg.node(nid))))
                });
            account.found.moved |= moved;
            let (own, below) = (account.found, account.tree);
            account.tree = own.and(below);
            let (tree, swap, parent) = (account.tree, account.swap, account.parent);
            let Some(above) = parent else {
                continue;
            };
            if let Some(parent) = self.accounts.get_mut(above) {
                parent.tree = parent.tree.and(tree);
                parent.swap += swap;
            }
            for (from, to) in self.shares_of(at).zip(self.shares_of(above)) {
                let found = self
                    .shares
                    .get(from)
                    .map_or(Counts::NONE, |share| share.found);
                if let Some(share) = self.shares.get_mut(to) {
                    share.found.add_below(&found);
                }
            }
        }
    }
}

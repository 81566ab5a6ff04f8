// SPDX-License-Identifier: GPL-2.0

//! The audit: is what the counters say what is there?
//!
//! All memory is walked, and of each folio it is noted which container it is bound to, which list
//! it is on and what the statistics should count it as; so is all swap space. Then, for each
//! container and in pages:
//!
//! - what is bound to it and to those below it, and what their stocks hold, is its usage;
//! - the sizes of its lists and of its generations, on each node, are the folios that say they are
//!   on them;
//! - its statistics of kinds of memory, on each node, are the folios of that kind that are bound to
//!   it and to those below it;
//! - the swap space that is written down for it and those below it is its usage of swap space.
//!
//! What has been counted is carried up before.
//!
//! This is exact for a container in which nothing moves. Whether something does is seen by its
//! figures before and after the walk: if any of them has changed, its differences are shown as
//! uncertain and do not count. They are no more than what was charged, freed, isolated or moved
//! meanwhile.
#![deny(unsafe_code)]

use crate::{
    c::{
        items::NR_LRU,
        memcg::MemCgroup,
        meta_page,
        node::Node,
        swap, //
    },
    stats::{
        flush::flush,
        read::{
            node_tree,
            Source,
            Tree, //
        },
    },
    tree::iter,
    usage::stock, //
};
use kernel::{
    bindings as c,
    cgroup::CssData,
    mm::{
        folio::Folio,
        numa::NodeId,
        pages, //
    },
    prelude::*,
    rbtree::RBTree,
    seq_file::SeqFile,
    seq_print,
    snapshot::Snapshot,
    str::BStr,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
    },
};

/// A number of pages that is kept for each node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// The size of a list, or a kind of memory.
    Item(c::node_stat_item),
    /// In generations, of files or not.
    #[cfg(CONFIG_LRU_GEN)]
    Generations { files: bool },
}

use Measure::Item;

/// What is counted on each node, with the name of each. The lists come first.
const COUNTED: &[(Measure, &str)] = &[
    (Item(c::node_stat_item_NR_INACTIVE_ANON), "inactive_anon"),
    (Item(c::node_stat_item_NR_ACTIVE_ANON), "active_anon"),
    (Item(c::node_stat_item_NR_INACTIVE_FILE), "inactive_file"),
    (Item(c::node_stat_item_NR_ACTIVE_FILE), "active_file"),
    (Item(c::node_stat_item_NR_UNEVICTABLE), "unevictable"),
    #[cfg(CONFIG_LRU_GEN)]
    (Measure::Generations { files: false }, "gen_anon"),
    #[cfg(CONFIG_LRU_GEN)]
    (Measure::Generations { files: true }, "gen_file"),
    (Item(c::node_stat_item_NR_ANON_MAPPED), "anon"),
    (Item(c::node_stat_item_NR_FILE_PAGES), "file"),
    (Item(c::node_stat_item_NR_SHMEM), "shmem"),
    #[cfg(CONFIG_SWAP)]
    (Item(c::node_stat_item_NR_SWAPCACHE), "swapcached"),
    #[cfg(CONFIG_HUGETLB_PAGE)]
    (Item(c::node_stat_item_NR_HUGETLB), "hugetlb"),
];

const NR_COUNTED: usize = COUNTED.len();

/// How many of these are lists, which are counted for each container alone; the others with what is
/// below it.
const NR_LISTS: usize = NR_LRU + if cfg!(CONFIG_LRU_GEN) { 2 } else { 0 };

impl Measure {
    /// What `node` says.
    fn said(self, node: &Node) -> isize {
        match self {
            Item(item) if (item as usize) < NR_LRU => node.lru_size(item as usize) as isize,
            Item(item) => node_tree(node, item as usize),
            #[cfg(CONFIG_LRU_GEN)]
            Self::Generations { files } => node.lruvec().gen_pages(files),
        }
    }
}

/// A number of pages for each of [`COUNTED`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counts([isize; NR_COUNTED]);

impl Counts {
    const NONE: Self = Self([0; NR_COUNTED]);

    /// What `node` says.
    fn said(node: &Node) -> Self {
        let mut counts = Self::NONE;
        for (sum, (counted, _)) in counts.0.iter_mut().zip(COUNTED) {
            *sum = counted.said(node);
        }
        counts
    }

    fn add(&mut self, counted: Measure, n: usize) {
        let sums = self.0.iter_mut().zip(COUNTED);
        sums.filter(|(_, (this, _))| *this == counted)
            .for_each(|(sum, _)| *sum = sum.wrapping_add_unsigned(n));
    }

    /// Adds what was found below.
    fn add_below(&mut self, below: &Self) {
        for (sum, n) in self.0.iter_mut().zip(below.0).skip(NR_LISTS) {
            *sum = sum.wrapping_add(n);
        }
    }

    /// Adds what `folio` is, which is bound to `node`.
    fn add_folio(&mut self, folio: &Folio, node: &Node) {
        let nr = folio.nr_pages();
        if let Some(sum) = folio
            .list(node.lruvec())
            .and_then(|lru| self.0.get_mut(lru))
        {
            *sum = sum.wrapping_add_unsigned(nr);
        }
        #[cfg(CONFIG_LRU_GEN)]
        if let Some(files) = folio.in_generation() {
            self.add(Measure::Generations { files }, nr);
        }
        let kind = kind(folio);
        self.add(Item(c::node_stat_item_NR_ANON_MAPPED), kind.anon);
        for (is, item) in [
            (kind.cached, c::node_stat_item_NR_FILE_PAGES),
            (kind.shmem, c::node_stat_item_NR_SHMEM),
            #[cfg(CONFIG_SWAP)]
            (kind.swapcache, c::node_stat_item_NR_SWAPCACHE),
            #[cfg(CONFIG_HUGETLB_PAGE)]
            (kind.hugetlb, c::node_stat_item_NR_HUGETLB),
        ] {
            if is {
                self.add(Item(item), nr);
            }
        }
    }
}

/// What the statistics count a folio as.
#[derive(Clone, Copy)]
struct Kind {
    /// Pages of anonymous memory that are mapped.
    anon: usize,
    /// In the page cache.
    cached: bool,
    /// In the page cache, of tmpfs or shared memory.
    shmem: bool,
    /// With a place in swap space.
    #[cfg(CONFIG_SWAP)]
    swapcache: bool,
    /// Of hugetlb.
    hugetlb: bool,
}

/// What `folio` is at the moment.
fn kind(folio: &Folio) -> Kind {
    let hugetlb = folio.is_hugetlb();
    let anon = !hugetlb && folio.is_anon();
    let in_file = !hugetlb && !anon && folio.has_mapping();
    Kind {
        anon: match anon {
            true => folio.nr_anon_mapped(),
            false => 0,
        },
        cached: in_file,
        shmem: in_file && folio.is_swapbacked(),
        #[cfg(CONFIG_SWAP)]
        swapcache: !hugetlb && folio.is_in_swapcache(),
        hugetlb,
    }
}

/// What a container says, but for what it says of each node.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ledger {
    usage: usize,
    /// With those below it, as all that follows.
    stock: usize,
    swap_usage: usize,
    swap: isize,
    /// Folios charged and uncharged so far.
    traffic: usize,
}

impl Ledger {
    fn of(memcg: &MemCgroup) -> Self {
        let tree = Tree(memcg);
        Self {
            usage: memcg.memory().usage(),
            stock: stock::held(memcg),
            swap_usage: memcg.swap().usage(),
            swap: tree.item(c::memcg_stat_item_MEMCG_SWAP as usize) as isize,
            traffic: tree
                .event(c::vm_event_item_PGPGIN)
                .wrapping_add(tree.event(c::vm_event_item_PGPGOUT)),
        }
    }
}

/// What was found of a container, or of one and all below it.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Bound.
    pages: usize,
    /// In swap space, charged here.
    swap: usize,
    /// Whether something has moved meanwhile.
    moved: bool,
}

/// What is known of a container's share of a node.
struct Share {
    said: Counts,
    found: Counts,
}

/// What is known of a container.
struct Account {
    memcg: ARef<Counted<MemCgroup>>,
    parent: Option<usize>,
    said: Ledger,
    found: Found,
    /// The same, of all below it as well.
    tree: Found,
    /// Pages in swap space that its statistics should have, with those below it.
    swap: isize,
    /// Pages that are on another node than the share they are bound to.
    misplaced: usize,
}

/// A difference between what is said and what was found.
struct Difference {
    what: &'static str,
    node: Option<NodeId>,
    found: isize,
    said: isize,
}

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
        flush();
        audit.open_accounts()?;
        pages::folios(|folio, rcu| audit.note_folio(folio, rcu));
        swap::for_each_owner(|id| audit.note_swapped(id))?;
        flush();
        audit.close_accounts();
        Ok(audit)
    }

    /// How many bytes the report takes, more or less.
    fn size(&self) -> usize {
        4096 + self.accounts.len() * 512
    }

    /// Writes the report.
    fn print(&self, seq: &SeqFile) {
        seq_print!(seq, "In pages; '-': what the root does not count.\n");
        for name in ["usage", "bound", "stocked", "swap"] {
            seq_print!(seq, "{:>10}", name);
        }
        for (_, name) in COUNTED {
            seq_print!(seq, "{:>14}", name);
        }
        seq_print!(seq, "  container\n");

        let mut path = KVec::from_elem(0u8, c::PATH_MAX as usize, GFP_KERNEL).unwrap_or_default();
        let (mut certain, mut uncertain, mut moving) = (0, 0, 0);
        for (at, account) in self.accounts.iter().enumerate() {
            moving += usize::from(account.found.moved);
            self.print_account(seq, at, account, &mut path);
            self.differences(at, |difference, is_certain| {
                let sum = match is_certain {
                    true => &mut certain,
                    false => &mut uncertain,
                };
                *sum += 1;
                difference.print(seq, is_certain);
            });
        }

        seq_print!(
            seq,
            "{} containers, {} of them in motion, with {} differences\n",
            self.accounts.len(),
            moving,
            uncertain
        );
        match certain {
            0 => seq_print!(seq, "audit: clean\n"),
            n => seq_print!(seq, "audit: {} differences\n", n),
        }
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

    fn note_folio(&mut self, folio: &Folio, rcu: &rcu::Guard) {
        let Some(owner) = meta_page::bound_to(folio, rcu) else {
            return;
        };
        let (memcg, node) = (owner.memcg(rcu), owner.node(rcu));
        let Some(at) = self.find(memcg) else {
            // It has been made meanwhile: something moves in the first of its parents.
            let at = memcg.up().find_map(|m| self.find(m));
            if let Some(account) = at.and_then(|at| self.accounts.get_mut(at)) {
                account.found.pages += folio.nr_pages();
                account.found.moved = true;
            }
            return;
        };
        self.last = (address(memcg), at);
        let share = self.shares_of(at).start + node.nid().index();
        if let Some(share) = self.shares.get_mut(share) {
            share.found.add_folio(folio, node);
        }
        if let Some(account) = self.accounts.get_mut(at) {
            account.found.pages += folio.nr_pages();
            if node.nid() != folio.nid() || !core::ptr::eq(node.memcg(), memcg) {
                account.misplaced += folio.nr_pages();
            }
        }
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

    /// Calls `tell` with each difference in an account, and whether it is certain.
    fn differences(&self, at: usize, mut tell: impl FnMut(Difference, bool)) {
        let Some(account) = self.accounts.get(at) else {
            return;
        };
        let (found, tree, said) = (account.found, account.tree, account.said);
        let mut compare = |what, node, found: isize, said: isize, certain: bool| {
            if found != said {
                let difference = Difference {
                    what,
                    node,
                    found,
                    said,
                };
                tell(difference, certain);
            }
        };

        if !account.memcg.is_root() {
            let (pages, usage) = ((tree.pages + said.stock) as isize, said.usage as isize);
            compare("usage", None, pages, usage, !tree.moved);
            let (swap, usage) = (tree.swap as isize, said.swap_usage as isize);
            compare("swap usage", None, swap, usage, !tree.moved);
        }
        compare("swap", None, account.swap, said.swap, !tree.moved);
        let misplaced = account.misplaced as isize;
        compare("misplaced", None, misplaced, 0, !found.moved);

        for (nid, share) in NodeId::all().zip(self.shares_of(at)) {
            let Some(share) = self.shares.get(share) else {
                continue;
            };
            let pairs = share.found.0.iter().zip(share.said.0);
            for (at, ((found_here, said_here), (_, what))) in pairs.zip(COUNTED).enumerate() {
                let moved = if at < NR_LISTS {
                    found.moved
                } else {
                    tree.moved
                };
                compare(what, nid, *found_here, said_here, !moved);
            }
        }
    }

    fn print_account(&self, seq: &SeqFile, at: usize, account: &Account, path: &mut [u8]) {
        if account.memcg.is_root() {
            seq_print!(seq, "{:>10}", '-');
        } else {
            seq_print!(seq, "{:>10}", account.said.usage);
        }
        for n in [account.found.pages, account.said.stock, account.found.swap] {
            seq_print!(seq, "{:>10}", n);
        }
        for column in 0..NR_COUNTED {
            let shares = self.shares.get(self.shares_of(at)).unwrap_or_default();
            let found = shares.iter().filter_map(|share| share.found.0.get(column));
            seq_print!(seq, "{:>14}", found.sum::<isize>());
        }
        let path = BStr::from_bytes(account.memcg.css().path(path));
        let removed = match account.memcg.css().is_dying() {
            true => " (removed)",
            false => "",
        };
        seq_print!(seq, "  {}{}\n", path, removed);
    }
}

impl Found {
    fn and(self, other: Self) -> Self {
        Self {
            pages: self.pages + other.pages,
            swap: self.swap + other.swap,
            moved: self.moved || other.moved,
        }
    }
}

impl Difference {
    fn print(&self, seq: &SeqFile, certain: bool) {
        let mark = match certain {
            true => "!!",
            false => " ~",
        };
        seq_print!(seq, "{} {}", mark, self.what);
        if let Some(nid) = self.node {
            seq_print!(seq, " on node {}", nid.as_raw());
        }
        seq_print!(seq, ": {} found, {} counted\n", self.found, self.said);
    }
}

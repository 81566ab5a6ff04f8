// SPDX-License-Identifier: GPL-2.0

//! What is counted on each node, and as what a piece of memory is counted.
#![deny(unsafe_code)]

use crate::{
    c::{
        items::{
            GRAIN,
            NR_LRU,
            OTHER_BYTES, //
        },
        node::Node,
        passed::Object, //
    },
    stats::read::node_tree,
    usage::bytes, //
};
use kernel::{
    bindings as c,
    mm::{
        folio::Folio,
        pages::Passed, //
    },
    page::PAGE_SIZE, //
};

/// A number that is kept for each node: of pages, or of bytes or KiB if its name says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The size of a list, or a kind of memory.
    Item(c::node_stat_item),
    /// What uses bytes and is no object.
    OtherBytes,
    /// In generations, of files or not.
    #[cfg(CONFIG_LRU_GEN)]
    Generations { files: bool },
}

use Measure::{
    Item,
    OtherBytes, //
};

/// What is counted on each node, with the name of each. The lists come first.
pub(super) const COUNTED: &[(Measure, &str)] = &[
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
    (Item(c::node_stat_item_NR_PAGETABLE), "pagetables"),
    (Item(c::node_stat_item_NR_KERNEL_STACK_KB), "stacks_kb"),
    (
        Item(c::node_stat_item_NR_SLAB_RECLAIMABLE_B),
        "reclaimable_b",
    ),
    (
        Item(c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B),
        "unreclaimable_b",
    ),
    (OtherBytes, "other_b"),
];

pub(super) const NR_COUNTED: usize = COUNTED.len();

/// How many of these are lists, which are counted for each container alone; the others with what is
/// below it.
pub(super) const NR_LISTS: usize = NR_LRU + if cfg!(CONFIG_LRU_GEN) { 2 } else { 0 };

impl Measure {
    /// What `node` says.
    fn said(self, node: &Node) -> isize {
        match self {
            Item(item) if (item as usize) < NR_LRU => node.lru_size(item as usize) as isize,
            Item(item) => node_tree(node, item as usize),
            OtherBytes => node.totals().get(OTHER_BYTES.index()) * GRAIN as isize,
            #[cfg(CONFIG_LRU_GEN)]
            Self::Generations { files } => node.lruvec().gen_pages(files),
        }
    }
}

/// A number for each of [`COUNTED`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts(pub(super) [isize; NR_COUNTED]);

impl Counts {
    pub(super) const NONE: Self = Self([0; NR_COUNTED]);

    /// What `node` says.
    pub(super) fn said(node: &Node) -> Self {
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
    pub(super) fn add_below(&mut self, below: &Self) {
        for (sum, n) in self.0.iter_mut().zip(below.0).skip(NR_LISTS) {
            *sum = sum.wrapping_add(n);
        }
    }

    /// Adds what `folio` is, which is bound to `node`.
    pub(super) fn add_folio(&mut self, folio: &Folio, node: &Node) {
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

    /// Adds what `page` is, the first of those that the kernel has allocated as one.
    pub(super) fn add_kernel(&mut self, page: &Passed<'_>) {
        let nr = page.nr_pages();
        if page.is_page_table() {
            self.add(Item(c::node_stat_item_NR_PAGETABLE), nr);
        }
        if page.is_large_kmalloc() {
            let bytes = nr * PAGE_SIZE;
            self.add(Item(c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B), bytes);
        }
    }

    /// Adds `bytes` of a kernel stack.
    pub(super) fn add_stack(&mut self, bytes: usize) {
        self.add(Item(c::node_stat_item_NR_KERNEL_STACK_KB), bytes / 1024);
    }

    /// Adds an object.
    pub(super) fn add_object(&mut self, object: Object) {
        let item = match object.reclaimable {
            true => c::node_stat_item_NR_SLAB_RECLAIMABLE_B,
            false => c::node_stat_item_NR_SLAB_UNRECLAIMABLE_B,
        };
        self.add(Item(item), whole_grains(object.size));
    }

    /// Adds `bytes` of per-CPU memory.
    pub(super) fn add_per_cpu(&mut self, bytes: usize) {
        self.add(OtherBytes, whole_grains(bytes));
    }
}

/// How many bytes are counted for an object of so many.
fn whole_grains(bytes: usize) -> usize {
    bytes::grains(bytes) as usize * GRAIN
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

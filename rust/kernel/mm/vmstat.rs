// SPDX-License-Identifier: GPL-2.0

//! What the kernel counts of its memory, node by node.
//!
//! C header: [`include/linux/vmstat.h`](srctree/include/linux/vmstat.h)

use super::numa::NodeId;
use crate::bindings;

/// A statistic that is kept for each node, `enum node_stat_item`.
///
/// # Invariants
///
/// There is such an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct NodeItem(bindings::node_stat_item);

impl NodeItem {
    /// How many items there are.
    pub const NR: usize = bindings::node_stat_item_NR_VM_NODE_STAT_ITEMS as usize;

    /// The item that C calls `item`, if there is one.
    #[inline]
    pub const fn new(item: bindings::node_stat_item) -> Option<Self> {
        if (item as usize) < Self::NR {
            // INVARIANT: Checked here.
            return Some(Self(item));
        }
        None
    }

    /// The item that C calls `item`.
    ///
    /// # Safety
    ///
    /// There is such an item.
    #[inline]
    pub const unsafe fn new_unchecked(item: bindings::node_stat_item) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(item)
    }

    /// The number C knows it by.
    #[inline]
    pub const fn as_raw(self) -> bindings::node_stat_item {
        self.0
    }

    /// The same as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// What C keeps of the node.
    #[inline]
    pub fn data(self) -> *mut bindings::pglist_data {
        // SAFETY: By the type invariant it is the id of a possible node.
        unsafe { bindings::numa_node_data(self.as_raw()) }
    }

    /// Adds `n` to a statistic of the node as a whole, in the unit that the name of `item` says.
    /// Any context.
    #[inline]
    pub fn mod_state(self, item: NodeItem, n: isize) {
        // SAFETY: By the type invariant there is such an item, and nodes are not freed.
        unsafe { bindings::node_page_state_add(self.data(), item.as_raw(), n) }
    }

    /// A statistic of the node as a whole. What is momentarily negative wraps around.
    pub fn state(self, item: NodeItem) -> usize {
        // SAFETY: By the type invariant there is such an item, and nodes are not freed.
        unsafe { bindings::node_state_monotonic(self.data(), item.as_raw()) }
    }
}

/// A statistic of all nodes together; what is momentarily negative is 0. As many steps as there are
/// nodes.
///
/// # Examples
///
/// ```
/// use kernel::{bindings, mm::{numa::NodeId, vmstat::{self, NodeItem}}};
///
/// let item = NodeItem::new(bindings::node_stat_item_NR_FILE_PAGES).ok_or(EINVAL)?;
/// let sum: usize = NodeId::with_memory().map(|nid| nid.state(item)).sum();
/// assert!(vmstat::global(item).abs_diff(sum) < 10_000);
/// assert!(NodeItem::new(bindings::node_stat_item::MAX).is_none());
/// # Ok::<(), Error>(())
/// ```
pub fn global(item: NodeItem) -> usize {
    NodeId::with_memory()
        .map(|nid| nid.state(item) as isize)
        .sum::<isize>()
        .max(0) as usize
}

// SPDX-License-Identifier: GPL-2.0

//! NUMA nodes.
//!
//! C header: [`include/linux/nodemask.h`](srctree/include/linux/nodemask.h)

use crate::{
    bindings,
    ffi::c_int, //
};

/// The id of a node that may exist.
///
/// # Examples
///
/// ```
/// use kernel::mm::numa::NodeId;
///
/// let first = NodeId::with_memory().next().ok_or(ENODEV)?;
/// assert!(first.as_raw() < NodeId::limit());
/// assert_eq!(NodeId::new(first.as_raw()), Some(first));
/// assert_eq!(NodeId::new(-1), None);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The id is that of a possible node: at least 0, below `nr_node_ids`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct NodeId(c_int);

impl NodeId {
    /// The node `id`, if there may be such a node.
    #[inline]
    pub fn new(id: c_int) -> Option<Self> {
        // INVARIANT: Checked here.
        // SAFETY: `node_possible()` takes any id from 0 to below `nr_node_ids`.
        (id >= 0 && id < Self::limit() && unsafe { bindings::node_possible(id) })
            .then_some(Self(id))
    }

    /// The node `id`.
    ///
    /// # Safety
    ///
    /// There may be such a node.
    #[inline]
    pub unsafe fn new_unchecked(id: c_int) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(id)
    }

    /// All ids are below this number.
    #[inline]
    pub fn limit() -> c_int {
        // SAFETY: FFI call without requirements.
        unsafe { bindings::nr_possible_node_ids() }
    }

    /// All ids from 0 to below [`NodeId::limit`]: none where there is no such node.
    pub fn all() -> impl Iterator<Item = Option<Self>> {
        (0..Self::limit()).map(Self::new)
    }

    /// The nodes that may exist.
    pub fn possible() -> impl Iterator<Item = Self> {
        Self::all().flatten()
    }

    /// The nodes that have memory now.
    pub fn with_memory() -> impl Iterator<Item = Self> {
        // SAFETY: By the type invariant the id is that of a possible node.
        Self::possible().filter(|nid| unsafe { bindings::node_has_memory(nid.0) })
    }

    /// The number C knows it by.
    #[inline]
    pub fn as_raw(self) -> c_int {
        self.0
    }

    /// The same as an index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

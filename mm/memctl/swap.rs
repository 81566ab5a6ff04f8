// SPDX-License-Identifier: GPL-2.0

//! Swap space. It is not accounted yet: containers share what there is, and a page that comes back
//! is charged to the container that brings it in.
#![deny(unsafe_code)]

use crate::vm;

/// Pages of swap space that are free for a container.
pub(crate) fn free_pages() -> isize {
    vm::free_swap_pages()
}

/// Whether a page in memory should give up its copy in swap space.
pub(crate) fn is_full() -> bool {
    vm::swap_is_full()
}

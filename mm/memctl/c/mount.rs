// SPDX-License-Identifier: GPL-2.0

//! The options that cgroup v2 was mounted with.
#![deny(unsafe_code)]

use super::vm::mounted_with;
use kernel::bindings;

/// Whether cgroup v2 was mounted such that events count only where they happen.
pub(crate) fn local_events() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_LOCAL_EVENTS)
}

/// Whether cgroup v2 was mounted such that hugetlb pages are charged.
pub(crate) fn accounts_hugetlb() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_HUGETLB_ACCOUNTING)
}

/// Whether cgroup v2 was mounted such that what is protected in a container is shared out below it.
pub(crate) fn protects_recursively() -> bool {
    mounted_with(bindings::CGRP_ROOT_MEMORY_RECURSIVE_PROT)
}

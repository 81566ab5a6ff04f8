// SPDX-License-Identifier: GPL-2.0

//! Tests of where statistics are kept.

#[kernel::macros::kunit_tests(memctl_stats)]
mod tests {
    use super::super::{
        node_slot,
        place,
        Place,
        NODE_ITEMS,
        NR_LRU,
        NR_NODE_ITEMS,
        NR_NODE_SLOTS, //
    };
    use crate::files::v2::{
        HISTORY,
        STATS, //
    };

    #[test]
    fn items_of_nodes_have_counters_of_their_own() {
        for (slot, item) in NODE_ITEMS.iter().enumerate() {
            assert_eq!(place(*item as usize), Place::Node(slot));
        }
        for item in 0..NR_LRU {
            assert_eq!(place(item), Place::Lru(item));
        }
        let counted = (NR_LRU..NR_NODE_ITEMS).filter(|item| node_slot(*item) < NR_NODE_SLOTS);
        assert_eq!(counted.count(), NR_NODE_SLOTS);
    }

    #[test]
    fn what_is_shown_is_counted() {
        for (_, item, _) in STATS.iter().chain(HISTORY) {
            assert!(place(*item as usize) != Place::Nowhere);
        }
    }

    #[test]
    fn what_is_no_item_is_not_counted() {
        for item in [usize::MAX, usize::MAX / 2, u32::MAX as usize] {
            assert_eq!(place(item), Place::Nowhere);
        }
    }
}

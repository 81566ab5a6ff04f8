// SPDX-License-Identifier: GPL-2.0

//! Tests of where statistics are kept.

#[kernel::macros::kunit_tests(memctl_items)]
mod tests {
    use super::super::{
        event_slot,
        node_slot,
        place,
        Place,
        EVENTS,
        NODE_ITEMS,
        NR_LRU,
        NR_NODE_SLOTS, //
    };
    use kernel::mm::vmstat::NodeItem;

    #[test]
    fn items_of_nodes_have_counters_of_their_own() {
        for (slot, item) in NODE_ITEMS.iter().enumerate() {
            assert!(matches!(place(*item as usize), Place::Node(s) if s.index() == slot));
        }
        for item in 0..NR_LRU {
            assert_eq!(place(item), Place::Lru(item));
        }
        let counted = (NR_LRU..NodeItem::NR).filter(|item| node_slot(*item).is_some());
        assert_eq!(counted.count(), NR_NODE_SLOTS);
    }

    #[test]
    fn events_have_counters_of_their_own() {
        for (at, (event, _)) in EVENTS.iter().enumerate() {
            assert_eq!(event_slot(*event).map(|slot| slot.index()), Some(at + 1));
        }
        assert!(event_slot(u32::MAX).is_none());
    }

    #[test]
    fn what_is_no_item_is_not_counted() {
        for item in [usize::MAX, usize::MAX / 2, u32::MAX as usize] {
            assert_eq!(place(item), Place::Nowhere);
        }
    }
}

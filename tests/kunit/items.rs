// SPDX-License-Identifier: GPL-2.0

//! Tests of where statistics are kept.

#[kernel::macros::kunit_tests(memctl_items)]
mod tests {
    use super::super::{
        event_at,
        is_event,
        is_rare,
        node_at,
        place,
        Place,
        EVENTS,
        LRU_AT,
        NR_LRU,
        NR_MEMCG_COUNTS,
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN,
        OFTEN_ITEMS,
        RARE_ITEMS,
        STOCKED, //
    };
    use kernel::mm::vmstat::NodeItem;

    #[test]
    fn items_of_nodes_have_counts_of_their_own() {
        for (at, item) in OFTEN_ITEMS.iter().chain(RARE_ITEMS).enumerate() {
            assert_eq!(place(*item as usize), Place::Node(at));
        }
        for item in 0..NR_LRU {
            assert_eq!(place(item), Place::Node(LRU_AT + item));
        }
        let counted = (0..NodeItem::NR).filter(|item| node_at(*item).is_some());
        assert_eq!(counted.count(), LRU_AT + NR_LRU);
        assert_eq!(OFTEN_ITEMS.len(), NR_NODE_OFTEN);
    }

    #[test]
    fn events_have_counts_of_their_own() {
        let mut seen = [false; NR_MEMCG_COUNTS];
        for (event, _) in EVENTS {
            let Some(at) = event_at(*event) else {
                panic!("an event that is not counted");
            };
            assert!(!core::mem::replace(&mut seen[at], true));
            assert_eq!((at >= NR_MEMCG_OFTEN), is_rare(*event));
            assert!(is_event(at));
        }
        assert!(!seen[STOCKED] && !is_event(STOCKED));
        assert_eq!(
            (0..NR_MEMCG_COUNTS).filter(|at| is_event(*at)).count(),
            EVENTS.len()
        );
        assert!(event_at(u32::MAX).is_none());
    }

    #[test]
    fn what_is_no_item_is_not_counted() {
        for item in [usize::MAX, usize::MAX / 2, u32::MAX as usize] {
            assert_eq!(place(item), Place::Nowhere);
        }
    }
}

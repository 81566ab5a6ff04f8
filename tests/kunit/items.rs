// SPDX-License-Identifier: GPL-2.0

//! Tests of where statistics are kept.

#[kernel::macros::kunit_tests(memctl_items)]
mod tests {
    use super::super::{
        event_at,
        has_nodes,
        in_bytes,
        is_event,
        is_rare,
        node_at,
        often,
        place,
        Place,
        EVENTS,
        LRU_AT,
        NODE_ITEMS_AT,
        NR_LRU,
        NR_MEMCG_COUNTS,
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN,
        OFTEN_ITEMS,
        RARE_ITEMS,
        RECLAIMABLE,
        STOCKED,
        UNRECLAIMABLE, //
    };
    use kernel::{
        bindings::*,
        mm::vmstat::NodeItem, //
    };

    #[test]
    fn items_of_nodes_have_counts_of_their_own() {
        for (at, item) in OFTEN_ITEMS.iter().chain(RARE_ITEMS).enumerate() {
            assert_eq!(node_at(*item as usize), Some(NODE_ITEMS_AT + at));
            match in_bytes(*item as usize) {
                true => assert_eq!(place(*item as usize), Place::Objects(UNRECLAIMABLE)),
                false => assert_eq!(place(*item as usize), Place::Node(NODE_ITEMS_AT + at)),
            }
        }
        for item in 0..NR_LRU {
            assert_eq!(place(item), Place::Node(LRU_AT + item));
        }
        let counted = (0..NodeItem::NR).filter(|item| node_at(*item).is_some());
        assert_eq!(counted.count(), LRU_AT + NR_LRU - NODE_ITEMS_AT);
        assert_eq!(NODE_ITEMS_AT + OFTEN_ITEMS.len(), NR_NODE_OFTEN);
    }

    #[test]
    fn objects_are_counted_in_grains() {
        let reclaimable = node_stat_item_NR_SLAB_RECLAIMABLE_B as usize;
        let unreclaimable = node_stat_item_NR_SLAB_UNRECLAIMABLE_B as usize;
        assert_eq!(place(reclaimable), Place::Objects(RECLAIMABLE));
        assert_eq!(place(unreclaimable), Place::Objects(UNRECLAIMABLE));
        assert!(has_nodes(reclaimable) && has_nodes(unreclaimable));
        // Nothing else counts there: the quota of a CPU is what is left of these.
        for item in 0..NodeItem::NR {
            assert!(often(item).is_none_or(|slot| slot.index() >= NODE_ITEMS_AT));
        }
        // Only pages of large allocations have a count beside.
        assert!(node_at(reclaimable).is_none());
        assert!(node_at(unreclaimable).is_some_and(|at| at >= NR_NODE_OFTEN));
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

// SPDX-License-Identifier: GPL-2.0

//! Tests of how much room there must be where a folio is handed over.

#[kernel::macros::kunit_tests(memctl_handover)]
mod tests {
    use super::super::{
        leaves_room,
        SPARE, //
    };
    use crate::PAGES;

    #[test]
    fn room_is_left_below_a_limit() {
        let limit = 100 * SPARE;
        assert!(leaves_room(0, 1, limit));
        assert!(leaves_room(limit - SPARE - 1, 1, limit));
        assert!(!leaves_room(limit - SPARE, 1, limit));
        assert!(!leaves_room(limit, 1, limit));
        assert!(!leaves_room(2 * limit, 1, limit));
    }

    #[test]
    fn a_large_folio_needs_all_of_its_room() {
        let limit = 100 * SPARE;
        assert!(leaves_room(limit - 2 * SPARE, SPARE, limit));
        assert!(!leaves_room(limit - 2 * SPARE + 1, SPARE, limit));
    }

    #[test]
    fn a_small_limit_has_an_eighth_left() {
        assert!(leaves_room(55, 1, 64));
        assert!(!leaves_room(56, 1, 64));
        assert!(!leaves_room(0, 1, 0));
    }

    #[test]
    fn without_a_limit_there_is_room() {
        assert!(leaves_room(
            isize::MAX as usize / 8192,
            1,
            PAGES.unlimited()
        ));
        assert!(!leaves_room(usize::MAX, usize::MAX, PAGES.unlimited()));
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of thresholds.

#[kernel::macros::kunit_tests(memctl_thresholds)]
mod tests {
    use crate::c::wish::{
        Bounds,
        Measured,
        Threshold, //
    };

    #[test]
    fn each_crossing_is_seen_once() {
        let threshold = Threshold::new(Measured::Memory, 10, 0);
        let crossed = [0, 9, 10, 11, 10, 9, 9, 0, 30].map(|usage| threshold.is_crossed(usage));
        let expected = [false, false, true, false, false, true, false, false, true];
        assert_eq!(crossed, expected);
    }

    #[test]
    fn what_is_above_at_first_is_no_crossing() {
        let threshold = Threshold::new(Measured::Memory, 10, 10);
        assert!(!threshold.is_crossed(12));
        assert!(threshold.is_crossed(9));
    }

    #[test]
    fn nobody_listens_between_no_bounds() {
        let bounds = Bounds::new();
        for of in Measured::ALL {
            assert!(bounds.are_none(of));
            assert!(bounds.hold(of, 0));
            assert!(bounds.hold(of, usize::MAX - 1));
        }
    }

    #[test]
    fn a_threshold_of_nothing_is_always_reached() {
        assert!(!Threshold::new(Measured::MemSw, 0, 0).is_crossed(0));
    }
}

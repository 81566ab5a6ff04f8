// SPDX-License-Identifier: GPL-2.0

//! Tests of how long those sleep who charge beyond the boundary.

#[kernel::macros::kunit_tests(memctl_throttle)]
mod tests {
    use super::super::{
        overage,
        penalty_ms,
        LONGEST_MS, //
    };

    /// What a batch of 64 pages costs with so many pages in use, beyond a boundary of 100,000.
    fn batch(usage: usize) -> u32 {
        penalty_ms(64, overage(usage, 100_000))
    }

    #[test]
    fn costs_nothing_at_the_boundary() {
        assert_eq!(batch(100_000), 0);
        assert_eq!(batch(0), 0);
    }

    #[test]
    fn grows_with_the_square() {
        assert!((5..8).contains(&batch(101_000)));
        assert!((150..170).contains(&batch(105_000)));
        assert!((600..680).contains(&batch(110_000)));
    }

    #[test]
    fn has_an_end() {
        assert_eq!(batch(118_000), LONGEST_MS);
        assert_eq!(batch(usize::MAX), LONGEST_MS);
        assert_eq!(penalty_ms(usize::MAX, usize::MAX), LONGEST_MS);
        // Everything is beyond a boundary of nothing.
        assert_eq!(penalty_ms(64, overage(1, 0)), LONGEST_MS);
        assert_eq!(penalty_ms(64, overage(0, 0)), 0);
    }

    #[test]
    fn is_in_proportion_to_the_charge() {
        let overage = overage(110_000, 100_000);
        assert_eq!(penalty_ms(0, overage), 0);
        assert!(penalty_ms(32, overage).abs_diff(penalty_ms(64, overage) / 2) <= 1);
    }
}

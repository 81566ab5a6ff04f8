// SPDX-License-Identifier: GPL-2.0

//! Tests of counts of which there is one for all CPUs.

#[kernel::macros::kunit_tests(memctl_counts)]
mod tests {
    use super::super::Rare;
    use kernel::sync::atomic::Atomic;

    fn none() -> Rare<3> {
        Rare {
            changed: Atomic::new(0),
            counts: [const { Atomic::new(0) }; 3],
        }
    }

    fn taken(rare: &Rare<3>) -> [isize; 3] {
        rare.take().unwrap_or_default()
    }

    #[test]
    fn adds_up() {
        let rare = none();
        rare.add(0, 1);
        rare.add(0, 1);
        rare.add(2, 5);
        assert_eq!(taken(&rare), [2, 0, 5]);
    }

    #[test]
    fn what_is_taken_is_taken_once() {
        let rare = none();
        assert_eq!(rare.take(), None);
        rare.add(1, -7);
        assert_eq!(taken(&rare), [0, -7, 0]);
        assert_eq!(rare.take(), None);
        rare.add(1, i32::MIN);
        rare.add(1, i32::MIN);
        // They wrap around: less than 2^31 may change meanwhile.
        assert_eq!(taken(&rare), [0; 3]);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of how often somebody tries for whom reclaim gets nothing.

#[kernel::macros::kunit_tests(memctl_patience)]
mod tests {
    use super::super::{
        Again,
        Patience,
        MAX_RECLAIM_RETRIES,
        RETRIES_LATER, //
    };
    use kernel::sync::rcu::GracePeriod;

    /// How often at once, or soon, and what then.
    fn tries(patience: &mut Patience) -> (u32, Again) {
        for nr in 0..1000 {
            match patience.again() {
                Again::Now | Again::Soon => {}
                other => return (nr, other),
            }
        }
        (1000, Again::Now)
    }

    #[test]
    fn waits_once_for_what_was_taken() {
        let mut patience = Patience::new();
        assert_eq!(tries(&mut patience), (MAX_RECLAIM_RETRIES, Again::Later));
        // What comes back comes by and by.
        assert_eq!(patience.again(), Again::Soon);
        assert_eq!(tries(&mut patience), (RETRIES_LATER - 1, Again::Never));
        assert_eq!(tries(&mut patience), (0, Again::Never));
    }

    #[test]
    fn who_has_waited_does_not_again() {
        let mut patience = Patience::without_waiting();
        assert_eq!(tries(&mut patience), (MAX_RECLAIM_RETRIES, Again::Never));
    }

    #[test]
    fn later_is_after_a_grace_period() {
        let before = GracePeriod::begin();
        assert!(Again::Later.in_time());
        assert!(before.has_passed());
    }

    #[test]
    fn never_is_not() {
        assert!(Again::Now.in_time());
        assert!(Again::Soon.in_time());
        assert!(!Again::Never.in_time());
    }
}

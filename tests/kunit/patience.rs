// SPDX-License-Identifier: GPL-2.0

//! Tests of how often somebody tries for whom reclaim gets nothing.
#![allow(unsafe_code)]

#[kernel::macros::kunit_tests(memctl_patience)]
mod tests {
    use super::super::{
        Again,
        Patience,
        MAX_RECLAIM_RETRIES,
        RETRIES_LATER, //
    };
    #[cfg(CONFIG_TREE_RCU)]
    use kernel::bindings;

    /// How often at once, and what then.
    fn tries(patience: &mut Patience) -> (u32, Again) {
        for nr in 0..1000 {
            match patience.again() {
                Again::Now => {}
                other => return (nr, other),
            }
        }
        (1000, Again::Now)
    }

    #[test]
    fn waits_once_for_what_was_taken() {
        let mut patience = Patience::new();
        assert_eq!(tries(&mut patience), (MAX_RECLAIM_RETRIES, Again::Later));
        assert_eq!(tries(&mut patience), (RETRIES_LATER, Again::Never));
        assert_eq!(tries(&mut patience), (0, Again::Never));
    }

    #[test]
    fn who_has_waited_does_not_again() {
        let mut patience = Patience::without_waiting();
        assert_eq!(tries(&mut patience), (MAX_RECLAIM_RETRIES, Again::Never));
    }

    #[test]
    #[cfg(CONFIG_TREE_RCU)]
    fn later_is_after_a_grace_period() {
        let mut before = bindings::rcu_gp_seq::default();
        // SAFETY: `before` is there.
        unsafe { bindings::get_state_synchronize_rcu_full(&mut before) };
        assert!(Again::Later.in_time());
        // SAFETY: As above.
        assert!(unsafe { bindings::poll_state_synchronize_rcu_full(&mut before) });
    }

    #[test]
    fn never_is_not() {
        assert!(Again::Now.in_time());
        assert!(!Again::Never.in_time());
    }
}

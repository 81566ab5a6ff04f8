// SPDX-License-Identifier: GPL-2.0

//! Tests of how long a charge insists.

#[kernel::macros::kunit_tests(memctl_charge)]
mod tests {
    use super::super::{
        Insistence,
        Next,
        COSTLY_PAGES, //
    };
    use crate::{
        c::gfp::Gfp,
        pressure::patience::{
            Again,
            MAX_RECLAIM_RETRIES,
            RETRIES_LATER, //
        },
    };

    /// How often a charge is retried before something else happens, and what that is.
    fn insist(i: &mut Insistence, nr: usize, reclaimed: usize, dying: bool) -> (u32, Next) {
        for retries in 0..1000 {
            match i.after_reclaim(nr, reclaimed, dying) {
                Next::Retry | Next::Wait(Again::Soon) => {}
                next => return (retries, next),
            }
        }
        (1000, Next::Retry)
    }

    #[test]
    fn kills_after_reclaim_has_failed_often_enough() {
        let mut i = Insistence::new(Gfp::KERNEL);
        let result = insist(&mut i, 1, 0, false);
        assert_eq!(result, (MAX_RECLAIM_RETRIES, Next::Wait(Again::Later)));
        let result = insist(&mut i, 1, 0, false);
        assert_eq!(result, (RETRIES_LATER, Next::Kill));
        // Then nothing but its memory is waited for.
        i.killed();
        let result = insist(&mut i, 1, 0, false);
        assert_eq!(result, (MAX_RECLAIM_RETRIES, Next::Kill));
    }

    #[test]
    fn goes_on_while_reclaim_makes_progress() {
        let result = insist(&mut Insistence::new(Gfp::KERNEL), 1, 1, false);
        assert_eq!(result, (1000, Next::Retry));
    }

    #[test]
    fn a_huge_page_waits_neither_for_little_progress_nor_for_rcu() {
        let nr = COSTLY_PAGES + 1;
        let result = insist(&mut Insistence::new(Gfp::KERNEL), nr, 1, false);
        assert_eq!(result, (MAX_RECLAIM_RETRIES, Next::Kill));
    }

    #[test]
    fn gives_up_when_told_to() {
        let result = insist(&mut Insistence::new(Gfp::NORETRY), 1, 0, false);
        assert_eq!(result, (0, Next::Fail));
        let mut i = Insistence::new(Gfp::RETRY_MAYFAIL);
        let result = insist(&mut i, 1, 0, false);
        assert_eq!(result, (MAX_RECLAIM_RETRIES, Next::Wait(Again::Later)));
        let result = insist(&mut i, 1, 0, false);
        assert_eq!(result, (RETRIES_LATER, Next::Fail));
    }

    #[test]
    fn who_can_do_with_less_looks_through_no_stocks() {
        assert!(!Insistence::new(Gfp::NORETRY).takes_stocks());
        for gfp in [Gfp::KERNEL, Gfp::RETRY_MAYFAIL] {
            let mut i = Insistence::new(gfp);
            assert!(i.takes_stocks());
            // Once, and again after a kill.
            assert!(!i.takes_stocks());
            i.killed();
            assert!(i.takes_stocks());
        }
    }

    #[test]
    fn a_dying_task_kills_once() {
        let mut i = Insistence::new(Gfp::KERNEL);
        assert_eq!(insist(&mut i, 1, 0, true).1, Next::Kill);
        i.killed();
        assert_eq!(insist(&mut i, 1, 0, true).1, Next::Fail);
    }
}

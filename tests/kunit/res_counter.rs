// SPDX-License-Identifier: GPL-2.0

//! Tests of the resource counter and of how its numbers are read and written.

#[kernel::macros::kunit_tests(memctl_res_counter)]
mod tests {
    use core::ptr::null_mut;
    use kernel::{
        error::code::*,
        prelude::*,
        res_counter::{
            OverLimit,
            Protection,
            ResCounter,
            Unit, //
        },
        sync::{
            atomic::{
                Atomic,
                Full,
                Relaxed, //
            },
            Arc,
            Completion, //
        },
        workqueue, //
    };

    const PAGE: Unit = Unit::new(4096);
    const ONE: Unit = Unit::new(1);

    /// A counter that stays, and where the one is that was made before it.
    struct Kept {
        counter: ResCounter,
        _before: *mut Kept,
    }

    /// A counter that stays. That all of them are found from here keeps kmemleak quiet; tests come
    /// one after the other.
    fn kept(counter: ResCounter) -> Result<&'static ResCounter> {
        static LAST: Atomic<*mut Kept> = Atomic::new(null_mut());

        let kept = Kept {
            counter,
            _before: LAST.load(Relaxed),
        };
        let kept = KBox::leak(KBox::new(kept, GFP_KERNEL)?);
        LAST.store(&raw mut *kept, Relaxed);
        Ok(&kept.counter)
    }

    /// Three counters, each below the one before.
    fn tree(limits: [usize; 3]) -> Result<[&'static ResCounter; 3]> {
        let top = kept(ResCounter::new(limits[0]))?;
        let middle = kept(ResCounter::below(top, limits[1]))?;
        let bottom = kept(ResCounter::below(middle, limits[2]))?;
        Ok([top, middle, bottom])
    }

    #[test]
    fn charges_up_to_the_limit_and_no_further() {
        let c = ResCounter::new(10);
        assert_eq!(c.try_charge(7), Ok(()));
        assert_eq!(c.margin(), 3);
        assert_eq!(c.try_charge(4), Err(OverLimit { level: 0 }));
        assert_eq!(c.usage(), 7);
        assert_eq!(c.try_charge(3), Ok(()));
        assert_eq!(c.margin(), 0);
        c.uncharge(10);
        assert_eq!(c.usage(), 0);
    }

    #[test]
    fn charges_every_level_or_none() -> Result {
        let [top, middle, bottom] = tree([100, 10, 50])?;
        assert_eq!(bottom.try_charge(8), Ok(()));
        assert!([top, middle, bottom].iter().all(|c| c.usage() == 8));

        assert_eq!(bottom.try_charge(3), Err(OverLimit { level: 1 }));
        assert!([top, middle, bottom].iter().all(|c| c.usage() == 8));
        // What did not fit above has not been in use below.
        assert_eq!(bottom.watermark(), 8);
        assert_eq!(
            [top.failcnt(), middle.failcnt(), bottom.failcnt()],
            [0, 1, 0]
        );

        assert_eq!(bottom.effective_limit(), 10);
        bottom.uncharge(8);
        assert!([top, middle, bottom].iter().all(|c| c.usage() == 0));
        Ok(())
    }

    #[test]
    fn a_forced_charge_exceeds_limits() -> Result {
        let [top, _, bottom] = tree([10, 10, 10])?;
        bottom.charge(25);
        assert_eq!(top.usage(), 25);
        assert_eq!(bottom.margin(), 0);
        assert_eq!(bottom.try_charge(1), Err(OverLimit { level: 0 }));
        bottom.uncharge(25);
        assert_eq!(top.usage(), 0);
        Ok(())
    }

    #[test]
    fn remembers_the_most_and_the_failures() {
        let c = ResCounter::new(10);
        let _ = c.try_charge(9);
        c.uncharge(5);
        assert_eq!(c.watermark(), 9);
        c.reset_watermark();
        assert_eq!(c.watermark(), 4);
        let _ = c.try_charge(1);
        assert_eq!(c.watermark(), 5);
        c.uncharge(1);
        let _ = c.try_charge(7);
        let _ = c.try_charge(7);
        assert_eq!(c.failcnt(), 2);
        c.reset_failcnt();
        assert_eq!(c.failcnt(), 0);
    }

    #[test]
    fn charges_below_another_and_leaves_that_alone() -> Result {
        let [top, middle, bottom] = tree([10, 100, 5])?;
        // SAFETY: The counters of a tree stay.
        let beside = unsafe { ResCounter::below_unchecked(Some(middle), 4) };
        beside.charge(4);
        top.force_limit(4);

        let common = bottom.common(&beside);
        assert!(common.is_some_and(|common| core::ptr::eq(common, middle)));
        assert_eq!(bottom.try_charge_below(4, common), Ok(()));
        beside.uncharge_below(4, common);
        assert_eq!([bottom.usage(), beside.usage()], [4, 0]);
        assert_eq!([middle.usage(), top.usage()], [4, 4]);

        assert_eq!(
            bottom.try_charge_below(2, common),
            Err(OverLimit { level: 0 })
        );
        assert_eq!([bottom.usage(), bottom.failcnt()], [4, 1]);
        // Of one that is above the other, that one; of none that is above both, all.
        assert!(bottom
            .common(top)
            .is_some_and(|common| core::ptr::eq(common, top)));
        assert!(bottom.common(&ResCounter::new(1)).is_none());
        assert_eq!(
            bottom.try_charge_below(1, None),
            Err(OverLimit { level: 2 })
        );
        assert_eq!([bottom.usage(), middle.usage(), top.usage()], [4, 4, 4]);
        bottom.uncharge(4);
        Ok(())
    }

    #[test]
    fn a_limit_below_the_usage_is_refused() {
        let c = ResCounter::new(10);
        let _ = c.try_charge(8);
        assert_eq!(c.set_limit(7), Err(EBUSY));
        assert_eq!(c.limit(), 10);
        assert_eq!(c.set_limit(8), Ok(()));
        assert_eq!(c.try_charge(1), Err(OverLimit { level: 0 }));
        c.force_limit(2);
        assert_eq!(c.limit(), 2);
        assert_eq!(c.usage(), 8);
    }

    #[test]
    fn the_local_watermark_starts_again_alone() {
        let c = ResCounter::new(10);
        let _ = c.try_charge(9);
        c.uncharge(5);
        assert_eq!(c.restart_local_watermark(), (9, 4));
        let _ = c.try_charge(3);
        assert_eq!([c.local_watermark(), c.watermark()], [7, 9]);
    }

    /// A parent and two children of which so much is in use, with settings of `low` for all three.
    fn family(
        usage: [usize; 2],
        low: [usize; 3],
        recursive: bool,
    ) -> Result<[&'static ResCounter; 3]> {
        let parent = kept(ResCounter::new(1000))?;
        let children = [
            kept(ResCounter::below(parent, 1000))?,
            kept(ResCounter::below(parent, 1000))?,
        ];
        for (child, n) in children.into_iter().zip(usage) {
            child.charge(n);
        }
        let all = [parent, children[0], children[1]];
        for (counter, n) in all.into_iter().zip(low) {
            counter.set_protection(Protection::Low, n);
        }
        for counter in all {
            counter.update_protection(None, recursive);
        }
        Ok(all)
    }

    fn lows(family: &[&ResCounter; 3]) -> [usize; 3] {
        family.map(|c| c.effective_protection(Protection::Low))
    }

    #[test]
    fn protection_holds_as_far_as_it_is_used() -> Result {
        let f = family([5, 25], [20, 10, 10], false)?;
        assert_eq!(lows(&f), [20, 5, 10]);
        assert_eq!(f[0].children_protected(Protection::Low), 15);
        // The other kind has nothing to do with it.
        assert_eq!(f[1].effective_protection(Protection::Min), 0);
        Ok(())
    }

    #[test]
    fn children_that_ask_for_too_much_share() -> Result {
        assert_eq!(lows(&family([15, 15], [10, 10, 10], false)?), [10, 5, 5]);
        assert_eq!(lows(&family([30, 10], [20, 40, 10], false)?), [20, 15, 5]);
        Ok(())
    }

    #[test]
    fn what_no_child_asks_for_is_shared_out() -> Result {
        assert_eq!(lows(&family([5, 25], [20, 10, 10], true)?), [20, 5, 15]);
        assert_eq!(lows(&family([10, 30], [20, 0, 0], true)?), [20, 5, 15]);
        assert_eq!(lows(&family([10, 30], [20, 0, 0], false)?), [20, 0, 0]);
        Ok(())
    }

    #[test]
    fn protection_follows_the_usage() -> Result {
        let [parent, first, second] = family([5, 25], [20, 10, 10], false)?;
        first.charge(10);
        assert_eq!(parent.children_protected(Protection::Low), 20);
        first.uncharge(15);
        assert_eq!(parent.children_protected(Protection::Low), 10);
        // A child that is about to go has nothing protected, whatever it still uses.
        second.set_protection(Protection::Low, 0);
        assert_eq!(second.usage(), 25);
        assert_eq!(parent.children_protected(Protection::Low), 0);
        second.uncharge(25);
        Ok(())
    }

    #[test]
    fn the_root_of_a_reclaim_is_not_protected_from_it() -> Result {
        let [parent, first, second] = family([15, 15], [10, 10, 10], false)?;
        for counter in [parent, first, second] {
            counter.update_protection(Some(parent), false);
        }
        // Directly below it, settings hold as they are; its own was not looked at.
        assert_eq!(lows(&[parent, first, second]), [10, 10, 10]);
        Ok(())
    }

    #[test]
    fn does_not_overflow() {
        let c = ResCounter::new(PAGE.unlimited());
        assert_eq!(c.try_charge(PAGE.unlimited()), Ok(()));
        assert_eq!(c.try_charge(1), Err(OverLimit { level: 0 }));
        assert_eq!(c.try_charge(usize::MAX), Err(OverLimit { level: 0 }));
        assert_eq!(c.usage(), PAGE.unlimited());
    }

    #[test]
    fn reads_what_people_write() {
        for (text, pages) in [
            ("0", 0),
            ("4096", 1),
            ("8191", 1),
            ("64M", 16384),
            ("64m", 16384),
            ("1k", 0),
            ("4K", 1),
            ("1G", 262144),
            ("2T", 536870912),
            ("0x2000", 2),
            ("010000", 1),
            ("max", PAGE.unlimited()),
            ("9223372036854775807", PAGE.unlimited()),
            ("18446744073709551615", PAGE.unlimited()),
            ("8E", PAGE.unlimited()),
            ("1000E", PAGE.unlimited()),
            // 2^64, 2^70, and the latter with a suffix.
            ("18446744073709551616", PAGE.unlimited()),
            ("1180591620717411303424", PAGE.unlimited()),
            ("1180591620717411303424K", PAGE.unlimited()),
            ("0x400000000000000000", PAGE.unlimited()),
            ("", 0),
        ] {
            assert_eq!(PAGE.parse(text.as_bytes(), b"max"), Ok(pages));
        }
        assert_eq!(ONE.parse(b"123", b"-1"), Ok(123));
        assert_eq!(ONE.parse(b"-1", b"-1"), Ok(isize::MAX as usize));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "abc", "-5", "-1", "64MB", "64 M", "M", "1.5G", "0x", "4096x", "+1", "max1", "--1",
            " 64M", "64M\n",
        ] {
            assert_eq!(PAGE.parse(text.as_bytes(), b"max"), Err(EINVAL));
        }
    }

    #[test]
    fn shows_what_it_counts() {
        assert_eq!(PAGE.show(3), 12288);
        assert_eq!(PAGE.show(PAGE.unlimited()), 9223372036854771712);
    }

    /// Charges and uncharges from several threads, while the limit moves: never is more charged
    /// than the higher limit, nor does the watermark say so, and nothing is left in the end. The
    /// usage itself may be more for a moment, by what is about to be refused.
    #[test]
    fn holds_its_limit_against_many() -> Result {
        const WORKERS: usize = 4;
        const ROUNDS: usize = 20_000;
        const LOW: usize = 8;
        const HIGH: usize = 15;

        let [top, _, bottom] = tree([HIGH, 1000, 1000])?;
        let left = Arc::new(Atomic::new(WORKERS), GFP_KERNEL)?;
        let held = Arc::new(Atomic::new(0usize), GFP_KERNEL)?;
        let exceeded = Arc::new(Atomic::new(0usize), GFP_KERNEL)?;
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;

        for worker in 0..WORKERS {
            let (left, done) = (left.clone(), done.clone());
            let (held, exceeded) = (held.clone(), exceeded.clone());
            workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
                let n = worker + 3;
                for _ in 0..ROUNDS {
                    if bottom.try_charge(n).is_ok() {
                        if held.fetch_add(n, Full) + n > HIGH {
                            exceeded.fetch_add(1, Relaxed);
                        }
                        held.fetch_sub(n, Full);
                        bottom.uncharge(n);
                    }
                }
                if left.fetch_sub(1, Full) == 1 {
                    done.complete_all();
                }
            })?;
        }

        let mut lowered = 0usize;
        while left.load(Relaxed) != 0 {
            if top.set_limit(LOW).is_ok() {
                lowered += 1;
            }
            // Busy as long as one who is refused has not taken his charge back.
            while top.set_limit(HIGH).is_err() {}
        }
        done.wait_for_completion();

        assert!(lowered > 0);
        assert_eq!(exceeded.load(Relaxed), 0);
        assert!(top.watermark() <= HIGH);
        assert_eq!([top.usage(), bottom.usage()], [0, 0]);
        Ok(())
    }
}

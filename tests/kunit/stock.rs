// SPDX-License-Identifier: GPL-2.0

//! Tests of a CPU's stock of charged pages.

#[kernel::macros::kunit_tests(memctl_stock)]
mod tests {
    use super::super::{
        put,
        take,
        BATCH, //
    };
    use kernel::sync::atomic::{
        Atomic,
        Relaxed, //
    };

    #[test]
    fn gives_what_it_has() {
        let stock = Atomic::new(5i32);
        assert!(take(&stock, 3));
        assert!(!take(&stock, 3));
        assert!(take(&stock, 2));
        assert!(!take(&stock, 1));
        assert_eq!(stock.load(Relaxed), 0);
    }

    #[test]
    fn keeps_no_more_than_a_batch() {
        let stock = Atomic::new(0i32);
        assert_eq!(put(&stock, BATCH - 1), (true, 0));
        assert_eq!(put(&stock, 1), (false, 0));
        assert_eq!(stock.load(Relaxed), BATCH as i32);
        assert_eq!(put(&stock, 1), (false, BATCH + 1));
        assert_eq!(stock.load(Relaxed), 0);
    }

    #[test]
    fn loses_no_page() {
        let stock = Atomic::new(0i32);
        let (mut outside, mut seed) = (1000usize, 12345u32);
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(1103515245).wrapping_add(12345);
            let n = (seed >> 16) as usize % BATCH + 1;
            if seed & 1 == 0 {
                if take(&stock, n) {
                    outside += n;
                }
            } else if outside >= n {
                outside = outside - n + put(&stock, n).1;
            }
            assert_eq!(outside + stock.load(Relaxed) as usize, 1000);
            assert!(stock.load(Relaxed) >= 0 && stock.load(Relaxed) <= BATCH as i32);
        }
    }
}

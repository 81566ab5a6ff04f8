// SPDX-License-Identifier: GPL-2.0

//! Tests of the bytes that objects use of what was charged.

// A container that the cgroup core does not know is freed by hand.
#![allow(unsafe_code)]

#[kernel::macros::kunit_tests(memctl_bytes)]
mod tests {
    use super::super::{
        grains,
        grant,
        hand_over,
        put,
        take,
        Kind,
        HIGH,
        LOW,
        PAGE,
        QUOTA, //
    };
    use crate::{
        c::{
            life::Freeing,
            memcg::MemCgroup,
            node::Node,
            stocked, //
        },
        stats::flush,
        usage::stock,
    };
    use kernel::{
        bindings,
        mm::numa::NodeId,
        percpu::PreemptionOff,
        prelude::*,
        sync::rcu, //
    };

    /// A container that only this test knows.
    struct Container(&'static MemCgroup);

    impl Container {
        /// With so many pages charged.
        fn new(pages: usize) -> Result<Self> {
            let css = MemCgroup::create(Some(MemCgroup::root()))?.publish();
            // SAFETY: It lives until this is dropped, and is ours alone.
            let memcg = unsafe {
                (*css).flags = bindings::CSS_ONLINE;
                MemCgroup::from_raw(css.cast())
            };
            memcg.memory().charge(pages);
            Ok(Self(memcg))
        }

        fn node(&self) -> &Node {
            self.0.node(NodeId::possible().next().unwrap())
        }

        /// What is left on this CPU.
        fn left(&self) -> i32 {
            self.node().rows().this().left(&QUOTA)
        }

        /// Pages that are charged and in no stock of pages.
        fn charged(&self) -> usize {
            stock::drain(self.0);
            self.0.memory().usage()
        }
    }

    impl Drop for Container {
        fn drop(&mut self) {
            stocked::forget_test(self.0);
            // SAFETY: Nobody else knows it.
            let freeing = unsafe { Freeing::new(self.0.as_raw().cast()) };
            flush::retire(&freeing);
        }
    }

    /// [`take`], whole.
    fn taken(node: &Node, kind: Kind, n: u32, rcu: &rcu::Guard) -> Result<(), i32> {
        take(node, kind, n, rcu).map(|taken| taken.note())
    }

    /// [`put`], whole.
    fn give(node: &Node, kind: Kind, n: u32, rcu: &rcu::Guard) {
        put(node, kind, n, rcu).note(node, rcu);
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!([0, 1, 8, 9, 4096].map(grains), [0, 1, 1, 2, PAGE]);
    }

    #[test]
    fn a_page_serves_many_objects() -> Result {
        let container = Container::new(1)?;
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        let node = container.node();
        assert_eq!(taken(node, Kind::Reclaimable, 9, &rcu), Err(0));
        grant(node, Kind::Reclaimable, 1, 9, &rcu);
        let kinds = [Kind::Unreclaimable, Kind::Other, Kind::Reclaimable];
        for i in 1..PAGE as usize / 9 {
            assert_eq!(taken(node, kinds[i % 3], 9, &rcu), Ok(()));
        }
        assert_eq!(taken(node, Kind::Other, 9, &rcu), Err(PAGE as i32 % 9));
        give(node, Kind::Other, 9, &rcu);
        assert_eq!(taken(node, Kind::Unreclaimable, 9, &rcu), Ok(()));
        assert_eq!(container.0.memory().usage(), 1);
        drop((rcu, off));
        Ok(())
    }

    #[test]
    fn objects_by_turns_charge_nothing() -> Result {
        let container = Container::new(3)?;
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        let node = container.node();
        // The largest there are: two pages, and where their owner is.
        let n = 2 * PAGE + 1;
        grant(node, Kind::Unreclaimable, 3, n, &rcu);
        let rest = container.left();
        for _ in 0..1000 {
            give(node, Kind::Unreclaimable, n, &rcu);
            assert_eq!(taken(node, Kind::Unreclaimable, n, &rcu), Ok(()));
        }
        assert_eq!(container.left(), rest);
        assert_eq!(container.0.memory().usage(), 3);
        drop((rcu, off));
        Ok(())
    }

    #[test]
    fn a_stock_has_a_bound() -> Result {
        let container = Container::new(100)?;
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        let node = container.node();
        grant(node, Kind::Reclaimable, 100, 100 * PAGE, &rcu);
        for freed in 1..=100 {
            give(node, Kind::Reclaimable, PAGE, &rcu);
            let left = container.left();
            assert!(left <= HIGH && (freed * PAGE as i32 <= HIGH || left >= LOW));
        }
        drop((rcu, off));
        assert_eq!(container.charged(), 0);
        assert_eq!(container.left(), 0);
        Ok(())
    }

    #[test]
    fn what_is_owed_is_paid() -> Result {
        let container = Container::new(0)?;
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        let node = container.node();
        grant(node, Kind::Other, 0, 5, &rcu);
        assert_eq!(taken(node, Kind::Other, 1, &rcu), Err(-5));
        give(node, Kind::Other, 5, &rcu);
        assert_eq!(container.left(), 0);
        drop((rcu, off));
        Ok(())
    }

    #[test]
    fn the_rest_is_the_parents() -> Result {
        let (child, parent) = (Container::new(2)?, Container::new(0)?);
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        grant(child.node(), Kind::Other, 2, PAGE + 7, &rcu);
        // Freed where the parent has it by then.
        give(parent.node(), Kind::Other, PAGE + 7, &rcu);
        hand_over(child.0, parent.0);
        assert_eq!(child.left(), 0);
        assert_eq!(parent.left(), 2 * PAGE as i32);
        drop((rcu, off));
        Ok(())
    }

    #[test]
    fn wraps_around() -> Result {
        let container = Container::new(0)?;
        let (off, rcu) = (PreemptionOff::new(), rcu::read_lock());
        let node = container.node();
        let many = 1 << 30;
        for _ in 0..9 {
            grant(
                node,
                Kind::Reclaimable,
                many / PAGE as usize,
                many as u32,
                &rcu,
            );
            assert_eq!(taken(node, Kind::Other, 1, &rcu), Err(0));
        }
        grant(node, Kind::Reclaimable, 1, 0, &rcu);
        assert_eq!(taken(node, Kind::Other, 3, &rcu), Ok(()));
        assert_eq!(container.left(), PAGE as i32 - 3);
        drop((rcu, off));
        Ok(())
    }
}

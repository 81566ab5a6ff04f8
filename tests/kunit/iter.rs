// SPDX-License-Identifier: GPL-2.0

//! Tests of walks over containers: their order, what they share, and what they hold.
//!
//! The containers are real, but the cgroup core does not know them: their css are linked by hand.

// What is linked by hand has to be written by hand.
#![allow(unsafe_code)]

#[kernel::macros::kunit_tests(memctl_iter)]
mod tests {
    use super::super::{
        next,
        Shared,
        Tree,
        Visit, //
    };
    use crate::c::{
        life::{
            Freeing,
            Released, //
        },
        memcg::MemCgroup,
    };
    use crate::stats::flush;
    use kernel::{
        bindings,
        cgroup::CssData,
        mm::numa::NodeId,
        prelude::*,
        sync::{
            atomic::{
                Atomic,
                Full,
                Relaxed, //
            },
            rcu, //
        },
    };

    /// How many containers have lost their last reference.
    static RELEASED: Atomic<i32> = Atomic::new(0);

    /// # Safety
    ///
    /// None: it takes what it gets.
    unsafe extern "C" fn released(_ref: *mut bindings::percpu_ref) {
        RELEASED.fetch_add(1, Full);
    }

    /// A container that only this test knows, with one reference.
    struct Container(&'static MemCgroup);

    impl Container {
        fn new(parent: Option<&Container>, serial: u64) -> Result<Self> {
            let css = MemCgroup::create(Some(MemCgroup::root()))?.publish();
            // SAFETY: The container is ours alone, and its css is zeroed.
            unsafe {
                bindings::INIT_LIST_HEAD(&raw mut (*css).children);
                bindings::INIT_LIST_HEAD(&raw mut (*css).sibling);
                (*css).flags = bindings::CSS_ONLINE;
                (*css).serial_nr = serial;
                kernel::error::to_result(bindings::percpu_ref_init(
                    &raw mut (*css).refcnt,
                    Some(released),
                    0,
                    bindings::GFP_KERNEL,
                ))?;
                if let Some(parent) = parent {
                    let parent = parent.0.css().as_raw();
                    (*css).parent = parent;
                    bindings::list_add_tail(&raw mut (*css).sibling, &raw mut (*parent).children);
                }
                Ok(Self(MemCgroup::from_raw(css.cast())))
            }
        }

        /// Gives up the one reference.
        fn kill(&self) {
            // SAFETY: Each test does so once a container.
            unsafe { bindings::css_kill(self.0.css().as_raw()) }
        }

        fn free(self) {
            // SAFETY: The references are gone, and nobody else knows the container.
            unsafe {
                bindings::percpu_ref_exit(&raw mut (*self.0.css().as_raw()).refcnt);
                let freeing = Freeing::new(self.0.as_raw().cast());
                flush::retire(&freeing);
                drop(freeing);
            }
        }
    }

    /// A container with two below it, the first of which has two below itself: 0 (1 (2 3) 4).
    fn tree() -> Result<[Container; 5]> {
        let top = Container::new(None, 1)?;
        let first = Container::new(Some(&top), 2)?;
        let inner = Container::new(Some(&first), 3)?;
        let inner2 = Container::new(Some(&first), 4)?;
        let second = Container::new(Some(&top), 5)?;
        Ok([top, first, inner, inner2, second])
    }

    fn index(tree: &[Container; 5], memcg: &MemCgroup) -> usize {
        tree.iter()
            .position(|c| core::ptr::eq(c.0, memcg))
            .unwrap_or(99)
    }

    fn walk(tree: &[Container; 5]) -> [usize; 6] {
        let mut order = [99; 6];
        for (place, memcg) in order.iter_mut().zip(Tree::new(tree[0].0)) {
            *place = index(tree, &memcg);
        }
        order
    }

    /// Kills and frees all containers. Nothing but the test's own reference may be left on them.
    fn finish(tree: [Container; 5], killed: i32) -> bool {
        let before = RELEASED.load(Relaxed);
        for container in tree.iter().skip(killed as usize) {
            container.kill();
        }
        rcu::rcu_barrier();
        let all = RELEASED.load(Relaxed) - before == 5 - killed;
        // A child keeps its parent.
        for container in tree.into_iter().rev() {
            container.free();
        }
        all
    }

    #[test]
    fn visits_parents_before_children() -> Result {
        let tree = tree()?;
        assert_eq!(walk(&tree), [0, 1, 2, 3, 4, 99]);
        assert!(finish(tree, 0));
        Ok(())
    }

    #[test]
    fn holds_where_it_is_and_nothing_else() -> Result {
        let tree = tree()?;
        let before = RELEASED.load(Relaxed);

        let mut walk = Tree::new(tree[0].0);
        let at = [walk.next(), walk.next(), walk.next()];
        assert_eq!(at[2].as_ref().map(|m| index(&tree, m)), Some(2));
        drop(at);
        for container in &tree {
            container.kill();
        }
        rcu::rcu_barrier();
        // The walk is at 2, and holds it.
        assert_eq!(RELEASED.load(Relaxed) - before, 4);

        // All others are on their way out: the walk passes them by.
        assert!(walk.next().is_none());
        drop(walk);
        assert_eq!(RELEASED.load(Relaxed) - before, 5);
        assert!(finish(tree, 5));
        Ok(())
    }

    #[test]
    fn walkers_that_share_see_each_container_once() -> Result {
        let tree = tree()?;
        let Some(nid) = NodeId::with_memory().next() else {
            return Err(ENODEV);
        };
        let root = tree[0].0;
        let mut rounds = [0; 2];
        let mut at: [Option<Visit<'_>>; 2] = [None, None];
        let mut seen = [0; 5];
        for turn in 0..6 {
            let (generation, at) = (&mut rounds[turn % 2], &mut at[turn % 2]);
            let found = next(root, at.as_deref(), Some(Shared { nid, generation }));
            if let Some(memcg) = &found {
                seen[index(&tree, memcg)] += 1;
            }
            *at = found;
        }
        assert_eq!(seen, [1; 5]);
        // The sixth turn ended the round, for the first walker too.
        assert!(at[1].is_none());
        let generation = &mut rounds[0];
        assert!(next(root, at[0].as_deref(), Some(Shared { nid, generation })).is_none());
        drop(at);

        // Who comes now starts the next round.
        let generation = &mut 0;
        let found = next(root, None, Some(Shared { nid, generation }));
        assert_eq!(found.as_ref().map(|m| index(&tree, m)), Some(0));
        drop(found);
        assert!(finish(tree, 0));
        Ok(())
    }

    #[test]
    fn no_position_outlives_its_container() -> Result {
        let tree = tree()?;
        let Some(nid) = NodeId::with_memory().next() else {
            return Err(ENODEV);
        };
        let root = tree[0].0;
        let mut generation = 0;
        let mut step = |at: Option<&MemCgroup>| {
            let generation = &mut generation;
            next(root, at, Some(Shared { nid, generation }))
        };
        let first = step(None);
        let second = step(first.as_deref());
        drop((first, second));

        let rcu = rcu::read_lock();
        let node = root.node(nid);
        assert!(node
            .position(&rcu)
            .is_some_and(|place| core::ptr::eq(place.get(), tree[1].0)));
        // SAFETY: It will not be found any more.
        super::super::forget(&unsafe { Released::new(tree[1].0) });
        assert!(node.position(&rcu).is_none());
        drop(rcu);
        assert!(finish(tree, 0));
        Ok(())
    }
}

// error[E0505]: cannot move out of `rcu` because it is borrowed
// What was found under RCU may be freed as soon as the guard is dropped.

use crate::c::{
    memcg::MemCgroup,
    meta_page::bound_to,
    task, //
};
use kernel::{
    cgroup::CssData,
    mm::{
        folio::Folio,
        Mm, //
    },
    sync::rcu,
    task::Task, //
};

fn by_id(id: u32) -> bool {
    let rcu = rcu::read_lock();
    let found = MemCgroup::from_id(id, &rcu);
    // misuse
    drop(rcu);
    // end
    found.is_some_and(MemCgroup::is_root)
}

fn by_task(task: &Task) -> bool {
    let rcu = rcu::read_lock();
    let found = task::memcg_of(task, &rcu);
    // misuse
    drop(rcu);
    // end
    found.is_root()
}

fn by_address_space(mm: &Mm) -> bool {
    let rcu = rcu::read_lock();
    let found = task::of_mm(mm, &rcu);
    // misuse
    drop(rcu);
    // end
    found.is_root()
}

fn by_folio(folio: &Folio) -> bool {
    let rcu = rcu::read_lock();
    let found = bound_to(folio, &rcu);
    // misuse
    drop(rcu);
    // end
    found.is_some_and(|owner| owner.is_root())
}

fn by_walk(root: &MemCgroup) -> usize {
    let rcu = rcu::read_lock();
    let mut place = root.walk(&rcu);
    let mut n = 0;
    while let Some(next) = place.next(&rcu) {
        place = next;
        n += 1;
    }
    // misuse
    drop(rcu);
    // end
    n + usize::from(place.get().is_root())
}

// error[E0382]: use of moved value: `entries`
// Users of an id that are given up twice have been those of another entry: the container is freed
// while swap space is recorded as its.

use crate::c::swap::FreedEntries;
use kernel::sync::rcu;

fn uncharge(entries: FreedEntries) {
    let rcu = rcu::read_lock();
    drop(entries.into_users(&rcu));
    // misuse
    drop(entries.into_users(&rcu));
    // end
}

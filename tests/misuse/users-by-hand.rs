// error[E0451]: is private
// Users of an id would be given up that somebody else is, and the container be freed.

use crate::c::swap::FreedEntries;
use kernel::sync::rcu;

fn uncharge(entries: FreedEntries) -> usize {
    let rcu = rcu::read_lock();
    // misuse
    drop(FreedEntries { id: 1, nr: 1 }.into_users(&rcu));
    // end
    let pages = entries.nr_pages();
    drop(entries.into_users(&rcu));
    pages
}

// error[E0382]: use of moved value: `objects`
// Owners would be taken off, and lose a reference, that the next user of an object has put there.

use crate::c::slab::FreedObjects;

fn take(objects: FreedObjects<'_>) -> usize {
    let owners = objects.into_owners().count();
    // misuse
    let owners = owners + objects.into_owners().count();
    // end
    owners
}

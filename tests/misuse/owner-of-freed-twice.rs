// error[E0382]: use of moved value: `object`
// Its owner would be taken off, and lose a reference, that the next user of it has put there.

use crate::c::slab::FreedObject;

fn take(object: FreedObject<'_>) -> bool {
    let had = object.into_owner().is_some();
    // misuse
    let had = had | object.into_owner().is_some();
    // end
    had
}

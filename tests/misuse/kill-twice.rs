// error[E0382]: use of moved value
// A reference would be given back twice, and the handle be freed while folios are bound to it.

use crate::c::lists::Reparenting;

fn reparent(lists: Reparenting<'_, '_>) {
    let owner = lists.hand_over(|_child, _parent| ());
    // misuse
    drop(lists.hand_over(|_child, _parent| ()));
    // end
    if let Some(owner) = owner {
        owner.kill();
        // misuse
        owner.kill();
        // end
    }
}

// error[E0599]: but its trait bounds were not satisfied
// A reference on a folio does not keep others from binding it, and its lock does not keep those
// from looking who have its lists: two would set the word at once, or the handle that is seen
// would go.

use crate::c::{
    binding::{
        Locked,
        LockedOffLists,
        Referenced, //
    },
    meta_page::MetaPage,
    objcg::Owner, //
};

fn bind(
    mut page: MetaPage<'_, LockedOffLists>,
    mut locked: MetaPage<'_, Locked>,
    mut seen: MetaPage<'_, Referenced>,
    owner: Owner,
) {
    if seen.is_bound() || locked.is_bound() {
        return;
    }
    // misuse
    return seen.bind(owner);
    // end
    // misuse
    return drop(seen.unbind());
    // end
    // misuse
    return locked.bind(owner);
    // end
    page.bind(owner);
}

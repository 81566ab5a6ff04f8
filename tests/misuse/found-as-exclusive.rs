// error[E0308]: expected `MetaPage<'_, Exclusive>`, found `MetaPage<'_, LockedOffLists>`
// A folio that is in the swap cache already, where others find it, is nobody's alone.

use crate::c::{
    binding::{
        Exclusive,
        LockedOffLists, //
    },
    meta_page::MetaPage, //
};

fn mine(_: MetaPage<'_, Exclusive>) {}

fn swapped_in(found: MetaPage<'_, LockedOffLists>, new: MetaPage<'_, Exclusive>) {
    // misuse
    mine(found);
    // end
    mine(new);
    let _ = found;
}

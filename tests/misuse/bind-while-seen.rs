// error[E0502]: cannot borrow `page` as mutable because it is also borrowed as immutable
// The handle that a folio was bound to is not kept by the folio any more.

use crate::c::{
    binding::LockedOffLists,
    meta_page::MetaPage,
    objcg::Owner, //
};

fn rebind(mut page: MetaPage<'_, LockedOffLists>, new: Owner) -> bool {
    let Some(owner) = page.owner() else {
        page.bind(new);
        return false;
    };
    // misuse
    page.bind(new);
    // end
    owner.is_root()
}

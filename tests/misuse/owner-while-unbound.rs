// error[E0502]: cannot borrow `page` as mutable because it is also borrowed as immutable
// Who unbinds a folio gets its reference, and may give it back: the handle that was seen through
// the folio would be freed under the user.

use crate::c::{
    binding::Exclusive,
    meta_page::MetaPage, //
};

fn unbind(mut page: MetaPage<'_, Exclusive>) -> bool {
    let root = match page.owner() {
        Some(owner) => {
            // misuse
            drop(page.unbind());
            // end
            owner.is_root()
        }
        None => return false,
    };
    drop(page.unbind());
    root
}

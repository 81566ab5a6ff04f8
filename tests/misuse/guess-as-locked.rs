// error[E0308]: expected `MetaPage<'_, Locked>`, found `&Folio`
// Who is asked about any page of the machine does not know that it is locked.

use crate::c::{
    binding::Locked,
    meta_page::MetaPage, //
};
use kernel::mm::folio::Folio;

fn of_locked(_: MetaPage<'_, Locked>) {}

fn of_any(folio: &Folio, page: MetaPage<'_, Locked>) {
    // misuse
    of_locked(folio);
    // end
    of_locked(page);
    let _ = folio;
}

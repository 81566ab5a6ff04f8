// error[E0133]: call to unsafe function `MetaPage::<'a, S>::new` is unsafe
// A view that nobody vouches for: the folio is not locked.

use crate::c::{
    binding::Locked,
    meta_page::MetaPage, //
};
use kernel::mm::folio::Folio;

fn locked<'a>(page: MetaPage<'a, Locked>, folio: &'a Folio) -> MetaPage<'a, Locked> {
    // misuse
    return MetaPage::new(folio);
    // end
    page
}

// error[E0451]: is private
// A view that nobody vouches for: the folio is not locked.

use crate::c::{
    binding::Locked,
    meta_page::MetaPage, //
};
use core::marker::PhantomData;
use kernel::mm::folio::Folio;

fn locked<'a>(page: MetaPage<'a, Locked>, folio: &'a Folio) -> MetaPage<'a, Locked> {
    // misuse
    return MetaPage {
        folio,
        _reason: PhantomData,
    };
    // end
    page
}

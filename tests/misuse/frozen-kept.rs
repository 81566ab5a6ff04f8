// error[E0521]: borrowed data escapes outside of closure
// The references of a folio are frozen for a moment only: then others have some, and rely on whose
// the folio is.

use crate::c::{
    binding::{
        Frozen,
        Locked, //
    },
    frozen,
    meta_page::MetaPage, //
};

fn is_bound(page: MetaPage<'_, Locked>) -> bool {
    let mut kept: Option<MetaPage<'_, Frozen>> = None;
    let was = frozen::while_frozen(page, |page| {
        let bound = page.is_bound();
        // misuse
        kept = Some(page);
        // end
        bound
    });
    was == Some(true) || kept.take().is_some_and(|page| page.is_bound())
}

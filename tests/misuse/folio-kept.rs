// error[E0521]: borrowed data escapes outside of closure
// The walk over all folios gives its reference on a folio back when it goes on.

use kernel::mm::{
    folio::Folio,
    pages, //
};

fn last() -> usize {
    let mut kept: Option<&Folio> = None;
    let mut nr = 0;
    pages::folios(|folio, _rcu| {
        // misuse
        kept = Some(folio);
        // end
        nr += folio.nr_pages();
    });
    nr + kept.take().map_or(0, |folio| folio.nr_pages())
}

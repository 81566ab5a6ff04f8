// error[E0133]: call to unsafe function
// A huge folio to be split is on a list that others walk, and take a reference from.

use kernel::mm::folio::Folio;

fn take(folio: &Folio) -> bool {
    // misuse
    return folio.unqueue_deferred_split();
    // end
    folio.is_swapbacked()
}

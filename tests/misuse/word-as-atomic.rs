// error[E0624]: method `memcg_data` is private
// The word is an atomic, but not one for everybody: any number would become the handle of a folio.

use kernel::{
    mm::folio::Folio,
    sync::atomic::Relaxed, //
};

fn word(folio: &Folio) -> usize {
    // misuse
    folio.memcg_data().store(8, Relaxed);
    // end
    let _relaxed = Relaxed;
    folio.memcg_word()
}

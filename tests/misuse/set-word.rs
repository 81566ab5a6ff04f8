// error[E0133]: call to unsafe function `Folio::set_memcg_word` is unsafe
// Any number would become the handle of a folio.

use kernel::mm::folio::Folio;

fn word(folio: &Folio) -> usize {
    // misuse
    folio.set_memcg_word(folio.memcg_word() + 8);
    // end
    folio.memcg_word()
}

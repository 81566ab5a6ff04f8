// error[E0382]: use of moved value
// The users of an id are counted: who gives it up twice takes it from a swap entry. And writers are
// told once: they close their list.

use crate::c::life::{
    Offlining,
    Released, //
};

fn offline(offlining: Offlining<'_>) {
    let offlined = offlining.tell_all();
    // misuse
    drop(offlining.tell_all());
    // end
    offlined.retire_id();
    // misuse
    offlined.retire_id();
    // end
}

fn released(released: Released<'_>) {
    released.tell_lru_gen();
    // misuse
    released.tell_lru_gen();
    // end
}

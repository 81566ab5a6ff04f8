// error[E0061]: this method takes 3 arguments but 2 arguments were supplied
// Totals are not added to by an atomic operation: of two who do so at once one would be lost.

use crate::c::{
    changed::Lock,
    items::STOCKED,
    memcg::MemCgroup, //
};

fn add(memcg: &MemCgroup, n: isize) {
    // misuse
    memcg.totals().add(STOCKED, n);
    // end
    if let Some(lock) = Lock::new() {
        memcg.totals().add(&lock.carrier(), STOCKED, n);
    }
}

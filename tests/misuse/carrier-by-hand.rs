// error[E0423]: cannot initialize a tuple struct which contains private fields
// Who has not waited for the lock would write totals beside the one who has.

use crate::c::{
    changed::{
        Carrier,
        Lock, //
    },
    items::STOCKED,
    memcg::MemCgroup,
};

fn add(memcg: &MemCgroup, n: isize) {
    // misuse
    memcg.totals().add(&Carrier(()), STOCKED, n);
    // end
    if let Some(lock) = Lock::new() {
        let carrier: Carrier<'_> = lock.carrier();
        memcg.totals().add(&carrier, STOCKED, n);
    }
}

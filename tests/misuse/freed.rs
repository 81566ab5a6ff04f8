// error[E0505]: cannot move out of `freeing` because it is borrowed
// A container that is freed is looked at no more.

use crate::c::life::Freeing;

fn free(freeing: Freeing) -> u32 {
    let memcg = freeing.memcg();
    let id = memcg.id();
    // misuse
    drop(freeing);
    return memcg.id();
    // end
    id
}

// error[E0603]: module `ids` is private
// Users of an id that nobody has added would be given up, and the container be freed.

use crate::c::memcg::MemCgroup;

fn users(memcg: &MemCgroup) {
    // misuse
    drop(crate::c::ids::IdUsers { memcg, nr: 1 });
    // end
    drop(memcg.get_id(1));
}

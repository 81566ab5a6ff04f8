// error[E0624]: method `retire_owner` is private
// Folios would keep a handle that nobody re-points when the container goes offline: they would be
// uncharged from one that has been freed.

use crate::c::memcg::MemCgroup;

fn retire(memcg: &MemCgroup) -> usize {
    // misuse
    for node in memcg.nodes() {
        drop(node.retire_owner());
    }
    // end
    memcg.nodes().count()
}

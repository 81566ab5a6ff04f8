// error[E0451]: is private
// Handles would be re-pointed while others walk the lists that their folios are on.

use crate::c::{
    life::Offlining,
    lists::{
        Prepared,
        Reparenting, //
    },
    objcg::HandleLock, //
};
use kernel::mm::numa::NodeId;

fn reparent(offlining: &Offlining<'_>, nid: NodeId) {
    let prepared = Prepared::new(offlining, nid);
    let handles = HandleLock::new();
    // misuse
    let (child, parent) = (offlining.memcg().node(nid), offlining.parent().node(nid));
    let _lists = Reparenting {
        child,
        parent,
        lru_gen: false,
        handles: &handles,
        _lists: todo!(),
    };
    // end
    drop(prepared.lock(&handles));
}

// error[E0505]: cannot move out of `handles` because it is borrowed
// The lists would be locked on, with interrupts enabled: an interrupt that frees a folio would wait
// for them for ever; and handles would be re-pointed without their lock.

use crate::c::{
    life::Offlining,
    lists::Prepared,
    objcg::HandleLock, //
};
use kernel::mm::numa::NodeId;

fn reparent(offlining: &Offlining<'_>, nid: NodeId) {
    let prepared = Prepared::new(offlining, nid);
    let handles = HandleLock::new();
    let Some(lists) = prepared.lock(&handles) else {
        return;
    };
    // misuse
    drop(handles);
    // end
    drop(lists.hand_over(|_child, _parent| ()));
}

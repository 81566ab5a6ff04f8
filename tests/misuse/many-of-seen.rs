// error[E0308]: expected `&Counted<ObjCgroup>`, found `&ObjCgroup`
// Several references at once are taken only where there is one.

use crate::c::{
    meta_page::bound_to,
    objcg::ObjCgroup, //
};
use kernel::{
    mm::folio::Folio,
    sync::{
        counted::{
            Many,
            TryRefCounted, //
        },
        rcu, //
    },
};

fn references(folio: &Folio) -> Option<Many<ObjCgroup>> {
    let rcu = rcu::read_lock();
    let seen = bound_to(folio, &rcu)?;
    // misuse
    return Many::get(seen, 2);
    // end
    seen.try_get().and_then(|owner| Many::get(&owner, 2))
}

// error[E0277]: the trait bound `ObjCgroup: AlwaysRefCounted` is not satisfied
// The last folio of a handle may have gone while it is seen under RCU: a reference that is taken
// then does not keep it from being freed.

use crate::c::{
    meta_page::bound_to,
    objcg::Owner, //
};
use kernel::{
    mm::folio::Folio,
    sync::{
        aref::ARef,
        counted::TryRefCounted,
        rcu, //
    },
};

fn held(folio: &Folio) -> Option<Owner> {
    let rcu = rcu::read_lock();
    let owner = bound_to(folio, &rcu)?;
    // misuse
    let _held = ARef::from(owner);
    // end
    owner.try_get()
}

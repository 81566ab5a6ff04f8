// error[E0277]: : AlwaysRefCounted` is not satisfied
// A container that is only seen under RCU may have lost its last reference: taking one more
// would raise it from the dead, and it would be freed while it is in use.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::CssData,
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu, //
    },
};

fn held(id: u32) -> Option<ARef<Counted<MemCgroup>>> {
    let rcu = rcu::read_lock();
    let memcg = MemCgroup::from_id(id, &rcu)?;
    // misuse
    let _held = ARef::from(memcg);
    // end
    // misuse
    let _held = ARef::from(memcg.css());
    // end
    memcg.parent()?.try_get()
}

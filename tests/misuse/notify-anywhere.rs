// error[E0308]: expected `Field<_, FileHandle>`, found
// The cgroup core would write a pointer and take a lock at a place of the container that is
// something else.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        CfType,
        Field, //
    },
    res_counter::ResCounter, //
};

const COUNTER: Field<MemCgroup, ResCounter> = MemCgroup::MEMORY.0;

const FILE: CfType<MemCgroup> = CfType::new(c"events")
    // misuse
    .notify(128)
    // end
    // misuse
    .notify(COUNTER)
    // end
    .notify(MemCgroup::EVENTS_FILE);

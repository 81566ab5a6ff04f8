// error[E0308]: found `Field<MemCgroup,
// A field would be taken for one of another type, or of another controller's state.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        peak::Peaks,
        Css,
        Field,
        FileHandle, //
    },
    res_counter::ResCounter, //
};

const HANDLE: Field<MemCgroup, FileHandle> = MemCgroup::EVENTS_FILE;
const COUNTER: (Field<MemCgroup, ResCounter>, Field<MemCgroup, Peaks>) = MemCgroup::MEMORY;
// misuse
const OF_ANOTHER: Field<Css, FileHandle> = MemCgroup::EVENTS_FILE;
// end
// misuse
const OF_ANOTHER_TYPE: Field<MemCgroup, ResCounter> = MemCgroup::MEMORY.1;
// end
const CSS: Option<Field<Css, FileHandle>> = None;

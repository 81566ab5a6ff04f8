// error[E0423]: cannot initialize a tuple struct which contains private fields
// A counter beyond the row is somebody else's per-CPU memory, whichever way it is named.

use crate::c::items::{
    MemcgSlot,
    NR_MEMCG_SLOTS, //
};
use kernel::percpu::Slot;

const LAST: Option<MemcgSlot> = Slot::new(NR_MEMCG_SLOTS - 1);
// misuse
const BEYOND: Option<MemcgSlot> = Some(Slot(NR_MEMCG_SLOTS));
// end

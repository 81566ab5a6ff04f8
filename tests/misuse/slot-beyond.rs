// error[E0080]: evaluation
// A counter beyond the row is somebody else's per-CPU memory.

use crate::c::items::{
    MemcgSlot,
    NR_MEMCG_SLOTS, //
};
use kernel::percpu::Slot;

const LAST: MemcgSlot = Slot::new(NR_MEMCG_SLOTS - 1).unwrap();
// misuse
const BEYOND: MemcgSlot = Slot::new(NR_MEMCG_SLOTS).unwrap();
// end

// error[E0080]: evaluation
// A counter beyond the row is somebody else's per-CPU memory.

use crate::c::items::NR_MEMCG_OFTEN;
use kernel::percpu::Slot;

const LAST: Slot<NR_MEMCG_OFTEN> = Slot::new(NR_MEMCG_OFTEN - 1).unwrap();
// misuse
const BEYOND: Slot<NR_MEMCG_OFTEN> = Slot::new(NR_MEMCG_OFTEN).unwrap();
// end

// error[E0423]: cannot initialize a tuple struct which contains private fields
// A counter beyond the row is somebody else's per-CPU memory, whichever way it is named.

use crate::c::items::NR_MEMCG_OFTEN;
use kernel::percpu::Slot;

const LAST: Option<Slot<NR_MEMCG_OFTEN>> = Slot::new(NR_MEMCG_OFTEN - 1);
// misuse
const BEYOND: Option<Slot<NR_MEMCG_OFTEN>> = Some(Slot(NR_MEMCG_OFTEN));
// end

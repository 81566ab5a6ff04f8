// error[E0133]: call to unsafe function
// Who takes rows off lists is alone with them: there is one list for each kind of owner, and so one
// who does. With a second one rows would be taken twice.

use crate::c::{
    items::NR_MEMCG_OFTEN,
    memcg::MemCgroup, //
};
use kernel::percpu::{
    Flusher,
    RowList, //
};

fn flusher(
    list: &'static RowList<MemCgroup, NR_MEMCG_OFTEN>,
) -> Option<Flusher<MemCgroup, NR_MEMCG_OFTEN>> {
    // misuse
    let _second: RowList<MemCgroup, NR_MEMCG_OFTEN> = RowList::new();
    // end
    list.flusher()
}

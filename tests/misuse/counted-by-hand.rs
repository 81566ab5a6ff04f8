// error[E0133]: call to unsafe function
// As if a reference existed.

use crate::c::memcg::MemCgroup;
use kernel::sync::counted::{
    Counted,
    TryRefCounted, //
};

fn counted(seen: &MemCgroup) -> bool {
    // misuse
    let _counted: &Counted<MemCgroup> = Counted::new(seen);
    // end
    // misuse
    seen.inc_ref();
    // end
    let _type: Option<&Counted<MemCgroup>> = None;
    seen.try_get().is_some()
}

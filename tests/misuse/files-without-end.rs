// error[E0423]: private fields
// A table whose end is not known: the core would go on behind it.

use crate::c::memcg::MemCgroup;
use core::cell::UnsafeCell;
use kernel::cgroup::{
    CfType,
    Files, //
};

fn register(files: [CfType<MemCgroup>; 1]) -> Option<Files<MemCgroup, 1>> {
    let table = UnsafeCell::new(files);
    // misuse
    return Some(Files(table));
    // end
    let _ = table;
    None
}

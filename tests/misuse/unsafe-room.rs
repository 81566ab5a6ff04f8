// error: usage of an `unsafe` block
// Policy is safe Rust: if it needs more, an abstraction is missing in `c/`.

use crate::c::memcg::MemCgroup;

fn swappiness(memcg: &MemCgroup) -> i32 {
    use kernel::sync::atomic::Relaxed;
    // misuse
    // SAFETY: Nobody knows.
    return unsafe { (*memcg.as_raw()).swappiness };
    // end
    memcg.swappiness().load(Relaxed)
}

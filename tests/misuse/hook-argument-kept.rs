// error: lifetime may not live long enough
// What C hands over to a hook is promised to stay until the hook returns, and no longer.

use crate::c::memcg::MemCgroup;

fn keep(_memcg: &'static MemCgroup) {}

kernel::seam! {
    /// # Safety
    ///
    /// The caller keeps the container.
    fn mem_cgroup_print_oom_meminfo(memcg: &MemCgroup) {
        // misuse
        keep(memcg);
        // end
        let _id = memcg.id();
    }
}

// error: usage of an `unsafe` block
// The body of a hook is safe Rust, so that nothing but the claims of its callers is to be believed.

use crate::c::memcg::MemCgroup;

/// # Safety
///
/// That is the question.
#[allow(unsafe_code)]
unsafe fn flush(_memcg: &MemCgroup) {}

kernel::seam! {
    /// # Safety
    ///
    /// None is needed.
    fn mem_cgroup_flush_workqueue() {
        let root = MemCgroup::root();
        // misuse
        // SAFETY: Nobody knows.
        unsafe { flush(root) };
        // end
        let _root = root;
    }
}

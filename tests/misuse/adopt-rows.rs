// error[E0624]: method `adopt_rows` is private
// Rows that count already would be put on lists twice.

use crate::c::memcg::MemCgroup;
use kernel::cgroup::CssData;

fn adopt(memcg: &MemCgroup) {
    // misuse
    memcg.adopt_rows();
    // end
    let _css = memcg.css();
}

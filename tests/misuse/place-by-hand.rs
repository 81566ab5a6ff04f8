// error[E0451]: is private
// A walk that is not below its root leaves the tree, and looks at what is not there.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        CssData,
        Place, //
    },
    sync::rcu, //
};

fn from<'a>(
    root: &'a MemCgroup,
    at: &'a MemCgroup,
    rcu: &'a rcu::Guard,
) -> Option<Place<'a, MemCgroup>> {
    // misuse
    return Some(Place { root, at });
    // end
    root.walk_from(at, rcu)
}

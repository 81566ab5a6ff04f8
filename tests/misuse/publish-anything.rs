// error[E0624]: method `keep_owner` is private
// The share would count and free what is no handle, or what another share frees, too; or folios
// would be bound to a container that is freed without having been online.

use crate::c::node::Node;
use kernel::sync::rcu;

fn publish(node: &Node) -> bool {
    // misuse
    return node.keep_owner(todo!());
    // end
    node.owner(&rcu::read_lock()).is_some()
}

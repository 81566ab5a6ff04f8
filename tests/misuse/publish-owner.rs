// error[E0624]: method `publish_owner` is private
// A share whose handle has been killed would have folios bound to it again.

use crate::c::node::Node;

fn publish(node: &Node) {
    // misuse
    node.publish_owner(todo!());
    // end
    let _memcg = node.memcg();
}

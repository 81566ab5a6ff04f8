// error[E0308]: Slot<
// The row of a share of a node is not as long as that of a container.

use crate::c::{
    items::STOCK,
    memcg::MemCgroup,
    node::Node, //
};

fn stocked(memcg: &MemCgroup, node: &Node) -> i32 {
    let _other = node.rows();
    // misuse
    return node.rows().sum(STOCK);
    // end
    memcg.rows().sum(STOCK)
}

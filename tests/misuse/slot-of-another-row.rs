// error[E0308]: Slot<
// The row of a share of a node is shorter than that of a container.

use crate::c::{
    items::STOCK,
    memcg::MemCgroup,
    node::Node, //
};

fn stocked(memcg: &MemCgroup, node: &Node) -> isize {
    let _other = node.slots();
    // misuse
    return node.slots().sum(STOCK);
    // end
    memcg.slots().sum(STOCK)
}

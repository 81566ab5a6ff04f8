// error[E0308]: expected `&Rows<MemCgroup
// Who takes rows off a list would take the share of a node for a container.

use crate::c::{
    items::{
        NR_MEMCG_OFTEN,
        NR_NODE_OFTEN, //
    },
    memcg::MemCgroup,
    node::Node, //
};
use kernel::percpu::Flusher;

fn look(
    node: &Node,
    others: &mut Flusher<MemCgroup, NR_MEMCG_OFTEN>,
    nodes: &mut Flusher<Node, NR_NODE_OFTEN>,
) {
    let _others = &others;
    // misuse
    others.look_at(node.rows(), |_, _| ());
    // end
    nodes.look_at(node.rows(), |_, _| ());
}

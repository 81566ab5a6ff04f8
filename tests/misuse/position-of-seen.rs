// error[E0308]: expected `&Counted<MemCgroup>`, found `&MemCgroup`
// A shared walk must not stand at a container that is released: it takes itself off all positions
// when it is, and later nobody does.

use crate::c::{
    memcg::MemCgroup,
    node::position::Position, //
    node::Node,
};
use kernel::sync::counted::TryRefCounted;

fn go(node: &Node, seen: &MemCgroup) -> bool {
    // misuse
    return node.move_position(None, Position::Below(seen));
    // end
    seen.try_get()
        .is_some_and(|memcg| node.move_position(None, Position::Below(&memcg)))
}

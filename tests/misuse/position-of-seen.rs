// error[E0308]: expected `&Counted<MemCgroup>`, found `&MemCgroup`
// A shared walk must not stand at a container that is released: it takes itself off all positions
// when it is, and later nobody does.

use crate::c::{
    memcg::MemCgroup,
    node::{
        position::Position,
        Node, //
    },
};
use kernel::{
    cgroup::Place,
    sync::counted::TryRefCounted, //
};

fn go(node: &Node, seen: &Place<'_, MemCgroup>) -> bool {
    // misuse
    return node.move_position(None, Position::Below(seen, seen.get()));
    // end
    let held = seen.get().try_get();
    held.is_some_and(|held| node.move_position(None, Position::Below(seen, &held)))
}

// error[E0515]: cannot return value referencing local variable `rcu`
// As if the container stayed longer than the guard that it was found under.

use crate::c::memcg::MemCgroup;
use kernel::{
    sync::rcu,
    task::Task, //
};

fn find<'a>(task: &Task, rcu: &'a rcu::Guard) -> &'a MemCgroup {
    crate::c::task::memcg_of(task, rcu)
}

// misuse
fn find_for_ever(task: &Task) -> &'static MemCgroup {
    let rcu = rcu::read_lock();
    find(task, &rcu)
}
// end

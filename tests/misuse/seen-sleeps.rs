// error[E0308]: expected `&Counted<MemCgroup>`, found `&MemCgroup`
// Who sleeps leaves RCU, which keeps what is only seen: it wants a reference.

use crate::c::{
    gfp::Gfp,
    memcg::MemCgroup,
    task::Current,
    vm::{
        self,
        OomLock, //
    },
};
use kernel::{
    cgroup::CssData,
    sync::counted::Counted, //
};

fn reclaim(seen: &MemCgroup, held: &Counted<MemCgroup>) {
    // misuse
    vm::reclaim(seen, 1, Gfp::KERNEL, true);
    // end
    vm::reclaim(held, 1, Gfp::KERNEL, true);
    let _ = seen;
}

fn kill(lock: &OomLock, seen: &MemCgroup, held: &Counted<MemCgroup>) {
    // misuse
    lock.kill(seen, Gfp::KERNEL, 0);
    // end
    lock.kill(held, Gfp::KERNEL, 0);
    let _ = seen;
}

fn work(seen: &MemCgroup, held: &Counted<MemCgroup>) {
    // misuse
    Current::working_for(seen, || ());
    // end
    Current::working_for(held, || ());
    let _ = seen;
}

fn tasks(seen: &MemCgroup, held: &Counted<MemCgroup>) {
    // misuse
    MemCgroup::any_task(seen, |_| true);
    // end
    MemCgroup::any_task(held, |_| true);
    let _ = seen;
}

fn above(seen: &MemCgroup, held: &Counted<MemCgroup>) {
    // misuse
    let all = MemCgroup::counted_up(seen);
    // end
    let all = MemCgroup::counted_up(held);
    all.for_each(|memcg| drop(vm::reclaim(memcg, 1, Gfp::KERNEL, true)));
    let _ = seen;
}

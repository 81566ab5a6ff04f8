// error[E0277]: cannot be sent between threads safely
// A lock is given back by the thread that took it, and what is said of the task that runs, or of
// the CPU, is not true of another one.

use crate::{
    c::{
        changed,
        objcg::HandleLock,
        task::Current,
        vm::{
            self,
            OomLock, //
        },
    },
    stats::flush::Moving, //
};
use kernel::{
    mm::lruvec::{
        IrqSave,
        Lruvec,
        PairGuard, //
    },
    percpu::PreemptionOff,
    sync::rcu, //
};

fn to_another_thread<T: Send>(_what: T) {}

fn handles() {
    let lock = HandleLock::new();
    // misuse
    return to_another_thread(lock);
    // end
    drop(lock);
}

fn killer() {
    if let Some(lock) = OomLock::killable() {
        // misuse
        return to_another_thread(lock);
        // end
        drop(lock);
    }
}

fn limit() {
    let lock = vm::lock_limits();
    // misuse
    return to_another_thread(lock);
    // end
    drop(lock);
}

fn lists(lists: &Lruvec) {
    let guard = lists.lock::<IrqSave>();
    // misuse
    return to_another_thread(guard);
    // end
    drop(guard);
}

fn both_lists(pair: PairGuard<'_>) {
    // misuse
    return to_another_thread(pair);
    // end
    drop(pair);
}

fn moving() {
    let moving = Moving::begin();
    // misuse
    return to_another_thread(moving);
    // end
    drop(moving);
}

fn current() {
    let current = Current::get();
    // misuse
    return to_another_thread(current);
    // end
    drop(current);
}

fn rcu() {
    let rcu = rcu::read_lock();
    // misuse
    return to_another_thread(rcu);
    // end
    drop(rcu);
}

fn flusher() {
    if let Some(lock) = changed::Lock::new() {
        // misuse
        return to_another_thread(lock);
        // end
        drop(lock);
    }
}

fn preemption() {
    let off = PreemptionOff::new();
    // misuse
    return to_another_thread(off);
    // end
    drop(off);
}

fn nothing() {
    to_another_thread(());
}

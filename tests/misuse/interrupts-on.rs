// error[E0308]: expected `&LocalInterruptDisabled`, found
// The lists would be locked with interrupts on: an interrupt that frees a folio would wait for them
// for ever.

use kernel::{
    interrupt::local_interrupt_disable,
    mm::lruvec::Lruvec,
    sync::rcu, //
};

fn both(child: &Lruvec, parent: &Lruvec) -> bool {
    let _rcu = rcu::read_lock();
    // misuse
    return child.lock_with_parent(parent, &_rcu).is_some();
    // end
    // misuse
    return child.lock_with_parent(parent, &()).is_some();
    // end
    let irq = local_interrupt_disable();
    let locked = child.lock_with_parent(parent, &irq).is_some();
    locked
}

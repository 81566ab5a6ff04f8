// error[E0277]: the trait bound `Locked:
// Which reasons are good enough to change a binding is relied on by who does it: a lock does not
// keep others from looking who have the lists of the folio.

use crate::c::binding::{
    Locked,
    Rebindable, //
};

// misuse
impl Rebindable for Locked {}
// end

fn rebind<S: Rebindable>(_reason: S) {}

fn look() {
    let _any = rebind::<crate::c::binding::Frozen>;
    let _reason = Locked;
}

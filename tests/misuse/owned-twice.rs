// error[E0382]: use of moved value: `object`
// The reference of the first owner would be lost, or one owner have a reference too few.

use crate::c::{
    objcg::Owner,
    slab::Placed, //
};

fn own(object: Placed<'_>, one: Owner, other: &Owner) {
    object.own(one);
    // misuse
    object.own(other.clone());
    // end
    let _ = other;
}

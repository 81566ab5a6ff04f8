// error[E0624]: method `cancel_id` is private
// A container that gives up its id and then comes online would be found by the id 0, also after it
// has been freed.

use crate::c::life::Onlining;
use kernel::prelude::*;

fn online(onlining: Onlining<'_>) -> Result {
    // misuse
    onlining.memcg().cancel_id();
    // end
    onlining.finish()
}

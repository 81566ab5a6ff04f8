// error[E0382]: use of moved value: `onlining`
// Handles would be published twice, and the id have a user too many or too few.

use crate::c::life::Onlining;
use kernel::prelude::*;

fn online(onlining: Onlining<'_>) -> Result {
    onlining.finish()?;
    // misuse
    onlining.finish()?;
    // end
    Ok(())
}

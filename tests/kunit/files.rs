// SPDX-License-Identifier: GPL-2.0

//! Tests of what the files of statistics show.

#[kernel::macros::kunit_tests(memctl_files)]
mod tests {
    use super::super::{
        HISTORY,
        STATS, //
    };
    use crate::c::items::{
        place,
        Place, //
    };

    #[test]
    fn what_is_shown_is_counted() {
        for (_, item, _) in STATS.iter().chain(HISTORY) {
            assert!(place(*item as usize) != Place::Nowhere);
        }
    }
}

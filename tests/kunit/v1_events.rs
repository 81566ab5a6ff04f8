// SPDX-License-Identifier: GPL-2.0

//! Tests of what is written to cgroup.event_control.

#[kernel::macros::kunit_tests(memctl_v1_events)]
mod tests {
    use super::super::{
        parse,
        pressure, //
    };
    use crate::c::wish::Mode;
    use kernel::{
        bindings as c,
        prelude::*, //
    };

    #[test]
    fn two_numbers_and_the_rest() -> Result {
        assert_eq!(parse(b"3 4 10M")?, (3, 4, b"10M".as_slice()));
        assert_eq!(parse(b"3 4")?, (3, 4, b"".as_slice()));
        assert_eq!(parse(b"3 4 ")?, (3, 4, b"".as_slice()));
        assert_eq!(parse(b"3 4  a b")?, (3, 4, b" a b".as_slice()));
        // No digits are 0, as strtoul() has it.
        assert_eq!(parse(b" 4")?, (0, 4, b"".as_slice()));
        for wrong in ["", "3", "3x 4", "3 4x", "-1 4", "0x3 4", "3\t4"] {
            assert_eq!(parse(wrong.as_bytes()), Err(EINVAL));
        }
        Ok(())
    }

    #[test]
    fn a_level_and_a_mode() -> Result {
        let parsed = |text: &str| pressure(text.as_bytes()).map(|p| (p.level, p.mode));
        let (low, critical) = (
            c::vmpressure_levels_VMPRESSURE_LOW,
            c::vmpressure_levels_VMPRESSURE_CRITICAL,
        );
        assert_eq!(parsed("low")?, (low, Mode::Default));
        assert_eq!(parsed("low,default")?, (low, Mode::Default));
        assert_eq!(parsed("critical,hierarchy")?, (critical, Mode::Hierarchy));
        assert_eq!(parsed("low,local")?, (low, Mode::Local));
        for wrong in ["", "Low", "low,", "low,all", "none", "low local", ",local"] {
            assert_eq!(parsed(wrong), Err(EINVAL));
        }
        Ok(())
    }
}

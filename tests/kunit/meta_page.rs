// SPDX-License-Identifier: GPL-2.0

//! Tests of the word that binds a folio to its owner.

#[kernel::macros::kunit_tests(memctl_meta_page)]
mod tests {
    use super::super::Word;
    use crate::c::objcg::ObjCgroup;

    /// An address as handles have it.
    const HANDLE: usize = 0x1234_5678_9abc_def0u64 as usize;

    fn at(address: usize) -> *const ObjCgroup {
        address as *const ObjCgroup
    }

    #[test]
    fn names_the_handle() {
        let word = Word::owned(at(HANDLE));
        assert_eq!(word.owner().map(|o| o.as_ptr() as usize), Some(HANDLE));
    }

    #[test]
    fn nobody_is_nobody() {
        assert!(Word::NONE.owner().is_none());
        assert_eq!(Word::owned(core::ptr::null()), Word::NONE);
    }

    #[test]
    fn a_slab_page_has_no_owner() {
        // Bit 0 says that the word points at slab object extensions.
        assert!(Word::new(HANDLE | 1).owner().is_none());
        // It also marks a failed allocation of them.
        assert!(Word::new(1).owner().is_none());
    }

    #[test]
    fn pages_of_the_kernel_are_told_apart() {
        let kernel = Word::kernel(at(HANDLE));
        assert!(kernel.is_kernel() && !Word::owned(at(HANDLE)).is_kernel());
        assert_eq!(kernel.owner().map(|o| o.as_ptr() as usize), Some(HANDLE));
        assert!(!Word::NONE.is_kernel());
        // A vector of slab object extensions is none, whatever else its word says.
        assert!(!Word::new(HANDLE | 3).is_kernel());
    }

    #[test]
    fn tags_are_no_part_of_the_address() {
        // Bit 1 marks pages of the kernel's own.
        let owner = Word::new(HANDLE | 2).owner();
        assert_eq!(owner.map(|o| o.as_ptr() as usize), Some(HANDLE));
    }
}

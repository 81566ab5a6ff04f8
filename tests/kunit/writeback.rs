// SPDX-License-Identifier: GPL-2.0

//! Tests of the notes of who else writes the pages of a container.

#[kernel::macros::kunit_tests(memctl_writeback)]
mod tests {
    use super::super::{
        note,
        take, //
    };
    use crate::c::foreign::{
        Foreign,
        Writer, //
    };
    use kernel::sync::atomic::Relaxed;

    const EXPIRES: u64 = 800;
    const NOW: u64 = 100_000;

    fn notes() -> [Foreign; 4] {
        core::array::from_fn(|_| Foreign::new())
    }

    fn writer(memcg: i32) -> Writer {
        Writer::new(7, memcg)
    }

    fn writers(notes: &[Foreign]) -> usize {
        notes
            .iter()
            .filter(|note| note.at().load(Relaxed) != 0)
            .count()
    }

    #[test]
    fn one_note_a_writer() {
        let notes = notes();
        for memcg in [1, 2, 1, 2, 2] {
            note(&notes, writer(memcg), NOW, EXPIRES);
        }
        note(&notes, Writer::new(8, 1), NOW, EXPIRES);
        assert_eq!(writers(&notes), 3);
    }

    #[test]
    fn the_oldest_goes() {
        let notes = notes();
        for memcg in 1..=5 {
            note(&notes, writer(memcg), NOW + memcg as u64, EXPIRES);
        }
        assert_eq!(writers(&notes), 4);
        assert!(!notes.iter().any(|note| note.writer() == writer(1)));
        assert!(notes.iter().any(|note| note.writer() == writer(5)));
    }

    #[test]
    fn a_note_is_refreshed_now_and_then() {
        let notes = notes();
        let at = || notes.iter().map(|note| note.at().load(Relaxed)).max();
        note(&notes, writer(1), NOW, EXPIRES);
        note(&notes, writer(1), NOW + EXPIRES / 8, EXPIRES);
        assert_eq!(at(), Some(NOW));
        note(&notes, writer(1), NOW + EXPIRES / 8 + 1, EXPIRES);
        assert_eq!(at(), Some(NOW + EXPIRES / 8 + 1));
        assert_eq!(writers(&notes), 1);
    }

    #[test]
    fn a_note_is_followed_once() {
        let note_of_nobody = Foreign::new();
        assert!(!take(&note_of_nobody, NOW, EXPIRES));

        let notes = notes();
        note(&notes, writer(1), NOW, EXPIRES);
        let followed = |now| notes.iter().filter(|note| take(note, now, EXPIRES)).count();
        assert_eq!(followed(NOW + EXPIRES), 0);
        assert_eq!(followed(NOW + EXPIRES - 1), 1);
        assert_eq!(followed(NOW + EXPIRES - 1), 0);
    }
}

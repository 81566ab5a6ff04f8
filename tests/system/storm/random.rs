// SPDX-License-Identifier: GPL-2.0

//! Random numbers that come again when the seed does.

use std::time::Duration;

/// splitmix64, of Steele, Lea and Flood: small, and good enough to shake things.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of one of several that share a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut root = Self(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32));
        Self(root.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 if that is 0. Takes one number of the stream whatever the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of some things, if there are any.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let number = self.below(things.len() as u64);
        things.get(number as usize)
    }

    pub fn pause(&mut self, low: u64, high: u64) {
        std::thread::sleep(Duration::from_millis(self.between(low, high)));
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Cards that are drawn until none is left, then shuffled: each comes up as often as it is in
/// there, and none is left out for long.
pub struct Deck<T> {
    cards: Vec<T>,
    left: usize,
}

impl<T: Copy> Deck<T> {
    /// A deck with each thing as many times as it says.
    pub fn new(things: &[(T, usize)]) -> Self {
        let cards = things
            .iter()
            .flat_map(|(thing, times)| vec![*thing; *times]);
        Self {
            cards: cards.collect(),
            left: 0,
        }
    }

    pub fn draw(&mut self, random: &mut Random) -> T {
        if self.left == 0 {
            random.shuffle(&mut self.cards);
            self.left = self.cards.len();
        }
        self.left -= 1;
        self.cards[self.left]
    }
}

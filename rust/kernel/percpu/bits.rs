// SPDX-License-Identifier: GPL-2.0

//! A bit for every CPU.

use crate::{
    bindings,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};

const WORDS: usize = (bindings::NR_CPUS as usize).div_ceil(usize::BITS as usize);

/// A bit for every CPU, which tells where to look. Any context, NMI included.
///
/// # Examples
///
/// ```
/// use kernel::percpu::CpuBits;
///
/// let lit = CpuBits::new();
/// lit.set(0);
/// lit.set(0);
/// assert!(lit.iter().eq([0]));
/// assert_eq!(lit.take().count(), 1);
/// assert_eq!(lit.take().count(), 0);
/// ```
pub struct CpuBits([Atomic<usize>; WORDS]);

impl Default for CpuBits {
    fn default() -> Self {
        Self::new()
    }
}

impl CpuBits {
    /// None is set.
    pub const fn new() -> Self {
        Self([const { Atomic::new(0) }; WORDS])
    }

    /// Sets the bit of `cpu`, if it is not. Writes only then.
    ///
    /// What was done before by an operation with a full barrier is seen by who takes the bit.
    pub fn set(&self, cpu: u32) {
        let bit = 1 << (cpu % usize::BITS);
        let Some(word) = self.0.get((cpu / usize::BITS) as usize) else {
            return;
        };
        let mut old = word.load(Relaxed);
        while old & bit == 0 {
            match word.cmpxchg(old, old | bit, Full) {
                Ok(_) => break,
                Err(now) => old = now,
            }
        }
    }

    /// The CPUs whose bits are set. As many steps as there are words of bits, and such CPUs.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        cpus_of(self.0.iter().map(|word| word.load(Relaxed)))
    }

    /// As [`CpuBits::iter`]; clears the bits of a word before it tells of them, with a full
    /// barrier.
    pub fn take(&self) -> impl Iterator<Item = u32> + '_ {
        cpus_of(self.0.iter().map(|word| match word.load(Relaxed) {
            0 => 0,
            _ => word.xchg(0, Full),
        }))
    }
}

fn cpus_of(words: impl Iterator<Item = usize>) -> impl Iterator<Item = u32> {
    words.zip(0..).flat_map(|(mut word, at)| {
        core::iter::from_fn(move || {
            let bit = word.trailing_zeros();
            // The lowest bit that is set.
            word &= word.checked_sub(1)?;
            Some(at * usize::BITS + bit)
        })
    })
}

// SPDX-License-Identifier: GPL-2.0

//! Counters of what may be used on a CPU, and of what is.

use super::{
    Owner,
    Rows,
    Slot,
    ThisRow, //
};
use crate::{
    bindings,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        rcu,
    },
};

/// Three counters of what is used, and one of how much may be: what is left of that on a CPU is
/// kept nowhere, it is the difference.
///
/// Counters of use are only changed by [`Rows::spend`], [`Rows::overspend`] and [`Rows::unspend`],
/// on their CPU; how much may be used by any CPU, see [`ThisRow::grant`]. All run on and wrap
/// around.
///
/// # Examples
///
/// ```
/// use kernel::percpu::{Owner, Quota, RowList, Rows, Slot};
/// use kernel::sync::rcu;
///
/// const OIL: Quota<4> = Quota::new(
///     Slot::new(0).unwrap(),
///     [Slot::new(1).unwrap(), Slot::new(2).unwrap(), Slot::new(3).unwrap()],
/// );
///
/// struct House {
///     lamps: Rows<House, 4>,
/// }
///
/// // SAFETY: It is the list of houses, see below.
/// static CHANGED: RowList<House, 4> = unsafe { RowList::new() };
///
/// // SAFETY: It is the same each time, and rows are there.
/// unsafe impl Owner<4> for House {
///     const ROWS: usize = core::mem::offset_of!(House, lamps);
///
///     fn list() -> &'static RowList<Self, 4> {
///         &CHANGED
///     }
/// }
///
/// let house = House { lamps: Rows::new(GFP_KERNEL)? };
/// let rcu = rcu::read_lock();
/// assert!(house.lamps.spend(&OIL, 0, 3, &rcu).is_err());
/// house.lamps.this().grant(&OIL, 10);
/// assert!(house.lamps.spend(&OIL, 0, 3, &rcu).is_ok());
/// assert!(house.lamps.spend(&OIL, 1, 8, &rcu).is_err());
/// assert!(house.lamps.spend(&OIL, 1, 7, &rcu).is_ok());
/// assert_eq!(house.lamps.unspend(&OIL, 0, 3, &rcu).0, 0);
/// assert_eq!(house.lamps.this().left(&OIL), 3);
/// assert_eq!(house.lamps.this().take_left(&OIL, 0, 2), 2);
/// assert_eq!(house.lamps.this().left(&OIL), 1);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Quota<const N: usize> {
    granted: Slot<N>,
    used: [Slot<N>; 3],
}

impl<const N: usize> Quota<N> {
    /// Of four counters.
    ///
    /// # Panics
    ///
    /// If they are not different ones: when this is compiled.
    pub const fn new(granted: Slot<N>, used: [Slot<N>; 3]) -> Self {
        let [a, b, c] = used;
        let all = [granted.index(), a.index(), b.index(), c.index()];
        let mut i = 0;
        while i < all.len() {
            let mut j = 0;
            while j < i {
                assert!(all[i] != all[j], "counters of a quota that are the same");
                j += 1;
            }
            i += 1;
        }
        Self { granted, used }
    }

    #[inline]
    fn used_at(&self, which: usize) -> Slot<N> {
        let [a, b, c] = self.used;
        match which {
            0 => a,
            1 => b,
            _ => c,
        }
    }
}

impl<T: Owner<N>, const N: usize> Rows<T, N> {
    /// Uses up `n` of what is left of `quota` on this CPU, counted in its counter `which`. Who is
    /// under RCU and on one CPU sees what others have used there, but for who interrupts it right
    /// then: so a little more may be used than there is. Returns the row: the caller calls
    /// [`ThisRow::changed`] for it, before it leaves RCU.
    ///
    /// # Errors
    ///
    /// What is left, if that is less; nothing has changed then.
    #[inline]
    pub fn spend<'a>(
        &'a self,
        quota: &Quota<N>,
        which: usize,
        n: u32,
        rcu: &rcu::Guard,
    ) -> Result<ThisRow<'a, T, N>, i32> {
        let (row, left) = self.spend_rcu(quota, which, n as i32, false, rcu);
        match left >= n as i32 {
            true => Ok(row),
            false => Err(left),
        }
    }

    /// As [`Rows::spend`], be there as much or not.
    pub fn overspend<'a>(
        &'a self,
        quota: &Quota<N>,
        which: usize,
        n: u32,
        rcu: &rcu::Guard,
    ) -> ThisRow<'a, T, N> {
        self.spend_rcu(quota, which, n as i32, true, rcu).0
    }

    /// Takes back that `n` are used. Returns what the counter says then, and the row as
    /// [`Rows::spend`] does.
    #[inline]
    pub fn unspend<'a>(
        &'a self,
        quota: &Quota<N>,
        which: usize,
        n: u32,
        _rcu: &rcu::Guard,
    ) -> (i32, ThisRow<'a, T, N>) {
        let used = Self::offset(quota.used_at(which));
        let mut now = 0;
        // SAFETY: By the type invariants this is a counter of a per-CPU variable; and we are under
        // RCU.
        let row = unsafe {
            let row = bindings::percpu_row_unspend_rcu(self.as_raw(), used, n as i32, &mut now);
            ThisRow::new(row)
        };
        (now, row)
    }

    #[inline]
    fn spend_rcu<'a>(
        &'a self,
        quota: &Quota<N>,
        which: usize,
        n: i32,
        force: bool,
        _rcu: &rcu::Guard,
    ) -> (ThisRow<'a, T, N>, i32) {
        let [a, b, c] = quota.used;
        let mut left = 0;
        // SAFETY: By the type invariants these are counters of a per-CPU variable; and we are under
        // RCU.
        let row = unsafe {
            let row = bindings::percpu_row_spend_rcu(
                self.as_raw(),
                Self::offset(quota.granted),
                Self::offset(a),
                Self::offset(b),
                Self::offset(c),
                Self::offset(quota.used_at(which)),
                n,
                force,
                &mut left,
            );
            ThisRow::new(row)
        };
        (row, left)
    }
}

impl<T: Owner<N>, const N: usize> ThisRow<'_, T, N> {
    /// What is left of `quota` on the CPU of the row, at the moment.
    pub fn left(&self, quota: &Quota<N>) -> i32 {
        self.left_of(quota, self.counter(quota.granted).load(Relaxed))
    }

    /// The same, if so much was granted.
    fn left_of(&self, quota: &Quota<N>, granted: i32) -> i32 {
        quota.used.iter().fold(granted, |left, used| {
            left.wrapping_sub(self.counter(*used).load(Relaxed))
        })
    }

    /// Lets `n` more of `quota` be used on the CPU of the row. Any CPU, any context.
    pub fn grant(&self, quota: &Quota<N>, n: u32) {
        self.counter(quota.granted).fetch_add(n as i32, Full);
        self.changed();
    }

    /// Takes back what is left of `quota` above `keep`, a multiple of `unit`. Any CPU, any context.
    /// The CPU of the row may use it at the same time: then less than nothing is left there, which
    /// the next grant or what comes back makes up for.
    pub fn take_left(&self, quota: &Quota<N>, keep: i32, unit: u32) -> u32 {
        let taken = self.take(quota, |left| match u32::try_from(left.wrapping_sub(keep)) {
            Ok(surplus) if unit != 0 => (surplus - surplus % unit) as i32,
            _ => 0,
        });
        taken as u32
    }

    /// Takes back all that is left, be it less than nothing.
    pub fn take_all_left(&self, quota: &Quota<N>) -> i32 {
        self.take(quota, |left| left)
    }

    /// Takes back as much as `part` makes of what is left.
    fn take(&self, quota: &Quota<N>, part: impl Fn(i32) -> i32) -> i32 {
        let granted = self.counter(quota.granted);
        loop {
            let old = granted.load(Relaxed);
            let n = part(self.left_of(quota, old));
            // Nobody else takes the same: it would change what is granted.
            if n == 0 || granted.cmpxchg(old, old.wrapping_sub(n), Full).is_ok() {
                if n != 0 {
                    self.changed();
                }
                return n;
            }
        }
    }
}

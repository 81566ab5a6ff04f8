// SPDX-License-Identifier: GPL-2.0

//! Rows of counters of which every CPU has its own, and lists of those that have changed.
//!
//! Who wants totals of many rows does not look at all of them: a row that changes puts itself on a
//! list of its owner, and the owner on a list of the CPU. So what a [`Flusher`] does takes time in
//! proportion to what has changed since it was last asked: in all rows, or in those of one owner.
//! That is so for any number of owners and of CPUs.
//!
//! # How a change is found
//!
//! A CPU changes its counter and then looks whether the row is listed. If it is, there is no more
//! to do: that is the common case, and one plain load. If not, it lists the row. The flusher takes
//! the row off the list first, and then reads the counters.
//!
//! A plain load may be done before the store of the change is visible to others. Then it may see a
//! row that is listed, of which the flusher does not see the change. To have a barrier there would
//! make each change several times as expensive. But a CPU changes and looks with preemption off, in
//! what is an RCU reader, too: if the flusher runs on the CPU of the row, or if RCU does not watch
//! that CPU, because it is idle, it sees all changes. Else the flusher remembers the row, and looks
//! at it again in each flush until an RCU grace period has passed. Nothing is lost; what a flush
//! misses is what changed at the same time, and the next one has it.
//!
//! Who finds a row or an owner listed relies on who lists it to finish. If that is another CPU, it
//! may take a moment, in which nobody finds what has changed: so it says that it is at it before it
//! begins, and the flusher waits.
//!
//! The counters of a row run on, and wrap around: what has changed is the difference to what was
//! seen last, which is kept beside it. So a counter may change by less than 2^31 between two
//! flushes.

use super::{
    possible_cpus,
    Slot, //
};
use crate::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings,
    ffi::c_void,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu, //
    },
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    mem::offset_of,
    ptr::null_mut, //
};

mod flusher;
mod list;
use list::Claim;
pub use {
    flusher::Flusher,
    list::RowList, //
};

/// Who has rows of `N` counters.
///
/// # Safety
///
/// `list()` returns the same list each time; at `ROWS` it has [`Rows`].
pub unsafe trait Owner<const N: usize>: Sized + Sync + 'static {
    /// Where its rows are in it, in bytes.
    const ROWS: usize;

    /// Where all that have changed are listed.
    fn list() -> &'static RowList<Self, N>;
}

/// The counters of one CPU.
///
/// `next` belongs to who has set `listed`, and then to the flusher until it clears that; the last
/// fields are the flusher's.
#[repr(C, align(64))]
struct Row<T: Owner<N>, const N: usize> {
    next: *mut Row<T, N>,
    /// Null if the rows are on no list and never will be.
    rows: *const Rows<T, N>,
    /// 1 if the row is on the list of its owner, or about to be.
    listed: Atomic<u32>,
    cpu: u16,
    /// Whether it is on the list of rows to look at again.
    watched: bool,
    counters: [Atomic<i32>; N],
    before: *mut Row<T, N>,
    after: *mut Row<T, N>,
    /// What says whether an RCU grace period has passed since it was taken off the list of its
    /// owner, if it is watched.
    since: usize,
    seen: [i32; N],
}

crate::static_assert!(bindings::NR_CPUS <= 1 << u16::BITS);

/// A row of `N` counters for every possible CPU, which belong to a `T`.
///
/// [`add`] changes the row of the CPU it runs on, without a lock, without a locked operation and
/// without a line that another CPU writes, unless the row has to be listed. It works in any
/// context, NMI included where the architecture's `this_cpu` operations and compare-and-exchange
/// do.
///
/// # Examples
///
/// ```
/// use kernel::percpu::{Owner, RowList, Rows, Slot};
///
/// const BURNT: Slot<2> = Slot::new(0).unwrap();
/// const BROKEN: Slot<2> = Slot::new(1).unwrap();
///
/// // Houses with lamps.
/// struct House {
///     lamps: Rows<House, 2>,
/// }
///
/// // SAFETY: It is the list of houses, see below.
/// static CHANGED: RowList<House, 2> = unsafe { RowList::new() };
///
/// // SAFETY: It is the same each time, and rows are there.
/// unsafe impl Owner<2> for House {
///     const ROWS: usize = core::mem::offset_of!(House, lamps);
///
///     fn list() -> &'static RowList<Self, 2> {
///         &CHANGED
///     }
/// }
///
/// CHANGED.init(GFP_KERNEL)?;
/// let mut flusher = CHANGED.flusher().ok_or(EBUSY)?;
///
/// let house = KBox::new(House { lamps: Rows::new(GFP_KERNEL)? }, GFP_KERNEL)?;
/// // SAFETY: The lamps are those of a house, which stays where it is until `retire()`, below.
/// unsafe { house.lamps.adopt() };
///
/// house.lamps.add(BURNT, 3);
/// house.lamps.add(BROKEN, 1);
/// house.lamps.add(BURNT, -1);
/// assert_eq!(house.lamps.sum(BURNT), 2);
///
/// let mut totals = [0; 2];
/// let mut add_up = |_: &House, changes: &[isize; 2]| {
///     for (total, change) in totals.iter_mut().zip(changes) {
///         *total += change;
///     }
/// };
/// flusher.flush(&mut add_up);
/// // Nothing has changed since.
/// flusher.flush(&mut add_up);
/// assert_eq!(house.lamps.times_found(), 1);
/// house.lamps.add(BURNT, 1);
/// flusher.look_at(&house.lamps, &mut add_up);
/// assert_eq!(house.lamps.times_found(), 2);
///
/// flusher.retire(&house.lamps, &mut add_up);
/// drop(house);
/// assert_eq!(totals, [3, 1]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `base` is a per-CPU allocation of `Row`. Of that, counters and `listed` are only accessed
/// through atomics and `this_cpu` operations; `rows` and `cpu` are written before the rows are
/// shared, and `rows` is this. The rest, `next` and `watched` are as is said there. Who has set
/// `listed` writes `next`.
///
/// [`add`]: Rows::add
#[repr(C)]
pub struct Rows<T: Owner<N>, const N: usize> {
    base: *mut Row<T, N>,
    /// The first one of the rows that have changed.
    changed: Atomic<*mut Row<T, N>>,
    /// The owner that is listed behind this one.
    next: UnsafeCell<*mut Rows<T, N>>,
    /// Whether the owner is on the list of a CPU, or about to be: one of the following.
    listed: Atomic<i8>,
    /// How many times rows of it were found changed; the flusher writes it.
    found: Atomic<i8>,
    /// How many rows are watched; the flusher's.
    watched: UnsafeCell<u16>,
    /// How many CPUs are about to list the row of another CPU.
    claims: Atomic<u32>,
}

const NOT_LISTED: i8 = 0;
const LISTED: i8 = 1;
/// Before they are adopted, and when they are retired.
const OF_NOBODY: i8 = 2;

// SAFETY: The rows may be used by any CPU, see the type invariant.
unsafe impl<T: Owner<N>, const N: usize> Send for Rows<T, N> {}
// SAFETY: As above.
unsafe impl<T: Owner<N>, const N: usize> Sync for Rows<T, N> {}

impl<T: Owner<N>, const N: usize> Rows<T, N> {
    /// Allocates `N` counters a CPU, all 0. May sleep if `flags` say so.
    pub fn new(flags: Flags) -> Result<Self, AllocError> {
        // INVARIANT: It is just allocated; zeroes are rows that are on no list.
        Ok(Self {
            base: super::alloc(flags)?.as_ptr(),
            changed: Atomic::new(null_mut()),
            next: UnsafeCell::new(null_mut()),
            listed: Atomic::new(OF_NOBODY),
            found: Atomic::new(0),
            watched: UnsafeCell::new(0),
            claims: Atomic::new(0),
        })
    }

    /// Lets them be listed.
    ///
    /// # Safety
    ///
    /// They are those of a `T`, see [`Owner::ROWS`]. Nobody else uses the rows yet, and they are
    /// adopted once. The owner stays where it is, and the rows are not dropped, until
    /// [`Flusher::retire`] returns; from when that is called on, nobody uses the rows any more.
    pub unsafe fn adopt(&self) {
        // As many steps as there are possible CPUs, once.
        for cpu in possible_cpus() {
            if let Some(row) = self.of_cpu(cpu) {
                // SAFETY: The row is valid, and nobody else uses it by the requirement.
                unsafe {
                    (*row).rows = self;
                    (*row).cpu = cpu as u16;
                }
            }
        }
        self.listed.store(NOT_LISTED, Relaxed);
    }

    /// Whether they are on no list, and never will be: not adopted, or retired.
    pub fn is_retired(&self) -> bool {
        self.listed.load(Relaxed) == OF_NOBODY
    }

    /// How many times a flusher has found rows of it changed, wrapped around. If that is the same
    /// after one flush and after a later one, nothing has changed in between, not even back again.
    pub fn times_found(&self) -> i8 {
        self.found.load(Relaxed)
    }

    fn of_cpu(&self, cpu: u32) -> Option<*mut Row<T, N>> {
        if !super::is_possible(cpu) {
            return None;
        }
        // SAFETY: By the type invariant it is a per-CPU variable, and the CPU is possible.
        Some(unsafe { bindings::per_cpu_ptr_bytes(self.base.cast(), cpu) }.cast())
    }

    /// Adds `n` to the counter `slot` of this CPU, and lists the row if it is not.
    #[inline]
    pub fn add(&self, slot: Slot<N>, n: i32) {
        let counter = Self::offset(slot);
        // SAFETY: By the type invariants these are a counter of a per-CPU variable, and what says
        // whether it is listed; `put()` gets the row of a CPU.
        unsafe {
            let row = self.base.cast();
            bindings::percpu_row_add(row, counter, Self::LISTED, n, Some(put::<T, N>));
        }
    }

    /// As [`Rows::add`], for who is under RCU: saves turning preemption off, where that does it.
    /// Returns the row if it is not listed yet: the caller calls [`ThisRow::changed`] for it.
    #[inline]
    #[must_use]
    pub fn add_rcu<'a>(
        &'a self,
        slot: Slot<N>,
        n: i32,
        _rcu: &rcu::Guard,
    ) -> Option<ThisRow<'a, T, N>> {
        let counter = Self::offset(slot);
        // SAFETY: As above, and we are under RCU.
        unsafe {
            let row = bindings::percpu_row_add_rcu(self.base.cast(), counter, Self::LISTED, n);
            (!row.is_null()).then(|| ThisRow::new(row))
        }
    }

    /// The rows, as C knows them.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut c_void {
        self.base.cast()
    }

    /// Where `listed` is in a row, in bytes.
    const LISTED: usize = offset_of!(Row<T, N>, listed);

    /// Where a counter is.
    #[inline]
    pub(super) fn offset(slot: Slot<N>) -> usize {
        offset_of!(Row<T, N>, counters) + slot.index() * size_of::<i32>()
    }

    /// Has the owner looked at in the next flush, for what has changed besides counters: by an
    /// operation with a full barrier, or under a lock that who looks takes, too. Any context.
    #[inline]
    pub fn mark(&self) {
        if self.listed.load(Relaxed) == NOT_LISTED {
            self.list();
        }
    }

    #[cold]
    fn list(&self) {
        if let Some(claim) = T::list().claim() {
            self.list_with(&claim);
        }
    }

    /// Puts the owner on the list of this CPU, unless somebody else has or does.
    fn list_with(&self, claim: &Claim<'_, T, N>) {
        let not_listed = self.listed.load(Relaxed) == NOT_LISTED;
        if not_listed && self.listed.cmpxchg(NOT_LISTED, LISTED, Full).is_ok() {
            let this = core::ptr::from_ref(self).cast_mut();
            // SAFETY: We have set `listed`.
            unsafe { push(claim.first(), this, self.next.get()) };
        }
    }

    /// The row of this CPU. The task may be on another one by the time it is used, so this is for
    /// counters that take changes from any CPU.
    #[inline]
    pub fn this(&self) -> ThisRow<'_, T, N> {
        // SAFETY: By the type invariant it is a per-CPU variable.
        let row = unsafe { bindings::raw_cpu_ptr_bytes(self.base.cast()) };
        ThisRow(row.cast(), PhantomData)
    }

    /// The row of the CPU `cpu`, if there may be such a CPU; see [`Rows::this`].
    pub fn row(&self, cpu: u32) -> Option<ThisRow<'_, T, N>> {
        self.of_cpu(cpu).map(|row| ThisRow(row, PhantomData))
    }

    /// The sum of the counters `slot` of all CPUs, wrapped around. As many steps as there are
    /// possible CPUs.
    pub fn sum(&self, slot: Slot<N>) -> i32 {
        possible_cpus()
            .filter_map(|cpu| self.row(cpu))
            .fold(0, |sum: i32, row| {
                sum.wrapping_add(row.counter(slot).load(Relaxed))
            })
    }
}

impl<T: Owner<N>, const N: usize> Drop for Rows<T, N> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a per-CPU allocation, and it is ours: what was
        // adopted has been retired.
        unsafe { bindings::free_percpu(self.base.cast()) };
    }
}

/// Puts what is at `new` in front of the list `first`. It is linked by `next`.
///
/// # Safety
///
/// `next` may be written by the caller until it is on the list.
unsafe fn push<E>(first: &Atomic<*mut E>, new: *mut E, next: *mut *mut E) {
    let mut old = first.load(Relaxed);
    loop {
        // SAFETY: By the requirement of this function.
        unsafe { next.write(old) };
        match first.cmpxchg(old, new, Full) {
            Ok(_) => break,
            Err(now) => old = now,
        }
    }
}

/// The row of a CPU.
///
/// # Invariants
///
/// The pointer is that of a row which lives for `'a`.
pub struct ThisRow<'a, T: Owner<N>, const N: usize>(*mut Row<T, N>, PhantomData<&'a Rows<T, N>>);

impl<'a, T: Owner<N>, const N: usize> ThisRow<'a, T, N> {
    /// The counter `slot`. Do not mix with [`Rows::add`] on one slot, if more than one CPU writes:
    /// that one is atomic only against its own CPU.
    #[inline]
    pub fn counter(&self, slot: Slot<N>) -> &'a Atomic<i32> {
        // SAFETY: By the type invariants of both the counter exists for `'a`.
        unsafe {
            &*(&raw const (*self.0).counters)
                .cast::<Atomic<i32>>()
                .add(slot.index())
        }
    }

    /// # Safety
    ///
    /// `row` is the row of a CPU of a [`Rows`] that lives for `'a`.
    #[inline]
    pub(super) unsafe fn new(row: *mut c_void) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(row.cast(), PhantomData)
    }

    /// Whether it is on the list of its owner, or about to be.
    #[inline]
    pub fn is_listed(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { (*self.0).listed.load(Relaxed) != 0 }
    }

    /// Lists the row, if it is not: something of it has changed.
    #[inline]
    pub fn changed(&self) {
        if !self.is_listed() {
            // SAFETY: By the type invariant.
            unsafe { put::<T, N>(self.0.cast()) };
        }
    }
}

/// Puts a row on the list of its owner, unless somebody else has or does. Any context, NMI
/// included.
///
/// # Safety
///
/// `row` is the row of a CPU of a [`Rows`] that is not being retired.
#[cold]
unsafe extern "C" fn put<T: Owner<N>, const N: usize>(row: *mut c_void) {
    let row: *mut Row<T, N> = row.cast();
    // SAFETY: By the requirement the row is valid.
    let Some(rows) = (unsafe { (*row).rows.as_ref() }) else {
        return;
    };
    let Some(claim) = T::list().claim() else {
        return;
    };
    // SAFETY: As above.
    let elsewhere = unsafe { u32::from((*row).cpu) } != claim.cpu();
    if elsewhere {
        rows.claims.fetch_add(1, Full);
    }
    // SAFETY: As above. Who sets `listed` may write `next`.
    unsafe {
        if (*row).listed.cmpxchg(0, 1, Full).is_ok() {
            push(&rows.changed, row, &raw mut (*row).next);
            // The flusher takes the owner off its list before it takes the rows.
            rows.list_with(&claim);
        }
    }
    if elsewhere {
        rows.claims.fetch_sub(1, Full);
    }
}

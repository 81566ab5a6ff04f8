// SPDX-License-Identifier: GPL-2.0

//! Rows of counters of which every CPU has its own, and lists of those that have changed.
//!
//! Who wants totals of many rows does not look at all of them: a row that changes puts itself on a
//! list, and what a [`Flusher`] does takes time in proportion to what has changed since it was last
//! asked. That is so for any number of rows and of CPUs.
//!
//! # How a change is found
//!
//! A CPU changes its counter and then looks whether the row is listed. If it is, there is no more
//! to do: that is the common case, and one plain load. If not, it lists the row. The flusher takes
//! the row off the list first, and then reads the counters.
//!
//! A plain load may be done before the store of the change is visible to others. Then it may see a
//! row that is listed, of which the flusher does not see the change. To have a barrier there would
//! make each change several times as expensive. So the flusher remembers what it took off, and
//! looks at that again in each flush until an RCU grace period has passed: a CPU changes and looks
//! with preemption off. Nothing is lost; what a flush misses is what changed at the same time, and
//! the next one has it.
//!
//! The counters of a row run on, and wrap around: what has changed is the difference to what was
//! seen last, which is kept beside it, on lines that only the flusher touches. So a counter may
//! change by less than 2^31 between two flushes.

use super::{
    possible_cpus,
    CpuBits,
    PreemptionOff,
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
            Relaxed,
            Release, //
        },
        barrier::{
            self,
            smp_mb, //
        },
        rcu,
    },
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr::null_mut, //
};

/// What a CPU writes.
#[repr(C, align(64))]
struct Written<T: 'static, const N: usize> {
    next: *mut Row<T, N>,
    /// Null if the rows are on no list and never will be.
    owner: Atomic<*mut T>,
    /// Where to list it, if there is an owner.
    list: Option<&'static RowList<T, N>>,
    /// 1 if the row is on the list of a CPU, or about to be.
    listed: Atomic<u32>,
    counters: [Atomic<i32>; N],
}

/// What the flusher writes.
#[repr(C, align(64))]
struct Seen<T: 'static, const N: usize> {
    /// The list of rows to look at again; null if there is no more.
    before: *mut Row<T, N>,
    after: *mut Row<T, N>,
    /// What says whether an RCU grace period has passed since it was taken off the list of changed
    /// rows, if it is on that list.
    since: usize,
    watched: bool,
    counters: [i32; N],
}

/// The counters of one CPU.
#[repr(C)]
struct Row<T: 'static, const N: usize> {
    written: Written<T, N>,
    seen: Seen<T, N>,
}

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
/// use kernel::percpu::{Flusher, RowList, Rows, Slot};
///
/// const BURNT: Slot<2> = Slot::new(0).unwrap();
/// const BROKEN: Slot<2> = Slot::new(1).unwrap();
///
/// // Houses with lamps.
/// struct House {
///     lamps: Rows<House, 2>,
/// }
///
/// static CHANGED: RowList<House, 2> = RowList::new();
/// CHANGED.init(GFP_KERNEL)?;
/// let mut flusher = CHANGED.flusher().ok_or(EBUSY)?;
///
/// let house = KBox::new(House { lamps: Rows::new(GFP_KERNEL)? }, GFP_KERNEL)?;
/// // SAFETY: The house stays where it is until `retire()`, below.
/// unsafe { house.lamps.adopt(&CHANGED, &*house) };
///
/// house.lamps.add(BURNT, 3);
/// house.lamps.add(BROKEN, 1);
/// house.lamps.add(BURNT, -1);
/// assert_eq!(house.lamps.sum(BURNT), 2);
///
/// let mut totals = [0; 2];
/// let mut add_up = |_: &House, changes: &[i32; 2]| {
///     for (total, change) in totals.iter_mut().zip(changes) {
///         *total += change;
///     }
/// };
/// flusher.flush(&mut add_up);
/// // Nothing has changed since.
/// flusher.flush(&mut add_up);
/// assert_eq!(totals, [2, 1]);
///
/// flusher.retire(&house.lamps);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is a per-CPU allocation of `Row`. Of that, `written` is only accessed through
/// atomics and `this_cpu` operations, but for `next`, which belongs to who has set `listed`, and
/// then to the flusher until it clears that; and for `list`, which is written before the rows are
/// shared. `seen` is that of the flusher of `list`.
///
/// [`add`]: Rows::add
#[repr(transparent)]
pub struct Rows<T: 'static, const N: usize>(*mut Row<T, N>);

// SAFETY: The rows may be used by any CPU, see the type invariant.
unsafe impl<T: Sync, const N: usize> Send for Rows<T, N> {}
// SAFETY: As above.
unsafe impl<T: Sync, const N: usize> Sync for Rows<T, N> {}

impl<T: 'static, const N: usize> Rows<T, N> {
    /// Allocates `N` counters a CPU, all 0. May sleep if `flags` say so.
    pub fn new(flags: Flags) -> Result<Self, AllocError> {
        // SAFETY: FFI call without requirements.
        let base = unsafe {
            bindings::alloc_percpu_bytes(
                size_of::<Row<T, N>>(),
                align_of::<Row<T, N>>(),
                flags.as_raw(),
            )
        };
        if base.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: `base` was just allocated; zeroes are rows that are on no list.
        Ok(Self(base.cast()))
    }

    /// Tells whose rows they are, and where to list them. Before that, they are never listed.
    ///
    /// # Safety
    ///
    /// Nobody else uses the rows yet, and they are adopted once. `owner` stays where it is, and the
    /// rows are not dropped, until [`Flusher::retire`] of that list returns; from when that is
    /// called on, nobody uses the rows any more.
    pub unsafe fn adopt(&self, list: &'static RowList<T, N>, owner: *const T) {
        // As many steps as there are possible CPUs, once.
        for row in possible_cpus().filter_map(|cpu| self.of_cpu(cpu)) {
            // SAFETY: The row is valid, and nobody else uses it by the requirement.
            unsafe {
                (*row).written.list = Some(list);
                (*row).written.owner.store(owner.cast_mut(), Relaxed);
            }
        }
    }

    /// Whether they are on no list, and never will be: not adopted, or retired.
    pub fn is_retired(&self) -> bool {
        let mut rows = possible_cpus().filter_map(|cpu| self.of_cpu(cpu));
        // SAFETY: The rows are valid.
        rows.all(|row| unsafe { (*row).written.owner.load(Relaxed).is_null() })
    }

    fn of_cpu(&self, cpu: u32) -> Option<*mut Row<T, N>> {
        if !super::is_possible(cpu) {
            return None;
        }
        // SAFETY: By the type invariant it is a per-CPU variable, and the CPU is possible.
        Some(unsafe { bindings::per_cpu_ptr_bytes(self.0.cast(), cpu) }.cast())
    }

    /// Adds `n` to the counter `slot` of this CPU, and lists the row if it is not.
    #[inline]
    pub fn add(&self, slot: Slot<N>, n: i32) {
        let (counter, listed) = Self::offsets(slot);
        // SAFETY: By the type invariants these are a counter of a per-CPU variable, and what says
        // whether it is listed; `put()` gets the row of a CPU.
        unsafe {
            bindings::percpu_row_add(self.0.cast(), counter, listed, n, Some(put::<T, N>));
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
        let (counter, listed) = Self::offsets(slot);
        // SAFETY: As above, and we are under RCU.
        let row = unsafe { bindings::percpu_row_add_rcu(self.0.cast(), counter, listed, n) };
        // INVARIANT: It is that of a CPU.
        (!row.is_null()).then_some(ThisRow(row.cast(), PhantomData))
    }

    /// Where a counter is in a row, and `listed`, in bytes.
    #[inline]
    fn offsets(slot: Slot<N>) -> (usize, usize) {
        let counters = offset_of!(Written<T, N>, counters);
        let counter = counters + slot.index() * size_of::<i32>();
        (counter, offset_of!(Written<T, N>, listed))
    }

    /// Has the owner looked at in the next flush, for what has changed besides counters.
    #[inline]
    pub fn mark(&self) {
        self.this().changed();
    }

    /// The row of this CPU. The task may be on another one by the time it is used, so this is for
    /// counters that take changes from any CPU.
    #[inline]
    pub fn this(&self) -> ThisRow<'_, T, N> {
        // SAFETY: By the type invariant it is a per-CPU variable.
        let row = unsafe { bindings::raw_cpu_ptr_bytes(self.0.cast()) };
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

impl<T: 'static, const N: usize> Drop for Rows<T, N> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a per-CPU allocation, and it is ours: what was
        // adopted has been retired.
        unsafe { bindings::free_percpu(self.0.cast()) };
    }
}

/// The row of a CPU.
///
/// # Invariants
///
/// The pointer is that of a row which lives for `'a`.
pub struct ThisRow<'a, T: 'static, const N: usize>(*mut Row<T, N>, PhantomData<&'a Rows<T, N>>);

impl<'a, T: 'static, const N: usize> ThisRow<'a, T, N> {
    /// The counter `slot`. Do not mix with [`Rows::add`] on one slot, if more than one CPU writes:
    /// that one is atomic only against its own CPU.
    #[inline]
    pub fn counter(&self, slot: Slot<N>) -> &'a Atomic<i32> {
        // SAFETY: By the type invariants of both the counter exists for `'a`.
        unsafe {
            &*(&raw const (*self.0).written.counters)
                .cast::<Atomic<i32>>()
                .add(slot.index())
        }
    }

    /// Lists the row, if it is not: something of it has changed.
    #[inline]
    pub fn changed(&self) {
        // SAFETY: By the type invariant.
        unsafe {
            if (*self.0).written.listed.load(Relaxed) == 0 {
                put::<T, N>(self.0.cast());
            }
        }
    }
}

/// Lists of rows that have changed, one for each CPU.
///
/// # Invariants
///
/// `heads` is null or a per-CPU variable that is never freed: the first row of a list. All rows on
/// lists are owned by a `T`, see [`Rows::adopt`].
pub struct RowList<T: 'static, const N: usize> {
    heads: Atomic<*mut isize>,
    /// On the list of which CPUs there may be something.
    filled: CpuBits,
    flushed: Atomic<bool>,
    _owner: PhantomData<*const T>,
}

// SAFETY: All fields are atomic; rows are `Sync`.
unsafe impl<T: Sync, const N: usize> Sync for RowList<T, N> {}

impl<T: 'static, const N: usize> Default for RowList<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static, const N: usize> RowList<T, N> {
    /// Lists for no CPU yet.
    pub const fn new() -> Self {
        Self {
            heads: Atomic::new(null_mut()),
            filled: CpuBits::new(),
            flushed: Atomic::new(false),
            _owner: PhantomData,
        }
    }

    /// Makes the lists, which are never freed. What changes before that is not listed. May sleep if
    /// `flags` say so.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn init(&self, flags: Flags) -> Result<(), AllocError> {
        // SAFETY: FFI call without requirements.
        let heads = unsafe {
            bindings::alloc_percpu_bytes(size_of::<isize>(), align_of::<isize>(), flags.as_raw())
        };
        if heads.is_null() {
            return Err(AllocError);
        }
        if self.heads.cmpxchg(null_mut(), heads.cast(), Full).is_err() {
            // SAFETY: It was allocated just now.
            unsafe { bindings::free_percpu(heads) };
        }
        Ok(())
    }

    /// The one who takes rows off the lists: there is only one.
    pub fn flusher(&'static self) -> Option<Flusher<T, N>> {
        let first = !self.flushed.xchg(true, Full);
        // INVARIANT: Nobody has got one before.
        first.then_some(Flusher {
            list: self,
            first: null_mut(),
            last: null_mut(),
        })
    }

    /// The head of the list of `cpu`, as the address of a row.
    fn head(&self, cpu: u32) -> Option<&Atomic<*mut Row<T, N>>> {
        let heads = self.heads.load(Relaxed);
        if heads.is_null() {
            return None;
        }
        // SAFETY: By the type invariant; `cpu` is a possible one, see the callers.
        Some(unsafe { Atomic::from_ptr(bindings::per_cpu_ptr_bytes(heads.cast(), cpu).cast()) })
    }
}

/// Puts a row on its list, unless somebody else has or does. Any context, NMI included.
///
/// # Safety
///
/// `row` is the row of a CPU of a [`Rows`] that is not being retired.
#[cold]
unsafe extern "C" fn put<T: 'static, const N: usize>(row: *mut c_void) {
    let row: *mut Row<T, N> = row.cast();
    // SAFETY: By the requirement the row is valid, and it has a list if it has an owner.
    let (owner, list) = unsafe { ((*row).written.owner.load(Relaxed), (*row).written.list) };
    let Some(list) = list.filter(|_| !owner.is_null()) else {
        return;
    };
    // Whoever finds it listed relies on us to finish, and soon.
    let _off = PreemptionOff::new();
    // Which list it is on does not matter: this CPU's has its head here.
    let cpu = crate::cpu::CpuId::current().as_u32();
    let Some(head) = list.head(cpu) else {
        return;
    };
    // SAFETY: As above. Who sets `listed` may write `next`.
    unsafe {
        if (*row).written.listed.cmpxchg(0, 1, Full).is_err() {
            return;
        }
        let mut first = head.load(Relaxed);
        loop {
            (&raw mut (*row).written.next).write(first);
            match head.cmpxchg(first, row, Full) {
                Ok(_) => break,
                Err(now) => first = now,
            }
        }
    }
    // The flusher clears the bit before it takes the list: if the bit is still there, so is who
    // will find the row.
    list.filled.set(cpu);
}

/// The one who takes rows off the lists of a [`RowList`].
///
/// # Invariants
///
/// There is one for each list. `first` and `last` are the ends of a list of rows, linked by
/// `seen.before` and `seen.after`, of which all are `watched`, and no others; the oldest first.
pub struct Flusher<T: 'static, const N: usize> {
    list: &'static RowList<T, N>,
    first: *mut Row<T, N>,
    last: *mut Row<T, N>,
}

// SAFETY: The rows may be used by any thread.
unsafe impl<T: Sync, const N: usize> Send for Flusher<T, N> {}

impl<T: 'static, const N: usize> Flusher<T, N> {
    /// Tells `visit` what has changed in all rows that have since the last time, and whose they
    /// are: as many calls as there are such rows, and as were taken off lists in the last grace
    /// period. Sleeps if `visit` does.
    pub fn flush(&mut self, mut visit: impl FnMut(&T, &[i32; N])) {
        let taken = self.take_changed();
        let mut row = self.first;
        while !row.is_null() {
            // SAFETY: By the type invariant it is a row, and watched.
            unsafe {
                let after = (*row).seen.after;
                if bindings::poll_state_synchronize_rcu((*row).seen.since) {
                    self.unlink(row);
                }
                Self::visit(row, &mut visit);
                row = after;
            }
        }
        if taken {
            // Has a grace period pass, so that those taken now need not be looked at for long.
            // SAFETY: FFI call without requirements.
            unsafe { bindings::start_poll_synchronize_rcu() };
        }
    }

    /// Takes what has changed off the lists of CPUs: it is watched from now on. Says whether there
    /// was anything.
    fn take_changed(&mut self) -> bool {
        let (list, mut taken) = (self.list, false);
        for cpu in list.filled.take() {
            let Some(head) = list.head(cpu) else {
                continue;
            };
            let mut row = head.xchg(null_mut(), Full);
            while !row.is_null() {
                // SAFETY: What is on a list is a row that is not retired, and ours until `listed`
                // is cleared.
                unsafe {
                    let next = (&raw const (*row).written.next).read();
                    // Whoever sees that may write `next`.
                    (*row).written.listed.store(0, Release);
                    smp_mb(barrier::Full);
                    self.watch(row);
                    row = next;
                }
                taken = true;
            }
        }
        taken
    }

    /// # Safety
    ///
    /// `row` is valid, and has an owner.
    unsafe fn visit(row: *mut Row<T, N>, visit: &mut impl FnMut(&T, &[i32; N])) {
        let mut changes = [0; N];
        // SAFETY: By the requirement of this function; `seen` is ours.
        let owner = unsafe {
            let counters = &(*row).written.counters;
            let seen = &mut (*row).seen.counters;
            for ((change, seen), counter) in changes.iter_mut().zip(seen).zip(counters) {
                let now = counter.load(Relaxed);
                *change = now.wrapping_sub(*seen);
                *seen = now;
            }
            &*(*row).written.owner.load(Relaxed)
        };
        visit(owner, &changes);
    }

    /// Puts a row at the end of those to be looked at again.
    ///
    /// # Safety
    ///
    /// `row` is valid.
    unsafe fn watch(&mut self, row: *mut Row<T, N>) {
        // SAFETY: By the requirement of this function; `seen` is ours.
        unsafe {
            if (*row).seen.watched {
                self.unlink(row);
            }
            let seen = &raw mut (*row).seen;
            (*seen).watched = true;
            (*seen).since = bindings::get_state_synchronize_rcu();
            (*seen).before = self.last;
            (*seen).after = null_mut();
            match self.last.is_null() {
                true => self.first = row,
                false => (*self.last).seen.after = row,
            }
        }
        // INVARIANT: It is the last one now.
        self.last = row;
    }

    /// Takes a row off those to be looked at again.
    ///
    /// # Safety
    ///
    /// `row` is valid and `watched`.
    unsafe fn unlink(&mut self, row: *mut Row<T, N>) {
        // SAFETY: By the requirement of this function and the type invariant.
        unsafe {
            let seen = &raw mut (*row).seen;
            let (before, after) = ((*seen).before, (*seen).after);
            match before.is_null() {
                true => self.first = after,
                false => (*before).seen.after = after,
            }
            match after.is_null() {
                true => self.last = before,
                false => (*after).seen.before = before,
            }
            (*seen).watched = false;
        }
    }

    /// Those of `rows` that are listed on our list: all of them, or none.
    fn own<'a>(&self, rows: &'a Rows<T, N>) -> impl Iterator<Item = *mut Row<T, N>> + 'a {
        let list = self.list;
        let all = possible_cpus().filter_map(|cpu| rows.of_cpu(cpu));
        // SAFETY: The rows are valid.
        let at = |row: *mut Row<T, N>| unsafe { (*row).written.list };
        all.filter(move |row| at(*row).is_some_and(|at| core::ptr::eq(at, list)))
    }

    /// Tells `visit` what has changed in `rows` since the last time, listed or not. As many steps
    /// as there are possible CPUs.
    pub fn look_at(&mut self, rows: &Rows<T, N>, mut visit: impl FnMut(&T, &[i32; N])) {
        for row in self.own(rows) {
            // SAFETY: The row is valid, and of our list.
            unsafe {
                if !(*row).written.owner.load(Relaxed).is_null() {
                    Self::visit(row, &mut visit);
                }
            }
        }
    }

    /// Has `rows` on no list: the owner may go. What has changed in them is not told of any more,
    /// but for who calls [`Flusher::look_at`] before. As many steps as there are possible CPUs, and
    /// rows that have changed.
    pub fn retire(&mut self, rows: &Rows<T, N>) {
        // SAFETY: The rows are valid.
        let listed = |row: *mut Row<T, N>| unsafe { (*row).written.listed.load(Relaxed) } != 0;
        if self.own(rows).any(listed) {
            self.take_changed();
        }
        for row in self.own(rows) {
            // SAFETY: The row is valid.
            unsafe {
                if (*row).seen.watched {
                    self.unlink(row);
                }
                (*row).written.owner.store(null_mut(), Relaxed);
            }
        }
    }
}

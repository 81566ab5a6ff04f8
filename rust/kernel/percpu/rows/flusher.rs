// SPDX-License-Identifier: GPL-2.0

//! The one who takes rows off the lists.

use super::{
    list::wait_for,
    Owner,
    Row,
    RowList,
    Rows,
    LISTED,
    NOT_LISTED,
    OF_NOBODY, //
};
use crate::{
    bindings,
    percpu::{
        possible_cpus,
        PreemptionOff, //
    },
    sync::{
        atomic::{
            Full,
            Relaxed,
            Release, //
        },
        barrier::{
            self,
            smp_mb, //
        },
    },
};
use core::ptr::null_mut;

/// The one who takes what has changed off the lists of a [`RowList`].
///
/// # Invariants
///
/// There is one for each list. `first` and `last` are the ends of a list of rows, linked by
/// `before` and `after`, of which all are `watched`, and no others; the oldest first. An owner
/// knows how many of these are its own.
pub struct Flusher<T: Owner<N>, const N: usize> {
    list: &'static RowList<T, N>,
    first: *mut Row<T, N>,
    last: *mut Row<T, N>,
    /// Whether that list has got longer.
    watched: bool,
}

// SAFETY: The rows may be used by any thread.
unsafe impl<T: Owner<N>, const N: usize> Send for Flusher<T, N> {}

impl<T: Owner<N>, const N: usize> Flusher<T, N> {
    /// The one of `list`, of which there is no other.
    pub(super) fn new(list: &'static RowList<T, N>) -> Self {
        // INVARIANT: Nothing is watched yet.
        Self {
            list,
            first: null_mut(),
            last: null_mut(),
            watched: false,
        }
    }

    /// Tells `visit` what has changed since the last time, and whose that is: as many calls as
    /// there are owners that have changed, and rows that are watched. May sleep.
    pub fn flush(&mut self, mut visit: impl FnMut(&T, &[isize; N])) {
        self.look_again(&mut visit);
        let list = self.list;
        for cpu in list.filled.take() {
            let Some(head) = list.head(cpu) else {
                continue;
            };
            wait_for(&head.claims);
            let mut at = head.first.xchg(null_mut(), Full);
            // SAFETY: What is on a list is adopted and not retired, and `next` is ours until
            // `listed` is cleared.
            while let Some(rows) = unsafe { at.as_ref() } {
                // SAFETY: As above.
                at = unsafe { rows.next.get().read() };
                // Whoever sees that may write `next`.
                rows.listed.store(NOT_LISTED, Release);
                smp_mb(barrier::Full);
                let mut changes = [0; N];
                self.take_changed(rows, &mut changes);
                tell(rows, &changes, &mut visit);
            }
        }
        self.begin_grace_period();
    }

    /// The same, for the owner of `rows` alone. Steps: rows of it that have changed, and possible
    /// CPUs, if some are watched.
    pub fn look_at(&mut self, rows: &Rows<T, N>, mut visit: impl FnMut(&T, &[isize; N])) {
        // SAFETY: It is the flusher's.
        let watched = unsafe { rows.watched.get().read() };
        if watched == 0
            && rows.listed.load(Relaxed) != LISTED
            && rows.changed.load(Relaxed).is_null()
        {
            // Others may be about to list what has changed.
            wait_for(&rows.claims);
            if rows.changed.load(Relaxed).is_null() {
                return;
            }
        }
        let mut changes = [0; N];
        self.each_watched(rows, |_, row| {
            // SAFETY: It is a row, and we are its flusher.
            unsafe { collect(row, &mut changes) }
        });
        self.take_changed(rows, &mut changes);
        tell(rows, &changes, &mut visit);
        self.begin_grace_period();
    }

    /// Has `rows` on no list, after a last look: the owner may go. Steps: as for
    /// [`Flusher::look_at`], if the owner has not changed since the last flush; if it has, as for
    /// [`Flusher::flush`].
    pub fn retire(&mut self, rows: &Rows<T, N>, mut visit: impl FnMut(&T, &[isize; N])) {
        if rows.listed.load(Relaxed) == LISTED {
            self.flush(&mut visit);
        }
        self.look_at(rows, visit);
        self.each_watched(rows, |this, row| {
            // SAFETY: It is a row, and watched.
            unsafe { this.unwatch(row) }
        });
        rows.listed.store(OF_NOBODY, Relaxed);
    }

    /// Looks at what is watched: as many steps as rows were taken off lists in the last grace
    /// period, of CPUs that were busy then.
    fn look_again(&mut self, visit: &mut impl FnMut(&T, &[isize; N])) {
        let mut row = self.first;
        while !row.is_null() {
            let mut changes = [0; N];
            // SAFETY: By the type invariant it is a row, and watched.
            let (rows, after) = unsafe {
                let after = (*row).after;
                if bindings::poll_state_synchronize_rcu((*row).since) {
                    self.unwatch(row);
                }
                collect(row, &mut changes);
                (&*(*row).rows, after)
            };
            if changes != [0; N] {
                tell(rows, &changes, visit);
            }
            row = after;
        }
    }

    /// Tells `each` of the rows that are watched. Steps: possible CPUs, if there are some.
    fn each_watched(&mut self, rows: &Rows<T, N>, mut each: impl FnMut(&mut Self, *mut Row<T, N>)) {
        // SAFETY: It is the flusher's.
        if unsafe { rows.watched.get().read() } == 0 {
            return;
        }
        for row in possible_cpus().filter_map(|cpu| rows.of_cpu(cpu)) {
            // SAFETY: The row is valid.
            if unsafe { (*row).watched } {
                each(self, row);
            }
        }
    }

    /// Takes the rows that have changed off the list of their owner, and adds up what has.
    fn take_changed(&mut self, rows: &Rows<T, N>, changes: &mut [isize; N]) {
        wait_for(&rows.claims);
        if rows.changed.load(Relaxed).is_null() {
            return;
        }
        let found = rows.found.load(Relaxed).wrapping_add(1);
        rows.found.store(found, Relaxed);
        let mut row = rows.changed.xchg(null_mut(), Full);
        while !row.is_null() {
            // SAFETY: What is on the list is a row, and `next` is ours until `listed` is cleared.
            unsafe {
                let next = (&raw const (*row).next).read();
                match take_off(row) {
                    true if (*row).watched => self.unwatch(row),
                    true => {}
                    false => self.watch(row),
                }
                collect(row, changes);
                row = next;
            }
        }
    }

    /// Puts a row at the end of those to be looked at again.
    ///
    /// # Safety
    ///
    /// `row` is valid and ours.
    unsafe fn watch(&mut self, row: *mut Row<T, N>) {
        // SAFETY: By the requirement of this function.
        unsafe {
            if (*row).watched {
                self.unwatch(row);
            }
            (*row).watched = true;
            (*row).since = bindings::get_state_synchronize_rcu();
            (*row).before = self.last;
            (*row).after = null_mut();
            *(*(*row).rows).watched.get() += 1;
            match self.last.is_null() {
                true => self.first = row,
                false => (*self.last).after = row,
            }
        }
        // INVARIANT: It is the last one now.
        self.last = row;
        self.watched = true;
    }

    /// Takes a row off those to be looked at again.
    ///
    /// # Safety
    ///
    /// `row` is valid and `watched`.
    unsafe fn unwatch(&mut self, row: *mut Row<T, N>) {
        // SAFETY: By the requirement of this function and the type invariant.
        unsafe {
            let (before, after) = ((*row).before, (*row).after);
            match before.is_null() {
                true => self.first = after,
                false => (*before).after = after,
            }
            match after.is_null() {
                true => self.last = before,
                false => (*after).before = before,
            }
            (*row).watched = false;
            *(*(*row).rows).watched.get() -= 1;
        }
    }

    /// Has a grace period pass, so that what is watched from now on need not be looked at for long.
    fn begin_grace_period(&mut self) {
        if core::mem::take(&mut self.watched) {
            // SAFETY: FFI call without requirements.
            unsafe { bindings::start_poll_synchronize_rcu() };
        }
    }
}

/// Lets a row be listed again. Says whether all changes for which it has not been are seen from now
/// on.
///
/// # Safety
///
/// `row` is listed, and was taken off the list by the caller.
unsafe fn take_off<T: Owner<N>, const N: usize>(row: *mut Row<T, N>) -> bool {
    let _off = PreemptionOff::new();
    // SAFETY: By the requirement of this function the row is valid.
    unsafe {
        // Whoever sees that may write `next`.
        (*row).listed.store(0, Release);
        smp_mb(barrier::Full);
        // Who was about to change it on this CPU has done so, for we run; on others, it has if RCU
        // does not watch them. Who does so later sees that the row is not listed.
        let cpu = u32::from((*row).cpu);
        cpu == crate::cpu::CpuId::current().as_u32() || bindings::cpu_is_quiet(cpu)
    }
}

/// Adds what has changed in a row since it was last seen.
///
/// # Safety
///
/// `row` is valid, and the caller its flusher.
unsafe fn collect<T: Owner<N>, const N: usize>(row: *mut Row<T, N>, changes: &mut [isize; N]) {
    // SAFETY: By the requirement of this function.
    let (counters, seen) = unsafe { (&(*row).counters, &mut (*row).seen) };
    for ((change, seen), counter) in changes.iter_mut().zip(seen).zip(counters) {
        let now = counter.load(Relaxed);
        *change += now.wrapping_sub(*seen) as isize;
        *seen = now;
    }
}

/// Tells `visit` of the owner of `rows`.
fn tell<T: Owner<N>, const N: usize>(
    rows: &Rows<T, N>,
    changes: &[isize; N],
    visit: &mut impl FnMut(&T, &[isize; N]),
) {
    if rows.is_retired() {
        return;
    }
    let rows = core::ptr::from_ref(rows);
    // SAFETY: Rows that have been adopted are those of an owner, which stays until they are
    // retired, as our caller does.
    visit(unsafe { &*rows.byte_sub(T::ROWS).cast::<T>() }, changes);
}

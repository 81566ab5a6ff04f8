// SPDX-License-Identifier: GPL-2.0

//! Files that show the most that was in use, each open file since it was last written to.
//!
//! A counter has one local watermark. It starts again whenever somebody writes to an open file; all
//! other open files then keep the most that it was up to that moment.

use super::{
    CfType,
    CssData,
    Field, //
};
use crate::{
    bindings,
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    res_counter::{
        ResCounter,
        Unit, //
    },
    seq_file::SeqFile,
    seq_print,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A file that shows the most that was in use.
///
/// Where the counter and the open files are is said by the type: they are the same ones for a
/// container at all times.
///
/// # Examples
///
/// ```
/// # #[cfg(CONFIG_CGROUPS)] {
/// use kernel::{
///     cgroup::{peak::{Peak, Peaks}, CfType, Css, CssData, Field},
///     res_counter::{ResCounter, Unit},
/// };
///
/// #[repr(C)]
/// struct Lamps {
///     css: Css,
///     burning: ResCounter,
///     peaks: Peaks,
/// }
///
/// // SAFETY: The css comes first; counters and lists may be used by all.
/// unsafe impl CssData for Lamps {}
///
/// struct Burning;
///
/// impl Peak for Burning {
///     type Data = Lamps;
///     const UNIT: Unit = Unit::new(1);
///     const COUNTER: Field<Lamps, ResCounter> = kernel::css_field!(Lamps, burning);
///     const PEAKS: Field<Lamps, Peaks> = kernel::css_field!(Lamps, peaks);
/// }
///
/// const FILE: CfType<Lamps> = CfType::new(c"peak").peak::<Burning>();
/// # }
/// ```
pub trait Peak {
    /// Whose file it is.
    type Data: CssData;

    /// What a unit of the counter is in the file.
    const UNIT: Unit;

    /// The counter.
    const COUNTER: Field<Self::Data, ResCounter>;

    /// The open files of this counter that were written to.
    const PEAKS: Field<Self::Data, Peaks>;

    /// Gives back what was taken from the counter in advance, so that a file which starts again
    /// does so at what is in use. May sleep.
    fn trim(_data: &Self::Data) {}
}

/// The open files that have been written to, `struct res_counter_peaks`.
///
/// # Invariants
///
/// The lock and the list are initialized; the list holds those open files of this container and of
/// this file that were written to.
#[repr(transparent)]
pub struct Peaks(Opaque<bindings::res_counter_peaks>);

// SAFETY: The list has a lock of its own.
unsafe impl Send for Peaks {}
// SAFETY: As above.
unsafe impl Sync for Peaks {}

impl Peaks {
    /// Makes an empty list.
    ///
    /// # Safety
    ///
    /// `this` is valid for writes, stays in place, and nobody else uses it yet.
    pub unsafe fn init(this: *mut Self) {
        // SAFETY: By the requirements of this function.
        unsafe { bindings::res_counter_peaks_init(this.cast()) }
    }

    fn lock(&self) -> PeaksGuard<'_> {
        // SAFETY: By the type invariant the lock is initialized.
        unsafe { bindings::spin_lock(&raw mut (*self.0.get()).lock) };
        // INVARIANT: It has just been locked.
        PeaksGuard(self, NotThreadSafe)
    }
}

/// A locked list of open files.
///
/// # Invariants
///
/// The lock is held.
struct PeaksGuard<'a>(&'a Peaks, NotThreadSafe);

impl PeaksGuard<'_> {
    /// Calls `visit` for each file.
    fn for_each(&self, visit: impl Fn(&OpenFile)) {
        // SAFETY: The list is initialized, locked, and holds open files alone.
        unsafe {
            let head = &raw mut (*self.0 .0.get()).files;
            let mut pos = (*head).next;
            while pos != head {
                let file = crate::container_of!(pos, bindings::cgroup_of_peak, list);
                visit(&*file.cast());
                pos = (*pos).next;
            }
        }
    }

    /// # Safety
    ///
    /// `file` is on no list, and stays in place until it is removed.
    unsafe fn add(&self, file: &OpenFile) {
        // SAFETY: By the requirement of this function; the list is locked.
        unsafe {
            bindings::list_add_tail(
                &raw mut (*file.0.get()).list,
                &raw mut (*self.0 .0.get()).files,
            )
        }
    }

    /// # Safety
    ///
    /// `file` is on this list.
    unsafe fn remove(&self, file: &OpenFile) {
        // SAFETY: By the requirement of this function; the list is locked.
        unsafe { bindings::list_del(&raw mut (*file.0.get()).list) }
    }
}

impl Drop for PeaksGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held.
        unsafe { bindings::spin_unlock(&raw mut (*self.0 .0.get()).lock) }
    }
}

/// What the cgroup core keeps for an open file, `struct cgroup_of_peak`.
#[repr(transparent)]
struct OpenFile(Opaque<bindings::cgroup_of_peak>);

impl OpenFile {
    /// The file has not been written to: it shows the most there ever was.
    const NEVER: usize = usize::MAX;

    /// # Safety
    ///
    /// `of` is open during `'a`.
    unsafe fn from_raw<'a>(of: *mut bindings::kernfs_open_file) -> &'a Self {
        // SAFETY: An open file of a cgroup has one; the layout is transparent.
        unsafe { &*bindings::of_peak(of).cast() }
    }

    /// The most since it was written to, but for what the local watermark tells.
    fn value(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).value) }
    }
}

impl<T: CssData> CfType<T> {
    /// Shows and resets the peak of `P`.
    pub const fn peak<P: Peak<Data = T>>(mut self) -> Self {
        self.0.open = Some(open);
        self.0.release = Some(release::<P>);
        self.0.seq_show = Some(show::<P>);
        self.0.write = Some(write::<P>);
        self
    }
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn open(of: *mut bindings::kernfs_open_file) -> c_int {
    // SAFETY: The core calls this with a file that is being opened.
    let file = unsafe { OpenFile::from_raw(of) };
    file.value().store(OpenFile::NEVER, Relaxed);
    0
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn release<P: Peak>(of: *mut bindings::kernfs_open_file) {
    // SAFETY: The core calls this with a file that is being closed, whose css it keeps meanwhile.
    let (file, data) = unsafe {
        (
            OpenFile::from_raw(of),
            P::Data::from_css(bindings::of_css(of)),
        )
    };
    if file.value().load(Relaxed) != OpenFile::NEVER {
        // SAFETY: It was added to this very list when it was written to: `PEAKS` is constant.
        unsafe { P::PEAKS.of(data).lock().remove(file) };
    }
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn show<P: Peak>(seq: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: `seq` is an open file of this controller, whose css the core keeps meanwhile.
    let (file, data, seq) = unsafe {
        (
            OpenFile::from_raw((*seq).private.cast()),
            P::Data::from_css(bindings::seq_css(seq)),
            SeqFile::from_raw(seq),
        )
    };
    let counter = P::COUNTER.of(data);
    // Nobody starts again meanwhile.
    let files = P::PEAKS.of(data).lock();
    let peak = match file.value().load(Relaxed) {
        OpenFile::NEVER => counter.watermark(),
        value => value.max(counter.local_watermark()),
    };
    drop(files);
    seq_print!(seq, "{}\n", P::UNIT.show(peak));
    0
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn write<P: Peak>(
    of: *mut bindings::kernfs_open_file,
    _buf: *mut c_char,
    nbytes: usize,
    _off: bindings::loff_t,
) -> isize {
    // SAFETY: The core calls this with an open file of this controller, whose css it keeps
    // meanwhile.
    let (file, data) = unsafe {
        (
            OpenFile::from_raw(of),
            P::Data::from_css(bindings::of_css(of)),
        )
    };
    let counter = P::COUNTER.of(data);
    P::trim(data);

    let files = P::PEAKS.of(data).lock();
    let (most, usage) = counter.restart_local_watermark();
    files.for_each(|other| {
        if most > other.value().load(Relaxed) {
            other.value().store(most.min(OpenFile::NEVER - 1), Relaxed);
        }
    });
    if file.value().load(Relaxed) == OpenFile::NEVER {
        // SAFETY: It has not been added yet; `release()` removes it before it goes.
        unsafe { files.add(file) };
    }
    file.value().store(usage.min(OpenFile::NEVER - 1), Relaxed);
    drop(files);
    nbytes as isize
}

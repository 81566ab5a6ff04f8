// SPDX-License-Identifier: GPL-2.0

//! Counters that user space waits for: eventfd(2).
//!
//! C header: [`include/linux/eventfd.h`](srctree/include/linux/eventfd.h)
//!
//! # Examples
//!
//! A bell that rings for who has given an eventfd, until that is closed.
//!
//! ```
//! use kernel::{
//!     eventfd::{
//!         Closed,
//!         EventFd,
//!         Watch, //
//!     },
//!     fs::LocalFile,
//!     sync::{
//!         atomic::{
//!             Atomic,
//!             Relaxed, //
//!         },
//!         Arc, //
//!     },
//! };
//!
//! struct Bell {
//!     hears: EventFd,
//!     rings: Atomic<bool>,
//! }
//!
//! impl Bell {
//!     fn new(file: &LocalFile) -> Result<(Arc<Self>, Pin<KBox<Watch<Self>>>)> {
//!         let bell = Arc::new(
//!             Self {
//!                 hears: EventFd::of(file)?,
//!                 rings: Atomic::new(true),
//!             },
//!             GFP_KERNEL,
//!         )?;
//!         let watch = Watch::new(file, bell.clone(), GFP_KERNEL)?;
//!         Ok((bell, watch))
//!     }
//!
//!     fn ring(&self) {
//!         if self.rings.load(Relaxed) {
//!             self.hears.signal();
//!         }
//!     }
//! }
//!
//! impl Closed for Bell {
//!     fn closed(bell: &Arc<Self>) {
//!         bell.rings.store(false, Relaxed);
//!     }
//! }
//! ```

use crate::{
    alloc::{
        Flags,
        KBox, //
    },
    bindings,
    error::{
        code::EINVAL,
        from_err_ptr,
        Result, //
    },
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    fs::LocalFile,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    types::Opaque,
};
use core::{
    mem::offset_of,
    ptr::{
        null_mut,
        NonNull, //
    },
};

/// A counter that user space waits for.
///
/// # Invariants
///
/// The pointer is that of an eventfd, on which we have a reference.
pub struct EventFd(NonNull<bindings::eventfd_ctx>);

// SAFETY: C counts references atomically and has a lock for the rest.
unsafe impl Send for EventFd {}
// SAFETY: As above.
unsafe impl Sync for EventFd {}

impl EventFd {
    /// That of `file`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is another kind of file.
    pub fn of(file: &LocalFile) -> Result<Self> {
        // SAFETY: `file` is an open file.
        let ctx = from_err_ptr(unsafe { bindings::eventfd_ctx_fileget(file.as_ptr()) })?;
        // INVARIANT: The reference was taken just now.
        NonNull::new(ctx).map(Self).ok_or(EINVAL)
    }

    /// Adds one. Any context but NMI.
    pub fn signal(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::eventfd_signal_mask(self.0.as_ptr(), 0) }
    }
}

impl Drop for EventFd {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        unsafe { bindings::eventfd_ctx_put(self.0.as_ptr()) }
    }
}

/// Who wants to know that an eventfd has been closed.
pub trait Closed: Send + Sync + 'static {
    /// The last one who had it open has closed it. Any context but NMI.
    ///
    /// The lock of the eventfd is held: it must not be signalled from here, and its [`Watch`] not
    /// be dropped.
    fn closed(this: &Arc<Self>);
}

/// Tells somebody when an eventfd is closed. Who drops it may have to wait until that has been
/// told; nobody is told afterwards.
///
/// # Invariants
///
/// `wait` is in `queue`, which is that of the eventfd, unless that is null.
#[pin_data(PinnedDrop)]
pub struct Watch<T: Closed> {
    told: Arc<T>,
    queue: Atomic<*mut bindings::wait_queue_head>,
    #[pin]
    wait: Opaque<bindings::wait_queue_entry>,
    // What keeps the queue.
    _eventfd: EventFd,
}

// SAFETY: Nothing changes but the entry, which only C looks at, under the lock of the queue.
unsafe impl<T: Closed> Send for Watch<T> {}
// SAFETY: As above.
unsafe impl<T: Closed> Sync for Watch<T> {}

#[repr(C)]
struct Poll<T: Closed> {
    table: bindings::poll_table_struct,
    watch: *const Watch<T>,
}

impl<T: Closed> Watch<T> {
    /// Lets `told` know when the eventfd `file` is closed, which is open as long as the caller has
    /// it. Sleeps if `flags` lets it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is another kind of file; `ENOMEM`.
    pub fn new(file: &LocalFile, told: Arc<T>, flags: Flags) -> Result<Pin<KBox<Self>>> {
        let eventfd = EventFd::of(file)?;
        let this = KBox::pin_init(
            // INVARIANT: It is in no queue yet.
            pin_init!(Self {
                told,
                queue: Atomic::new(null_mut()),
                wait: Opaque::new(bindings::wait_queue_entry {
                    func: Some(happened::<T>),
                    ..pin_init::zeroed()
                }),
                _eventfd: eventfd,
            }),
            flags,
        )?;
        let mut poll = Poll {
            table: bindings::poll_table_struct {
                _qproc: Some(enqueue::<T>),
                _key: !0,
            },
            watch: &raw const *this,
        };
        // SAFETY: `file` is an open file; `enqueue()` is called with `poll`, which is there.
        unsafe { bindings::vfs_poll(file.as_ptr(), &mut poll.table) };
        Ok(this)
    }
}

#[pinned_drop]
impl<T: Closed> PinnedDrop for Watch<T> {
    fn drop(self: Pin<&mut Self>) {
        let queue = self.queue.load(Relaxed);
        if !queue.is_null() {
            // SAFETY: By the type invariant; the eventfd, on which there is a reference, keeps its
            // queue. Nobody is in `happened()` after that.
            unsafe { bindings::remove_wait_queue(queue, self.wait.get()) }
        }
    }
}

/// # Safety
///
/// Only for `vfs_poll()` of an eventfd, with the table of a [`Poll`].
unsafe extern "C" fn enqueue<T: Closed>(
    _file: *mut bindings::file,
    queue: *mut bindings::wait_queue_head,
    table: *mut bindings::poll_table_struct,
) {
    // INVARIANT: It is in that queue now.
    // SAFETY: By the requirement of this function; the watch stays until its entry has left the
    // queue, which is that of its eventfd.
    unsafe {
        let poll = table.byte_sub(offset_of!(Poll<T>, table)).cast::<Poll<T>>();
        let watch = &*(*poll).watch;
        watch.queue.store(queue, Relaxed);
        bindings::add_wait_queue(queue, watch.wait.get());
    }
}

/// Something has happened to an eventfd; it may be that it was closed.
///
/// # Safety
///
/// Only as a callback of a wait queue, for the entry of a watch: the lock of the queue is held.
unsafe extern "C" fn happened<T: Closed>(
    wait: *mut bindings::wait_queue_entry,
    _mode: c_uint,
    _flags: c_int,
    key: *mut c_void,
) -> c_int {
    if key as usize as u32 & bindings::EPOLLHUP != 0 {
        // SAFETY: By the requirement of this function; the watch is not freed before its entry has
        // left the queue, the lock of which is held.
        let watch = unsafe {
            &*wait
                .cast::<Opaque<bindings::wait_queue_entry>>()
                .byte_sub(offset_of!(Watch<T>, wait))
                .cast::<Watch<T>>()
        };
        T::closed(&watch.told);
    }
    0
}

// SPDX-License-Identifier: GPL-2.0

//! Those who want to be told by an eventfd, on cgroup v1: `cgroup.event_control`.
//!
//! A listener listens until its eventfd is closed or its container removed. The first one who sees
//! that has it taken off the list, by a thread that may sleep: who closes an eventfd holds the lock
//! of it, and who signals one takes that lock inside the list's.

use super::{
    listeners::Wish,
    memcg::MemCgroup, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    cgroup::CssData,
    error::from_err_ptr,
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    fs::LocalFile,
    impl_has_work, new_work,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        counted::{
            Counted,
            TryRefCounted, //
        },
        rcu,
        Arc, //
    },
    types::Opaque,
    workqueue::{
        self,
        Work,
        WorkItem, //
    },
};

/// A counter that user space waits for: an eventfd.
///
/// # Invariants
///
/// The pointer is that of an eventfd, on which we have a reference.
struct EventFd(NonNull<bindings::eventfd_ctx>);

impl EventFd {
    /// That of `file`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is another kind of file.
    fn of(file: &LocalFile) -> Result<Self> {
        // SAFETY: `file` is an open file.
        let ctx = from_err_ptr(unsafe { bindings::eventfd_ctx_fileget(file.as_ptr()) })?;
        // INVARIANT: The reference was taken just now.
        NonNull::new(ctx).map(Self).ok_or(EINVAL)
    }

    /// Adds one. Any context but NMI.
    fn signal(&self) {
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

/// Who wants to be told of something. `W` is of what.
#[pin_data]
pub(crate) struct Listener<W: Wish> {
    eventfd: EventFd,
    memcg: ARef<Counted<MemCgroup>>,
    pub(crate) wish: W,
    /// Whether it does not listen yet, or soon no more. Who sets it takes the reference that goes
    /// with it.
    gone: Atomic<bool>,
    /// Where [`Listener::wait`] is queued; written before anybody else knows of it.
    queue: Atomic<*mut bindings::wait_queue_head>,
    #[pin]
    wait: Opaque<bindings::wait_queue_entry>,
    #[pin]
    work: Work<Self>,
}

// SAFETY: What changes is atomic, or the wait queue's.
unsafe impl<W: Wish> Send for Listener<W> {}
// SAFETY: As above.
unsafe impl<W: Wish> Sync for Listener<W> {}

impl_has_work! {
    impl{W: Wish} HasWork<Self> for Listener<W> { self.work }
}

impl<W: Wish> WorkItem for Listener<W> {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let queue = this.queue.load(Relaxed);
        if !queue.is_null() {
            // SAFETY: The eventfd, which we have a reference on, keeps its queue. Nobody is in
            // `closed()` after that.
            unsafe { bindings::remove_wait_queue(queue, this.wait.get()) }
        }
        if let Some(listeners) = W::listeners(&this.memcg) {
            listeners.remove(&this);
        }
        // So that who waits for it learns that there is nothing to wait for.
        this.eventfd.signal();
    }
}

#[repr(C)]
struct Poll<W: Wish> {
    table: bindings::poll_table_struct,
    listener: *const Listener<W>,
}

impl<W: Wish> Listener<W> {
    /// Lets the eventfd `file` be told of what `wish` makes, in `memcg`. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is none; `ENOMEM`; those of `wish`.
    fn listen(file: &LocalFile, memcg: &MemCgroup, wish: W) -> Result<Arc<Self>> {
        let eventfd = EventFd::of(file)?;
        let listeners = W::listeners(memcg).ok_or(EINVAL)?;
        let memcg = memcg.try_get().ok_or(EINVAL)?;
        let this = Arc::pin_init(
            pin_init!(Self {
                eventfd,
                memcg,
                wish,
                gone: Atomic::new(true),
                queue: Atomic::new(core::ptr::null_mut()),
                wait: Opaque::new(bindings::wait_queue_entry {
                    func: Some(closed::<W>),
                    ..pin_init::zeroed()
                }),
                work <- new_work!("memctl::Listener::work"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        listeners.add(&this)?;

        // What `leave()` takes.
        let raw = Arc::into_raw(this.clone());
        let mut poll = Poll {
            table: bindings::poll_table_struct {
                _qproc: Some(queue::<W>),
                _key: !0,
            },
            listener: raw,
        };
        // SAFETY: `file` is an open file; `queue()` is called with `poll`, which is there.
        unsafe { bindings::vfs_poll(file.as_ptr(), &mut poll.table) };
        // The eventfd is open as long as we have `file`. But the container may have been removed
        // meanwhile: either that is seen here, or this there.
        this.gone.xchg(false, Full);
        if this.memcg.css().is_dying() {
            this.leave();
        }
        Ok(this)
    }

    /// The container in which it listens.
    pub(super) fn memcg(&self) -> &MemCgroup {
        &self.memcg
    }

    /// Has it taken off the list, unless somebody has already. Any context but NMI.
    pub(super) fn leave(&self) {
        if self.gone.xchg(true, Full) {
            return;
        }
        // SAFETY: There is a reference as long as it listens, and only one comes here.
        let this = unsafe { Arc::from_raw(core::ptr::from_ref(self)) };
        // It is nowhere else.
        let _ = workqueue::system().enqueue(this);
    }

    /// Tells it. Any context but NMI.
    pub(crate) fn tell(&self) {
        self.eventfd.signal();
    }
}

/// # Safety
///
/// Only for `vfs_poll()`, with the table of a [`Poll`].
unsafe extern "C" fn queue<W: Wish>(
    _file: *mut bindings::file,
    queue: *mut bindings::wait_queue_head,
    table: *mut bindings::poll_table_struct,
) {
    // SAFETY: By the requirement of this function; the listener is there as long as it listens. The
    // queue is that of its eventfd.
    unsafe {
        let poll = table.byte_sub(offset_of!(Poll<W>, table)).cast::<Poll<W>>();
        let listener = &*(*poll).listener;
        listener.queue.store(queue, Relaxed);
        bindings::add_wait_queue(queue, listener.wait.get());
    }
}

/// Something has happened to an eventfd; it may be that it was closed.
///
/// # Safety
///
/// Only as a callback of a wait queue, for the entry of a listener: the lock of the queue is held.
unsafe extern "C" fn closed<W: Wish>(
    wait: *mut bindings::wait_queue_entry,
    _mode: c_uint,
    _flags: c_int,
    key: *mut c_void,
) -> c_int {
    if key as usize as u32 & bindings::EPOLLHUP != 0 {
        // SAFETY: By the requirement of this function; the listener is not freed before its entry
        // has left the queue, and the lock is ours now.
        let listener = unsafe {
            let wait = wait.cast::<Opaque<bindings::wait_queue_entry>>();
            &*wait
                .byte_sub(offset_of!(Listener<W>, wait))
                .cast::<Listener<W>>()
        };
        listener.leave();
    }
    0
}

/// A file that was written into `cgroup.event_control`, of which somebody wants to know.
pub(crate) struct Watched(ARef<LocalFile>);

impl Watched {
    /// The open file with the number `fd`.
    ///
    /// # Errors
    ///
    /// `EBADF` if there is none.
    pub(crate) fn new(fd: u32) -> Result<Self> {
        Ok(Self(LocalFile::fget(fd)?))
    }

    /// Whether it is an eventfd.
    ///
    /// # Errors
    ///
    /// `EINVAL` if not.
    pub(crate) fn expect_eventfd(&self) -> Result {
        EventFd::of(&self.0).map(drop)
    }

    /// Lets `self`, which is an eventfd, be told of `wish` in `memcg`. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is none; `ENOMEM`.
    pub(crate) fn listen<W: Wish>(&self, memcg: &MemCgroup, wish: W) -> Result<Arc<Listener<W>>> {
        Listener::listen(&self.0, memcg, wish)
    }

    /// What the file is called, if it is one of a cgroup that this process may read.
    ///
    /// # Errors
    ///
    /// `EACCES` if it may not; `EINVAL` if it is another kind of file.
    pub(crate) fn cgroup_file(&self) -> Result<&[u8]> {
        // SAFETY: The file is open. A file of a cgroup cannot be renamed, so its name stays.
        unsafe {
            kernel::error::to_result(bindings::memctl_may_read(self.0.as_ptr()))?;
            let name = bindings::memctl_cgroup_file_name(self.0.as_ptr());
            match name.is_null() {
                true => Err(EINVAL),
                false => Ok(CStr::from_char_ptr(name).to_bytes()),
            }
        }
    }

    /// Whether it is in the directory of `memcg`, which is online.
    pub(crate) fn is_of(&self, memcg: &MemCgroup) -> bool {
        let rcu = rcu::read_lock();
        // SAFETY: The file is open; a css is freed after a grace period.
        let css = unsafe { bindings::memctl_css_of_file(self.0.as_ptr()) };
        let is = core::ptr::eq(css, memcg.css().as_raw());
        drop(rcu);
        is
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Those who want to be told by an eventfd, on cgroup v1: `cgroup.event_control`.
//!
//! A listener listens until its eventfd is closed or its container removed. The first one who sees
//! that has it taken off the list, by a thread that may sleep: who closes an eventfd holds the lock
//! of it, and who signals one takes that lock inside the list's.
#![deny(unsafe_code)]

use super::{
    cgroup_file,
    listeners::Wish,
    memcg::MemCgroup, //
};
use kernel::{
    cgroup::CssData,
    eventfd::{
        self,
        EventFd, //
    },
    fs::LocalFile,
    impl_has_work, new_mutex, new_work,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full, //
        },
        counted::Counted,
        Arc,
        Mutex, //
    },
    workqueue::{
        self,
        Work,
        WorkItem, //
    },
};

/// Who sees that the eventfd of a listener is closed.
type Watch<W> = Pin<KBox<eventfd::Watch<Listener<W>>>>;

/// Who wants to be told of something. `W` is of what.
#[pin_data]
pub(crate) struct Listener<W: Wish> {
    eventfd: EventFd,
    memcg: ARef<Counted<MemCgroup>>,
    pub(crate) wish: W,
    /// Whether it does not listen yet, or soon no more.
    gone: Atomic<bool>,
    /// Who sees that the eventfd is closed. It keeps the listener, as long as that listens.
    #[pin]
    watch: Mutex<Option<Watch<W>>>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl{W: Wish} HasWork<Self> for Listener<W> { self.work }
}

impl<W: Wish> WorkItem for Listener<W> {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let watch = this.watch.lock().take();
        drop(watch);
        if let Some(listeners) = W::listeners(&this.memcg) {
            listeners.remove(&this);
        }
        // So that who waits for it learns that there is nothing to wait for.
        this.eventfd.signal();
    }
}

impl<W: Wish> eventfd::Closed for Listener<W> {
    fn closed(this: &Arc<Self>) {
        Self::leave(this);
    }
}

impl<W: Wish> Listener<W> {
    /// Lets the eventfd `file` be told of what `wish` makes, in `memcg`. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is none; `ENOMEM`; those of `wish`.
    fn listen(file: &LocalFile, memcg: &Counted<MemCgroup>, wish: W) -> Result<Arc<Self>> {
        let eventfd = EventFd::of(file)?;
        let listeners = W::listeners(memcg).ok_or(EINVAL)?;
        let this = Arc::pin_init(
            pin_init!(Self {
                eventfd,
                memcg: memcg.into(),
                wish,
                gone: Atomic::new(true),
                watch <- new_mutex!(None, "memctl::Listener::watch"),
                work <- new_work!("memctl::Listener::work"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        let watch = eventfd::Watch::new(file, this.clone(), GFP_KERNEL_ACCOUNT)?;
        listeners.add(&this)?;
        *this.watch.lock() = Some(watch);

        // The eventfd is open as long as we have `file`. But the container may have been removed
        // meanwhile: either that is seen here, or this there.
        this.gone.xchg(false, Full);
        if this.memcg.css().is_dying() {
            Self::leave(&this);
        }
        Ok(this)
    }

    /// The container in which it listens.
    pub(super) fn memcg(&self) -> &MemCgroup {
        &self.memcg
    }

    /// Has it taken off the list, unless somebody has already. Any context but NMI.
    pub(super) fn leave(this: &Arc<Self>) {
        if !this.gone.xchg(true, Full) {
            // It is nowhere else.
            let _ = workqueue::system().enqueue(this.clone());
        }
    }

    /// Tells it. Any context but NMI.
    pub(crate) fn tell(&self) {
        self.eventfd.signal();
    }
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
    pub(crate) fn listen<W: Wish>(
        &self,
        memcg: &Counted<MemCgroup>,
        wish: W,
    ) -> Result<Arc<Listener<W>>> {
        Listener::listen(&self.0, memcg, wish)
    }

    /// What the file is called, if it is one of a cgroup that this process may read.
    ///
    /// # Errors
    ///
    /// `EACCES` if it may not; `EINVAL` if it is another kind of file.
    pub(crate) fn cgroup_file(&self) -> Result<&[u8]> {
        cgroup_file::name(&self.0)
    }

    /// Whether it is in the directory of `memcg`, which is online.
    pub(crate) fn is_of(&self, memcg: &MemCgroup) -> bool {
        cgroup_file::is_of(&self.0, memcg)
    }
}

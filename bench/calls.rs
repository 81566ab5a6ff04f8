// SPDX-License-Identifier: GPL-2.0

//! System calls and the like that only measuring needs. All `unsafe` of the program is here and in
//! `sys.rs`.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// Ticks of the time-stamp counter.
#[cfg(target_arch = "x86_64")]
pub fn time_stamp() -> u64 {
    // SAFETY: every x86-64 processor has the counter, and nothing forbids user space to read it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Nanoseconds that this thread has run for, whoever ran in between.
pub fn thread_time() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call, which fails for no clock that there is.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Lets this process run only when no other wants to.
pub fn run_when_idle() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: `parameters` outlives the call.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Becomes another program; returns only if that fails, with an exit status to say so.
pub fn exec(program: &str, argument: &str) -> i32 {
    let (Ok(program), Ok(argument)) = (c_string(program), c_string(argument)) else {
        return 127;
    };
    let arguments = [program.as_ptr(), argument.as_ptr(), ptr::null()];
    // SAFETY: the strings and the array, which a null pointer ends, outlive the call.
    unsafe { libc::execv(program.as_ptr(), arguments.as_ptr()) };
    127
}

/// Sets a number that processes share, and wakes the process that waits for it to change.
pub fn tell(number: &AtomicU64, value: u32) {
    number.store(u64::from(value), Ordering::Release);
    // SAFETY: FUTEX_WAKE takes an address, at which it does not look.
    unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// Sleeps while a number that processes share is `value`; returns what it is then.
pub fn wait_while(number: &AtomicU64, value: u32) -> u64 {
    loop {
        let now = number.load(Ordering::Acquire);
        if now != u64::from(value) {
            return now;
        }
        let (forever, wait) = (ptr::null::<libc::timespec>(), libc::FUTEX_WAIT);
        // SAFETY: the kernel reads the half of the number that is at its address, the lower one,
        // and the number outlives the call.
        unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), wait, value, forever) };
    }
}

/// A number that parent and child share.
pub struct Shared(&'static AtomicU64);

impl Shared {
    pub fn new() -> io::Result<Self> {
        let (access, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
        );
        // SAFETY: without MAP_FIXED a mapping replaces nothing that exists.
        let start = unsafe { libc::mmap(ptr::null_mut(), 4096, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is aligned, is never unmapped, and is only used atomically.
        Ok(Self(unsafe { AtomicU64::from_ptr(start.cast()) }))
    }

    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A pipe: the end to read from, and the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for both numbers and outlives the call.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptors were just made and nobody else knows them.
    Ok(ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) }).into())
}

/// A list of files to wait for, with none on it.
pub fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: `epoll_create1` takes a number only.
    let list = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if list < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(list) })
}

/// A queue of messages (System V). It stays until the guest ends: whoever removed it would do so
/// for all who came by it through fork().
pub struct Queue(libc::c_int);

/// A message as the kernel takes it: a type, and the text right behind it.
#[repr(C)]
struct Message<const BYTES: usize> {
    kind: libc::c_long,
    text: [u8; BYTES],
}

impl Queue {
    pub fn new() -> io::Result<Self> {
        // SAFETY: `msgget` takes numbers only.
        match unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) } {
            -1 => Err(io::Error::last_os_error()),
            queue => Ok(Self(queue)),
        }
    }

    /// Sends a message with a text of `BYTES`, and receives it.
    pub fn pass<const BYTES: usize>(&self) -> io::Result<()> {
        let mut message = Message {
            kind: 1,
            text: [1; BYTES],
        };
        let message = (&raw mut message).cast();
        // SAFETY: `message` has `BYTES` behind its type, and outlives the call.
        if unsafe { libc::msgsnd(self.0, message, BYTES, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        if unsafe { libc::msgrcv(self.0, message, BYTES, 0, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// A file of so many bytes in tmpfs, without a name.
pub fn memfd(len: usize) -> io::Result<File> {
    // SAFETY: the name is a string.
    let number = unsafe { libc::memfd_create(c"memctl".as_ptr(), libc::MFD_CLOEXEC) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is ours, and nobody else's.
    let file = unsafe { File::from_raw_fd(number) };
    file.set_len(len as u64)?;
    Ok(file)
}

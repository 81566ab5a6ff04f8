// SPDX-License-Identifier: GPL-2.0

//! System calls that the standard library does not wrap. All `unsafe` of the guest program is here.
//!
//! The program forks only where it has a single thread, so a forked child may do anything its
//! parent could. Some children start threads, and fork no more.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub use libc::{EACCES, EAGAIN, EBUSY, EINVAL, ENODEV, ENOENT, ENOMEM, ENOSYS, EPERM, ERANGE};
pub use libc::{O_ACCMODE, O_APPEND, O_DIRECT, O_DIRECTORY, O_NONBLOCK, O_TRUNC};
pub use libc::{O_RDONLY, O_RDWR, O_WRONLY};
pub use libc::{SIGBUS, SIGKILL, SIGTERM};

/// A process, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pid(libc::pid_t);

impl Pid {
    pub fn of_self() -> Self {
        // SAFETY: `getpid` has no preconditions.
        Self(unsafe { libc::getpid() })
    }

    pub fn number(self) -> u32 {
        self.0.unsigned_abs()
    }

    pub fn from_number(number: u32) -> Option<Self> {
        libc::pid_t::try_from(number)
            .ok()
            .filter(|n| *n > 0)
            .map(Self)
    }

    /// A number of kilobytes from /proc/PID/status, in bytes; `None` if the process has ended or
    /// there is no such line.
    pub fn status(self, key: &str) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        text.lines().find_map(|line| {
            let (found, rest) = line.split_once(':')?;
            let number = rest.trim().strip_suffix(" kB")?;
            (found == key)
                .then(|| number.trim().parse::<u64>().ok())?
                .map(|kb| kb * 1024)
        })
    }

    /// How often the process has stopped running on a CPU, of its own accord or not; `None` if it
    /// has ended.
    pub fn switches(self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let counts = text.lines().filter_map(|line| {
            let (key, count) = line.split_once(':')?;
            key.ends_with("voluntary_ctxt_switches")
                .then(|| count.trim().parse::<u64>().ok())?
        });
        Some(counts.sum())
    }

    /// The fields of /proc/PID/stat from the third one on, which is the state: the name before it
    /// may be anything.
    fn stat_fields(self) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let (_, fields) = text.rsplit_once(')')?;
        Some(fields.split_whitespace().map(str::to_owned).collect())
    }

    /// Whether the process sleeps and no signal but a deadly one can wake it, if any can.
    pub fn sleeps_deeply(self) -> bool {
        let fields = self.stat_fields();
        fields.is_some_and(|fields| fields.first().is_some_and(|state| state == "D"))
    }

    /// How long the process has had a CPU, in its own code and in the kernel; `None` if it has
    /// ended.
    pub fn cpu_time(self) -> Option<Duration> {
        let fields = self.stat_fields()?;
        // utime and stime are the 14th and the 15th field of all.
        let ticks = fields
            .get(11..=12)?
            .iter()
            .map(|field| field.parse::<u64>());
        let ticks = ticks.sum::<Result<u64, _>>().ok()?;
        let second = sysconf(libc::_SC_CLK_TCK) as u64;
        Some(Duration::from_millis(ticks * 1000 / second))
    }

    /// Whether the process still has memory: it runs, and is no zombie.
    pub fn runs(self) -> bool {
        self.status("VmRSS").is_some()
    }

    /// Bytes of anonymous memory that the process has, in RAM and in swap.
    pub fn anonymous_memory(self) -> u64 {
        ["RssAnon", "VmSwap"]
            .iter()
            .filter_map(|key| self.status(key))
            .sum()
    }

    pub fn kill(self, signal: i32) {
        // SAFETY: `kill` takes numbers only. That the process may be gone is the caller's wish
        // fulfilled, so the result says nothing of interest.
        unsafe { libc::kill(self.0, signal) };
    }

    /// Signals every process of the group that this process leads.
    pub fn kill_group(self, signal: i32) {
        // SAFETY: as in `kill`; a `Pid` is positive, so the negation names a group.
        unsafe { libc::kill(-self.0, signal) };
    }

    /// Whether there is any process in the group that this process leads or led.
    pub fn group_lives(self) -> bool {
        // SAFETY: as in `kill_group`; signal 0 is sent to nobody.
        unsafe { libc::kill(-self.0, 0) == 0 }
    }

    pub fn wait(self) -> io::Result<ExitStatus> {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        check(unsafe { libc::waitpid(self.0, &mut status, 0) })?;
        Ok(ExitStatus::from_raw(status))
    }

    /// Waits no longer than `limit`; `None` when the process still runs then.
    pub fn wait_for(self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + limit;
        loop {
            let mut status = 0;
            // SAFETY: `status` outlives the call.
            let pid = check(unsafe { libc::waitpid(self.0, &mut status, libc::WNOHANG) })?;
            if pid != 0 {
                return Ok(Some(ExitStatus::from_raw(status)));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// Does `work` while no other process does any with the same `lock`, a file. What `work` starts
/// keeps the lock, too, as long as it lives.
pub fn exclusively<T>(lock: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let file = File::create(lock)?;
    // SAFETY: `file` is open.
    check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) })?;
    work()
}

/// Runs `body` in a forked child, whose exit status is what `body` returns.
///
/// The child is killed when its parent dies, so that nothing a test started survives the test.
pub fn spawn(body: impl FnOnce() -> i32) -> io::Result<Pid> {
    let parent = Pid::of_self();
    // SAFETY: the process has one thread, so no lock is held by a thread that the child lacks.
    match check(unsafe { libc::fork() })? {
        0 => {
            // SAFETY: PR_SET_PDEATHSIG takes a signal number.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            // SAFETY: `getppid` has no preconditions.
            if unsafe { libc::getppid() } != parent.0 {
                std::process::exit(1);
            }
            // A panic must not unwind into the parent's code.
            let body = std::panic::AssertUnwindSafe(body);
            std::process::exit(std::panic::catch_unwind(body).unwrap_or(101));
        }
        pid => Ok(Pid(pid)),
    }
}

/// Makes the calling process the parent of all its descendants that lose theirs.
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a number.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) })?;
    Ok(())
}

/// Reaps a child that has ended; `None` if there are children, but none that has.
pub fn reap() -> io::Result<Option<(Pid, ExitStatus)>> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let pid = check(unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) })?;
    Ok((pid != 0).then(|| (Pid(pid), ExitStatus::from_raw(status))))
}

/// Counters, all zero, that the calling process shares with the children it will have. They stay
/// until all of them have ended.
pub fn shared_counters(count: usize) -> io::Result<&'static [AtomicU64]> {
    // SAFETY: without MAP_FIXED a mapping replaces nothing that exists.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            count * size_of::<AtomicU64>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is large enough, aligned to a page and zeroed, for which an integer is
    // valid; nobody unmaps it.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), count) })
}

/// Makes the calling process the leader of a group of its own.
pub fn lead_group() {
    // SAFETY: `setpgid` takes numbers only; it cannot fail for a freshly forked child.
    unsafe { libc::setpgid(0, 0) };
}

pub fn run_on_cpu(cpu: usize) -> io::Result<()> {
    // SAFETY: `cpu_set_t` is an array of integers, for which zeroes are valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: CPU_SET ignores numbers beyond the set.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set outlives the call and has the size passed.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) })?;
    Ok(())
}

/// Makes the calling process one of the user and the group with the number `id`, for good.
pub fn become_user(id: u32) -> io::Result<()> {
    // SAFETY: an empty list needs no pointer.
    check(unsafe { libc::setgroups(0, ptr::null()) })?;
    // SAFETY: `setresgid` and `setresuid` take numbers only.
    check(unsafe { libc::setresgid(id, id, id) })?;
    // SAFETY: as above.
    check(unsafe { libc::setresuid(id, id, id) })?;
    Ok(())
}

/// Makes the container that the calling process is in the top of what it sees.
pub fn enter_cgroup_namespace() -> io::Result<()> {
    // SAFETY: `unshare` takes a number only.
    check(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) })?;
    Ok(())
}

/// A descriptor that events are counted on.
pub fn event_counter() -> io::Result<File> {
    // SAFETY: `eventfd` takes numbers only.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Lets the machine talk to itself by IP.
pub fn loopback_on() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: zeroes are a valid request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is a structure that lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) })?;
    Ok(())
}

/// A pipe, as the end to read from and the end to write to. A write for which there is no room fails.
pub fn pipe() -> io::Result<(File, File)> {
    let mut ends = [0; 2];
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: there is room for two descriptors, and it outlives the call.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
    // SAFETY: the descriptors were just made and nobody else knows them.
    let end = |fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok((end(ends[0]), end(ends[1])))
}

/// Makes a map for BPF programs: an array of `entries` with `value` bytes each.
pub fn bpf_array(value: u32, entries: u32) -> io::Result<OwnedFd> {
    const BPF_MAP_CREATE: libc::c_int = 0;
    const ARRAY: u32 = 2;
    const KEY: u32 = size_of::<u32>() as u32;

    let mut attributes = [0_u32; 32];
    attributes[..4].copy_from_slice(&[ARRAY, KEY, value, entries]);
    // SAFETY: the attributes are as long as the last argument says, and outlive the call.
    let fd = check_long(unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_MAP_CREATE,
            &attributes,
            size_of_val(&attributes),
        )
    })?;
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Makes rings to ask for I/O, of `entries` that take 64 bytes each, and 32 on the way back.
pub fn io_uring(entries: u32) -> io::Result<OwnedFd> {
    let mut parameters = [0_u32; 30];
    // SAFETY: the kernel writes to its 120 bytes, which outlive the call.
    let fd =
        check_long(unsafe { libc::syscall(libc::SYS_io_uring_setup, entries, &mut parameters) })?;
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Lets as much be in a pipe.
pub fn set_pipe_size(pipe: &File, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: F_SETPIPE_SZ takes a number.
    check(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) })?;
    Ok(())
}

/// Lets the calling process and those it starts have descriptors with numbers below `count`.
pub fn allow_descriptors(count: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: count,
        rlim_max: count,
    };
    // SAFETY: the pointer is to a structure that lives through the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    Ok(())
}

/// The same open file under the number `lowest`, or the first above it that is free.
pub fn duplicate(file: &File, lowest: u64) -> io::Result<File> {
    let lowest = libc::c_int::try_from(lowest).unwrap_or(libc::c_int::MAX);
    // SAFETY: F_DUPFD_CLOEXEC takes a number.
    let fd = check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, lowest) })?;
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Lets nobody interrupt this process, nor those it starts, before it sleeps (`SCHED_FIFO`).
pub fn run_in_turn() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: The pointer is to a structure that lives through the call.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) })?;
    Ok(())
}

fn sysconf(name: libc::c_int) -> usize {
    // SAFETY: `sysconf` takes a number only.
    usize::try_from(unsafe { libc::sysconf(name) }).expect("sysconf answers")
}

/// The size of a page, in bytes.
pub fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| sysconf(libc::_SC_PAGESIZE))
}

pub fn cpus() -> usize {
    sysconf(libc::_SC_NPROCESSORS_ONLN)
}

pub fn sync() {
    // SAFETY: `sync` has no preconditions.
    unsafe { libc::sync() };
}

pub fn mount(source: &str, target: &Path, kind: &str, options: &str) -> io::Result<()> {
    mount_with(0, source, target, kind, options)
}

/// Gives what is mounted on `target` other options.
pub fn remount(target: &Path, options: &str) -> io::Result<()> {
    mount_with(libc::MS_REMOUNT, "none", target, "none", options)
}

fn mount_with(
    flags: libc::c_ulong,
    source: &str,
    target: &Path,
    kind: &str,
    options: &str,
) -> io::Result<()> {
    let source = c_string(source.as_bytes())?;
    let target = c_string(target.as_os_str().as_bytes())?;
    let kind = c_string(kind.as_bytes())?;
    let options = c_string(options.as_bytes())?;
    // SAFETY: all four are NUL-terminated strings that outlive the call.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    })?;
    Ok(())
}

pub fn unmount(target: &Path) -> io::Result<()> {
    let target = c_string(target.as_os_str().as_bytes())?;
    // SAFETY: `target` is a NUL-terminated string that outlives the call.
    check(unsafe { libc::umount(target.as_ptr()) })?;
    Ok(())
}

pub fn swapon(device: &Path) -> io::Result<()> {
    let device = c_string(device.as_os_str().as_bytes())?;
    // SAFETY: `device` is a NUL-terminated string that outlives the call.
    check(unsafe { libc::swapon(device.as_ptr(), 0) })?;
    Ok(())
}

pub fn swapoff(device: &Path) -> io::Result<()> {
    let device = c_string(device.as_os_str().as_bytes())?;
    // SAFETY: `device` is a NUL-terminated string that outlives the call.
    check(unsafe { libc::swapoff(device.as_ptr()) })?;
    Ok(())
}

/// Drops the clean page cache of `file`.
pub fn evict(file: &File) -> io::Result<()> {
    // SAFETY: `posix_fadvise` takes numbers only.
    match unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Waits until `file` has something exceptional to say (cgroup files: "I was modified").
pub fn poll_exceptional(file: &File, limit: Duration) -> io::Result<bool> {
    let mut fd = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLPRI,
        revents: 0,
    };
    let limit = libc::c_int::try_from(limit.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: `fd` is one pollfd and outlives the call.
    let ready = check(unsafe { libc::poll(&mut fd, 1, limit) })?;
    Ok(ready > 0 && fd.revents & libc::POLLPRI != 0)
}

/// What a file is ready for now, as poll(2) has it.
pub fn poll_now(file: &File) -> io::Result<i16> {
    let mut fd = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN | libc::POLLPRI | libc::POLLOUT | libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: `fd` is one pollfd and outlives the call.
    check(unsafe { libc::poll(&mut fd, 1, 0) })?;
    Ok(fd.revents)
}

/// What programs call an error.
pub fn errno_name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::E2BIG) => "E2BIG".into(),
        Some(libc::EACCES) => "EACCES".into(),
        Some(libc::EAGAIN) => "EAGAIN".into(),
        Some(libc::EBUSY) => "EBUSY".into(),
        Some(libc::EINTR) => "EINTR".into(),
        Some(libc::EINVAL) => "EINVAL".into(),
        Some(libc::EIO) => "EIO".into(),
        Some(libc::ENODEV) => "ENODEV".into(),
        Some(libc::ENOENT) => "ENOENT".into(),
        Some(libc::ENOMEM) => "ENOMEM".into(),
        Some(libc::ENOTDIR) => "ENOTDIR".into(),
        Some(libc::EOPNOTSUPP) => "EOPNOTSUPP".into(),
        Some(libc::EPERM) => "EPERM".into(),
        Some(libc::ERANGE) => "ERANGE".into(),
        Some(number) => format!("error {number}"),
        None => error.to_string(),
    }
}

/// Watches one file for modification.
pub struct Watch(File);

impl Watch {
    pub fn modified(path: &Path) -> io::Result<Self> {
        let path = c_string(path.as_os_str().as_bytes())?;
        // SAFETY: `inotify_init1` takes a number only.
        let fd = check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?;
        // SAFETY: the descriptor was just made and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: `path` is a NUL-terminated string that outlives the call.
        check(unsafe { libc::inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), libc::IN_MODIFY) })?;
        Ok(Self(File::from(fd)))
    }

    pub fn happened(&self, limit: Duration) -> io::Result<bool> {
        let mut fd = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let limit = libc::c_int::try_from(limit.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: `fd` is one pollfd and outlives the call.
        Ok(check(unsafe { libc::poll(&mut fd, 1, limit) })? > 0)
    }
}

/// A bit mask of NUMA nodes, as the system calls take it.
fn node_mask(node: usize) -> libc::c_ulong {
    1 << node
}

/// Moves the pages that `pid` has on node `from` to node `to`.
///
/// With equal nodes nothing moves, but the kernel still drains its per-CPU lists of pages that are
/// about to go to an LRU list.
pub fn migrate_pages(pid: Pid, from: usize, to: usize) -> io::Result<()> {
    let (from, to) = (node_mask(from), node_mask(to));
    // SAFETY: both masks are one word long, as the third argument says, and outlive the call.
    check_long(unsafe {
        libc::syscall(
            libc::SYS_migrate_pages,
            pid.0,
            libc::c_ulong::BITS as libc::c_ulong,
            &from,
            &to,
        )
    })?;
    Ok(())
}

/// Makes the calling process allocate on `node` only; `None` restores the default.
pub fn bind_to_node(node: Option<usize>) -> io::Result<()> {
    let (mode, mask) = match node {
        Some(node) => (libc::MPOL_BIND, node_mask(node)),
        None => (libc::MPOL_DEFAULT, 0),
    };
    // SAFETY: the mask is one word long, as the last argument says, and outlives the call.
    check_long(unsafe {
        libc::syscall(
            libc::SYS_set_mempolicy,
            mode,
            if node.is_some() { &mask } else { ptr::null() },
            libc::c_ulong::BITS as libc::c_ulong,
        )
    })?;
    Ok(())
}

/// Whether a mapping's writes reach the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Shared,
    Private,
}

/// What to tell the kernel about a range of a [`Mapping`].
#[derive(Clone, Copy)]
pub enum Advice {
    DontNeed,
    HugePage,
    NoHugePage,
    /// Make huge pages of what is there, now.
    Collapse,
    /// Bring in all pages, as if they were written to.
    Populate,
    /// The memory of these pages is broken, for the kernel to believe.
    Poison,
}

impl Advice {
    fn number(self) -> libc::c_int {
        match self {
            Advice::DontNeed => libc::MADV_DONTNEED,
            Advice::HugePage => libc::MADV_HUGEPAGE,
            Advice::NoHugePage => libc::MADV_NOHUGEPAGE,
            Advice::Collapse => libc::MADV_COLLAPSE,
            Advice::Populate => libc::MADV_POPULATE_WRITE,
            Advice::Poison => libc::MADV_HWPOISON,
        }
    }
}

/// Mapped memory. Ranges are in bytes from the start and are clipped to the mapping.
///
/// # Invariants
///
/// `start..start + len` is mapped, page-aligned, and unmapped by nobody else.
pub struct Mapping {
    start: *mut u8,
    len: usize,
}

impl Mapping {
    fn new(len: usize, flags: libc::c_int, file: Option<&File>) -> io::Result<Self> {
        // SAFETY: without MAP_FIXED a mapping replaces nothing that exists.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                file.map_or(-1, File::as_raw_fd),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // INVARIANT: `mmap` has mapped this range, for us.
        Ok(Self {
            start: start.cast(),
            len,
        })
    }

    pub fn anon(len: usize) -> io::Result<Self> {
        let mapping = Self::new(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, None)?;
        // What a test counts must not depend on the system's huge page setting. A kernel without
        // huge pages refuses the advice, rightly.
        let _ = mapping.advise(0..len, Advice::NoHugePage);
        Ok(mapping)
    }

    /// Anonymous memory that begins at a multiple of `align` (a power of two) and wants huge pages.
    pub fn huge(len: usize, align: usize) -> io::Result<Self> {
        let mut mapping = Self::new(len + align, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, None)?;
        let skip = mapping.start.align_offset(align);
        mapping.cut_front(skip)?;
        mapping.cut_back(len)?;
        mapping.advise(0..len, Advice::HugePage)?;
        Ok(mapping)
    }

    /// As [`anon`](Self::anon), of any length: there is no promise that all of it can be written.
    pub fn sparse(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let mapping = Self::new(len, flags, None)?;
        // As in `anon`.
        let _ = mapping.advise(0..len, Advice::NoHugePage);
        Ok(mapping)
    }

    /// Memory from the hugetlb pool.
    pub fn hugetlb(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB;
        Self::new(len, flags, None)
    }

    pub fn file(file: &File, len: usize, sharing: Sharing) -> io::Result<Self> {
        let flags = match sharing {
            Sharing::Shared => libc::MAP_SHARED,
            Sharing::Private => libc::MAP_PRIVATE,
        };
        Self::new(len, flags, Some(file))
    }

    pub fn len(&self) -> usize {
        self.len
    }

    fn clip(&self, range: Range<usize>) -> Range<usize> {
        range.start.min(self.len)..range.end.min(self.len)
    }

    fn pages(&self, range: Range<usize>) -> impl Iterator<Item = (usize, *mut u64)> {
        let start = self.start;
        self.clip(range)
            .step_by(page_size())
            .map(move |offset| (offset, start.wrapping_add(offset).cast()))
    }

    /// Writes a word that no other page has to the start of every page of `range`.
    pub fn fill(&mut self, range: Range<usize>, seed: u64) {
        for (offset, word) in self.pages(range) {
            // SAFETY: `pages` yields aligned addresses within the mapping, which is writable.
            unsafe { ptr::write_volatile(word, seed ^ offset as u64) };
        }
    }

    /// Whether every page of `range` holds what [`fill`](Self::fill) wrote.
    pub fn holds(&self, range: Range<usize>, seed: u64) -> bool {
        self.pages(range).all(|(offset, word)| {
            // SAFETY: `pages` yields aligned addresses within the mapping, which is readable.
            unsafe { ptr::read_volatile(word) == seed ^ offset as u64 }
        })
    }

    /// Reads a word of every page of `range`.
    pub fn touch(&self, range: Range<usize>) {
        for (_, word) in self.pages(range) {
            // SAFETY: `pages` yields aligned addresses within the mapping, which is readable.
            unsafe { ptr::read_volatile(word) };
        }
    }

    pub fn advise(&self, range: Range<usize>, advice: Advice) -> io::Result<()> {
        let range = self.clip(range);
        let start = self.start.wrapping_add(range.start);
        // SAFETY: the range is within the mapping. DontNeed and Poison change contents, which
        // nobody borrows: they are reached through volatile accesses only.
        check(unsafe { libc::madvise(start.cast(), range.len(), advice.number()) })?;
        Ok(())
    }

    pub fn lock(&self, range: Range<usize>) -> io::Result<()> {
        let range = self.clip(range);
        let start = self.start.wrapping_add(range.start);
        // SAFETY: the range is within the mapping.
        check(unsafe { libc::mlock(start.cast(), range.len()) })?;
        Ok(())
    }

    /// Makes this the list of futexes that the calling thread holds. When it ends, the kernel reads
    /// and writes what the list says is in there.
    pub fn leave_futexes(&self) -> io::Result<()> {
        // SAFETY: the kernel reads and writes within the mapping only if its contents say so, and
        // reports to nobody what it does not find. Its contents are reached through volatile
        // accesses only. The size is that of the head of such a list.
        check_long(unsafe {
            libc::syscall(
                libc::SYS_set_robust_list,
                self.start,
                3 * size_of::<libc::c_long>(),
            )
        })?;
        Ok(())
    }

    /// Where a byte of the mapping is in the memory of the process.
    pub fn address(&self, offset: usize) -> usize {
        self.start.wrapping_add(offset).addr()
    }

    /// How many bytes of the mapped file are in the page cache.
    pub fn resident(&self) -> io::Result<usize> {
        let mut pages = vec![0u8; self.len.div_ceil(page_size())];
        // SAFETY: the range is the mapping, and `pages` has a byte for each of its pages.
        check(unsafe { libc::mincore(self.start.cast(), self.len, pages.as_mut_ptr()) })?;
        Ok(pages.iter().filter(|page| **page & 1 != 0).count() * page_size())
    }

    /// Moves the pages of `range` to `node`; returns how many are there then.
    pub fn move_to_node(&self, range: Range<usize>, node: i32) -> io::Result<usize> {
        // From linux/mempolicy.h; the libc crate lacks it.
        const MPOL_MF_MOVE: libc::c_int = 1 << 1;

        let pages: Vec<_> = self.pages(range).map(|(_, word)| word).collect();
        let nodes = vec![node; pages.len()];
        let mut status = vec![0i32; pages.len()];
        // SAFETY: the three arrays have as many elements as the second argument says.
        check_long(unsafe {
            libc::syscall(
                libc::SYS_move_pages,
                0,
                pages.len(),
                pages.as_ptr(),
                nodes.as_ptr(),
                status.as_mut_ptr(),
                MPOL_MF_MOVE,
            )
        })?;
        Ok(status.iter().filter(|there| **there == node).count())
    }

    fn cut_front(&mut self, len: usize) -> io::Result<()> {
        if len > 0 {
            // SAFETY: the range is the front of the mapping, and the mapping is about to shrink.
            check(unsafe { libc::munmap(self.start.cast(), len) })?;
        }
        // INVARIANT: what was unmapped no longer belongs to the mapping.
        self.start = self.start.wrapping_add(len);
        self.len -= len;
        Ok(())
    }

    /// Unmaps all but the first `len` bytes.
    pub fn cut_back(&mut self, len: usize) -> io::Result<()> {
        if len < self.len {
            let tail = self.start.wrapping_add(len);
            // SAFETY: the range is the back of the mapping, and the mapping is about to shrink.
            check(unsafe { libc::munmap(tail.cast(), self.len - len) })?;
            // INVARIANT: what was unmapped no longer belongs to the mapping.
            self.len = len;
        }
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: by the invariants the range is ours, and nobody can use it after `drop`.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

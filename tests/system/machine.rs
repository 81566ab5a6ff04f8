// SPDX-License-Identifier: GPL-2.0

//! The machine as a whole: swap, huge pages, nodes, what is available, whether the kernel is well.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::disk;
use crate::outcome::{fail, skip, Context, Outcome, Verdict};
use crate::plug;
use crate::sys::{self, Pid};

const SWAP_DEVICE: &str = "/dev/vdb";
const THP: &str = "/sys/kernel/mm/transparent_hugepage";
const TMPFS: &str = "/tmp/memctl-tmpfs";
const ZSWAP: &str = "/sys/module/zswap/parameters/enabled";
const BYPASS: &str = "/proc/sys/net/core/bypass_prot_mem";
const HUGETLB_POOL: &str = "/proc/sys/vm/nr_hugepages";

/// Whether reclaim hands pages over that only others use.
pub const HANDOVER: &str = "/sys/kernel/mm/memctl/handover";

fn set(path: impl AsRef<Path>, value: &str) -> Outcome {
    let path = path.as_ref();
    fs::write(path, value).context(path.display())
}

pub fn has_swap_device() -> bool {
    Path::new(SWAP_DEVICE).exists()
}

/// Turns the swap device on until [`restore`]. The device is the tests' own: its signature is
/// written anew.
pub fn swap_on() -> Outcome {
    if !has_swap_device() {
        return skip(format!("no {SWAP_DEVICE} to swap to"));
    }
    make_swap()?;
    try_swap_on().context("swapon")
}

/// Makes the swap device ready to be turned on.
pub fn make_swap() -> Outcome {
    write_swap_header(Path::new(SWAP_DEVICE))
}

pub fn try_swap_on() -> io::Result<()> {
    sys::swapon(Path::new(SWAP_DEVICE))
}

pub fn try_swap_off() -> io::Result<()> {
    sys::swapoff(Path::new(SWAP_DEVICE))
}

/// What mkswap(8) does: a header in the first page that tells how many pages there are.
fn write_swap_header(device: &Path) -> Outcome {
    const VERSION: u32 = 1;
    const SIGNATURE: &[u8] = b"SWAPSPACE2";
    // The first kilobyte is left to boot loaders.
    const INFO: usize = 1024;

    let name = device.file_name().unwrap_or_default().to_string_lossy();
    let size = format!("/sys/class/block/{name}/size");
    let sectors = fs::read_to_string(&size).context(&size)?;
    let sectors: usize = sectors
        .trim()
        .parse()
        .map_err(|_| Verdict::Failed(format!("{size}: no number")))?;
    let last_page = (sectors * 512 / sys::page_size() - 1) as u32;

    let mut page = vec![0; sys::page_size()];
    page[INFO..INFO + 4].copy_from_slice(&VERSION.to_ne_bytes());
    page[INFO + 4..INFO + 8].copy_from_slice(&last_page.to_ne_bytes());
    let end = page.len() - SIGNATURE.len();
    page[end..].copy_from_slice(SIGNATURE);
    let file = fs::OpenOptions::new().write(true).open(device);
    let file = file.context(device.display())?;
    file.write_all_at(&page, 0).context(device.display())?;
    file.sync_all().context(device.display())
}

pub fn swap_off() -> Outcome {
    let swaps = fs::read_to_string("/proc/swaps").context("/proc/swaps")?;
    if swaps.contains(SWAP_DEVICE) {
        try_swap_off().context("swapoff")?;
    }
    Ok(())
}

/// The size of a transparent huge page, in bytes.
pub fn huge_page_size() -> Outcome<u64> {
    let path = PathBuf::from(THP).join("hpage_pmd_size");
    match fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse().ok())
    {
        Some(size) => Ok(size),
        None => skip("no transparent huge pages"),
    }
}

/// Has no kernel thread look at huge pages, which has references on them meanwhile, until
/// [`restore`]. Huge pages of tmpfs are as its mount says.
pub fn without_khugepaged() -> Outcome {
    set(format!("{THP}/enabled"), "never")
}

pub fn has_hugetlb_pool() -> bool {
    Path::new(HUGETLB_POOL).exists()
}

/// The size of a hugetlb page, in bytes.
pub fn hugetlb_page_size() -> Outcome<u64> {
    meminfo("Hugepagesize")
}

/// Makes the hugetlb pool as large as that, as far as there is room.
pub fn resize_hugetlb_pool(pages: u64) -> io::Result<()> {
    fs::write(HUGETLB_POOL, pages.to_string())
}

/// How many pages the hugetlb pool has.
pub fn hugetlb_pages() -> Outcome<u64> {
    let text = fs::read_to_string(HUGETLB_POOL).context(HUGETLB_POOL)?;
    let pages = text.trim().parse();
    pages.map_err(|_| Verdict::Failed(format!("{HUGETLB_POOL}: no number")))
}

/// Puts `pages` pages into the hugetlb pool until [`restore`].
pub fn hugetlb_pool(pages: u64) -> Outcome {
    if !has_hugetlb_pool() {
        return skip("no hugetlb pages");
    }
    resize_hugetlb_pool(pages).context(HUGETLB_POOL)?;
    if hugetlb_pages()? != pages {
        return skip(format!("no room for {pages} hugetlb pages"));
    }
    Ok(())
}

/// Nodes that have memory.
pub fn nodes() -> usize {
    let nodes = fs::read_dir("/sys/devices/system/node")
        .into_iter()
        .flatten();
    let nodes = nodes.flatten().filter(|entry| {
        let name = entry.file_name();
        let number = name
            .to_string_lossy()
            .strip_prefix("node")
            .map(str::to_owned);
        number.is_some_and(|number| number.parse::<usize>().is_ok())
    });
    nodes.count().max(1)
}

/// A line of /proc/meminfo, in bytes.
pub fn meminfo(key: &str) -> Outcome<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
    let value = text.lines().find_map(|line| {
        let (found, rest) = line.split_once(':')?;
        let number = rest.trim().split(' ').next()?;
        (found == key).then(|| number.parse::<u64>().ok())?
    });
    value.map_or_else(
        || skip(format!("no {key} in /proc/meminfo")),
        |kb| Ok(kb * 1024),
    )
}

/// Free memory that CPUs keep in lists of their own, in bytes. It does not count as available.
pub fn kept_by_cpus() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/zoneinfo").context("/proc/zoneinfo")?;
    let counts = text.lines().filter_map(|line| {
        let count = line.trim_start().strip_prefix("count:")?;
        count.trim().parse::<u64>().ok()
    });
    Ok(counts.sum::<u64>() * sys::page_size() as u64)
}

/// What is free or could be at once, in bytes. Unlike MemAvailable this counts what waits on lists of
/// CPUs to be used again, which may be tens of megabytes, and does not depend on reserves, which
/// change when memory comes and goes.
pub fn free() -> Outcome<u64> {
    let keys = ["MemFree", "Buffers", "Cached", "SReclaimable"];
    let free: Outcome<u64> = keys.iter().map(|key| meminfo(key)).sum();
    Ok(free? + kept_by_cpus()?)
}

/// Writes back and drops whatever of the page cache and of the slabs nobody needs.
pub fn drop_caches() -> Outcome {
    sys::sync();
    set("/proc/sys/vm/drop_caches", "3")
}

pub fn compact() -> Outcome {
    let path = "/proc/sys/vm/compact_memory";
    if !Path::new(path).exists() {
        return skip("no memory compaction");
    }
    set(path, "1")
}

/// Puts pages that wait in per-CPU batches on their LRU lists.
pub fn drain_lru_batches() -> Outcome {
    sys::migrate_pages(Pid::of_self(), 0, 0).context("migrate_pages")
}

pub fn has_zswap() -> bool {
    Path::new(ZSWAP).exists()
}

/// Keeps what is swapped out in memory, compressed, until [`restore`].
pub fn zswap_on() -> Outcome {
    set(ZSWAP, "1")
}

/// Whether the kernel hands over what only others use.
pub fn hands_over() -> bool {
    Path::new(HANDOVER).exists()
}

/// Lets the kernel hand over what only others use, or not, until [`restore`].
pub fn hand_over(on: bool) -> Outcome {
    set(HANDOVER, if on { "1" } else { "0" })
}

/// Undoes what a test may have done to the machine.
pub fn restore() -> Outcome {
    swap_off()?;
    if hands_over() {
        hand_over(true)?;
    }
    plug::all_on()?;
    if Path::new(ZSWAP).exists() {
        set(ZSWAP, "0")?;
    }
    if Path::new(BYPASS).exists() {
        leave_out_protocol(false)?;
    }
    let mounts = fs::read_to_string("/proc/mounts").context("/proc/mounts")?;
    if mounts.contains(TMPFS) {
        sys::unmount(Path::new(TMPFS)).context(TMPFS)?;
    }
    if has_hugetlb_pool() {
        resize_hugetlb_pool(0).context(HUGETLB_POOL)?;
    }
    if Path::new(THP).exists() {
        set(format!("{THP}/enabled"), "madvise")?;
    }
    disk::clean()
}

/// What the kernel has found wrong with itself so far: warnings and worse taint it, and lockdep
/// turns itself off after its first report.
pub fn complaints() -> (u64, bool) {
    const DIED: u64 = 1 << 7;
    const WARNED: u64 = 1 << 9;
    const SOFT_LOCKUP: u64 = 1 << 14;
    const BAD_PAGE: u64 = 1 << 5;

    let tainted = fs::read_to_string("/proc/sys/kernel/tainted").unwrap_or_default();
    let tainted: u64 = tainted.trim().parse().unwrap_or(0);
    let lockdep = fs::read_to_string("/proc/lockdep_stats").unwrap_or_default();
    let reported = lockdep
        .lines()
        .any(|line| line.trim_start().starts_with("debug_locks:") && line.ends_with('0'));
    (tainted & (DIED | WARNED | SOFT_LOCKUP | BAD_PAGE), reported)
}

fn has_symbol(name: &str) -> bool {
    let symbols = fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    symbols.contains(&format!(" {name}\n"))
}

/// Whether the kernel's controller is memctl, and not the one in C.
pub fn has_memctl() -> bool {
    has_symbol("memctl_css_alloc")
}

/// Whether the kernel is one with KASAN, which keeps a part of all memory from being used again.
pub fn has_kasan() -> bool {
    has_symbol("kasan_quarantine_put")
}

/// Lets there be so many threads, however little memory there is.
pub fn allow_threads(count: usize) -> Outcome {
    set("/proc/sys/kernel/threads-max", &count.to_string())
}

/// Whether kernel memory is counted: the guest was not told to leave it alone.
pub fn counts_kernel_memory() -> bool {
    !is_left_out("nokmem")
}

/// Whether what sockets have buffered is charged, with version 2.
pub fn counts_sockets() -> bool {
    !is_left_out("nosocket")
}

/// Lets sockets that are made from now on count against what their protocol may have, or not.
pub fn leave_out_protocol(leave_out: bool) -> Outcome {
    set(BYPASS, if leave_out { "1" } else { "0" })
}

/// What TCP has of what it may have on the machine, in bytes.
pub fn tcp_memory() -> Outcome<u64> {
    let stat = fs::read_to_string("/proc/net/sockstat").context("sockstat")?;
    let tcp = stat.lines().find(|line| line.starts_with("TCP: "));
    let last = tcp.and_then(|line| line.rsplit(' ').next());
    let Some(pages) = last.and_then(|pages| pages.parse::<u64>().ok()) else {
        return fail(format!("sockstat says: {stat}"));
    };
    Ok(pages * sys::page_size() as u64)
}

/// Whether `cgroup.memory=` has this word.
fn is_left_out(what: &str) -> bool {
    is_told(|argument| {
        let words = argument.strip_prefix("cgroup.memory=");
        words.is_some_and(|words| words.split(',').any(|word| word == what))
    })
}

/// Whether the kernel was given an argument of which `test` is true.
fn is_told(test: impl FnMut(&str) -> bool) -> bool {
    let arguments = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    arguments.split_whitespace().any(test)
}

/// Whether the guest was told to do all of what `make test` does a part of.
pub fn in_full() -> bool {
    is_told(|argument| argument == "memctl.full=1")
}

/// What the kernel writes to its log from now on.
pub struct KernelLog(File);

impl KernelLog {
    pub fn from_here() -> Outcome<Self> {
        let mut options = fs::OpenOptions::new();
        let log = options.read(true).custom_flags(sys::O_NONBLOCK);
        let mut log = log.open("/dev/kmsg").context("/dev/kmsg")?;
        log.seek(SeekFrom::End(0)).context("/dev/kmsg")?;
        Ok(Self(log))
    }

    /// The records that nobody in user space has written.
    pub fn records(&mut self) -> Outcome<Vec<String>> {
        let mut records = Vec::new();
        let mut record = vec![0; 8 << 10];
        loop {
            match self.0.read(&mut record) {
                Ok(len) => {
                    let text = String::from_utf8_lossy(&record[..len]);
                    let mut halves = text.splitn(2, ';');
                    let facility = halves.next().and_then(|head| head.split(',').next());
                    let facility: Option<u32> = facility.and_then(|number| number.parse().ok());
                    // The lowest three bits are how grave it is.
                    if facility.is_some_and(|number| number >> 3 == 0) {
                        records.push(halves.next().unwrap_or_default().trim_end().to_string());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(records),
                // Records that were overwritten meanwhile.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => (),
                Err(error) => return Err(error).context("/dev/kmsg"),
            }
        }
    }
}

/// Has the kernel write to its log what those wait for that cannot be interrupted.
pub fn tell_who_is_blocked() -> Outcome {
    set("/proc/sysrq-trigger", "w")
}

/// A tmpfs of a test's own, gone when dropped.
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    pub fn mount(options: &str) -> Outcome<Self> {
        let path = PathBuf::from(TMPFS);
        fs::create_dir_all(&path).context(path.display())?;
        sys::mount("none", &path, "tmpfs", options).context("mount tmpfs")?;
        Ok(Self(path))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // `restore` reports a mount that stays.
        let _ = sys::unmount(&self.0);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What reclaim takes from one container, and only others use, becomes theirs: as far as they have
//! room, and want it.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::charge::{charged_is, usage_is};
use super::share::{evict, REST};
use crate::audit;
use crate::cgroup::{exact_slack, process_slack, Cgroup, Hierarchy, Kind, Version};
use crate::check;
use crate::disk;
use crate::group;
use crate::ktap::{self, Group};
use crate::machine::{self, Tmpfs, HANDOVER};
use crate::outcome::{equal, eventually, refused, skip, within, Context, Outcome, MB};
use crate::sys::{self, Mapping, Sharing};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("handover":
    kept_for_user, only_read, used_by_both, whoever_asks, tmpfs, huge, dirty, forked, locked,
    many_users, no_room, no_room_above, within_limited_parent, not_used, touched_once, not_wanted,
    switched_off, ends, busy);

/// How large the files are.
pub const SIZE: u64 = 8 * MB;

pub fn needs_memctl() -> Outcome {
    match machine::hands_over() {
        true => Ok(()),
        false => skip("the C controller throws out what others use"),
    }
}

/// All of a file of [`SIZE`] but for what may stay where it was, in bytes.
fn nearly_all() -> RangeInclusive<u64> {
    SIZE - REST - process_slack()..=SIZE
}

/// Pages that became the container's, and that others have had from it, in bytes.
fn handed(container: &Cgroup) -> Outcome<(u64, u64)> {
    let stat = container.stat()?;
    let page = sys::page_size() as u64;
    Ok((
        stat.get("pghandover_in")? * page,
        stat.get("pghandover_out")? * page,
    ))
}

/// A process that maps a file and touches all of it whenever it is told to: here and there, so that
/// what is not in memory is not read ahead.
fn user(home: &Cgroup, path: &Path, sharing: Sharing) -> Outcome<Worker> {
    user_by(home, path, sharing, 1021)
}

/// As [`user`], a page of so many first, and then those between.
fn user_by(home: &Cgroup, path: &Path, sharing: Sharing, stride: usize) -> Outcome<Worker> {
    let mut worker = Worker::start(home, |line| {
        let mapping = disk::map(path, sharing)?;
        let page = sys::page_size();
        let pages = mapping.len() / page;
        loop {
            for number in 0..pages {
                let start = number * stride % pages * page;
                mapping.touch(start..start + page);
            }
            line.rest()?;
        }
    })?;
    worker.hear()?;
    Ok(worker)
}

/// Lets it touch all of its file.
fn use_it(user: &mut Worker) -> Outcome {
    user.tell(0)?;
    user.hear().map(drop)
}

/// A file of [`SIZE`] that `first` has brought in, and is charged for.
fn file_of(first: &Cgroup) -> Outcome<PathBuf> {
    let path = disk::file("shared");
    disk::make(&path, SIZE)?;
    run_in(first, || disk::read(&path))?;
    Ok(path)
}

/// Such a file, and a process of `second` that has touched all of it.
pub fn file_used_by(first: &Cgroup, second: &Cgroup) -> Outcome<(PathBuf, Worker)> {
    let path = file_of(first)?;
    let user = user(second, &path, Sharing::Shared)?;
    Ok((path, user))
}

/// A container with a limit, and one without; a file larger than the limit, and one that is read to
/// go on to something else.
struct Site {
    first: Cgroup,
    second: Cgroup,
    shared: PathBuf,
    stream: PathBuf,
}

impl Site {
    const LIMIT: u64 = 16 * MB;
    const SHARED: u64 = 48 * MB;

    fn new(hierarchy: &Hierarchy, name: &str) -> Outcome<Self> {
        let container = |which| hierarchy.create(&format!("{which}-{name}"));
        let site = Self {
            first: container("first")?,
            second: container("second")?,
            shared: disk::file(name),
            stream: disk::file("stream"),
        };
        disk::make(&site.shared, Self::SHARED)?;
        disk::make(&site.stream, 2 * Self::LIMIT)?;
        site.first.set_limit(Self::LIMIT)?;
        Ok(site)
    }

    /// The first goes on to something else.
    fn go_on(&self) -> Outcome {
        run_in(&self.first, || disk::read(&self.stream))
    }
}

/// The first of a site brings in the file, and goes on; the second uses it all the time.
struct Squeezed {
    site: Site,
    /// Major faults of the second, and pages that it has read again, once it had touched all.
    lost: (u64, u64),
    user: Worker,
}

impl Squeezed {
    const ROUNDS: usize = 4;

    fn run(hierarchy: &Hierarchy, name: &str) -> Outcome<Self> {
        let site = Site::new(hierarchy, name)?;
        run_in(&site.first, || {
            let mapping = disk::map(&site.shared, Sharing::Shared)?;
            mapping.touch(0..mapping.len());
            Ok(())
        })?;
        let mut user = user(&site.second, &site.shared, Sharing::Shared)?;
        let counted = || -> Outcome<(u64, u64)> {
            let stat = site.second.stat()?;
            Ok((
                stat.get("pgmajfault")?,
                stat.get("workingset_refault_file")?,
            ))
        };
        let warm = counted()?;
        for _ in 0..Self::ROUNDS {
            site.go_on()?;
            within("usage of first", site.first.usage()?, 0..=Site::LIMIT)?;
            use_it(&mut user)?;
        }
        let now = counted()?;
        let lost = (now.0 - warm.0, now.1 - warm.1);
        ktap::note(format_args!(
            "{name}: {} major faults of who uses it, {} pages read again",
            lost.0, lost.1
        ));
        Ok(Self { site, lost, user })
    }
}

/// Who uses a file of which another one is charged for a part never waits for the disk, and pays.
/// Without hand-over, as on C, it reads that part again.
fn kept_for_user(hierarchy: &Hierarchy) -> Outcome {
    if machine::hands_over() {
        machine::hand_over(false)?;
    }
    let thrown_out = Squeezed::run(hierarchy, "thrown-out")?;
    // The multi-generational LRU does not count as read again what it has not seen used.
    check!(thrown_out.lost.0 > 0, "nobody has waited for the disk");
    thrown_out.user.stop()?;

    needs_memctl()?;
    machine::hand_over(true)?;
    let Squeezed { site, lost, user } = Squeezed::run(hierarchy, "kept")?;
    equal(
        "major faults of second, and pages that it has read again",
        lost,
        (0, 0),
    )?;
    let (given, taken) = (handed(&site.first)?, handed(&site.second)?);
    equal("handed over and taken", given.1, taken.0)?;
    equal("taken by first", given.0, 0)?;
    within("handed over", given.1, Site::LIMIT / 2..=Site::LIMIT)?;
    // What the first has not had to give up is still its own.
    let bounds = Site::SHARED - Site::LIMIT / 4..=Site::SHARED + process_slack();
    within("usage of second", site.second.usage()?, bounds.clone())?;
    let file = site.second.charged(Kind::File)?;
    within("page cache of second", file, bounds)?;
    audit::clean()?;
    user.stop()
}

/// What is read, and not mapped, leaves no trace of who reads it: it is not handed over. Who goes
/// on reading reads each page once more at most, and then it is his.
fn only_read(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: usize = 8;

    let site = Site::new(hierarchy, "shared")?;
    run_in(&site.first, || disk::read(&site.shared))?;
    let read = || -> Outcome<u64> {
        run_in(&site.second, || disk::read(&site.shared))?;
        let again = site.second.stat()?.get("workingset_refault_file")?;
        Ok(again * sys::page_size() as u64)
    };
    let before = read()?;
    let mut again = Vec::new();
    for _ in 0..ROUNDS {
        site.go_on()?;
        again.push(read()? - before);
    }
    ktap::note(format_args!("read again so far, in bytes: {again:?}"));
    within("read again", again[ROUNDS - 1], 0..=Site::LIMIT)?;
    equal("in the last", again[ROUNDS - 1] - again[ROUNDS - 2], 0)?;
    if machine::hands_over() {
        equal("handed over", handed(&site.second)?.0, 0)?;
    }
    Ok(())
}

/// A page that its own container uses stays there. When it is taken all the same, another one that
/// uses it has it.
fn used_by_both(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = file_of(&first)?;
    let first_user = user(&first, &path, Sharing::Private)?;
    let mut second_user = user(&second, &path, Sharing::Private)?;
    usage_is(&first, SIZE)?;
    let before = second.stat()?.get("pgmajfault")?;
    evict(&first)?;
    within("handed over", handed(&second)?.0, nearly_all())?;
    use_it(&mut second_user)?;
    equal(
        "major faults",
        second.stat()?.get("pgmajfault")? - before,
        0,
    )?;
    usage_is(&second, SIZE)?;
    charged_is(&second, Kind::File, SIZE, "page cache of second")?;
    audit::clean()?;
    first_user.stop()?;
    second_user.stop()
}

/// It does not matter what has reclaim look at the pages: a lower boundary, a lower limit, or
/// somebody who asks for it.
fn whoever_asks(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let rest = REST.to_string();
    let most = (SIZE - REST).to_string();
    let ways: &[(&str, &str)] = match hierarchy.version() {
        Version::V1 => &[("memory.force_empty", "0")],
        Version::V2 => &[("memory.high", &rest), ("memory.reclaim", &most)],
    };
    for (file, value) in ways {
        let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
        let (path, mut user) = file_used_by(&first, &second)?;
        let before = second.stat()?.get("pgmajfault")?;
        first.write(file, value)?;
        within(file, handed(&second)?.0, nearly_all())?;
        use_it(&mut user)?;
        let faults = second.stat()?.get("pgmajfault")? - before;
        equal("major faults", faults, 0)?;
        audit::clean()?;
        user.stop()?;
        disk::remove(&path)?;
        second.remove()?;
        first.remove()?;
    }
    Ok(())
}

/// A file in tmpfs that one container has written, for another one to use.
struct InTmpfs {
    _mount: Tmpfs,
    path: PathBuf,
    first: Cgroup,
    second: Cgroup,
}

impl InTmpfs {
    fn new(hierarchy: &Hierarchy, mount: Tmpfs) -> Outcome<Self> {
        machine::swap_on()?;
        let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
        let path = mount.file("shared");
        run_in(&first, || disk::write(&path, SIZE))?;
        usage_is(&first, SIZE)?;
        Ok(Self {
            _mount: mount,
            path,
            first,
            second,
        })
    }

    fn user(&self) -> Outcome<Worker> {
        user(&self.second, &self.path, Sharing::Shared)
    }

    /// What has been handed over has not been swapped out.
    fn ends(self, mut user: Worker) -> Outcome {
        use_it(&mut user)?;
        equal("swapped in", self.second.stat()?.get("pgmajfault")?, 0)?;
        audit::clean()?;
        user.stop()?;
        disk::remove(&self.path)
    }
}

/// Memory that processes share in tmpfs need not go to swap space, and may be dirty.
fn tmpfs(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let shared = InTmpfs::new(hierarchy, Tmpfs::mount("size=32m,huge=never")?)?;
    let second = &shared.second;
    let user = shared.user()?;
    evict(&shared.first)?;
    within("handed over", handed(second)?.0, nearly_all())?;
    let shmem = second.stat()?.get("shmem")?;
    within("shmem of second", shmem, nearly_all())?;
    shared.ends(user)
}

/// A huge page goes as a whole, and its statistics with it.
fn huge(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let Ok(mount) = Tmpfs::mount("size=32m,huge=always") else {
        return skip("tmpfs has no huge pages");
    };
    machine::without_khugepaged()?;
    let shared = InTmpfs::new(hierarchy, mount)?;
    let (first, second) = (&shared.first, &shared.second);
    let huge = |container: &Cgroup| -> Outcome<u64> {
        match hierarchy.version() {
            // Huge pages of tmpfs have no line.
            Version::V1 => Ok(0),
            Version::V2 => container.stat()?.get("shmem_thp"),
        }
    };
    let before = huge(first)?;
    if hierarchy.version() == Version::V2 {
        equal("huge pages of first, in bytes", before, SIZE)?;
    }
    let user = shared.user()?;
    // They are active first, and few: reclaim does not always come so far at once.
    eventually(|| {
        first.reclaim_all()?;
        equal("handed over", handed(second)?.0, SIZE)
    })?;
    equal("huge pages of second", huge(second)?, before)?;
    equal("huge pages of first", huge(first)?, 0)?;
    equal("shmem of second", second.stat()?.get("shmem")?, SIZE)?;
    usage_is(first, 0)?;
    shared.ends(user)
}

/// What its user has written to is written to the disk first. Nothing that was written is lost, and
/// once it is clean, it is his who uses it.
fn dirty(hierarchy: &Hierarchy) -> Outcome {
    const SEED: u64 = 7;

    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = file_of(&first)?;
    let mut writer = Worker::start(&second, |line| {
        let mut mapping = disk::map(&path, Sharing::Shared)?;
        let all = 0..mapping.len();
        mapping.fill(all.clone(), SEED);
        loop {
            line.rest()?;
            check!(mapping.holds(all.clone(), SEED), "what was written is lost");
        }
    })?;
    writer.hear()?;
    first.reclaim_all()?;
    ktap::note(format_args!("handed over: {} bytes", handed(&second)?.0));
    use_it(&mut writer)?;
    fs::File::open(&path)?.sync_all().context("fsync")?;
    first.reclaim_all()?;
    charged_is(&first, Kind::File, 0, "page cache of first")?;
    charged_is(&second, Kind::File, SIZE, "page cache of second")?;
    use_it(&mut writer)?;
    audit::clean()?;
    writer.stop()
}

/// Anonymous memory that processes share by fork goes to swap space, and stays the parent's.
fn forked(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    machine::swap_on()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let len = SIZE as usize;
    let mut parent = Worker::start(&first, |line| {
        let mut memory = Mapping::anon(len)?;
        memory.fill(0..len, 1);
        let mut child = Worker::start(&second, |line| loop {
            check!(memory.holds(0..len, 1), "memory has changed");
            line.rest()?;
        })?;
        child.hear()?;
        line.rest()?;
        use_it(&mut child)?;
        line.rest()?;
        child.stop()
    })?;
    parent.hear()?;
    usage_is(&first, SIZE)?;
    first.reclaim_all()?;
    equal("handed over", handed(&second)?.0, 0)?;
    within("usage of second", second.usage()?, 0..=process_slack())?;
    use_it(&mut parent)?;
    audit::clean()?;
    parent.finish()
}

/// What its user has locked in memory is nobody's to reclaim, and so stays whose it was.
fn locked(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = file_of(&first)?;
    let mut locker = Worker::start(&second, |line| {
        let mapping = disk::map(&path, Sharing::Shared)?;
        mapping.lock(0..mapping.len()).context("mlock")?;
        line.rest()
    })?;
    locker.hear()?;
    first.reclaim_all()?;
    equal("handed over", handed(&second)?.0, 0)?;
    usage_is(&first, SIZE)?;
    equal("what stays of the file", disk::resident(&path)?, SIZE)?;
    audit::clean()?;
    locker.finish()
}

/// Of many that use one image, the one that had read it is squeezed, and then goes: nobody waits
/// for the disk. What each is charged for adds up.
fn many_users(hierarchy: &Hierarchy) -> Outcome {
    const USERS: usize = 40;

    needs_memctl()?;
    let parent = hierarchy.create("parent")?;
    let containers: Vec<_> = (0..USERS)
        .map(|number| parent.child(&number.to_string()))
        .collect::<Outcome<_>>()?;
    let path = file_of(&containers[0])?;
    let mut users = Vec::new();
    for container in &containers {
        users.push(user(container, &path, Sharing::Private)?);
    }
    let faults = |containers: &[Cgroup]| -> Outcome<u64> {
        let counts = containers.iter().map(|c| c.stat()?.get("pgmajfault"));
        counts.sum()
    };
    let before = faults(&containers[1..])?;
    for squeezed in &containers[..2] {
        evict(squeezed)?;
        for user in &mut users[1..] {
            use_it(user)?;
        }
        equal("major faults", faults(&containers[1..])? - before, 0)?;
    }
    let before = faults(&containers[2..])?;
    users.drain(..2).try_for_each(Worker::stop)?;
    containers[..2].iter().try_for_each(Cgroup::remove)?;
    users.iter_mut().try_for_each(use_it)?;
    equal("major faults after", faults(&containers[2..])? - before, 0)?;
    let file = parent.stat()?;
    let file = file.get(match hierarchy.version() {
        Version::V1 => "total_cache",
        Version::V2 => "file",
    })?;
    within(
        "page cache of all",
        file,
        SIZE - exact_slack()..=SIZE + exact_slack(),
    )?;
    audit::clean()?;
    users.into_iter().try_for_each(Worker::stop)
}

/// Who has no room is not given anything: then it goes, as ever.
fn no_room(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let (path, mut second_user) = file_used_by(&first, &second)?;
    let holder = Worker::holding(&second, SIZE)?;
    let used = second.usage()?;
    second.set_limit(used + MB / 2)?;
    evict(&first)?;
    equal("handed over", handed(&second)?.0, 0)?;
    within("usage of second", second.usage()?, 0..=used + exact_slack())?;
    within(
        "what stays of the file",
        disk::resident(&path)?,
        0..=REST + process_slack(),
    )?;

    // Nor beyond what slows it.
    if hierarchy.version() == Version::V2 {
        second.unlimited()?;
        disk::evict(&path)?;
        run_in(&first, || disk::read(&path))?;
        use_it(&mut second_user)?;
        second.write("memory.high", second.usage()? + MB / 2)?;
        let before = second.events()?.get("high")?;
        evict(&first)?;
        equal("handed over beyond high", handed(&second)?.0, 0)?;
        equal("slowed", second.events()?.get("high")? - before, 0)?;
    }
    second_user.stop()?;
    holder.stop()
}

/// Nor who has room where one above it has none.
fn no_room_above(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, parent) = (hierarchy.create("first")?, hierarchy.create("parent")?);
    let second = parent.child("second")?;
    let (_, second_user) = file_used_by(&first, &second)?;
    parent.set_limit(parent.usage()? + MB)?;
    evict(&first)?;
    within("handed over", handed(&second)?.0, 0..=MB)?;
    within("usage of parent", parent.usage()?, 0..=parent.limit()?)?;
    second_user.stop()
}

/// To one above both it makes no difference: it may be full.
fn within_limited_parent(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let parent = hierarchy.create("parent")?;
    let (first, second) = (parent.child("first")?, parent.child("second")?);
    let (_, second_user) = file_used_by(&first, &second)?;
    parent.set_limit(parent.usage()? + process_slack())?;
    evict(&first)?;
    within("handed over", handed(&second)?.0, nearly_all())?;
    second_user.stop()
}

/// Who does not map it, or has not touched it, is not given anything.
fn not_used(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = file_of(&first)?;
    run_in(&second, || disk::read(&path))?;
    let mut idle = Worker::start(&second, |line| {
        let _mapping = disk::map(&path, Sharing::Shared)?;
        line.rest()
    })?;
    idle.hear()?;
    evict(&first)?;
    equal("handed over", handed(&second)?.0, 0)?;
    within("what stays of the file", disk::resident(&path)?, 0..=REST)?;
    idle.stop()
}

/// Who maps and touches once whatever its neighbour has gains nothing by it: it pays for what it
/// has room for, and the neighbour's limit is what it was.
fn touched_once(hierarchy: &Hierarchy) -> Outcome {
    const LIMIT: u64 = 4 * MB;

    needs_memctl()?;
    let (first, toucher) = (hierarchy.create("first")?, hierarchy.create("toucher")?);
    let path = file_of(&first)?;
    let stream = disk::file("stream");
    disk::make(&stream, 2 * SIZE)?;
    toucher.set_limit(LIMIT)?;
    let touch = user(&toucher, &path, Sharing::Shared)?;
    first.set_limit(SIZE)?;
    run_in(&first, || disk::read(&stream))?;
    within("usage of first", first.usage()?, 0..=SIZE)?;
    within("usage of toucher", toucher.usage()?, 0..=LIMIT)?;
    let (taken, _) = handed(&toucher)?;
    within("handed over", taken, LIMIT / 2..=LIMIT)?;
    equal("processes killed", toucher.oom_kills()?, 0)?;
    // It is the toucher's own: what it reads makes room, and nothing goes back.
    run_in(&toucher, || disk::read(&stream))?;
    equal("handed back", handed(&first)?.0, 0)?;
    touch.stop()
}

/// A container can say that it wants none, and so can one above it.
fn not_wanted(hierarchy: &Hierarchy) -> Outcome {
    const FILE: &str = "memory.handover";

    needs_memctl()?;
    let first = hierarchy.create("first")?;
    let parent = hierarchy.create("parent")?;
    let second = parent.child("second")?;
    second.answers(
        FILE,
        1,
        &[
            ("0", Ok(0)),
            ("2", Err(sys::EINVAL)),
            ("-1", Err(sys::EINVAL)),
            ("on", Err(sys::EINVAL)),
            ("1", Ok(1)),
        ],
    )?;
    // Be it one above both.
    let sibling = parent.child("sibling")?;
    for (first, refuses) in [(&first, &second), (&first, &parent), (&sibling, &parent)] {
        refuses.write(FILE, 0)?;
        let (_, second_user) = file_used_by(first, &second)?;
        evict(first)?;
        equal("handed over", handed(&second)?.0, 0)?;
        second_user.stop()?;
        refuses.write(FILE, 1)?;
    }
    let (_, second_user) = file_used_by(&first, &second)?;
    evict(&first)?;
    within("handed over", handed(&second)?.0, nearly_all())?;
    second_user.stop()
}

/// The machine can do without.
fn switched_off(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let (path, second_user) = file_used_by(&first, &second)?;
    machine::hand_over(false)?;
    equal(
        "switch",
        fs::read_to_string(HANDOVER).context(HANDOVER)?,
        "0\n".into(),
    )?;
    for nonsense in ["2", "x", "-1"] {
        refused("switch", fs::write(HANDOVER, nonsense), sys::EINVAL)?;
    }
    evict(&first)?;
    equal("handed over", handed(&second)?.0, 0)?;
    within("what stays of the file", disk::resident(&path)?, 0..=REST)?;
    second_user.stop()
}

/// Two containers at their limits use the same file, larger than both: pages do not go to and fro.
fn ends(hierarchy: &Hierarchy) -> Outcome {
    const LIMIT: u64 = 4 * MB;
    const ROUNDS: usize = 4;

    needs_memctl()?;
    let containers = [hierarchy.create("first")?, hierarchy.create("second")?];
    let path = disk::file("shared");
    disk::make(&path, LIMIT * 3 / 2)?;
    let mut users = Vec::new();
    for container in &containers {
        container.set_limit(LIMIT)?;
        users.push(user_by(container, &path, Sharing::Shared, 1)?);
    }
    let mut sums = Vec::new();
    for _ in 0..ROUNDS {
        users.iter_mut().try_for_each(use_it)?;
        for container in &containers {
            within("usage", container.usage()?, 0..=LIMIT)?;
            equal("processes killed", container.oom_kills()?, 0)?;
        }
        let of_both = containers.iter().map(|c| Ok(handed(c)?.0));
        sums.push(of_both.sum::<Outcome<u64>>()?);
    }
    ktap::note(format_args!("bytes handed over so far: {sums:?}"));
    equal("in the last round", sums[ROUNDS - 1] - sums[ROUNDS - 2], 0)?;
    // Each has had to bring in most of it.
    for container in &containers {
        let (taken, _) = handed(container)?;
        within("handed over", taken, 0..=LIMIT)?;
    }
    users.into_iter().try_for_each(Worker::stop)
}

/// While pages change hands, others read the file, write to it, cut it off and map it anew.
fn busy(hierarchy: &Hierarchy) -> Outcome {
    const ROUNDS: usize = 12;
    /// What the writer is told: to make the file `first`'s again, or to be busy.
    const ANEW: u64 = 0;
    const BUSY: u64 = 1;

    needs_memctl()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let path = file_of(&first)?;
    let mut writer = Worker::start(&first, |line| {
        let file = fs::File::options()
            .write(true)
            .open(&path)
            .context("open")?;
        loop {
            line.say(0)?;
            let shortest = match line.listen()? {
                ANEW => 0,
                _ => SIZE / 2,
            };
            disk::write(&disk::file("other"), MB)?;
            file.set_len(shortest).context("truncate")?;
            file.set_len(SIZE).context("truncate")?;
            disk::read(&path)?;
        }
    })?;
    writer.hear()?;
    let map = || {
        let file = fs::File::open(&path).context("open")?;
        Mapping::file(&file, (SIZE / 2) as usize, Sharing::Private).context("mmap")
    };
    let touch = |mapping: &Mapping| mapping.touch(0..mapping.len());
    // Of this one reclaim finds the pages mapped, whenever it comes.
    let mut keeper = Worker::start(&second, |line| {
        let mapping = map()?;
        loop {
            touch(&mapping);
            line.rest()?;
        }
    })?;
    keeper.hear()?;
    let mut users = Vec::new();
    for _ in 0..2 {
        users.push(Worker::start(&second, |line| loop {
            let mapping = map()?;
            touch(&mapping);
            line.rest()?;
        })?);
    }
    for user in &mut users {
        user.hear()?;
    }
    let mut sums = Vec::new();
    for _ in 0..ROUNDS {
        writer.tell(ANEW)?;
        writer.hear()?;
        use_it(&mut keeper)?;
        writer.tell(BUSY)?;
        for user in users.iter_mut().chain([&mut keeper]) {
            user.tell(0)?;
        }
        first.reclaim_all()?;
        for user in users.iter_mut().chain([&mut keeper]) {
            user.hear()?;
        }
        writer.hear()?;
        sums.push(handed(&second)?.0);
    }
    for user in users.into_iter().chain([keeper]) {
        user.stop()?;
    }
    writer.stop()?;
    ktap::note(format_args!("bytes handed over so far: {sums:?}"));
    check!(sums[ROUNDS - 1] > 0, "nothing has changed hands");
    eventually(|| {
        equal(
            "bytes taken and given",
            handed(&second)?.0,
            handed(&first)?.1,
        )
    })
}

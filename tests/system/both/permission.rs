// SPDX-License-Identifier: GPL-2.0

//! Who may do what: the super-user, a user who has been given a part of the tree, and everybody
//! else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::Path;

use crate::cgroup::{Cgroup, Hierarchy, EVENT_CONTROL};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, refused, skip, within, Context, Outcome, MB};
use crate::sys::{self, Pid, EACCES, ENOENT, EPERM};
use crate::worker::{run_in, Worker};

pub const GROUP: Group = group!("permission":
    write, read, tree, delegated, delegated_limit, no_escape, debugging);

pub const V1_GROUP: Group = group!("permission_events": register, unreadable);

pub const V2_GROUP: Group = group!("permission_namespace": top, inside, no_escape_from);

/// Somebody with no privileges, who owns nothing.
const USER: u32 = 65534;

const LIMIT: u64 = 8 * MB;

/// Runs `body` as a user without privileges, in a process of `home`.
fn as_user(home: &Cgroup, body: impl FnOnce() -> Outcome) -> Outcome {
    run_in(home, || {
        sys::become_user(USER).context("setresuid")?;
        body()
    })
}

/// The names of a container's files and what its owner, its group and others may do with them.
fn files(container: &Cgroup) -> Outcome<Vec<(String, u32)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(container.path()).context(container.path().display())? {
        let entry = entry.context(container.path().display())?;
        let metadata = entry.metadata().context(entry.path().display())?;
        if metadata.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((name, metadata.permissions().mode() & 0o777));
        }
    }
    check!(
        files.iter().any(|(name, _)| name.starts_with("memory.")),
        "no files of the controller"
    );
    Ok(files)
}

fn open_to_write(container: &Cgroup, name: &str) -> io::Result<File> {
    fs::OpenOptions::new()
        .write(true)
        .open(container.file(name))
}

/// Nobody but the owner can open a file to write, and nothing has changed afterwards.
fn write(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("owned")?;
    let home = hierarchy.create("home")?;
    container.set_limit(LIMIT)?;
    let files = files(&container)?;
    as_user(&home, || {
        for (name, _) in &files {
            refused(name, open_to_write(&container, name), EACCES)?;
        }
        refused("a limit", container.try_limit(2 * LIMIT), EACCES)
    })?;
    equal("limit", container.limit()?, LIMIT)
}

/// Everybody can read what has a mode for it, and reads what the super-user reads.
fn read(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("owned")?;
    let home = hierarchy.create("home")?;
    let files = files(&container)?;
    let read = |name: &str| fs::read_to_string(container.file(name));
    let known: Vec<_> = files.iter().map(|(name, _)| read(name)).collect();
    as_user(&home, || {
        for ((name, mode), known) in files.iter().zip(known) {
            if mode & 0o444 == 0 {
                refused(name, read(name), EACCES)?;
                continue;
            }
            equal(name, mode & 0o444, 0o444)?;
            // What the machine has been waiting for goes on.
            if !name.ends_with(".pressure") {
                let errno = |error: io::Error| error.raw_os_error();
                equal(name, read(name).map_err(errno), known.map_err(errno))?;
            }
        }
        Ok(())
    })
}

/// Nobody but the owner of a container can make or remove containers in it, or put processes there.
fn tree(hierarchy: &Hierarchy) -> Outcome {
    let container = hierarchy.create("owned")?;
    let child = container.child("child")?;
    let home = hierarchy.create("home")?;
    as_user(&home, || {
        let inside = container.path().join("mine");
        refused("mkdir in it", fs::create_dir(inside), EACCES)?;
        refused("rmdir in it", child.try_remove(), EACCES)?;
        let own = Pid::of_self().number().to_string();
        for name in ["cgroup.procs", "cgroup.threads", "tasks"] {
            if child.file(name).exists() {
                refused(name, child.try_write(name, &own), EACCES)?;
            }
        }
        Ok(())
    })?;
    equal("processes", child.processes()?.len(), 0)
}

/// Gives a container to the user, in the way the documentation of cgroup v2 says: the directory and
/// the files for processes, not the settings.
fn delegate(container: &Cgroup) -> Outcome {
    chown(container.path(), Some(USER), Some(USER)).context(container.path().display())?;
    for name in [
        "cgroup.procs",
        "cgroup.subtree_control",
        "cgroup.threads",
        "tasks",
    ] {
        let path = container.file(name);
        if path.exists() {
            chown(&path, Some(USER), Some(USER)).context(path.display())?;
        }
    }
    Ok(())
}

/// A container that was given to the user, and one in there where the user's processes start.
fn delegated_tree(hierarchy: &Hierarchy) -> Outcome<(Cgroup, Cgroup)> {
    let given = hierarchy.create("given")?;
    given.set_limit(LIMIT)?;
    let home = given.child("home")?;
    delegate(&given)?;
    delegate(&home)?;
    Ok((given, home))
}

/// Who was given a container makes others in it and sets their limits, and not its own.
fn delegated(hierarchy: &Hierarchy) -> Outcome {
    let (given, home) = delegated_tree(hierarchy)?;
    as_user(&home, || {
        let job = given.child("job")?;
        job.set_limit(LIMIT / 2)?;
        equal("limit of the job", job.limit()?, LIMIT / 2)?;
        let part = job.child("part")?;
        part.set_limit(LIMIT / 4)?;
        part.adopt(Pid::of_self())?;
        equal("processes", part.processes()?, vec![Pid::of_self()])?;

        refused("its own limit", given.try_limit(2 * LIMIT), EACCES)?;
        let settings = files(&given)?.into_iter().map(|(name, _)| name);
        for name in settings.filter(|name| name.starts_with("memory.")) {
            refused(&name, open_to_write(&given, &name), EACCES)?;
        }

        home.adopt(Pid::of_self())?;
        part.remove()?;
        job.remove()
    })?;
    equal("limit", given.limit()?, LIMIT)
}

/// Whatever limit its children are given, that of the container that was given away holds.
fn delegated_limit(hierarchy: &Hierarchy) -> Outcome {
    let (given, home) = delegated_tree(hierarchy)?;
    let job = given.path().join("job");
    as_user(&home, || given.child("job")?.set_limit(1 << 40))?;
    let job = Cgroup::at(&job);
    equal("limit of the job", job.limit()?, 1 << 40)?;
    let mut hog = Worker::start(&job, |line| {
        sys::become_user(USER).context("setresuid")?;
        let len = 3 * LIMIT as usize;
        let mut memory = sys::Mapping::anon(len)?;
        for start in (0..len).step_by(MB as usize) {
            memory.fill(start..start + MB as usize, 0);
            line.say(start as u64)?;
        }
        Ok(())
    })?;
    while hog.hear_or_end()?.is_some() {
        within("usage", given.usage()?, 0..=LIMIT)?;
    }
    hog.killed()?;
    equal("processes killed", job.oom_kills()?, 1)
}

/// Who was given a container cannot move processes out of it, nor others' into it.
fn no_escape(hierarchy: &Hierarchy) -> Outcome {
    let (given, home) = delegated_tree(hierarchy)?;
    let outside = hierarchy.create("outside")?;
    let neighbour = Worker::holding(&outside, MB)?;
    let root = hierarchy.root();
    as_user(&home, || {
        let own = Pid::of_self().number().to_string();
        for (to, what) in [(&outside, "to a neighbour"), (&root, "to the root")] {
            refused(what, to.try_write("cgroup.procs", &own), EACCES)?;
        }
        let other = neighbour.pid().number().to_string();
        refused(
            "a neighbour's process",
            home.try_write("cgroup.procs", &other),
            EACCES,
        )?;
        refused(
            "mkdir outside",
            fs::create_dir(outside.path().join("mine")),
            EACCES,
        )?;
        refused("rmdir of what was given", given.try_remove(), EACCES)
    })?;
    let processes = outside.processes()?;
    equal("processes outside", processes, vec![neighbour.pid()])?;
    neighbour.finish()
}

/// What the controller tells of itself is for the super-user.
fn debugging(hierarchy: &Hierarchy) -> Outcome {
    const AUDIT: &str = "/sys/kernel/debug/memctl/audit";

    if !Path::new(AUDIT).exists() {
        return skip(format!("no {AUDIT}"));
    }
    let text = fs::read_to_string(AUDIT).context(AUDIT)?;
    check!(!text.is_empty(), "{AUDIT} is empty");
    as_user(&hierarchy.create("home")?, || {
        refused(AUDIT, File::open(AUDIT), EACCES)
    })
}

/// A container whose file for events, and nothing else, was given to the user.
fn watchable(hierarchy: &Hierarchy) -> Outcome<Cgroup> {
    let container = hierarchy.create("watched")?;
    let path = container.file(EVENT_CONTROL);
    if !path.exists() {
        return skip(format!("no {EVENT_CONTROL}"));
    }
    chown(&path, Some(USER), Some(USER)).context(path.display())?;
    Ok(container)
}

/// Who may write to the file for events asks to be told of what everybody may read, and is told.
fn register(hierarchy: &Hierarchy) -> Outcome {
    let container = watchable(hierarchy)?;
    let mut watcher = Worker::start(&hierarchy.create("home")?, |line| {
        sys::become_user(USER).context("setresuid")?;
        let mut events = sys::event_counter()?;
        let usage = File::open(container.file("memory.usage_in_bytes"))?;
        let threshold = MB.to_string();
        container
            .try_listen(&events, &usage, &threshold)
            .context("a threshold")?;
        line.rest()?;
        eventually(|| {
            let mut count = [0; 8];
            Ok(events.read_exact(&mut count)?)
        })
    })?;
    watcher.hear()?;
    Worker::holding(&container, 2 * MB)?.finish()?;
    watcher.finish()
}

/// Nobody is told of a file that only the super-user may read, however it came to be open.
fn unreadable(hierarchy: &Hierarchy) -> Outcome {
    let container = watchable(hierarchy)?;
    let open = open_to_write(&container, "memory.force_empty")?;
    as_user(&hierarchy.create("home")?, || {
        let events = sys::event_counter()?;
        let watched = container.try_listen(&events, &open, "");
        refused("memory.force_empty", watched, EACCES)
    })
}

/// Makes the top of a namespace the boundary of what was given away.
const NSDELEGATE: &str = "nsdelegate";

/// Runs `body` as the super-user in a namespace whose top is `top`.
fn in_namespace(home: &Cgroup, body: impl FnOnce() -> Outcome) -> Outcome {
    run_in(home, || {
        sys::enter_cgroup_namespace().context("unshare")?;
        body()
    })
}

/// The top of a namespace is limited from outside, even if the super-user is in there.
fn top(hierarchy: &Hierarchy) -> Outcome {
    let _option = hierarchy.mounted_with(NSDELEGATE)?;
    let container = hierarchy.create("top")?;
    container.set_limit(LIMIT)?;
    in_namespace(&container, || {
        for name in ["memory.max", "memory.high", "memory.low", "memory.min"] {
            refused(name, container.try_write(name, "1G"), EPERM)?;
        }
        // What harms nobody outside.
        container.write("memory.oom.group", 1)?;
        container.write("memory.reclaim", "0")?;
        equal("limit", container.limit()?, LIMIT)
    })?;
    equal("limit", container.limit()?, LIMIT)?;
    container.set_limit(2 * LIMIT)
}

/// Below the top the super-user of the namespace does as he likes.
fn inside(hierarchy: &Hierarchy) -> Outcome {
    let _option = hierarchy.mounted_with(NSDELEGATE)?;
    let container = hierarchy.create("top")?;
    in_namespace(&container, || {
        let own = container.path().join("own");
        fs::create_dir(&own).context("mkdir")?;
        let pid = Pid::of_self().number().to_string();
        fs::write(own.join("cgroup.procs"), pid).context("move")?;
        let job = container.child("job")?;
        job.set_limit(LIMIT)?;
        equal("limit of the job", job.limit()?, LIMIT)
    })
}

/// Nobody leaves the namespace, not even the super-user in there.
fn no_escape_from(hierarchy: &Hierarchy) -> Outcome {
    let _option = hierarchy.mounted_with(NSDELEGATE)?;
    let container = hierarchy.create("top")?;
    let outside = hierarchy.create("outside")?;
    in_namespace(&container, || {
        let pid = Pid::of_self().number().to_string();
        let moved = outside.try_write("cgroup.procs", &pid);
        refused("a way out", moved, ENOENT)
    })?;
    equal("processes outside", outside.processes()?.len(), 0)
}

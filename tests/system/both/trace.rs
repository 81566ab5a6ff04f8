// SPDX-License-Identifier: GPL-2.0

//! Trace events: what tools parse, and that nothing is counted without one.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::handover::{file_used_by, needs_memctl};
use super::share::evict;
use crate::cgroup::{Cgroup, Hierarchy, Kind};
use crate::check;
use crate::group;
use crate::ktap::Group;
use crate::outcome::{equal, eventually, Context, Outcome, MB};
use crate::sys;
use crate::tracing::{Event, Tracing};
use crate::worker::Worker;

pub const GROUP: Group = group!("trace":
    formats, add_up, flushes, handed_over);

const STATE: &str = "memcg/mod_memcg_state";
const NODE_STATE: &str = "memcg/mod_memcg_lruvec_state";
const EVENTS: &str = "memcg/count_memcg_events";
const FLUSH: &str = "memcg/memcg_flush_stats";
const HAND_OVER: &str = "memctl/memctl_hand_over";

/// The id of a container in events: that of its directory.
fn id(container: &Cgroup) -> Outcome<i64> {
    let path = container.path();
    Ok(fs::metadata(path).context(path.display())?.ino() as i64)
}

fn formats(_: &Hierarchy) -> Outcome {
    let tracing = Tracing::mount()?;
    let is = |event: &str, fields: &[&str], print: &str| -> Outcome {
        let (our_fields, our_print) = tracing.format(event)?;
        equal(
            format!("fields of {event}"),
            our_fields.join("; "),
            fields.join("; "),
        )?;
        equal(format!("text of {event}"), our_print.as_str(), print)
    };
    let print = r#""memcg_id=%llu item=%d val=%ld", REC->id, REC->item, REC->val"#;
    is(STATE, &["u64 id", "int item", "long val"], print)?;
    is(NODE_STATE, &["u64 id", "int item", "long val"], print)?;
    is(
        EVENTS,
        &["u64 id", "int item", "unsigned long val"],
        r#""memcg_id=%llu item=%d val=%lu", REC->id, REC->item, REC->val"#,
    )?;
    is(
        FLUSH,
        &[
            "u64 id",
            "s64 stats_updates",
            "bool force",
            "bool needs_flush",
        ],
        "\"memcg_id=%llu stats_updates=%lld force=%d needs_flush=%d\", \
         REC->id, REC->stats_updates, REC->force, REC->needs_flush",
    )
}

/// What the events of a kind sum up to, for each item of a container.
fn sums(events: &[Event], kind: &str, container: &Cgroup) -> Outcome<HashMap<i64, i64>> {
    let (_, name) = kind.split_once('/').unwrap_or(("", kind));
    let id = id(container)?;
    let mut sums = HashMap::new();
    for event in events.iter().filter(|event| event.name == name) {
        if event.field("memcg_id")? == id {
            *sums.entry(event.field("item")?).or_default() += event.field("val")?;
        }
    }
    Ok(sums)
}

/// Since a container was made, its events sum up to its statistics.
fn add_up(hierarchy: &Hierarchy) -> Outcome {
    let tracing = Tracing::mount()?;
    let container = hierarchy.create("traced")?;
    let mut worker = None;
    let events = tracing.record(&[STATE, NODE_STATE, EVENTS], || {
        worker = Some(Worker::holding(&container, MB)?);
        Ok(())
    })?;
    let page = sys::page_size() as i64;
    let nodes = sums(&events, NODE_STATE, &container)?;
    let counted = sums(&events, EVENTS, &container)?;
    eventually(|| {
        let anon = container.charged(Kind::Anon)? as i64 / page;
        check!(
            anon as u64 >= MB / page as u64,
            "{anon} pages of {MB} bytes"
        );
        check!(
            nodes.values().any(|sum| *sum == anon),
            "{anon} pages, and events of {nodes:?}"
        );
        let faults = container.stat()?.get("pgfault")? as i64;
        check!(
            counted.values().any(|sum| *sum == faults),
            "{faults} faults, and events of {counted:?}"
        );
        Ok(())
    })?;
    worker.map_or(Ok(()), Worker::finish)
}

/// Who reads statistics has them flushed.
fn flushes(hierarchy: &Hierarchy) -> Outcome {
    let tracing = Tracing::mount()?;
    let container = hierarchy.create("traced")?;
    let worker = Worker::holding(&container, MB)?;
    let events = tracing.record(&[FLUSH], || container.stat().map(drop))?;
    let id = id(&container)?;
    let mut ours = 0;
    for event in &events {
        check!(event.field("force")? <= 1, "neither true nor false");
        ours += usize::from(event.field("memcg_id")? == id);
    }
    check!(ours > 0, "no flush among {} of others", events.len());
    worker.finish()
}

/// Each folio that is handed over is told of: which one, by whom, to whom.
fn handed_over(hierarchy: &Hierarchy) -> Outcome {
    needs_memctl()?;
    let tracing = Tracing::mount()?;
    let (first, second) = (hierarchy.create("first")?, hierarchy.create("second")?);
    let (path, user) = file_used_by(&first, &second)?;
    let events = tracing.record(&[HAND_OVER], || evict(&first))?;
    let (from, to) = (id(&first)?, id(&second)?);
    let ino = fs::metadata(&path).context(path.display())?.ino() as i64;
    let mut pages = 0;
    for event in &events {
        equal("from", event.field("from")?, from)?;
        equal("to", event.field("to")?, to)?;
        equal("ino", event.field("ino")?, ino)?;
        pages += event.field("nr")?;
    }
    check!(pages > 0, "no event");
    equal(
        "pages of events",
        pages as u64,
        second.stat()?.get("pghandover_in")?,
    )?;
    user.stop()
}

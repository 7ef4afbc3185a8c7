//! Chrome's trace events, which Perfetto and Chrome's own `about:tracing` open.
//!
//! Format: "Trace Event Format" of Chromium's trace viewer; times in microseconds. A node is a process, a replica a thread.
//! Slices of one thread must nest, so spans that overlap without nesting (branches, hedges) get threads beside each other.
//! Begin and end are told by an event each, not by a duration: readers round times, and two rounded times never cross.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::sides::{Role, Side, sides};
use crate::experiment::trace::{Segment, Trace};
use crate::report::cause;
use crate::report::json::pretty;
use crate::report::text::clean;
use crate::report::waterfall::{facts, remark, title};

/// A thread: whose it is, and which sides are open on it, inner ones last.
struct Lane<'a> {
    process: usize,
    node: &'a str,
    replica: u32,
    beside: usize,
    open: Vec<usize>,
}

/// A stretch on a thread: a side, or a segment within it.
struct Slice {
    from: u64,
    to: u64,
    begin: Value,
}

/// The trace as JSON.
pub fn render(trace: &Trace) -> String {
    let sides = sides(trace);
    let (lanes, places) = lanes(&sides);
    let mut events = names(&lanes);
    for lane in 0..lanes.len() {
        let own = sides.iter().zip(&places).filter(|(_, place)| **place == lane);
        events.extend(nested(own.flat_map(|(side, _)| slices(side)).collect(), lane, &lanes));
    }
    events.extend(arrows(&sides, &places, &lanes));
    let about = json!({ "title": title(trace), "facts": facts(trace).join(" · ") });
    pretty(&json!({ "traceEvents": events, "displayTimeUnit": "ms", "otherData": about }))
}

/// Microseconds with every nanosecond.
fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// Gives each side a thread of its replica: its parent's if it nests there, else one that is idle, else a new one.
fn lanes<'a>(sides: &[Side<'a>]) -> (Vec<Lane<'a>>, Vec<usize>) {
    let mut lanes: Vec<Lane<'a>> = Vec::new();
    let mut places = vec![0; sides.len()];
    let mut order: Vec<usize> = (0..sides.len()).collect();
    order.sort_by_key(|at| (sides[*at].from, *at));
    for at in order {
        let side = &sides[at];
        for lane in &mut lanes {
            lane.open.retain(|open| sides[*open].to > side.from);
        }
        let home = side.parent.map(|parent| places[parent]);
        let fits = |lane: &Lane| same_replica(lane, side) && nests(lane.open.last().copied(), side, sides);
        let found = home.filter(|lane| fits(&lanes[*lane])).or_else(|| lanes.iter().position(fits));
        places[at] = found.unwrap_or_else(|| {
            lanes.push(Lane::of(side, &lanes));
            lanes.len() - 1
        });
        lanes[places[at]].open.push(at);
    }
    (lanes, places)
}

impl<'a> Lane<'a> {
    fn of(side: &Side<'a>, others: &[Lane]) -> Self {
        let process = others.iter().find(|lane| lane.node == side.node).map(|lane| lane.process);
        let next = || others.iter().map(|lane| lane.process).max().unwrap_or(0) + 1;
        Self {
            process: process.unwrap_or_else(next),
            node: side.node,
            replica: side.replica,
            beside: others.iter().filter(|lane| same_replica(lane, side)).count(),
            open: Vec::new(),
        }
    }
}

fn same_replica(lane: &Lane, side: &Side) -> bool {
    lane.node == side.node && lane.replica == side.replica
}

/// Whether a side can stand below `top`, the innermost that is open: only its own parent, where that waits for it.
fn nests(top: Option<usize>, side: &Side, sides: &[Side]) -> bool {
    let Some(top) = top else { return true };
    let apart = |s: &Segment| s.to <= side.from || s.from >= side.to;
    side.parent == Some(top) && side.to <= sides[top].to && sides[top].segments.iter().all(apart)
}

/// A side and its own time.
fn slices(side: &Side) -> Vec<Slice> {
    let own = side.segments.iter().filter(|s| s.to > s.from).map(|s| Slice {
        from: s.from,
        to: s.to,
        begin: json!({ "name": cause::name(s.cause), "cat": s.cause.word() }),
    });
    std::iter::once(Slice { from: side.from, to: side.to, begin: opening(side) }).chain(own).collect()
}

fn opening(side: &Side) -> Value {
    let mut args = json!({ "node": clean(side.node), "replica": side.replica, "outcome": side.outcome.word() });
    if let Some(since) = side.abandoned {
        args["abandoned_at_us"] = json!(micros(since));
    }
    let mark =
        remark(side.outcome, side.abandoned, side.open).map_or_else(String::new, |remark| format!(" ({remark})"));
    let (category, arrow) = match side.role {
        Role::Client => ("call", "→ "),
        Role::Server => ("served", ""),
        Role::Internal => ("request", ""),
        Role::Producer => ("send", "→ "),
        Role::Broker => ("message", ""),
        Role::Consumer => ("consumed", ""),
    };
    json!({ "name": format!("{arrow}{}{mark}", clean(side.name)), "cat": category, "args": args })
}

/// Begins and ends in an order in which they nest.
fn nested(mut slices: Vec<Slice>, lane: usize, lanes: &[Lane]) -> Vec<Value> {
    // A parent was listed before its child; of equal stretches it stays the outer one.
    slices.sort_by_key(|slice| (slice.from, Reverse(slice.to)));
    let (mut events, mut open): (Vec<Value>, Vec<u64>) = (Vec::new(), Vec::new());
    let close = |ts: u64| at(json!({ "ph": "E" }), lane, lanes, ts);
    for slice in slices {
        while let Some(end) = open.pop_if(|end| *end <= slice.from) {
            events.push(close(end));
        }
        let mut begin = slice.begin;
        begin["ph"] = json!("B");
        events.push(at(begin, lane, lanes, slice.from));
        open.push(slice.to);
    }
    events.extend(open.into_iter().rev().map(close));
    events
}

/// An event with its place.
fn at(mut event: Value, lane: usize, lanes: &[Lane], ns: u64) -> Value {
    event["ts"] = json!(micros(ns));
    event["pid"] = json!(lanes[lane].process);
    event["tid"] = json!(lane + 1);
    event
}

/// What processes and threads are called, in the order in which the request came to them.
fn names(lanes: &[Lane]) -> Vec<Value> {
    let mut events = Vec::new();
    for (tid, lane) in lanes.iter().enumerate() {
        let mut say = |what: &str, args: Value| {
            events.push(json!({ "ph": "M", "name": what, "pid": lane.process, "tid": tid + 1, "args": args }));
        };
        say("process_name", json!({ "name": clean(lane.node) }));
        say("process_sort_index", json!({ "sort_index": lane.process }));
        let beside = if lane.beside == 0 { String::new() } else { format!(", beside ({})", lane.beside + 1) };
        say("thread_name", json!({ "name": format!("replica {}{beside}", lane.replica) }));
        say("thread_sort_index", json!({ "sort_index": tid }));
    }
    events
}

/// Arrows from callers to callees, and along the way of a message.
fn arrows(sides: &[Side], places: &[usize], lanes: &[Lane]) -> Vec<Value> {
    let mut events = Vec::new();
    for (id, side) in sides.iter().enumerate() {
        let caller = side.parent.filter(|parent| match side.role {
            Role::Server => sides[*parent].role == Role::Client,
            Role::Broker | Role::Consumer => true,
            Role::Client | Role::Producer | Role::Internal => false,
        });
        let Some(caller) = caller else { continue };
        let (word, from) = match side.role {
            Role::Server => ("call", sides[caller].from),
            // A message leaves when it is sent, and its broker when a consumer has it.
            _ => ("message", side.from),
        };
        let begin = json!({ "ph": "s", "name": word, "cat": word, "id": id });
        events.push(at(begin, places[caller], lanes, from));
        let end = json!({ "ph": "f", "bp": "e", "name": word, "cat": word, "id": id });
        events.push(at(end, places[id], lanes, side.from));
    }
    events
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::sample_trace;

    fn events(trace: &Trace) -> Vec<Value> {
        let whole: Value = serde_json::from_str(&render(trace)).unwrap();
        assert_eq!(whole["displayTimeUnit"], "ms");
        whole["traceEvents"].as_array().unwrap().clone()
    }

    /// The slices of each thread as `(name, depth, from, to)`, or a panic where they do not nest.
    fn stacks(events: &[Value]) -> Vec<(String, usize, f64, f64)> {
        let mut open: BTreeMap<(u64, u64), Vec<(String, f64)>> = BTreeMap::new();
        let mut last: BTreeMap<(u64, u64), f64> = BTreeMap::new();
        let mut closed = Vec::new();
        for event in events.iter().filter(|e| e["ph"] == "B" || e["ph"] == "E") {
            let thread = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
            let ts = event["ts"].as_f64().unwrap();
            assert!(last.insert(thread, ts).is_none_or(|before| before <= ts), "time runs backwards: {event}");
            let stack = open.entry(thread).or_default();
            if event["ph"] == "B" {
                stack.push((event["name"].as_str().unwrap().to_owned(), ts));
            } else {
                let (name, from) = stack.pop().expect("an end without a begin");
                closed.push((name, stack.len(), from, ts));
            }
        }
        assert!(open.values().all(Vec::is_empty), "a begin without an end");
        closed
    }

    #[test]
    fn slices_nest_and_keep_their_times() {
        let all = stacks(&events(&sample_trace::trace()));
        let find = |name: &str| all.iter().filter(|s| s.0 == name).map(|s| (s.1, s.2, s.3)).collect::<Vec<_>>();
        assert_eq!(find("shoppers"), [(0, 0.0, 46_000.0)]);
        assert_eq!(find("→ orders.create"), [(1, 0.0, 46_000.0)]);
        assert_eq!(find("orders.create"), [(0, 1_200.0, 44_200.0)]);
        assert_eq!(find("→ payments.charge (timeout)")[0].2, 22_200.0);
        assert_eq!(find("payments.charge (timeout)"), [(0, 8_200.0, 33_000.0)]);
        assert_eq!(find("database"), [(1, 11_300.0, 15_100.0)]);
    }

    #[test]
    fn branches_that_overlap_stand_beside_each_other() {
        let events = events(&sample_trace::trace());
        let branches: Vec<&Value> = events.iter().filter(|e| e["ph"] == "B" && e["name"] == "branch").collect();
        assert_eq!(branches.len(), 2);
        assert_eq!(branches[0]["pid"], branches[1]["pid"]);
        assert_ne!(branches[0]["tid"], branches[1]["tid"]);
    }

    #[test]
    fn every_process_and_thread_has_a_name_and_arrows_have_two_ends() {
        let events = events(&sample_trace::trace());
        let has = |what: &str, key: &str, of: &Value| {
            events.iter().any(|e| e["ph"] == "M" && e["name"] == what && e[key] == of[key])
        };
        for event in events.iter().filter(|e| e["ph"] != "M") {
            assert!(has("process_name", "pid", event) && has("thread_name", "tid", event), "{event}");
        }
        let ends = |ph: &str| events.iter().filter(|e| e["ph"] == ph).map(|e| e["id"].as_u64()).collect::<Vec<_>>();
        assert_eq!(ends("s"), ends("f"));
        assert_eq!(ends("s").len(), 5);
    }

    #[test]
    fn the_same_trace_gives_the_same_bytes() {
        assert_eq!(render(&sample_trace::trace()), render(&sample_trace::trace()));
        stacks(&events(&sample_trace::long(300)));
    }
}

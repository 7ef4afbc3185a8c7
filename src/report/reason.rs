//! Why requests took long or failed: a causal sentence each, from what was waited for to what began it.

use crate::diag::nouns;
use crate::experiment::why::{Began, Blamed, Group, Link, Root, Wanted, Why};
use crate::report::number::{count, percent, seconds, time};
use crate::report::page::{Figure, Page};
use crate::report::sheet::Sheet;
use crate::report::text::clean;

/// Groups that are told, unless all are asked for.
const GROUPS: usize = 6;

/// The page; `every`: all groups.
pub fn page(why: &Why, every: bool) -> Page {
    let shown = if every { usize::MAX } else { GROUPS };
    let mut page = Page { answer: answer(why), heading: heading(why), warnings: warnings(why), ..Page::default() };
    if why.asked > 1 {
        page.tables = vec![(format!("{}, of {}", asked(why), clients(why)), sheet(why, shown))];
        let told = why.groups.iter().zip(1..).take(shown).skip(1);
        page.notes = told.map(|(group, nth)| format!("{nth}: {}", of_group(why, group))).collect();
        let left = why.groups.len().saturating_sub(shown);
        page.notes.extend((left > 0).then(|| format!("{} more kinds not shown; all with -v", count(left as u64))));
    }
    for group in &why.groups {
        let name = format!("{} {}", group.client, path(&group.chain, &group.began));
        let figure = |metric: &str, value: f64| Figure {
            section: "groups",
            name: name.clone(),
            metric: metric.into(),
            unit: "ms",
            value: crate::experiment::summary::Estimate::point(value),
            count: Some(group.requests),
        };
        page.figures.push(figure("latency_median_ms", group.latencies_ms[1]));
        page.figures.push(figure("spent_median_ms", group.spent_median_ms));
    }
    page
}

/// The study as an object of its own, each group with its sentence.
pub fn told(why: &Why) -> serde_json::Value {
    let mut all = serde_json::to_value(why).unwrap_or_default();
    for (group, told) in why.groups.iter().zip(all["groups"].as_array_mut().into_iter().flatten()) {
        told["sentence"] = sentence(group).into();
    }
    all
}

/// The largest group in a sentence, or the one request.
pub fn answer(why: &Why) -> String {
    let Some(first) = why.groups.first() else { return unasked(why) };
    if why.asked == 1 {
        return format!("request {} of {} {}", first.such_as, clean(&first.client), sentence(first));
    }
    of_group(why, first)
}

/// What is known where none was asked.
fn unasked(why: &Why) -> String {
    if why.there_are == 0 && why.looked_s.is_none() {
        let n = count(why.measured);
        return format!(
            "none of {n} requests failed in replication {}; another may have one: --replication N",
            why.replication
        );
    }
    let so_far = if why.looked_s.is_some() { " so far" } else { "" };
    let requests = nouns(why.there_are, "request");
    format!("{} {requests} ({}){so_far}; none was asked why", count(why.there_are), clean(&why.request))
}

fn warnings(why: &Why) -> Vec<String> {
    let looked = why.looked_s.map(|s| format!("interrupted after {} of the measured time", seconds(s)));
    let missing = (why.missing > 0 && looked.is_none())
        .then(|| format!("interrupted: {} of {} were not asked", count(why.missing), count(why.asked + why.missing)));
    looked.or(missing).into_iter().collect()
}

fn of_group(why: &Why, group: &Group) -> String {
    let share = percent(group.requests as f64 / why.asked.max(1) as f64);
    let like = format!("such as request {}", group.such_as);
    if group.requests == 1 {
        return format!("1 of {} {}: {}", count(why.asked), asked(why), one(group));
    }
    format!(
        "{} of {} {} ({share}), {like}: it {}",
        count(group.requests),
        count(why.asked),
        asked(why),
        sentence(group)
    )
}

fn one(group: &Group) -> String {
    format!("request {} {}", group.such_as, sentence(group))
}

/// What was asked for, in words.
fn asked(why: &Why) -> String {
    match why.request.as_str() {
        "failed" => "that failed".into(),
        "slowest" => "the slowest".into(),
        p if p.starts_with('p') => format!("slower than {p} of the answered"),
        _ => "requests".into(),
    }
}

fn clients(why: &Why) -> String {
    let mut all: Vec<String> = why.groups.iter().map(|group| clean(&group.client)).collect();
    all.sort();
    all.dedup();
    all.join(", ")
}

fn heading(why: &Why) -> Vec<String> {
    let variant = why.scenario.variant.as_ref().map(|variant| format!(", variant {}", clean(variant)));
    let spread = if why.there_are > why.asked { ", spread evenly among them" } else { "" };
    vec![
        format!("{}{}", clean(&why.scenario.name), variant.unwrap_or_default()),
        format!("{} {}", why.tool.name, why.tool.version),
        format!("scenario {}", why.scenario.hash.chars().take(8).collect::<String>()),
        why.note.clone(),
        match why.replication {
            1 => format!("seed {}, first replication", why.seed),
            later => format!("seed {}, replication {later}", why.seed),
        },
        format!("{} of {} asked{spread}", count(why.asked), count(why.there_are)),
    ]
}

fn sheet(why: &Why, shown: usize) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("what it waited for, what began it", 9),
        ("requests", 8),
        ("such as", 6),
        ("took", 7),
        ("of it", 5),
    ]);
    for group in why.groups.iter().take(shown) {
        let spent = if group.spent_median_ms > 0.0 { time(group.spent_median_ms) } else { String::new() };
        let row = [count(group.requests), group.such_as.to_string(), time(group.latencies_ms[1]), spent];
        sheet.push(&path(&group.chain, &group.began), row.map(Into::into));
    }
    if why.groups.iter().any(|group| group.requests > 1) {
        sheet.note = Some("took, of it: medians of the requests of a row".into());
    }
    sheet
}

/// The way in short: `worker of gateway < orders < worker of orders < bank (slow)`.
fn path(chain: &[Link], root: &Root) -> String {
    let mut parts: Vec<String> = chain.iter().map(step).collect();
    let faults: Vec<&str> = root.faults.iter().map(|fault| fault.kind.as_str()).collect();
    let what = match (root.began, faults.is_empty()) {
        (_, false) => faults.join(", "),
        (Began::Work, _) => "work".into(),
        (Began::Wait, _) => "wait".into(),
        (Began::Network, _) => "network".into(),
        (Began::Handshake, _) => "handshake lost".into(),
        (Began::Between, _) => "between tries".into(),
        (Began::Broker, _) => "broker".into(),
        (Began::Failure | Began::Policy, _) => root.word.clone().unwrap_or_else(|| "failing".into()),
        (Began::Unknown, _) => "held by nobody".into(),
    };
    let place = clean(root.to.as_deref().filter(|_| root.began == Began::Network).unwrap_or(&root.node));
    parts.push(format!("{place} ({what})"));
    parts.join(" < ")
}

fn step(link: &Link) -> String {
    let (node, to) = (clean(&link.node), clean(link.to.as_deref().unwrap_or_default()));
    match link.wanted {
        Wanted::Worker => format!("worker of {node}"),
        Wanted::Room => format!("room at {node}"),
        Wanted::DatabaseConnection | Wanted::Connection => format!("connection {node} -> {to}"),
        Wanted::Lock => format!("lock at {node}"),
        Wanted::Turn => format!("turn at {node}"),
        Wanted::Consumer => format!("consumer of {to}"),
        Wanted::Answer => to,
        Wanted::Leave => format!("{} {node} -> {to}", link.word.as_deref().unwrap_or("policy")),
    }
}

/// What became of a request and why, from its verb on.
pub fn sentence(group: &Group) -> String {
    let took = time(group.latency_ms);
    let ended = match &group.outcome {
        None => format!("was not answered in {took}"),
        Some(word) if word == "succeeded" => format!("took {took}"),
        Some(word) => format!("failed after {took} (`{word}`)"),
    };
    let why = because(&group.chain, &group.began, &spent(group.spent_ms, group.usual_ms)) + &in_calls(group);
    let after = group.afterwards.as_ref().map_or_else(String::new, |after| {
        let lay = because(&after.chain, &after.began, &spent(after.spent_ms, 0.0));
        format!("; afterwards its message {lay}")
    });
    format!("{ended}: it {why}{after}")
}

/// In how many calls of one kind its time was spent, where these are several.
fn in_calls(group: &Group) -> String {
    if group.calls < 2 { String::new() } else { format!("; that in {} calls of the kind", count(group.calls)) }
}

/// How long, and how long is usual; nothing where it is no matter of time.
fn spent(spent_ms: f64, usual_ms: f64) -> String {
    match (spent_ms > 0.0, usual_ms > 0.0) {
        (false, _) => String::new(),
        (true, false) => time(spent_ms),
        (true, true) => format!("{} (usually {})", time(spent_ms), time(usual_ms)),
    }
}

/// Whose doing is told next.
enum Who {
    /// The request itself, of which nothing was said yet.
    It,
    /// Those who hold what was named last: so many.
    Holders(&'static str),
    /// The node named last.
    Node,
}

/// Of a caller that refuses a call itself: those to the same callee that are under way.
const CALLS: &str = "of its calls there";

/// The chain as one clause, from its verb on.
fn because(chain: &[Link], root: &Root, took: &str) -> String {
    let mut text = String::new();
    let mut who = Who::It;
    for link in chain {
        let (node, to) = (clean(&link.node), clean(link.to.as_deref().unwrap_or_default()));
        let waited = |what: String| match &who {
            Who::It if !took.is_empty() => format!("waited {took} for {what}"),
            Who::It => format!("waited for {what}"),
            Who::Holders(of) => format!(", {} {of} waited for {what}", share(link.waited, link.of)),
            Who::Node => format!(", which waited for {what}"),
        };
        let (said, next) = match link.wanted {
            Wanted::Worker if matches!(who, Who::Node) => (String::new(), Who::Holders("of whose workers")),
            Wanted::Worker => (waited(format!("a worker of {node}")), Who::Holders("of which")),
            Wanted::Room => {
                (format!("was refused by {node} (`overloaded`), whose line was full"), Who::Holders("of whose workers"))
            }
            Wanted::DatabaseConnection => {
                (waited(format!("one of {node}'s connections to {to}")), Who::Holders("of which"))
            }
            Wanted::Connection => (waited(format!("a connection from {node} to {to}")), Who::Holders("of which")),
            Wanted::Lock => (waited(format!("a lock at {node}")), Who::Holders("of whose holders")),
            Wanted::Turn => (waited(format!("its turn at {node}")), Who::Node),
            Wanted::Consumer => {
                let lay = if took.is_empty() { format!("lay in {to}") } else { format!("lay {took} in {to}") };
                let said = match who {
                    Who::It => format!("{lay} for a consumer of {node}"),
                    _ => waited(format!("a consumer of {node}")),
                };
                (said, Who::Holders("of which"))
            }
            Wanted::Answer => (waited(to), Who::Node),
            Wanted::Leave => {
                (refused(link, &node, &to), if root.began == Began::Policy { Who::Node } else { Who::Holders(CALLS) })
            }
        };
        text.push_str(&said);
        who = next;
    }
    text + &end(root, &who, took)
}

/// That a policy of a caller's refused a call, and what it had seen.
fn refused(link: &Link, node: &str, to: &str) -> String {
    let word = link.word.as_deref().unwrap_or("refused");
    let since = link.since_s.map_or_else(String::new, |since| format!(" since {}", seconds(since)));
    let unseen = if word == "circuit_open" {
        ", of which no call was seen to fail: slow calls opened it, or tries that failed and were made up for"
    } else {
        ""
    };
    let saw = link.saw.as_ref().map_or_else(
        || unseen.to_owned(),
        |saw| {
            let times = if saw.calls == 1 {
                format!("at {}", seconds(saw.until_s))
            } else {
                format!("from {} to {}", seconds(saw.from_s), seconds(saw.until_s))
            };
            let calls = nouns(saw.calls, "call");
            let faults: Vec<String> = saw.faults.iter().map(fault).collect();
            let why = if faults.is_empty() { String::new() } else { format!(", when it {}", faults.join(" and ")) };
            format!(", having seen {} {calls} to it fail (`{}`) {times}{why}", count(saw.calls), saw.word)
        },
    );
    format!("was refused by {node} itself (`{word}`{since}) instead of calling {to}{saw}")
}

/// What began it, after what has been told.
fn end(root: &Root, who: &Who, took: &str) -> String {
    let (node, to) = (clean(&root.node), clean(root.to.as_deref().unwrap_or_default()));
    let faults = faults(root);
    let spent = || if took.is_empty() { "its time" } else { took };
    let all = |of: &str| format!("{} {of}", share(root.at_it, root.of));
    let line = match (root.in_line, root.line_since_s) {
        (n @ 1.., Some(since)) => {
            format!("; {} in its line, which had not been empty since {}", count(n), seconds(since))
        }
        _ => String::new(),
    };
    match (root.began, who) {
        (Began::Failure, Who::It) => {
            let word = root.word.as_deref().unwrap_or("error");
            let own = if faults.is_empty() { String::new() } else { format!(", which {faults}") };
            format!("had `{word}` from {node}{own}")
        }
        (Began::Network, Who::It) if faults.is_empty() => {
            format!("spent {} of that on the way between {node} and {to}", spent())
        }
        (Began::Network, Who::It) => format!("waited {} for {to}, which {faults}", spent()),
        (Began::Network, Who::Holders(of)) if faults.is_empty() => {
            format!(", {} had messages on their way to {to} or back", all(of))
        }
        (Began::Network, Who::Holders(of)) => format!(", {} waited for {to}, which {faults}", all(of)),
        (Began::Network, Who::Node) if faults.is_empty() => {
            format!(", which had messages on their way to {to} or back")
        }
        (Began::Network, Who::Node) => format!(", which waited for {to}, which {faults}"),
        (Began::Between, Who::It) => format!("waited {} before another try at {to}", spent()) + &own(&faults),
        (Began::Between, Who::Holders(of)) => {
            format!(", {} waited before another try at {to}", all(of)) + &own(&faults)
        }
        (Began::Between, Who::Node) => format!(", which waited before another try at {to}") + &own(&faults),
        (Began::Handshake, _) => {
            let when = if faults.is_empty() { String::new() } else { format!(" when it {faults}") };
            format!(", whose handshake {node} had not heard{when}")
        }
        (Began::Broker, Who::It) => format!("waited {} for {node} to have its message safe", spent()) + &own(&faults),
        (Began::Broker, _) => format!(", which waited for the broker {node}") + &own(&faults),
        (_, Who::It) if faults.is_empty() => {
            let what = if root.began == Began::Wait { "waiting there without CPU" } else { "work there" };
            format!("spent {} of that at {node}: {what}{line}", spent())
        }
        (_, Who::It) => format!("spent {} of that at {node}, which {faults}{line}", spent()),
        (_, _) if !faults.is_empty() => format!(", which {faults}{line}"),
        (Began::Work, Who::Holders(CALLS)) => format!(", {} were being worked on{line}", all(CALLS)),
        (Began::Work, Who::Holders(of)) if root.of == 1 => format!(", {} was at work on another{line}", all(of)),
        (Began::Work, Who::Holders(of)) => format!(", {} were at work on others{line}", all(of)),
        (Began::Wait, Who::Holders(of)) => format!(", {} waited there without CPU{line}", all(of)),
        (Began::Work, Who::Node) => format!(", which was at work on it{line}"),
        (Began::Wait, Who::Node) => format!(", which waited there without CPU{line}"),
        (Began::Unknown | Began::Failure | Began::Policy, _) => line,
    }
}

/// What is wrong with the node named last, where anything is.
fn own(faults: &str) -> String {
    if faults.is_empty() { String::new() } else { format!(", which {faults}") }
}

fn share(some: u64, of: u64) -> String {
    match (some, of) {
        (1, 1) => "the only one".into(),
        _ if some == of => format!("all {}", count(of)),
        _ => format!("{} of {}", count(some), count(of)),
    }
}

/// `was slow since 20 s (fault "bank slow")`.
fn faults(root: &Root) -> String {
    root.faults.iter().map(fault).collect::<Vec<_>>().join(" and ")
}

fn fault(fault: &Blamed) -> String {
    let how = match fault.kind.as_str() {
        "slow" => "was slow",
        "outage" | "crash" | "replicas_lost" => "was down",
        "freeze" => "stood still",
        "errors" => "failed requests",
        "partition" => "was cut off",
        "packet_loss" => "lost messages on the way",
        "latency" => "was far away",
        "deploy" => "was being deployed",
        "move" => "had moved",
        "cold_cache" => "had a cold cache",
        _ => "was in trouble",
    };
    let when = match fault.until_s {
        None => format!("since {}", seconds(fault.since_s)),
        Some(until) => format!("from {} to {}", seconds(fault.since_s), seconds(until)),
    };
    format!("{how} {when} (fault `{}`)", clean(&fault.name))
}

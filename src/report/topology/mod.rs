//! The architecture as a picture: who calls whom, who sends whom, whose it is; after a run also how often, how slow, what fails.
//!
//! A [`Diagram`] says what is to be seen. [`dot`] and [`mermaid`] write it for other programs to lay out;
//! `chart::topology` lays it out and draws it.

mod dot;
mod mermaid;

use std::collections::BTreeMap;

pub use dot::dot;
pub use mermaid::mermaid;

use super::number::{plain, time};
use crate::experiment::summary::{Stats, Summary};
use crate::graph::Arrow as Named;
use crate::scenario::{Link, Part, Topology, Vertex};

/// From this share of failures on an arrow is drawn as failing.
const FAILING: f64 = 0.005;

/// A picture before it has a shape.
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    /// What stands in it.
    pub vertices: Vec<Vertex>,
    /// What leads from one to another.
    pub arrows: Vec<Arrow>,
    /// Names that are one unit in fact, with its number from 1; who stands alone is left out.
    pub units: BTreeMap<String, usize>,
    /// Whether figures of a run stand in it.
    pub ran: bool,
}

impl Diagram {
    /// Nodes that a picture in a report holds: beyond, nobody reads it, and laying it out takes minutes.
    pub const MOST: usize = 300;
}

/// From one to another.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// Position of where it begins in [`Diagram::vertices`].
    pub from: usize,
    /// Position of where it ends.
    pub to: usize,
    /// Whether it is a message, behind which nobody waits.
    pub message: bool,
    /// The ways that it stands for, by their places in the topology: several where functions are drawn in their service.
    pub links: Vec<usize>,
    /// What stands at it, in lines.
    pub label: Vec<String>,
    /// Its traffic as a share of the busiest arrow's, after a run.
    pub traffic: Option<f64>,
    /// How it fared.
    pub fared: Fared,
}

/// How an arrow fared in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fared {
    /// When there was no run, or nobody counts there.
    #[default]
    Unknown,
    /// When nobody came by.
    Unused,
    /// When all went well, or nearly all.
    Used,
    /// When it did, and both ends are one unit in fact: the caller cannot do without.
    Coupled,
    /// When half a percent failed, or more.
    Failing,
}

/// What a run says of an arrow.
#[derive(Clone)]
struct Seen {
    per_s: f64,
    p99_ms: Option<f64>,
    failed: f64,
    /// Of how many arrows this is the sum: a broker counts what comes in and goes out, not by whom.
    of: usize,
}

impl Diagram {
    /// Of a file as written; what one service alone calls as a function is drawn within it.
    pub fn of(topology: &Topology) -> Self {
        let host = |name: &'_ str| topology.inside.get(name).map_or_else(|| name.to_owned(), String::clone);
        let mut vertices: Vec<Vertex> =
            topology.vertices.iter().filter(|vertex| !topology.inside.contains_key(&vertex.name)).cloned().collect();
        let at: BTreeMap<String, usize> =
            vertices.iter().zip(0..).map(|(vertex, at)| (vertex.name.clone(), at)).collect();
        for (name, host) in &topology.inside {
            at.get(host).into_iter().for_each(|at| vertices[*at].parts.push(name.clone()));
        }
        let mut arrows: Vec<Arrow> = Vec::new();
        for (nth, link) in topology.links.iter().enumerate() {
            let (Some(&from), Some(&to)) = (at.get(&host(&link.from)), at.get(&host(&link.to))) else { continue };
            if from == to && link.from != link.to {
                // A function call leads nowhere else.
                continue;
            }
            match arrows.iter_mut().find(|arrow| (arrow.from, arrow.to) == (from, to)) {
                Some(arrow) => {
                    arrow.message &= link.message;
                    arrow.links.push(nth);
                }
                None => arrows.push(Arrow {
                    from,
                    to,
                    message: link.message,
                    links: vec![nth],
                    label: Vec::new(),
                    traffic: None,
                    fared: Fared::Unknown,
                }),
            }
        }
        Self { vertices, arrows, units: topology.units.clone(), ran: false }
    }

    /// The same after a run: how often each way was taken, how slow the slowest hundredth was, what failed.
    pub fn after(summary: &Summary) -> Self {
        let mut all = Self { ran: true, ..Self::of(&summary.topology) };
        let seen: Vec<Option<Seen>> = summary.topology.links.iter().map(|link| seen(summary, link)).collect();
        let seen: Vec<Option<Seen>> = all.arrows.iter().map(|arrow| Seen::all(&seen, &arrow.links)).collect();
        let most = seen.iter().flatten().filter(|seen| seen.of == 1).map(|seen| seen.per_s).fold(0.0, f64::max);
        let unit = |at: usize| all.units.get(&all.vertices[at].name);
        for (arrow, seen) in all.arrows.iter_mut().zip(seen) {
            let Some(seen) = seen else { continue };
            arrow.traffic = (seen.of == 1).then(|| if most > 0.0 { seen.per_s / most } else { 0.0 });
            arrow.fared = match seen.per_s {
                none if none <= 0.0 => Fared::Unused,
                _ if seen.failed >= FAILING => Fared::Failing,
                _ if !arrow.message && unit(arrow.from).is_some() && unit(arrow.from) == unit(arrow.to) => {
                    Fared::Coupled
                }
                _ => Fared::Used,
            };
            arrow.label = seen.told();
        }
        all
    }

    /// The teams in the order of their names, each with the positions of what it owns.
    pub fn teams(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut teams: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (vertex, at) in self.vertices.iter().zip(0..) {
            if let Some(team) = &vertex.team {
                teams.entry(team).or_default().push(at);
            }
        }
        teams
    }
}

impl Seen {
    /// All ways of one arrow together, the slowest of them and all that fails; nothing where one of them is not counted.
    fn all(seen: &[Option<Self>], links: &[usize]) -> Option<Self> {
        let all: Option<Vec<&Self>> = links.iter().map(|link| seen[*link].as_ref()).collect();
        let (first, more) = all?.split_first().map(|(first, more)| ((*first).clone(), more.to_vec()))?;
        Some(more.into_iter().fold(first, |sum, one| {
            let per_s = sum.per_s + one.per_s;
            let failed = sum.failed * sum.per_s + one.failed * one.per_s;
            Self {
                per_s,
                p99_ms: [sum.p99_ms, one.p99_ms].into_iter().flatten().reduce(f64::max),
                failed: if per_s > 0.0 { failed / per_s } else { 0.0 },
                of: sum.of.max(one.of),
            }
        }))
    }

    fn told(&self) -> Vec<String> {
        if self.per_s <= 0.0 {
            return vec!["unused".into()];
        }
        let among = if self.of > 1 { format!(" of {} together", self.of) } else { String::new() };
        let mut lines = vec![format!("{}/s{among}", plain(self.per_s))];
        lines.extend(self.p99_ms.map(|ms| format!("p99 {}", time(ms))));
        if self.failed >= FAILING {
            lines.push(format!("{} fail", super::number::percent(self.failed)));
        }
        lines
    }
}

/// What a run says of a way; `None` where nothing counts there.
fn seen(summary: &Summary, link: &Link) -> Option<Seen> {
    let span = summary.run.duration_s * f64::from(summary.run.replications);
    if span <= 0.0 {
        return None;
    }
    if !link.message {
        return Some(calls(summary, link, span));
    }
    if let (Some(topic), Some(group)) = (summary.topics.get(&link.from), &link.group) {
        let group = topic.groups.get(group)?;
        let p99_ms = group.delay_ms.p99.value;
        return Some(Seen { per_s: (group.consumed + group.duplicates) as f64 / span, p99_ms, failed: 0.0, of: 1 });
    }
    // Of several who send to a broker, or take from a queue, the broker does not know who did how often.
    let among = |same: fn(&Link) -> &String| {
        summary.topology.links.iter().filter(|other| other.message && same(other) == same(link)).count()
    };
    if let Some(queue) = summary.queues.get(&link.from) {
        let (per_s, p99_ms) = (queue.delivered as f64 / span, queue.wait_ms.p99.value);
        return Some(Seen { per_s, p99_ms, failed: 0.0, of: among(|link| &link.from) });
    }
    let published = summary.queues.get(&link.to).map(|queue| queue.published);
    let published = published.or_else(|| summary.topics.get(&link.to).map(|topic| topic.published));
    Some(Seen { per_s: published? as f64 / span, p99_ms: None, failed: 0.0, of: among(|link| &link.to) })
}

/// All calls from one node to another; of several endpoints the slowest one's p99.
fn calls(summary: &Summary, link: &Link, span: f64) -> Seen {
    let edges = || {
        let named = summary.edges.iter().filter_map(|(name, stats)| Some((Named::of(name)?, stats)));
        named.filter(|(arrow, _)| arrow.from == link.from && arrow.end().node == link.to).map(|(_, stats)| stats)
    };
    let sum = |of: fn(&Stats) -> u64| edges().map(of).sum::<u64>() as f64;
    let arrived = sum(|stats| stats.arrived);
    let failed = if arrived > 0.0 { 1.0 - sum(|stats| stats.succeeded) / arrived } else { 0.0 };
    let p99_ms = edges().filter_map(|stats| stats.latency_ms.p99.value).reduce(f64::max);
    Seen { per_s: arrived / span, p99_ms, failed, of: 1 }
}

/// What stands in the box of a vertex: its name, and below it what is built into it.
pub fn told(vertex: &Vertex) -> Vec<String> {
    let mut lines = vec![vertex.name.clone()];
    lines.extend(vertex.parts.iter().take(PARTS).map(|part| format!("+ {part}")));
    let more = vertex.parts.len().saturating_sub(PARTS);
    if more > 0 {
        lines.push(format!("+ {more} more"));
    }
    lines
}

/// So many parts of a service are named in its box.
const PARTS: usize = 6;

/// What a part is called in a key.
pub fn part_word(part: Part) -> &'static str {
    match part {
        Part::Client => "client",
        Part::Gateway => "gateway",
        Part::Service => "service",
        Part::Cache => "cache",
        Part::Database => "database",
        Part::External => "third party",
        Part::Queue => "queue",
        Part::Topic => "topic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::scenario::load;

    const SHOP: &str = r#"
version = 1
sim = { duration = "5s", warmup = "0s", replications = 2 }
[clients.users]
calls = "end"
rate = "20/s"
[clients.others]
calls = "other"
rate = "5/s"
[services.end]
team = "a \"b\""
steps = [{ send = "news" }, { query = "db" }, { send = "mails" }, { call = "old", probability = 0.0 }]
[services.other]
steps = [{ send = "news" }]
[services.reader]
consumes = [{ from = "news", work = "1ms" }]
[queues.news]
[services.old]
[services.mailer]
consumes = [{ from = "mails", work = "1ms" }]
[queues.mails]
[databases.db]
work = "1ms"
error_rate = "50%"
"#;

    #[test]
    fn what_is_built_into_one_service_is_drawn_within_it() {
        let text = "version = 1\nsim = { duration = \"2s\", warmup = \"0s\", replications = 2 }\n\
                    [clients.web]\ncalls = \"shop\"\nrate = \"20/s\"\n[services.shop]\n\
                    steps = [{ query = \"db\" }, { call = \"users\", transport = \"in-process\" }, { call = \"far\", transport = \"in-process\" }]\n\
                    [services.users]\nsteps = [{ query = \"db\" }]\n[services.far]\nsteps = [\"else\"]\n[services.else]\n[databases.db]\n";
        let checked = load(&Source::text("shop", text), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let plain = Diagram::of(&Topology::of(checked.scenario()));
        let names: Vec<&str> = plain.vertices.iter().map(|vertex| vertex.name.as_str()).collect();
        assert_eq!(names, ["web", "db", "else", "shop"]);
        let arrows = |all: &Diagram| -> Vec<(String, String)> {
            all.arrows.iter().map(|one| [one.from, one.to].map(|at| all.vertices[at].name.clone()).into()).collect()
        };
        // No circle and no arrow to itself: both who ask the database are the shop.
        let expected = [("web", "shop"), ("far", "else"), ("shop", "db")]
            .map(|(from, to)| ((if from == "far" { "shop" } else { from }).to_owned(), to.to_owned()));
        let mut found = arrows(&plain);
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(found, expected);
        assert!(dot("shop", &plain).contains("shop\\n+ far\\n+ users"), "{}", dot("shop", &plain));
        assert!(mermaid(&plain).contains("(\"shop<br/>+ far<br/>+ users\")"), "{}", mermaid(&plain));
        // After a run both ways to the database are one: two queries a request.
        let after = Diagram::after(&crate::experiment::run(&checked, None, &()).unwrap());
        let both = after.arrows.iter().find(|one| after.vertices[one.to].name == "db").unwrap();
        assert_eq!((both.links.len(), both.traffic), (2, Some(1.0)));
        let rate: f64 = both.label[0].trim_end_matches("/s").parse().unwrap();
        // Some eighty requests, two queries each: 40 a second, give or take 4.5.
        assert!((26.0..54.0).contains(&rate), "{rate}");
    }

    #[test]
    fn a_run_says_how_often_how_slow_and_what_fails() {
        let checked = load(&Source::text("shop", SHOP), &[]).unwrap();
        let plain = Diagram::of(&Topology::of(checked.scenario()));
        assert!(plain.arrows.len() == 9 && plain.arrows.iter().all(|arrow| arrow.label.is_empty() && !plain.ran));
        let summary = crate::experiment::run(&checked, None, &()).unwrap();
        let after = Diagram::after(&summary);
        let told = |from: &str, to: &str| {
            let name = |at: usize| after.vertices[at].name.as_str();
            after.arrows.iter().find(|arrow| name(arrow.from) == from && name(arrow.to) == to).unwrap()
        };
        assert_eq!((told("end", "db").fared, told("end", "old").fared), (Fared::Failing, Fared::Unused));
        // Who cannot do without whom is told by a diagnosis; it changes the colour of what is used, not of what fails.
        let mut bound = summary.clone();
        bound.topology.units = ["end", "db", "mails", "mailer"].map(|name| (name.to_owned(), 1)).into();
        let bound = Diagram::after(&bound);
        let fared: Vec<Fared> = bound.arrows.iter().map(|arrow| arrow.fared).collect();
        assert!(fared.contains(&Fared::Failing) && !fared.contains(&Fared::Coupled), "{fared:?}");
        let mut bound = summary.clone();
        bound.topology.units = ["users", "end"].map(|name| (name.to_owned(), 1)).into();
        bound.edges.get_mut("users -> end").unwrap().succeeded = bound.edges["users -> end"].arrived;
        let bound = Diagram::after(&bound);
        assert_eq!(bound.arrows.iter().filter(|arrow| arrow.fared == Fared::Coupled).count(), 1);
        assert!(dot("shop", &bound).contains("#cc79a7") && mermaid(&bound).contains("px,stroke:#cc79a7"));
        assert_eq!((told("mails", "mailer").message, told("mails", "mailer").fared), (true, Fared::Used));
        // Two send to one broker, which does not know who did how often.
        let both = told("end", "news");
        assert!(both.label[0].ends_with("of 2 together") && both.fared == Fared::Used, "{:?}", both.label);
        assert_eq!((both.traffic, told("other", "news").fared), (None, Fared::Used));
        assert!(
            told("end", "db").label[2].ends_with("% fail") && told("end", "db").traffic == told("users", "end").traffic
        );
        for text in [dot("shop", &after), mermaid(&after)] {
            assert!(text.contains("unused") && text.contains("mailer") && !text.contains("a \"b\""), "{text}");
        }
    }
}

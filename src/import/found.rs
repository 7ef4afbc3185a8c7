//! What was found out about a system, each thing with where it comes from: what several inputs fill together, and what a scenario
//! is written from.

use std::collections::{BTreeMap, BTreeSet};

use super::often::Often;
use super::routed::Routing;
use crate::diag::nouns;

/// Something that was found, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct From<T> {
    pub(super) value: T,
    /// For the comment behind it.
    pub(super) origin: String,
}

impl<T> From<T> {
    pub(super) fn new(value: T, origin: impl Into<String>) -> Self {
        Self { value, origin: origin.into() }
    }
}

/// A system as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) brokers: BTreeMap<String, Broker>,
    pub(super) clients: BTreeMap<String, Client>,
    /// One-way time of the network from one node to another, as a law.
    pub(super) links: BTreeMap<(String, String), From<String>>,
    /// By host: what its callers do about failures, as keys of a policy.
    pub(super) policies: BTreeMap<String, From<Vec<String>>>,
    /// Rates over time, for the client that is the only one.
    pub(super) phases: Option<From<Vec<(f64, f64)>>>,
    /// Outlier detection, as TOML.
    pub(super) outliers: Option<From<String>>,
    /// How callers pick a replica, one way for all.
    pub(super) balancer: Option<From<String>>,
    /// Which workloads a name stands for.
    pub(super) routing: Routing,
    /// Faults on purpose, as tables without their heading.
    pub(super) faults: Vec<From<String>>,
    /// How replicas are probed: `readiness` and `liveness`, one for all.
    pub(super) probes: BTreeMap<&'static str, From<String>>,
    /// How many seconds the input covers, where it tells.
    pub(super) window_s: Option<f64>,
    /// Whether own times come from traces, which contain waiting.
    pub(super) traced: bool,
    /// What a reader must know: skew, weak samples, what was left out.
    pub(super) flags: Vec<String>,
}

/// What kind of node something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Service,
    Database,
    External,
}

/// A node.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) replicas: Option<From<u64>>,
    pub(super) cores: Option<From<u64>>,
    pub(super) autoscale: Option<From<Scaler>>,
    /// Cores that each replica asks for.
    pub(super) requested: Option<f64>,
    pub(super) ready_after: Option<From<String>>,
    pub(super) consumes: BTreeMap<String, Endpoint>,
}

/// An autoscaler by CPU.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scaler {
    pub(super) least: u64,
    pub(super) most: u64,
    /// Of what each replica asks for, in per cent.
    pub(super) target: f64,
    /// In seconds.
    pub(super) stabilization: f64,
}

/// What is done on a call or a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    pub(super) work: Option<From<String>>,
    pub(super) error_rate: Option<From<f64>>,
    /// The share that fails after the last step, not before the first.
    pub(super) fails_last: Option<From<f64>>,
    pub(super) steps: Vec<Step>,
    /// How many a replica has in hand at a time, on average, where times and rates tell: whoever waits for a callee may hold a
    /// worker meanwhile.
    pub(super) at_once: Option<f64>,
}

/// Workers that carry so many at once: seven tenths busy, and never fewer than usual.
pub(super) fn workers(at_once: Option<f64>, usual: u64) -> u64 {
    at_once.map_or(usual, |at_once| usual.max((at_once / 0.7).ceil() as u64))
}

impl Node {
    /// How many replicas there are at first: an autoscaler keeps to its bounds whatever was deployed.
    pub(super) fn begins(&self) -> Option<From<u64>> {
        let From { value, origin } = self.replicas.clone()?;
        let Some(From { value: scaler, .. }) = &self.autoscale else { return self.replicas.clone() };
        let within = value.clamp(scaler.least, scaler.most);
        let origin = if within == value {
            origin
        } else {
            format!("{origin} {value}; its autoscaler has {} to {}", scaler.least, scaler.most)
        };
        Some(From { value: within, origin })
    }

    /// How many requests a replica has in hand at a time, on average, where that is known of any endpoint.
    pub(super) fn at_once(&self) -> Option<f64> {
        self.endpoints.values().filter_map(|own| own.at_once).reduce(|all, own| all + own)
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A call, or a message to a broker.
    Go(Go),
    /// Several at once.
    Parallel(Vec<Step>),
    /// A call that goes to one of several.
    Split(Split),
    /// A time that passes.
    Wait(String),
}

/// A call or a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Go {
    pub(super) node: String,
    /// The endpoint; of a message none.
    pub(super) endpoint: Option<String>,
    pub(super) message: bool,
    pub(super) often: Often,
    /// What its caller waits for it on the network beyond what the link takes, as a law.
    pub(super) besides: Option<String>,
    /// Whether its caller goes on when it has failed.
    pub(super) tolerated: bool,
    /// Keys besides, as TOML.
    pub(super) keys: Vec<String>,
    pub(super) origin: String,
}

/// A call to one of several, by weight.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) ways: Vec<(f64, Go)>,
    pub(super) often: Often,
    pub(super) origin: String,
}

/// A queue or a topic.
#[derive(Debug, Default)]
pub(super) struct Broker {
    pub(super) stream: bool,
    pub(super) origin: String,
}

/// Whoever sends requests.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Which endpoints, and how often of all.
    pub(super) calls: Vec<(String, String, f64)>,
    /// Requests per second.
    pub(super) rate: Option<From<f64>>,
    pub(super) origin: String,
}

impl Found {
    /// The node of a name, made where it is new.
    pub(super) fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.entry(name.to_owned()).or_default()
    }

    /// The endpoint of a node, made where it is new.
    pub(super) fn endpoint(&mut self, node: &str, endpoint: &str) -> &mut Endpoint {
        self.node(node).endpoints.entry(endpoint.to_owned()).or_default()
    }

    /// Says something once.
    pub(super) fn flag(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.flags.contains(&text) {
            self.flags.push(text);
        }
    }

    /// The nodes that anybody else calls.
    pub(super) fn called(&self) -> BTreeSet<&str> {
        let mut called = BTreeSet::new();
        for (name, node) in &self.nodes {
            let steps = node.endpoints.values().chain(node.consumes.values()).flat_map(|own| &own.steps);
            let others = steps.flat_map(Step::goes).map(|go| go.node.as_str()).filter(|to| to != name);
            called.extend(others);
        }
        called.extend(self.clients.values().flat_map(|client| &client.calls).map(|(to, ..)| to.as_str()));
        called
    }
}

impl Step {
    /// How often each call or split in it is taken.
    pub(super) fn often(&mut self) -> Vec<&mut Often> {
        match self {
            Self::Go(go) => vec![&mut go.often],
            Self::Parallel(all) => all.iter_mut().flat_map(Self::often).collect(),
            Self::Split(split) => vec![&mut split.often],
            Self::Wait(_) => Vec::new(),
        }
    }

    /// Every call and every message in it.
    pub(super) fn goes(&self) -> Vec<&Go> {
        match self {
            Self::Go(go) => vec![go],
            Self::Parallel(all) => all.iter().flat_map(Self::goes).collect(),
            Self::Split(split) => split.ways.iter().map(|(_, go)| go).collect(),
            Self::Wait(_) => Vec::new(),
        }
    }
}

/// So many of something, one of which is called so, and how sure a figure is by the samples that carry it.
pub(super) fn carried(samples: u64, one: &str) -> String {
    let weak = if samples < WEAK { " (weak)" } else { "" };
    format!("{samples} {}{weak}", nouns(samples, one))
}

/// More replicas, tries or the like than this are a mistake, and are taken as so many.
pub(super) const COUNTLESS: u64 = 1_000_000;

/// Fewer samples than this are called weak: of fifteen, a share may be 15 % apart either way.
pub(super) const WEAK: u64 = 30;

/// The arrows that lead back to where somebody came from, when everybody is followed once, whoever nobody calls first: without them
/// there is no circle. As many steps as there are arrows.
pub(super) fn circles<'a>(arrows: impl Iterator<Item = &'a (String, String)>) -> BTreeSet<(String, String)> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ways: Vec<Way<'_>> = Vec::new();
    for (from, to) in arrows {
        let [from, to] = [from, to].map(|name| {
            *numbers.entry(name.as_str()).or_insert_with(|| {
                ways.push(Way { name, onward: Vec::new(), is_called: false, seen: Seen::Not });
                ways.len() - 1
            })
        });
        ways[from].onward.push(to);
        ways[to].is_called |= from != to;
    }
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..ways.len()).partition(|at| !ways[*at].is_called);
    let mut closing = BTreeSet::new();
    for start in first.into_iter().chain(rest) {
        follow(&mut ways, start, &mut closing);
    }
    closing
}

/// Somebody, and whom they lead to.
struct Way<'a> {
    name: &'a str,
    onward: Vec<usize>,
    is_called: bool,
    seen: Seen,
}

/// How far somebody was followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    /// On the way: an arrow to it leads back.
    Coming,
    Done,
}

/// Follows everybody that can be reached and was not followed yet. No recursion: a chain may be of any length.
fn follow(ways: &mut [Way<'_>], start: usize, closing: &mut BTreeSet<(String, String)>) {
    if ways[start].seen != Seen::Not {
        return;
    }
    ways[start].seen = Seen::Coming;
    let mut on = vec![(start, 0)];
    while let Some((at, nth)) = on.last_mut() {
        let from = *at;
        let Some(to) = ways[from].onward.get(*nth).copied() else {
            ways[from].seen = Seen::Done;
            on.pop();
            continue;
        };
        *nth += 1;
        match ways[to].seen {
            Seen::Not => {
                ways[to].seen = Seen::Coming;
                on.push((to, 0));
            }
            Seen::Coming => {
                closing.insert((ways[from].name.to_owned(), ways[to].name.to_owned()));
            }
            Seen::Done => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(arrows: &[(&str, &str)]) -> Vec<String> {
        let arrows: Vec<(String, String)> = arrows.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        circles(arrows.iter()).into_iter().map(|(a, b)| format!("{a}{b}")).collect()
    }

    #[test]
    fn what_leads_back_closes_a_circle_and_nothing_else_does() {
        assert_eq!(closing(&[("a", "b"), ("b", "c"), ("a", "c")]), Vec::<String>::new());
        assert_eq!(closing(&[("a", "a"), ("a", "b")]), ["aa"]);
        // Whoever nobody calls is followed first, wherever it stands.
        assert_eq!(closing(&[("b", "c"), ("c", "b"), ("a", "c")]), ["bc"]);
        assert_eq!(closing(&[("x", "y"), ("y", "z"), ("z", "x")]), ["zx"]);
    }

    #[test]
    fn a_hundred_thousand_arrows_are_walked_once() {
        // Each calls the next three: searched anew for each arrow this were ten billion steps.
        let name = |at: usize| format!("s{at:06}");
        let chain = (0..100_000).map(|at| (name(at / 3), name(at / 3 + 1 + at % 3)));
        let mut arrows: Vec<(String, String)> = chain.collect();
        arrows.push((name(33_000), name(0)));
        assert_eq!(circles(arrows.iter()).len(), 1);
    }
}

//! What was found out about a system, each thing with where it comes from: what several inputs fill together, and what a scenario
//! is written from.

use std::collections::BTreeMap;

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
    pub(super) autoscale: Option<From<String>>,
    pub(super) ready_after: Option<From<String>>,
    pub(super) consumes: BTreeMap<String, Endpoint>,
}

/// What is done on a call or a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    pub(super) work: Option<From<String>>,
    pub(super) error_rate: Option<From<f64>>,
    pub(super) steps: Vec<Step>,
    /// How many a replica works on at a time, on average, where times and rates tell.
    pub(super) at_once: Option<f64>,
}

impl Endpoint {
    /// Workers that carry this much: seven tenths busy, as none could ever wait for less than all the time.
    pub(super) fn least(&self, usual: u64) -> u64 {
        self.at_once.map_or(usual, |at_once| usual.max((at_once / 0.7).ceil() as u64))
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A call, or a message to a broker.
    Go(Go),
    /// Several at once.
    Parallel(Vec<Step>),
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
    pub(super) times: u32,
    pub(super) probability: Option<f64>,
    /// Keys besides, as TOML.
    pub(super) keys: Vec<String>,
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

    /// Whether anybody calls the node.
    pub(super) fn is_called(&self, node: &str) -> bool {
        let called = |step: &Step| match step {
            Step::Go(go) => go.node == node,
            Step::Parallel(all) => all.iter().any(|step| matches!(step, Step::Go(go) if go.node == node)),
            Step::Wait(_) => false,
        };
        let of = |endpoint: &Endpoint| endpoint.steps.iter().any(called);
        let by_nodes = self
            .nodes
            .iter()
            .any(|(name, other)| name != node && other.endpoints.values().chain(other.consumes.values()).any(of));
        by_nodes || self.clients.values().any(|client| client.calls.iter().any(|(to, ..)| to == node))
    }
}

/// How sure a figure is by the samples that carry it.
pub(super) fn carried(samples: u64, what: &str) -> String {
    let weak = if samples < WEAK { ": weak" } else { "" };
    format!("{samples} {what}{weak}")
}

/// Fewer samples than this are called weak: of fifteen, a share may be 15 % apart either way.
pub(super) const WEAK: u64 = 30;

/// The arrows that close a circle when they are followed in their order.
pub(super) fn circles<'a>(
    arrows: impl Iterator<Item = &'a (String, String)>,
) -> std::collections::BTreeSet<(String, String)> {
    let mut onward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut closing = std::collections::BTreeSet::new();
    for (from, to) in arrows {
        if reaches(&onward, to, from) {
            closing.insert((from.clone(), to.clone()));
        } else {
            onward.entry(from).or_default().push(to);
        }
    }
    closing
}

fn reaches(onward: &BTreeMap<&str, Vec<&str>>, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (std::collections::BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            next.extend(onward.get(at).into_iter().flatten());
        }
    }
    false
}

//! `[[faults]]`: what goes wrong, and when.

use std::collections::BTreeSet;

use super::super::analytic::power;
use super::super::check::{few, known_names, zero};
use super::super::declare::{
    Count, Duration, Filled, Flag, Kind, Maybe, Must, Number, Or, Record as _, Said, Share, Spoken as _, Text, Told,
    table, words,
};
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::print;
use super::super::read::{self, Desk, Value, View, listed, suggest};
use super::super::vocab::Shape;
use super::super::walk;
use super::super::written::{Given, How, Node, NodeKind, Place, Scenario, on};
use super::mesh::{proxies, waypoints};
use super::transports::is_compiled_in;
use crate::diag::{Complaint, code, nouns};
use crate::graph::Arrow;
use crate::model::fault::rollout::{Portion, Rollout};
use crate::model::fault::{self as run, Effect, Mode};
use crate::model::plan::{self, Callee, Edge};
use crate::model::source::Segment;
use crate::model::{LinkId, NodeId};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::{Span, Time};

words! {
    /// What goes wrong.
    pub enum FaultKind {
        Outage = "outage",
            "Replicas take no new work, and connections to them are reset; work in progress goes on for nobody.";
        Crash = "crash", "Replicas die with all that is in progress there, and come back empty.";
        Freeze = "freeze",
            "Replicas stand still and lose nothing: a long pause of the garbage collector, a paused machine.";
        Slow = "slow", "Work on replicas takes longer.";
        Errors = "errors", "Requests fail at once.";
        Latency = "latency", "Messages take longer.";
        Partition = "partition", "Messages between two sides vanish.";
        PacketLoss = "packet_loss", "Messages are lost and sent again.";
        ReplicasLost = "replicas_lost", "Some replicas are gone.";
        ColdCache = "cold_cache", "A cache loses what it knew, and goes on.";
        Move = "move", "A node gets a new address; the old one takes nothing, and connections to it are reset.";
        DiscoveryOutage = "discovery_outage", "No lookup succeeds, and no change of endpoints is seen.";
        Deploy = "deploy", "Replicas restart one after the other.";
        PoisonMessage = "poison_message", "The next message of a queue or topic is one that nobody can work on.";
        Traffic = "traffic", "A client sends more.";
    }
}

impl FaultKind {
    /// As the file says it.
    pub fn as_written(self) -> &'static str {
        self.word()
    }
}

words! {
    /// What becomes of new work for a replica that is down.
    pub enum Unavailable {
        Refuse = "refuse",
            "A caller hears at once that nobody is there: `connect_failed`, after the network there and back.";
        Hang = "hang",
            "The process stands still for good: the kernel takes connections, answers are lost, and a caller without a timeout waits for ever.";
        Drop = "drop",
            "The network drops messages: TCP sends them again, so that they arrive some time after the end. What a partition does.";
        BlackHole = "black_hole", "Nothing is said: `hang` of an outage, `drop` of a partition.";
    }
}

table! {
    /// `[[faults]]`.
    pub struct Fault: "[[faults]]",
    "What goes wrong, and when: at a time with `at` and `duration`, or at random with `mtbf` and `mttr`. Faults sit below the policies, so that a retry sees them.",
    needs "write kind = \"outage\"",
    meant Self::meant {
        name: Given<String> as Filled<Text>, "Default: `kind` and `target`.";
        kind: Given<FaultKind> as Must<FaultKind>, "What goes wrong.";
        target: Given<String> as Filled<Text>,
            "A node, a zone (\"zone:eu-west/a\") or an edge (\"orders -> billing\"); of a discovery_outage by default every name.";
        at: Option<Given<Span>> as Said<Duration>, "When it begins, from the start of the measured time.";
        duration: Given<Option<Span>> as Maybe<Duration>, "How long it is on. Default: until the end.";
        mtbf: Option<Given<Law>> as Said<MeanOrLaw>,
            "At random instead: from the end of one to the start of the next, in the warm-up too. A plain time is the mean of an exponential.";
        mttr: Option<Given<Law>> as Said<MeanOrLaw>,
            "At random: how long each is on. A plain time is the mean of an exponential; a move, a cold_cache and a poison_message have none.";
        busy_only: Given<bool> as Or<Flag> = "false",
            "At random: the time to the next counts only while the target works.";
        mode: Given<Unavailable> as Or<Unavailable> = "\"refuse\"",
            "What becomes of new work: outage, crash, and at the old address of a move. A partition drops.";
        replicas: Given<Option<u32>> as Maybe<Count>,
            "So many of the node's replicas, the first ones; of a deploy so many at once. Default: all, of a deploy 1.";
        factor: Given<Option<f64>> as Maybe<Number>, "Times as long (slow), times as much (traffic).";
        add: Given<Option<Span>> as Maybe<Duration>, "Time added to each message that the target sends (latency).";
        jitter: Given<Span> as Or<Duration> = "\"0ms\"", "Up to so much more or less than `add`, alike.";
        probability: Given<f64> as Or<Share> = "1.0", "Probability that a request or a message is hit.";
        max_surge: Given<Portion> as Or<Part> = "\"25%\"",
            "Of a deploy without `duration`: how many replicas there may be above their number; a count, or a share rounded up.";
        max_unavailable: Given<Portion> as Or<Part> = "\"25%\"",
            "Of a deploy without `duration`: how many may be missing; a count, or a share rounded down.";
        breaking: Given<bool> as Or<Flag> = "false",
            "Of a deploy: its versions and those of its callers misunderstand each other until both are out.";
        + /// The table.
        place: Option<Place> = View::stands;
    }
}

/// A number of replicas, or a share of them.
pub(crate) enum Part {}

impl Kind for Part {
    type Value = Portion;
    const SHAPE: Shape = Shape::Or(&[Shape::Whole, Shape::Share]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Portion> {
        if value.get_ref().as_integer().is_some() {
            return read::count(desk, key, value).map(Portion::Count);
        }
        read::share(desk, key, value).map(Portion::Share)
    }
    fn print(portion: &Portion) -> String {
        match portion {
            Portion::Count(count) => count.to_string(),
            Portion::Share(share) => format!("{share:?}"),
        }
    }
}

/// A plain time is the mean of an exponential; a table is any law.
pub(crate) enum MeanOrLaw {}

impl Kind for MeanOrLaw {
    type Value = Law;
    const SHAPE: Shape = Shape::Law;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Law> {
        if value.get_ref().is_table() {
            return read::law(desk, key, value);
        }
        read::duration(desk, key, value).map(|mean| Law::Exponential { mean: mean.0 as f64 })
    }
    fn print(law: &Law) -> String {
        print::law_table(law)
    }
}

impl FaultKind {
    /// The magnitude words that mean something for it.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Outage | Self::Crash | Self::ReplicasLost | Self::Move => &["mode", "replicas"],
            Self::Freeze => &["replicas"],
            Self::Deploy => &["replicas", "max_surge", "max_unavailable", "breaking"],
            Self::Slow => &["factor", "replicas"],
            Self::Errors => &["probability", "replicas"],
            Self::Latency => &["add", "jitter", "probability"],
            Self::PacketLoss => &["probability"],
            Self::Partition => &["mode"],
            Self::DiscoveryOutage | Self::ColdCache | Self::PoisonMessage => &[],
            Self::Traffic => &["factor"],
        }
    }

    /// The one it cannot do without.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::Slow | Self::Traffic => Some("factor"),
            Self::Latency => Some("add"),
            Self::ReplicasLost => Some("replicas"),
            Self::Outage
            | Self::Crash
            | Self::Freeze
            | Self::Errors
            | Self::PacketLoss
            | Self::Partition
            | Self::Move
            | Self::ColdCache
            | Self::PoisonMessage
            | Self::Deploy
            | Self::DiscoveryOutage => None,
        }
    }

    /// Whether it happens to messages on their way, not to replicas.
    pub fn is_between(self) -> bool {
        matches!(self, Self::Latency | Self::Partition | Self::PacketLoss)
    }

    /// Whether it can happen to the calls over one edge.
    pub fn fits_edge(self) -> bool {
        self.is_between() || self == Self::Errors
    }

    /// Whether it is over at once.
    pub fn is_instant(self) -> bool {
        matches!(self, Self::Move | Self::ColdCache | Self::PoisonMessage)
    }

    /// Whether it happens once, at a time, and not at random.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Deploy | Self::Traffic)
    }
}

/// When a fault is on.
#[derive(Clone, Copy, Debug)]
pub enum When<'f> {
    /// At a time, counted from the start of the measured time.
    At {
        /// Its beginning.
        at: &'f Given<Span>,
        /// How long; `None`: until the end.
        duration: &'f Given<Option<Span>>,
    },
    /// Again and again, at random.
    Random {
        /// From the end of one to the start of the next.
        mtbf: &'f Given<Law>,
        /// How long each is on; `None`: it is over at once.
        mttr: Option<&'f Given<Law>>,
        /// Whether the time to the next counts only while the target works.
        busy_only: &'f Given<bool>,
    },
}

/// What a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim<'a> {
    /// A node.
    Node(&'a str),
    /// All nodes of a zone.
    Zone(&'a str),
    /// The calls from one node to another.
    Edge(&'a str, &'a str),
}

/// Where a fault does not say when, which is an error.
static AT_ONCE: Given<Span> = Given { value: Span::ZERO, place: None };

impl Fault {
    /// One fault; `None` where it cannot be said what it is.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Self> {
        let read = Self::read(desk, view);
        let kind = read.as_ref().map(|fault| fault.kind.value);
        if !view.has("target") && kind != Some(FaultKind::DiscoveryOutage) {
            view.missing(desk, "target", "name a node: target = \"payments\"");
        }
        says_when(desk, view, kind.is_some_and(FaultKind::is_instant));
        let mut fault = read?;
        magnitude(desk, view, fault.kind.value);
        if fault.name.is_default() {
            fault.name.value = format!("{} {}", fault.kind.value.word(), fault.target.value).trim().into();
        }
        if fault.kind.value == FaultKind::Partition && fault.mode.is_default() {
            fault.mode.value = Unavailable::Drop;
        }
        Some(fault)
    }

    /// One that nobody wrote: all of a target, once, at a time.
    pub fn once(kind: FaultKind, target: &str, at: Span, duration: Option<Span>) -> Self {
        Self {
            name: Given::default(format!("{} {target}", kind.word())),
            kind: Given::default(kind),
            target: Given::default(target.to_owned()),
            at: Some(Given::default(at)),
            duration: Given::default(duration),
            mtbf: None,
            mttr: None,
            busy_only: Given::default(false),
            mode: Given::default(if kind == FaultKind::Partition { Unavailable::Drop } else { Unavailable::Refuse }),
            replicas: Given::default(None),
            factor: Given::default(None),
            add: Given::default(None),
            jitter: Given::default(Span::ZERO),
            probability: Given::default(1.0),
            max_surge: Given::default(Rollout::QUARTER),
            max_unavailable: Given::default(Rollout::QUARTER),
            breaking: Given::default(false),
            place: None,
        }
    }

    /// When it is on: at a time, or at random; one that is over at once has no length.
    pub fn when(&self) -> When<'_> {
        match (&self.mtbf, &self.at) {
            (Some(mtbf), _) => {
                let mttr = self.mttr.as_ref().filter(|_| !self.kind.value.is_instant());
                When::Random { mtbf, mttr, busy_only: &self.busy_only }
            }
            (None, Some(at)) => When::At { at, duration: &self.duration },
            (None, None) => When::At { at: &AT_ONCE, duration: &self.duration },
        }
    }

    /// What the canonical form says: what means something for its kind, and when.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        let (kind, random) = (self.kind.value, self.mtbf.is_some());
        let words = kind.words();
        all.retain(|told| match told.key {
            "name" | "kind" => true,
            "target" | "breaking" => !told.default,
            "replicas" if kind == FaultKind::Deploy => !self.is_rollout(),
            "max_surge" | "max_unavailable" => self.is_rollout(),
            "at" => !random,
            "duration" => !random && !kind.is_instant(),
            "mtbf" | "busy_only" => random,
            "mttr" => random && !kind.is_instant(),
            word => words.contains(&word),
        });
        all.sort_by_key(|told| words.iter().position(|word| *word == told.key).map_or(0, |at| at + 1));
        all
    }

    /// Whether it is a deploy that waits for its replicas.
    pub fn is_rollout(&self) -> bool {
        self.kind.value == FaultKind::Deploy && self.duration.value.is_none() && self.mtbf.is_none()
    }

    /// What the target's text stands for.
    pub fn aim(&self) -> Aim<'_> {
        let text = self.target.value.trim();
        if let Some(Arrow { from, to }) = Arrow::of(text) {
            return Aim::Edge(from, to);
        }
        text.strip_prefix("zone:").map_or(Aim::Node(text), |zone| Aim::Zone(zone.trim()))
    }

    /// The names of the nodes it hits; for an edge the callee.
    pub fn nodes<'s>(&'s self, scenario: &'s Scenario) -> Vec<&'s str> {
        match self.aim() {
            Aim::Node("") => scenario.nodes.keys().map(String::as_str).collect(),
            Aim::Node(name) | Aim::Edge(_, name) => vec![name],
            Aim::Zone(zone) => {
                let inside = |node: &&Node| scenario.stands_in(&node.name.value, zone);
                scenario.nodes.values().filter(inside).map(|node| node.name.value.as_str()).collect()
            }
        }
    }

    /// Its beginning, if that is known.
    pub fn at(&self) -> Option<Span> {
        match self.when() {
            When::At { at, .. } => Some(at.value),
            When::Random { .. } => None,
        }
    }
}

/// Complains about words that mean nothing for the kind, and about those it needs.
fn magnitude(desk: &mut Desk<'_>, view: &View<'_>, kind: FaultKind) {
    const ALL: [&str; 9] =
        ["mode", "replicas", "factor", "add", "jitter", "probability", "max_surge", "max_unavailable", "breaking"];
    let word = kind.word();
    let meant = kind.words();
    for key in ALL.into_iter().filter(|key| !meant.contains(key)) {
        if let Some(place) = view.place_of(key) {
            let message = format!("`{key}` means nothing for a fault of kind `{word}`");
            let complaint = Complaint::error(code::FAULT_WORDS, message).at(place);
            let known =
                if meant.is_empty() { "it knows no such word".into() } else { format!("it knows {}", listed(meant)) };
            desk.push(complaint.help(known));
        }
    }
    if let Some(key) = kind.needs().filter(|key| !view.has(key)) {
        let complaint = Complaint::error(code::FAULT_WORDS, format!("a fault of kind `{word}` needs `{key}`"));
        desk.push(complaint.at(view.place.clone()).help(view.vocab.find(key).map_or("", |key| key.doc)));
    }
}

/// Complains unless it says when it is on: at a time, or at random; one that is over at once (`instant`) has no length.
fn says_when(desk: &mut Desk<'_>, view: &View<'_>, instant: bool) {
    for key in ["duration", "mttr"].into_iter().filter(|key| instant && view.has(key)) {
        let complaint = Complaint::error(code::FAULT_WORDS, format!("`{key}`: this fault is over at once"));
        desk.push(complaint.at(view.place_of(key)).help("once: at = \"60s\"; again and again: mtbf = \"2h\""));
    }
    let fixed = ["at", "duration"].into_iter().find(|key| view.has(key));
    let random = ["mtbf", "mttr", "busy_only"].into_iter().find(|key| view.has(key));
    let complain = |desk: &mut Desk<'_>, message: String, place| {
        let complaint = Complaint::error(code::FAULT_TIME, message).at(place);
        desk.push(
            complaint.help("once: at = \"60s\" and duration = \"30s\"; at random: mtbf = \"2h\" and mttr = \"5m\""),
        );
    };
    match (fixed, random) {
        (Some(fixed), Some(random)) => {
            complain(
                desk,
                format!("`{fixed}` and `{random}`: a fault has a time or random times"),
                view.place_of(random),
            );
        }
        (None, None) => complain(desk, "the fault does not say when".into(), view.place.clone()),
        (Some("duration"), None) => complain(desk, "`duration` without `at`".into(), view.place_of("duration")),
        (None, Some(_)) => {
            for key in ["mtbf", "mttr"].into_iter().filter(|key| !(view.has(key) || instant && *key == "mttr")) {
                complain(desk, format!("a fault at random needs `{key}`"), view.place.clone());
            }
        }
        (Some(_), None) => {}
    }
}

impl Lowering<'_> {
    /// All faults that begin before the measured time is over.
    pub(in crate::scenario) fn faults(&mut self) {
        let scenario = self.scenario;
        for fault in &scenario.faults {
            if fault.at().is_some_and(|at| at >= scenario.sim.duration.value) {
                continue;
            }
            let (links, ways) = self.crossed(fault).into_iter().unzip();
            let planned = run::Fault {
                name: fault.name.value.clone(),
                hash: name_hash(&format!("fault {}", fault.name.value)),
                when: self.when(fault.when(), fault.kind.value.is_instant()),
                effect: effect(fault),
                replicas: self.hit(fault),
                links,
                ways,
                edges: self.published_over(fault),
                inside: self.inside(fault),
            };
            self.plan.faults.push(planned);
        }
    }

    /// When it is on; one that is over at once ends when it begins.
    fn when(&mut self, when: When<'_>, instant: bool) -> run::When {
        match when {
            When::At { at, duration } => {
                let from = Time(self.plan.warmup.0) + at.value;
                if instant {
                    return run::When::Once { from, until: from };
                }
                run::When::Once { from, until: duration.value.map_or(Time::NEVER, |length| from + length) }
            }
            When::Random { mtbf, mttr, busy_only } => {
                let (mtbf, no_time) = (self.law(&mtbf.value), Law::Constant { value: 0.0 });
                let mttr = self.law(mttr.map_or(&no_time, |mttr| &mttr.value));
                run::When::Random { mtbf, mttr, busy_only: busy_only.value }
            }
        }
    }

    /// The replicas a fault happens to: of each node the first ones; a deploy gets round to all.
    fn hit(&self, fault: &Fault) -> Vec<u32> {
        let kind = fault.kind.value;
        if kind == FaultKind::Partition {
            return self.deaf_consumers(fault);
        }
        if kind.is_between() || kind == FaultKind::Traffic || matches!(fault.aim(), Aim::Edge(..)) {
            return Vec::new();
        }
        let most = fault.replicas.value.filter(|_| kind != FaultKind::Deploy).unwrap_or(u32::MAX);
        let nodes = fault.nodes(self.scenario).into_iter().filter_map(|name| self.called(name));
        let replicas = nodes.flat_map(|id| {
            let node = self.plan.node(id);
            let here = (0..node.replicas).filter(|nth| self.is_aimed_at(fault, &node.name, *nth)).take(most as usize);
            here.map(|nth| node.first_replica + nth)
        });
        replicas.collect()
    }

    /// Whether a fault is aimed at a replica of a node: of a zone, those that stand there.
    fn is_aimed_at(&self, fault: &Fault, node: &str, replica: u32) -> bool {
        let Aim::Zone(zone) = fault.aim() else { return true };
        let site = self.scenario.nodes.get(node).and_then(|node| node.site(replica));
        site.is_none_or(|site| site.lies_in(zone))
    }

    /// The replicas that stand in the zone that a fault is aimed at, where some link has ends in several zones.
    fn inside(&self, fault: &Fault) -> Vec<bool> {
        let Aim::Zone(zone) = fault.aim() else { return Vec::new() };
        if self.plan.reaches.is_empty() {
            return Vec::new();
        }
        let of = |node: &plan::Node| {
            let sites = self.scenario.sites(&node.name).to_vec();
            let lies =
                move |nth: u32| sites.get(nth as usize % sites.len().max(1)).is_some_and(|site| site.lies_in(zone));
            (0..node.replicas).map(lies).collect::<Vec<bool>>()
        };
        self.plan.nodes.iter().flat_map(of).collect()
    }

    /// The replicas that a partition cuts off from all that they consume from.
    fn deaf_consumers(&self, fault: &Fault) -> Vec<u32> {
        let deaf = |node: &&Node| {
            let from = || node.consumes.iter().map(|consumer| consumer.from.value.as_str());
            from().next().is_some() && from().all(|broker| self.parts(fault, &node.name.value, broker))
        };
        let nodes = self.scenario.nodes.values().filter(deaf).filter_map(|node| self.called(&node.name.value));
        let replicas = nodes.flat_map(|id| {
            let node = self.plan.node(id);
            node.first_replica..node.first_replica + node.replicas
        });
        replicas.collect()
    }

    /// Whether a fault of a node or a zone lies between two sides.
    fn parts(&self, fault: &Fault, from: &str, to: &str) -> bool {
        let inside = |name: &str, zone: &str| self.zone(name).is_some_and(|own| own.lies_in(zone));
        match fault.aim() {
            Aim::Edge(..) => false,
            Aim::Node(node) => from == node || to == node,
            Aim::Zone(zone) => inside(from, zone) != inside(to, zone),
        }
    }

    /// The node of that name, in the file or a proxy's.
    fn called(&self, name: &str) -> Option<NodeId> {
        self.nodes.get(name).copied().or_else(|| self.proxy_called(name))
    }

    /// The links a fault happens to, and whether to requests and to answers.
    fn crossed(&self, fault: &Fault) -> Vec<(u32, [bool; 2])> {
        let kind = fault.kind.value;
        if !kind.fits_edge() {
            return Vec::new();
        }
        let name = |id: NodeId| self.plan.node(id).name.as_str();
        let inside = |id: NodeId, zone: &str| self.scenario.stands_in(name(id), zone);
        // Of who stands in several zones some replicas are inside and some are not.
        let partly = |id: NodeId, zone: &str| {
            let sites = self.scenario.sites(name(id));
            inside(id, zone) && !sites.iter().all(|site| site.lies_in(zone))
        };
        let late = kind == FaultKind::Latency;
        let ways = |from: NodeId, to: NodeId| match fault.aim() {
            Aim::Edge(caller, callee) => {
                let is = name(from) == caller && name(to) == callee;
                [is, is && !late]
            }
            _ if kind == FaultKind::Errors => [false; 2],
            // What a node sends is late: its own requests, and its answers to others.
            Aim::Node(node) if late => [name(from) == node, name(to) == node],
            Aim::Zone(zone) if late => [inside(from, zone), inside(to, zone)],
            Aim::Node(node) => [name(to) == node || name(from) == node; 2],
            Aim::Zone(zone) if partly(from, zone) || partly(to, zone) => [true; 2],
            Aim::Zone(zone) => [inside(from, zone) != inside(to, zone); 2],
        };
        let edge = matches!(fault.aim(), Aim::Edge(..));
        let all = (0..).zip(&self.plan.links).map(|(at, link)| {
            let (from, to) = if edge { self.ends(LinkId(at)) } else { (link.from, link.to) };
            (at, ways(from, to))
        });
        all.filter(|(_, ways)| *ways != [false; 2]).collect()
    }

    /// The edges from a publisher to its broker that a fault happens to: of the edge, or one that cuts a side off.
    fn published_over(&self, fault: &Fault) -> Vec<u32> {
        let is_broker = |name: &str| self.scenario.queues.contains_key(name) || self.scenario.topics.contains_key(name);
        let cut = match fault.kind.value {
            FaultKind::Partition => true,
            FaultKind::Outage => fault.mode.value == Unavailable::Drop && fault.replicas.value.is_none(),
            _ => false,
        };
        let hit = |from: &str, to: &str| match fault.aim() {
            Aim::Edge(caller, broker) => from == caller && to == broker,
            _ => cut && self.parts(fault, from, to),
        };
        let name = |id: NodeId| self.plan.node(id).name.as_str();
        let is =
            |edge: &Edge| matches!(edge.to, Callee::Node(to) if is_broker(name(to)) && hit(name(edge.from), name(to)));
        (0..).zip(&self.plan.edges).filter(|(_, edge)| is(edge)).map(|(at, _)| at).collect()
    }

    /// The rate of a client over time with all the traffic that faults add to it.
    pub(in crate::scenario) fn surges(&self, client: &str, mut segments: Vec<Segment>) -> Vec<Segment> {
        let start = self.plan.warmup.0 as f64;
        let length = self.scenario.sim.duration.value;
        for fault in self.scenario.faults.iter().filter(|f| f.kind.value == FaultKind::Traffic) {
            if let (Aim::Node(name), When::At { at, duration }) = (fault.aim(), fault.when())
                && name == client
                && at.value < length
            {
                let from = start + at.value.0 as f64;
                let until = duration.value.map_or(f64::INFINITY, |length| from + length.0 as f64);
                segments = surge(&segments, from, until, fault.factor.value.unwrap_or(1.0));
            }
        }
        segments
    }
}

/// The same rates, between two moments `factor` times as high.
fn surge(segments: &[Segment], from: f64, until: f64, factor: f64) -> Vec<Segment> {
    let mut all = Vec::new();
    for segment in segments {
        let cuts = [
            segment.from,
            from.clamp(segment.from, segment.until),
            until.clamp(segment.from, segment.until),
            segment.until,
        ];
        for part in cuts.windows(2).filter(|part| part[0] < part[1]) {
            let times = if part[0] >= from && part[1] <= until { factor } else { 1.0 };
            let rate = (segment.rate + segment.slope * (part[0] - segment.from)) * times;
            all.push(Segment { from: part[0], until: part[1], rate, slope: segment.slope * times });
        }
    }
    all
}

fn effect(fault: &Fault) -> Effect {
    let hole = fault.mode.value != Unavailable::Refuse;
    let share = fault.probability.value;
    match fault.kind.value {
        FaultKind::Outage => Effect::Outage {
            mode: match fault.mode.value {
                Unavailable::Refuse => Mode::Refuse,
                Unavailable::Hang | Unavailable::BlackHole => Mode::Hang,
                Unavailable::Drop => Mode::Drop,
            },
        },
        FaultKind::Crash | FaultKind::ReplicasLost => Effect::Crash { hole },
        FaultKind::Freeze => Effect::Freeze,
        FaultKind::Slow => Effect::Slow { factor: fault.factor.value.unwrap_or(1.0) },
        FaultKind::Errors => Effect::Errors { share },
        FaultKind::Latency => {
            Effect::Latency { add: fault.add.value.unwrap_or_default(), jitter: fault.jitter.value, share }
        }
        FaultKind::Partition => Effect::Partition,
        FaultKind::PacketLoss => Effect::Loss { share },
        FaultKind::Deploy if fault.is_rollout() => Effect::Rollout(Rollout {
            surge: fault.max_surge.value,
            unavailable: fault.max_unavailable.value,
            breaking: fault.breaking.value,
        }),
        FaultKind::Deploy => {
            Effect::Deploy { at_once: fault.replicas.value.unwrap_or(1).max(1), breaking: fault.breaking.value }
        }
        FaultKind::Move => Effect::Move { hole },
        FaultKind::DiscoveryOutage => Effect::Blackout,
        FaultKind::ColdCache => Effect::Cold,
        FaultKind::PoisonMessage => Effect::Poison,
        FaultKind::Traffic => Effect::Traffic,
    }
}

/// Complains about faults that cannot be.
pub(in crate::scenario) fn check(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let mut names = BTreeSet::new();
    for fault in &scenario.faults {
        target(scenario, fault, refused, complaints);
        times(fault, complaints);
        strikes(fault, scenario, complaints);
        replicas(scenario, fault, complaints);
        breaking(scenario, fault, refused, complaints);
        rolled(scenario, fault, complaints);
        mode(fault, complaints);
        if !names.insert(fault.name.value.as_str()) {
            let message = format!("two faults are called `{}`", fault.name.value);
            let place = fault.name.place.clone().or(fault.place.clone());
            complaints
                .push(Complaint::error(code::NAME_TWICE, message).at(place).help("give one of them another `name`"));
        }
    }
}

fn wrong(fault: &Fault, message: String) -> Complaint {
    Complaint::error(code::FAULT_TARGET, message).at(fault.target.place.clone())
}

fn target(scenario: &Scenario, fault: &Fault, refused: &[String], complaints: &mut Vec<Complaint>) {
    let kind = fault.kind.value;
    let word = kind.word();
    match fault.aim() {
        Aim::Edge(..) | Aim::Zone(_) if kind == FaultKind::Traffic => {
            complaints.push(wrong(fault, "traffic comes from a client".into()).help("name one client"));
        }
        Aim::Edge(..) if !kind.fits_edge() => {
            let complaint = wrong(fault, format!("an edge has no {word}: that happens to a node"));
            complaints.push(complaint.help("name the node, or one of its zones"));
        }
        Aim::Edge(from, to) => edge(scenario, fault, (from, to), complaints),
        Aim::Zone(_) if matches!(kind, FaultKind::ColdCache | FaultKind::PoisonMessage) => {
            let complaint = wrong(fault, format!("a {word} happens to one thing, not to a zone"));
            complaints.push(complaint.help("name the cache, or the queue or topic"));
        }
        Aim::Zone(zone) => {
            if fault.nodes(scenario).is_empty() {
                complaints.push(no_zone(scenario, fault, zone));
            }
        }
        Aim::Node("") => {}
        Aim::Node(name) if kind == FaultKind::ColdCache => cold(scenario, fault, name, refused, complaints),
        Aim::Node(name) if kind == FaultKind::PoisonMessage => poison(scenario, fault, name, refused, complaints),
        Aim::Node(name) if kind == FaultKind::Traffic => traffic(scenario, fault, name, complaints),
        Aim::Node(name) => node(scenario, fault, name, refused, complaints),
    }
}

/// An edge has somebody who calls over it, or publishes.
fn edge(scenario: &Scenario, fault: &Fault, (from, to): (&str, &str), complaints: &mut Vec<Complaint>) {
    let client = scenario.clients.get(from).map(|c| c.calls.iter().any(|call| call.target.value.node == to));
    let calls = |node: &Node| node.programs().flat_map(walk::calls).any(|call| call.target.value.node == to);
    let publishes = |node: &Node| node.programs().flat_map(walk::publishes).any(|publish| publish.to.value == to);
    let (node, kind) = (scenario.nodes.get(from), fault.kind.value);
    if client.or(node.map(calls)) == Some(true) {
        return;
    }
    if !node.is_some_and(publishes) {
        let complaint = wrong(fault, format!("`{from}` does not call `{to}`, so nothing would happen"));
        return complaints.push(complaint.help("an edge is \"caller -> callee\", by the names of nodes"));
    }
    if !matches!(kind, FaultKind::Errors | FaultKind::Partition) {
        let complaint = wrong(fault, format!("what is published has no {}", kind.word()));
        complaints.push(complaint.help("it can fail (`errors`) or be cut off (`partition`)"));
    }
}

/// More traffic comes from a client with a rate.
fn traffic(scenario: &Scenario, fault: &Fault, name: &str, complaints: &mut Vec<Complaint>) {
    let Some(client) = scenario.clients.get(name) else {
        let complaint = wrong(fault, format!("traffic comes from a client, and `{name}` is none"));
        let names: Vec<String> = scenario.clients.keys().map(|name| format!("`{name}`")).collect();
        return complaints.push(complaint.help(format!("the clients are {}", few(&names))));
    };
    if !client.load.is_paced() {
        let complaint = wrong(fault, format!("`{name}` has no rate that could be multiplied"));
        complaints.push(complaint.help("it works on clients with arrivals = \"poisson\" or \"constant\""));
    }
}

/// What can be cold is a cache that knows something.
fn cold(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(name) else { return node(scenario, fault, name, refused, complaints) };
    match &node.cache {
        None => {
            let complaint = wrong(fault, format!("`{name}` is no cache: it knows nothing that it could lose"));
            complaints.push(complaint.help("name one of [caches.*]"));
        }
        Some(cache) if cache.hit_rate.value.is_some() => {
            let complaint =
                wrong(fault, format!("the share of hits of `{name}` is fixed: it knows nothing that it could lose"));
            complaints.push(complaint.help("give it keys instead of a hit_rate"));
        }
        Some(_) => {}
    }
}

/// What can be poisoned is a message.
fn poison(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    if scenario.queues.contains_key(name) || scenario.topics.contains_key(name) {
        return;
    }
    if !scenario.nodes.contains_key(name) {
        return node(scenario, fault, name, refused, complaints);
    }
    let complaint = wrong(fault, format!("no message comes to `{name}`: it is neither a queue nor a topic"));
    complaints.push(complaint.help("name one of [queues.*] or [topics.*]"));
}

fn node(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    if proxies(scenario).iter().any(|proxy| proxy == name) {
        let hit = [FaultKind::Outage, FaultKind::Crash, FaultKind::Freeze, FaultKind::Slow];
        if !hit.contains(&fault.kind.value) || fault.mode.value == Unavailable::Drop {
            let complaint =
                wrong(fault, format!("`{name}` is a proxy: {} cannot happen to it", fault.kind.value.word()));
            complaints
                .push(complaint.help("a proxy can have an outage, crash, freeze, or be slow; or name its service"));
        }
        return;
    }
    if waypoints(scenario).iter().any(|waypoint| waypoint == name) {
        if matches!(fault.kind.value, FaultKind::Deploy | FaultKind::Move) {
            let message = format!("`{name}` is a waypoint: a {} cannot happen to it", fault.kind.value.word());
            complaints
                .push(wrong(fault, message).help("a waypoint can have an outage, crash, freeze, be slow or fail"));
        }
        return;
    }
    if scenario.nodes.contains_key(name) || refused.iter().any(|r| r == name) {
        return;
    }
    let fails = matches!(fault.kind.value, FaultKind::Outage | FaultKind::Crash);
    if scenario.topics.contains_key(name) && fails
        || scenario.queues.contains_key(name) && fails && fault.mode.value == Unavailable::Refuse
    {
        return;
    }
    if scenario.queues.contains_key(name) || scenario.topics.contains_key(name) {
        complaints.push(of_broker(fault, name));
        return;
    }
    if scenario.clients.contains_key(name) {
        let complaint = wrong(fault, format!("`{name}` is a client: it has nothing that could fail this way"));
        complaints.push(complaint.help("name a service, a database or an external that it calls"));
        return;
    }
    let complaint = wrong(fault, format!("the fault happens to `{name}`, which nothing is called"));
    let mut known = known_names(scenario);
    known.extend(proxies(scenario));
    known.extend(waypoints(scenario));
    complaints.push(match suggest(name, known.iter().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None if name.contains('.') => complaint.help("a fault happens to a whole node, not to one of its endpoints"),
        None => complaint.help("a target is a node, \"zone:eu-west/a\" or an edge \"orders -> billing\""),
    });
}

/// Why a fault cannot happen to a broker, or not yet.
fn of_broker(fault: &Fault, name: &str) -> Complaint {
    let word = fault.kind.value.word();
    let (why, help) = match fault.kind.value {
        FaultKind::Slow | FaultKind::Errors => (
            format!("a broker does no work that could be hit by `{word}`"),
            "raise its publish_latency, or name its consumers",
        ),
        FaultKind::ReplicasLost | FaultKind::Deploy => (
            format!("the copies of `{name}` are its `replication`, not replicas"),
            "an outage or a crash takes the broker down",
        ),
        FaultKind::Move => (format!("clients of `{name}` are not told its address by discovery"), "use an outage"),
        _ => {
            let message = format!("not supported yet: a fault of the broker `{name}`");
            return Complaint::error(code::NOT_YET, message)
                .at(fault.target.place.clone())
                .help("an outage or a crash of a queue can be run; or name the service that consumes");
        }
    };
    wrong(fault, why).help(help)
}

fn no_zone(scenario: &Scenario, fault: &Fault, zone: &str) -> Complaint {
    let complaint = wrong(fault, format!("no node is in the zone `{zone}`"));
    let mut zones: Vec<String> = Vec::new();
    for zone in scenario.nodes.values().flat_map(Node::sites) {
        let mut name = zone.region.clone();
        for part in [None, zone.zone.as_deref(), zone.host.as_deref()] {
            if let Some(part) = part {
                name = format!("{name}/{part}");
            }
            if !zones.contains(&name) {
                zones.push(name.clone());
            }
        }
    }
    if zones.is_empty() {
        return complaint.help("give nodes a zone: zone = \"eu-west/a\"");
    }
    match suggest(zone, zones.iter().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `zone:{meant}`?")),
        None => complaint.help(format!("the zones are {}", few(&zones))),
    }
}

fn times(fault: &Fault, complaints: &mut Vec<Complaint>) {
    match fault.when() {
        When::At { duration, .. } => {
            let never = duration.value == Some(Span::ZERO);
            zero(never, "duration", duration.place.as_ref(), "the fault would be over at once", complaints);
            let (factor, place) = (fault.factor.value, fault.factor.place.as_ref());
            zero(
                factor == Some(0.0),
                "factor",
                place,
                "nothing would ever be done; use an outage or a freeze",
                complaints,
            );
        }
        When::Random { mtbf, mttr, busy_only } => {
            let kind = fault.kind.value;
            if kind.is_planned() {
                let message = format!("a fault of kind `{}` does not come at random", kind.word());
                let complaint = Complaint::error(code::FAULT_TIME, message).at(mtbf.place.clone());
                complaints.push(complaint.help("say when: at = \"60s\" and duration = \"30s\""));
            }
            if busy_only.value && (kind.is_between() || kind == FaultKind::PoisonMessage) {
                let message = "`busy_only` counts work, and messages do none";
                complaints.push(Complaint::error(code::FAULT_WORDS, message).at(busy_only.place.clone()));
            }
            for (key, law) in [("mtbf", Some(mtbf)), ("mttr", mttr)] {
                let Some(law) = law else { continue };
                // Shorter than a microsecond on average, a run would do nothing else.
                let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`{key}` is below 1 us on average"));
                if mean(&law.value) < 1e3 {
                    complaints.push(complaint.at(law.place.clone()));
                }
            }
        }
    }
}

/// Times that a fault at random is on in one run at most: each is looked at by itself.
const STRIKES: f64 = 100_000.0;

/// Complains about faults that come too often.
fn strikes(fault: &Fault, scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let When::Random { mtbf, mttr, .. } = fault.when() else { return };
    let run = scenario.sim.warmup.value.span() + scenario.sim.duration.value;
    let on = mttr.map_or(0.0, |mttr| mean(&mttr.value));
    let times = run.0 as f64 / (mean(&mtbf.value) + on).max(1.0);
    if times > STRIKES {
        let message = format!(
            "the fault `{}` would come about {} times in a run; at most {STRIKES:.0}",
            fault.name.value,
            power(times)
        );
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(mtbf.place.clone());
        complaints.push(complaint.help("give it more time between: a longer mtbf"));
    }
}

fn replicas(scenario: &Scenario, fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(wanted) = fault.replicas.value else { return };
    zero(wanted == 0, "replicas", fault.replicas.place.as_ref(), "the fault would happen to nobody", complaints);
    for node in fault.nodes(scenario).iter().filter_map(|name| scenario.nodes.get(*name)) {
        let there = node.most_replicas();
        if wanted > there {
            let message =
                format!("{wanted} {} of `{}`, which has {there}", nouns(wanted.into(), "replica"), node.name.value);
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(fault.replicas.place.clone()));
        }
    }
}

/// Those who call a service over the network, and of these those whose contract a build looks at.
pub(crate) fn callers_of<'s>(scenario: &'s Scenario, callee: &str) -> (BTreeSet<&'s str>, BTreeSet<&'s str>) {
    let (mut all, mut built) = (BTreeSet::new(), BTreeSet::new());
    for (name, node) in &scenario.nodes {
        for call in node.programs().flat_map(walk::calls).filter(|call| call.target.value.node == callee) {
            let How::Over(spec) = walk::transport_of(scenario, call) else { continue };
            all.insert(name.as_str());
            if is_compiled_in(scenario, spec) {
                built.insert(name.as_str());
            }
        }
    }
    (all, built)
}

/// A breaking change is one of a service that others call, and a build does not let it through.
fn breaking(scenario: &Scenario, fault: &Fault, refused: &[String], complaints: &mut Vec<Complaint>) {
    let Aim::Node(name) = fault.aim() else {
        if fault.breaking.value {
            complaints.push(wrong(fault, "a breaking change is one of one service".into()).help("name the service"));
        }
        return;
    };
    if !fault.breaking.value || refused.iter().any(|refused| refused == name) {
        return;
    }
    let Some(node) = scenario.nodes.get(name) else { return };
    let (all, built) = callers_of(scenario, name);
    if !matches!(node.kind, NodeKind::Service | NodeKind::Gateway) || all.is_empty() {
        let message = format!("no service calls `{name}`: a change of it breaks nothing");
        return complaints
            .push(wrong(fault, message).help("leave `breaking` out, or name the service that others call"));
    }
    if !built.is_empty() {
        let names: Vec<String> = built.iter().map(|name| format!("`{name}`")).collect();
        let verb = if built.len() == 1 { "calls" } else { "call" };
        let message = format!("{} {verb} `{name}` over grpc: a breaking change is caught at build", few(&names));
        let complaint = Complaint::warning(code::CAUGHT_AT_BUILD, message).at(fault.breaking.place.clone());
        complaints
            .push(complaint.help("these calls go on as with a compatible change; over rest it is found at run time"));
    }
}

/// Whether a deploy of the file replaces the replicas of a node as they get ready.
pub(crate) fn is_rolled(scenario: &Scenario, node: &Node) -> bool {
    let of = |fault: &&Fault| fault.is_rollout() && fault.nodes(scenario).contains(&node.name.value.as_str());
    let before_the_end = |fault: &&Fault| fault.at().is_some_and(|at| at < scenario.sim.duration.value);
    scenario.faults.iter().filter(before_the_end).any(|fault| of(&fault))
}

/// A deploy has a duration or waits for its replicas; one with a duration has to be long enough for them.
fn rolled(scenario: &Scenario, fault: &Fault, complaints: &mut Vec<Complaint>) {
    if fault.kind.value != FaultKind::Deploy || fault.mtbf.is_some() {
        return;
    }
    let contradiction =
        |message: String, place: &Option<Place>| Complaint::error(code::CONTRADICTION, message).at(place.clone());
    if fault.is_rollout() {
        if fault.replicas.value.is_some() {
            let message = "`replicas` of a deploy without `duration`: it waits for its replicas";
            let complaint = contradiction(message.into(), &fault.replicas.place);
            complaints.push(complaint.help("say max_unavailable, how many may be missing at once"));
        }
        if [fault.max_surge.value, fault.max_unavailable.value].iter().all(|portion| *portion == Portion::Count(0)) {
            let message = "`max_surge` and `max_unavailable` are 0: no replica could come or go";
            complaints.push(contradiction(message.into(), &fault.max_unavailable.place));
        }
    } else {
        for (key, given) in [("max_surge", &fault.max_surge), ("max_unavailable", &fault.max_unavailable)] {
            if let Some(place) = &given.place {
                let message = format!("`{key}` beside `duration`: how long a rollout takes is an outcome");
                complaints.push(contradiction(message, &Some(place.clone())).help("leave `duration` out"));
            }
        }
    }
    for node in fault.nodes(scenario).iter().filter_map(|name| scenario.nodes.get(*name)) {
        rolled_node(fault, node, complaints);
    }
}

/// What cannot be rolled out, and what would be cut off before it is ready.
fn rolled_node(fault: &Fault, node: &Node, complaints: &mut Vec<Complaint>) {
    let name = &node.name.value;
    if fault.is_rollout() {
        let deployed = matches!(node.kind, NodeKind::Service | NodeKind::Gateway);
        if !deployed {
            let message = format!("a rollout is one of services and gateways, and `{name}` is a {}", node.kind.word());
            complaints.push(wrong(fault, message).help("give the deploy a `duration`: then replicas restart in turn"));
        } else if on(&node.coming.autoscale).is_some() {
            let message =
                format!("not supported yet: a rollout of `{name}` while an autoscaler changes how many it has");
            let complaint = Complaint::error(code::NOT_YET, message).at(fault.target.place.clone());
            complaints
                .push(complaint.help("give the deploy a `duration`, or the service a fixed number of `replicas`"));
        }
        return;
    }
    let (Some(length), Some(law)) = (fault.duration.value, &node.coming.ready_after.value) else { return };
    let waves = node.most_replicas().div_ceil(fault.replicas.value.unwrap_or(1).max(1));
    let needs = mean(law) * f64::from(waves);
    if on(&node.coming.autoscale).is_none() && needs > length.0 as f64 {
        let message = format!(
            "`{name}` needs {} for {waves} {} until they are ready one after the other, not {length}",
            Span(needs as u64),
            nouns(waves.into(), "replica")
        );
        let complaint = Complaint::error(code::CONTRADICTION, message).at(fault.duration.place.clone());
        complaints.push(complaint.help("leave `duration` out: a rollout takes as long as it takes"));
    }
}

/// A partition drops; what a crash lost does not come back.
fn mode(fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(place) = &fault.mode.place else { return };
    let (message, help) = match (fault.kind.value, fault.mode.value) {
        (FaultKind::Partition, Unavailable::Refuse | Unavailable::Hang) => {
            ("a partition is of the network, which drops", "an outage can refuse or hang; leave `mode` out here")
        }
        (FaultKind::Crash | FaultKind::ReplicasLost | FaultKind::Move, Unavailable::Drop) => {
            ("nothing is there any more to which TCP could send again", "an outage can drop; here use \"hang\"")
        }
        _ => return,
    };
    complaints.push(Complaint::error(code::FAULT_WORDS, message).at(Some(place.clone())).help(help));
}

/// Says what a black hole is here.
fn black_hole(fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(place) = fault.mode.place.clone().filter(|_| fault.mode.value == Unavailable::BlackHole) else { return };
    let (word, means) = match fault.kind.value {
        FaultKind::Partition => {
            ("drop", "TCP sends again what the network drops, so that it arrives after the fault's end")
        }
        FaultKind::Outage => {
            ("hang", "answers are lost for good; for a network that drops, and loses nothing, write \"drop\"")
        }
        _ => return,
    };
    let message = format!("`black_hole` means `{word}` for a fault of kind `{}`", fault.kind.value.word());
    complaints.push(Complaint::note(code::BLACK_HOLE, message).at(Some(place)).help(means));
}

/// Warns of faults that change nothing.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for fault in &scenario.faults {
        black_hole(fault, complaints);
        if fault.at().is_some_and(|at| at >= scenario.sim.duration.value) {
            let message = format!("the fault `{}` begins after the measured time", fault.name.value);
            let place = match fault.when() {
                When::At { at, .. } => at.place.clone(),
                When::Random { .. } => fault.place.clone(),
            };
            let length = scenario.sim.duration.value;
            let complaint = Complaint::warning(code::LATE_FAULT, message).at(place);
            complaints.push(complaint.help(format!("it changes nothing; sim.duration is {length}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surge_multiplies_the_rates_it_covers() {
        let ramp = Segment { from: 0.0, until: 10.0, rate: 1.0, slope: 0.1 };
        let after = Segment { from: 10.0, until: f64::INFINITY, rate: 2.0, slope: 0.0 };
        let all = surge(&[ramp, after], 5.0, 12.0, 3.0);
        let told: Vec<(f64, f64, f64)> = all.iter().map(|s| (s.from, s.rate, s.slope)).collect();
        let expected = [(0.0, 1.0, 0.1), (5.0, 4.5, 0.1 * 3.0), (10.0, 6.0, 0.0), (12.0, 2.0, 0.0)];
        assert_eq!(told.len(), expected.len());
        for (a, b) in told.iter().zip(expected) {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9 && (a.2 - b.2).abs() < 1e-9, "{told:?}");
        }
    }
}

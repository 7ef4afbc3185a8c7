//! `[discovery]`: how a caller finds and picks a replica.

use super::super::check::zero;
use super::super::declare::{
    Count, CountOr, Duration, Filled, Flag, Maybe, Must, Number, Or, Record as _, Ruled, Share, Told, Varying, Without,
    table, words,
};
use super::super::lower::Lowering;
use super::super::read::{Desk, View};
use super::super::vocab::{Word, word};
use super::super::walk::transports_used;
use super::super::written::{Fault, FaultKind, Given, Locality, Mesh, Node, NodeKind, Place, Rule, Scenario, on};
use super::faults::is_rolled;
use crate::diag::{Code, Complaint, code};
use crate::model::NodeId;
use crate::model::balance::{self, Balancer};
use crate::model::discovery::{self as run, Depth, Kind, OutlierSpec, Readiness};
use crate::model::id::NONE;
use crate::random::dist::Law;
use crate::units::Span;

words! {
    for Kind {
        Static = "static", "A fixed list of replicas; after a `move` it is wrong for good.";
        Dns = "dns", "Names are looked up, and the answer is kept for `ttl`.";
        Kubernetes = "kubernetes", "One virtual address per service; callers see a change after `propagation`.";
        Mesh = "mesh", "Every caller's sidecar has the list, `propagation` after a change, and balances requests.";
    }
}

words! {
    /// How a caller picks a replica.
    pub enum Balancing {
        RoundRobin = "round_robin", "One after the other, from a random start per caller replica.";
        Random = "random", "Any, alike.";
        LeastRequest = "least_request", "The one with the fewest of this caller's requests among `choices` candidates.";
        PickFirst = "pick_first", "Always the same one, a random one per caller replica.";
        P2cEwma = "p2c_ewma", "Of two distinct candidates the one that answered faster of late and has fewer requests.";
        Prequal = "prequal", "The quickest of those that probes found not to be busy; three probes with every request.";
        Hash = "hash", "The same key to the same replica.";
    }
}

words! {
    /// What is balanced.
    #[derive(Default)]
    pub enum BalancePer {
        #[default]
        Connection = "connection", "Only new connections are balanced; requests follow the connection they get.";
        Request = "request", "Every request is balanced.";
    }
}

/// As many candidates as there are replicas.
pub(crate) enum All {}

impl Without for All {
    const WORD: &'static [Word] = &[word("all", "All replicas.")];
}

/// A key for each call.
pub(crate) enum Calls {}

impl Without for Calls {
    const WORD: &'static [Word] = &[word("calls", "Every call has a key of its own; its retries have the same.")];
}

table! {
    /// `[discovery]`.
    pub struct Discovery: "[discovery]", "How a caller finds the replicas of a node and picks one." {
        kind: Given<Kind> as Or<Kind> = "\"static\"", "How replicas are found.";
        ttl: Given<Span> as Or<Duration> = "\"30s\"", "dns: how long an answer is kept, per caller replica and callee.";
        resolver: Rule<Resolver> as Ruled<Resolver>, "dns: what it takes to look a name up. Default: nothing.";
        propagation: Given<Span> as Filled<Duration>,
            "From a change of endpoints until callers, or DNS, know of it. Default: 1s for kubernetes, 100ms for mesh, none for dns.";
        liveness: Rule<Liveness> as Ruled<Liveness>,
            "A service's or gateway's replica that does not answer its probes is restarted. Default: none.";
        readiness: Rule<Probes> as Ruled<Probes>,
            "kubernetes, mesh: a replica that does not answer its probes is taken out of the list. Default: a probe every 10s, three failures.";
        load_balancing: Given<Balancing> as Or<Balancing> = "\"round_robin\"", "How a caller picks a replica.";
        choices: Given<Option<u32>> as Or<CountOr<All>> = "2", "Candidates of least_request.";
        distinct: Given<bool> as Or<Flag> = "false",
            "least_request: whether its candidates are different ones; Envoy may draw one twice.";
        idle_probes: Given<Option<Span>> as Maybe<Duration>,
            "prequal: a caller that has probed nobody for so long does so without a request. Default: never.";
        keys: Given<Option<u32>> as Or<CountOr<Calls>> = "\"calls\"", "hash: calls share so many keys.";
        balance_per: Given<BalancePer> as Filled<BalancePer>,
            "What is balanced over transports with connections; over `free` every request is. Default: request for mesh, else connection.";
        outlier_detection: Rule<OutlierDetection> as Ruled<OutlierDetection>,
            "A caller leaves out a replica that fails it, for a while. Default: none.";
        panic_threshold: Given<f64> as Or<Share> = "0.0",
            "With a smaller share of the replicas healthy, requests go to all of them. Envoy's own default is 50%, Istio's 0%.";
        locality: Rule<Locality> as Ruled<Locality>,
            "Callers prefer replicas that stand near them. Default: none; where one stands matters for the latency only.";
        slow_start: Rule<SlowStart> as Ruled<SlowStart>,
            "round_robin, least_request: a replica that is new in a caller's list gets less at first. Default: none.";
    }
}

table! {
    /// `slow_start`.
    pub struct SlowStart: "slow_start", "A replica that is new in a caller's list gets less at first; the defaults are Envoy's.",
    needs "write for example { window = \"30s\" }" {
        window: Given<Span> as Must<Duration>, "How long a replica is new.";
        aggression: Given<f64> as Or<Number> = "1.0", "1: its weight grows in proportion to the time; with more, sooner.";
        min_weight: Given<f64> as Or<Share> = "0.1", "What it weighs at least, the others 1.";
    }
}

table! {
    /// `resolver`.
    pub struct Resolver: "resolver", "How names are looked up by services and gateways, in time; the defaults are glibc's." {
        takes: Given<Law> as Or<Varying> = "\"1ms\"", "How long an answer takes.";
        loss: Given<f64> as Or<Share> = "0.0", "Share of the questions that get no answer.";
        timeout: Given<Span> as Or<Duration> = "\"5s\"", "How long one waits before asking again.";
        attempts: Given<u32> as Or<Count> = "2", "How often a name is asked for before the request fails.";
    }
}

table! {
    /// `readiness`.
    pub struct Probes: "readiness", "Probes that ask every replica whether it works.", meant Probes::meant {
        every: Given<Span> as Or<Duration> = "\"10s\"", "Time between two probes of a replica.";
        failures: Given<u32> as Or<Count> = "3", "So many in a row fail before it is taken out.";
        timeout: Given<Span> as Or<Duration> = "\"1s\"", "How long one that stands in line may take.";
        probe: Given<Depth> as Or<Depth> = "\"process\"", "What it sees.";
    }
}

words! {
    for Depth {
        Process = "process", "Whether the process is there and goes on, whatever its load.";
        Shallow = "shallow", "Whether a worker of the service is free for it in time: it stands in line as requests do.";
        Deep = "deep", "The same, and whether those could answer whom the service calls.";
    }
}

table! {
    /// `liveness`.
    pub struct Liveness: "liveness", "Probes after which a replica is restarted." {
        every: Given<Span> as Or<Duration> = "\"10s\"", "Time between two probes of a replica.";
        failures: Given<u32> as Or<Count> = "3", "So many in a row fail before it is restarted.";
        timeout: Given<Span> as Or<Duration> = "\"1s\"", "How long one may take.";
        probe: Given<Depth> as Or<Depth> = "\"shallow\"", "What it sees.";
    }
}

impl Probes {
    /// What the canonical form says: of what stands in line, where it does.
    fn meant(&self, all: Vec<Told>) -> Vec<Told> {
        let queues = self.probe.value != Depth::Process;
        all.into_iter().filter(|told| queues || !["timeout", "probe"].contains(&told.key) || !told.default).collect()
    }

    fn lowered(&self) -> Readiness {
        let (every, failures, timeout) = (self.every.value, self.failures.value, self.timeout.value);
        Readiness { every, failures, timeout, depth: self.probe.value }
    }
}

impl Liveness {
    fn lowered(&self) -> Readiness {
        let (every, failures, timeout) = (self.every.value, self.failures.value, self.timeout.value);
        Readiness { every, failures, timeout, depth: self.probe.value }
    }
}

table! {
    /// `outlier_detection`.
    pub struct OutlierDetection: "outlier_detection", "A caller leaves out a replica that fails it, for a while." {
        consecutive_errors: Given<u32> as Or<Count> = "5", "Failures in a row after which a replica is left out.";
        interval: Given<Span> as Or<Duration> = "\"10s\"", "Time between two looks at who may come back.";
        base_ejection: Given<Span> as Or<Duration> = "\"30s\"",
            "How long a replica is left out, times the number of its ejections; 300s at most.";
        max_ejected: Given<f64> as Or<Share> = "0.1",
            "Share of the replicas that may be left out: 10% of eight are none.";
        always_eject_one: Given<bool> as Or<Flag> = "false",
            "Whether one may be left out whatever `max_ejected` says, as in Envoy before 1.31.";
    }
}

impl Discovery {
    /// What nobody says is as usual for the kind.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, view: &View<'_>) -> Self {
        let Some(mut read) = Self::read(desk, view) else { unreachable!("every key has a default") };
        let kind = read.kind.value;
        if read.propagation.is_default() {
            read.propagation.value = usual_propagation(kind);
        }
        if read.balance_per.is_default() && kind == Kind::Mesh {
            read.balance_per.value = BalancePer::Request;
        }
        if read.readiness.is_none() && read.is_watched() {
            read.readiness = Some(Box::new(Given::default(Probes::read(desk, &View::absent(Probes::TABLE)))));
        }
        read
    }

    /// Whether replicas are probed where nobody says otherwise, and callers hear of changes.
    pub fn is_watched(&self) -> bool {
        matches!(self.kind.value, Kind::Kubernetes | Kind::Mesh)
    }

    /// Whether connections are balanced, and not requests.
    pub(in crate::scenario) fn is_by_connection(&self) -> bool {
        self.balance_per.value == BalancePer::Connection
    }

    /// What the canonical form says: what means something beside the rest.
    pub(in crate::scenario) fn meant(&self) -> impl Iterator<Item = Told> {
        let (kind, picks, watched) = (self.kind.value, self.load_balancing.value, self.is_watched());
        self.told().into_iter().filter(move |told| match told.key {
            "ttl" => kind == Kind::Dns,
            "propagation" => kind != Kind::Static,
            "readiness" => watched,
            "resolver" => self.resolver.is_some(),
            "distinct" => picks == Balancing::LeastRequest,
            "keys" => picks == Balancing::Hash,
            "idle_probes" => self.idle_probes.value.is_some(),
            "panic_threshold" => !self.panic_threshold.is_default(),
            "liveness" => self.liveness.is_some(),
            "locality" => self.locality.is_some(),
            "slow_start" => self.slow_start.is_some(),
            _ => true,
        })
    }
}

/// kube-proxy looks for changes once a second (`minSyncPeriod`); Istio waits 100 ms for more of them.
fn usual_propagation(kind: Kind) -> Span {
    match kind {
        Kind::Static | Kind::Dns => Span::ZERO,
        Kind::Kubernetes => Span(1_000_000_000),
        Kind::Mesh => Span(100_000_000),
    }
}

impl Lowering<'_> {
    /// How callers find callees.
    pub(in crate::scenario) fn discovery(&mut self) {
        let written = &self.scenario.discovery;
        let meshed = self.scenario.mesh.as_ref().filter(|_| self.scenario.has_mesh());
        // With a mesh its proxies hear of changes from the control plane, whatever finds replicas where there is none.
        let pushed = meshed.filter(|_| written.kind.value != Kind::Mesh);
        let readiness = on(&written.readiness).filter(|_| pushed.is_some() || written.is_watched());
        let usual = pushed.filter(|_| written.readiness.is_none()).map(|_| Readiness::USUAL);
        let outliers = on(&written.outlier_detection);
        let resolver = on(&written.resolver).map(|resolver| self.resolver(resolver));
        self.plan.discovery = run::Discovery {
            resolver,
            kind: if meshed.is_some() { Kind::Mesh } else { written.kind.value },
            ttl: written.ttl.value,
            propagation: meshed.map_or(written.propagation.value, |mesh| mesh.push_delay.value),
            readiness: readiness.map(Probes::lowered).or(usual),
            liveness: on(&written.liveness).map(Liveness::lowered),
            outliers: outliers.map(OutlierDetection::lowered),
            panic: written.panic_threshold.value,
            locality: self.locality(),
            slow_start: on(&written.slow_start).map(SlowStart::lowered),
            idle_probes: written.idle_probes.value,
        };
    }

    /// What it takes to look a name up.
    fn resolver(&mut self, written: &Resolver) -> run::Resolver {
        let (loss, timeout, attempts) = (written.loss.value, written.timeout.value, written.attempts.value);
        run::Resolver { takes: self.law(&written.takes.value), loss, timeout, attempts }
    }

    /// Whether somebody looks names up, which takes time: clients outside do not.
    pub(in crate::scenario) fn asks_for_names(&self, caller: NodeId) -> bool {
        let discovery = &self.plan.discovery;
        let outside = self.scenario.clients.contains_key(&self.plan.node(caller).name);
        discovery.kind == Kind::Dns && discovery.resolver.is_some() && !outside
    }

    pub(in crate::scenario) fn balancer(&self) -> Balancer {
        let discovery = &self.scenario.discovery;
        match discovery.load_balancing.value {
            Balancing::RoundRobin => Balancer::RoundRobin,
            Balancing::Random => Balancer::Random,
            Balancing::LeastRequest => Balancer::LeastRequest {
                choices: discovery.choices.value.unwrap_or(NONE),
                distinct: discovery.distinct.value,
            },
            Balancing::PickFirst => Balancer::PickFirst,
            Balancing::P2cEwma => Balancer::P2cEwma,
            Balancing::Prequal => Balancer::Prequal,
            Balancing::Hash => Balancer::Hash { keys: discovery.keys.value.unwrap_or(NONE) },
        }
    }

    /// Whether callers prefer some replicas of a node: by zone, because others are new, or by what they answered.
    pub(in crate::scenario) fn leans(&self, node: NodeId) -> bool {
        let discovery = &self.plan.discovery;
        let asks = self.balancer() == Balancer::Prequal;
        (asks || discovery.locality.is_some() || discovery.slow_start.is_some()) && self.plan.node(node).replicas > 1
    }

    /// Whether callers leave out replicas of a node that fail.
    pub(in crate::scenario) fn leaves_out(&self, node: NodeId) -> bool {
        self.plan.discovery.outliers.is_some() && self.plan.node(node).replicas > 1
    }

    /// Whether what callers are told of a node may change in the run, or cannot always be asked.
    pub(in crate::scenario) fn is_unsteady(&self, node: &str) -> bool {
        let (scenario, discovery) = (self.scenario, &self.plan.discovery);
        let matters = |kind: FaultKind| match kind {
            FaultKind::Move => discovery.kind != Kind::Static,
            FaultKind::DiscoveryOutage => discovery.kind == Kind::Dns,
            FaultKind::Outage | FaultKind::Crash | FaultKind::ReplicasLost | FaultKind::Freeze => {
                discovery.readiness.is_some()
            }
            FaultKind::Deploy => discovery.is_watched(),
            _ => false,
        };
        let asked = discovery.readiness.is_some_and(|probes| probes.queues());
        let served = scenario.nodes.get(node).is_some_and(|n| matches!(n.kind, NodeKind::Service | NodeKind::Gateway));
        let rolls = scenario.nodes.get(node).is_some_and(|node| is_rolled(scenario, node));
        let scaled = scenario.nodes.get(node).is_some_and(|node| on(&node.coming.autoscale).is_some());
        (scaled || rolls || asked && served) && discovery.kind != Kind::Static
            || scenario.faults.iter().any(|fault| matters(fault.kind.value) && hits(scenario, fault, node))
    }
}

/// Whether a fault happens to a node, or to the proxy beside it.
fn hits(scenario: &Scenario, fault: &Fault, node: &str) -> bool {
    let nodes = fault.nodes(scenario);
    let meshed = |mesh: &Mesh| {
        let own = scenario.nodes.get(node).filter(|node| scenario.is_meshed(node));
        own.is_some_and(|node| nodes.contains(&mesh.proxy_of(node).as_str()))
    };
    nodes.contains(&node) || scenario.mesh.as_ref().is_some_and(meshed)
}

impl SlowStart {
    fn lowered(&self) -> balance::SlowStart {
        let (window, aggression) = (self.window.value, self.aggression.value);
        balance::SlowStart { window, aggression, least: self.min_weight.value }
    }
}

impl OutlierDetection {
    fn lowered(&self) -> OutlierSpec {
        OutlierSpec {
            consecutive: self.consecutive_errors.value,
            interval: self.interval.value,
            base: self.base_ejection.value,
            max_share: self.max_ejected.value,
            always_one: self.always_eject_one.value,
        }
    }
}

/// Complains about numbers that cannot be, and about words beside which others mean nothing.
pub(in crate::scenario) fn ranges(discovery: &Discovery, complaints: &mut Vec<Complaint>) {
    let never = |given: &Given<Span>| (given.value == Span::ZERO, given.place.clone());
    let none = |given: &Given<u32>| (given.value == 0, given.place.clone());
    let mut all = vec![
        (
            "choices",
            (discovery.choices.value == Some(0), discovery.choices.place.clone()),
            "there would be nobody to pick",
        ),
        ("keys", (discovery.keys.value == Some(0), discovery.keys.place.clone()), "no call would have a key"),
    ];
    if let Some(resolver) = on(&discovery.resolver) {
        all.push(("timeout", never(&resolver.timeout), "no answer would come in time"));
        all.push(("attempts", none(&resolver.attempts), "nobody would ever ask"));
    }
    if let Some(probes) = on(&discovery.readiness) {
        all.push(("every", never(&probes.every), "nothing else would ever happen"));
        all.push(("failures", none(&probes.failures), "every replica would be out at once"));
        if probes.probe.value != Depth::Process {
            late(&probes.timeout, &probes.every, complaints);
        }
    }
    if let Some(probes) = on(&discovery.liveness) {
        all.push(("every", never(&probes.every), "nothing else would ever happen"));
        all.push(("failures", none(&probes.failures), "every replica would restart at once"));
        late(&probes.timeout, &probes.every, complaints);
    }
    if let Some(rule) = on(&discovery.outlier_detection) {
        all.push(("consecutive_errors", none(&rule.consecutive_errors), "every replica would be out at once"));
        all.push(("interval", never(&rule.interval), "nothing else would ever happen"));
        all.push(("base_ejection", never(&rule.base_ejection), "a replica would be back at once"));
    }
    if let Some(ease) = on(&discovery.slow_start) {
        all.push(("window", never(&ease.window), "nobody would be new"));
        let nothing = |given: &Given<f64>| (given.value <= 0.0, given.place.clone());
        all.push(("aggression", nothing(&ease.aggression), "nobody would ever get more"));
        all.push(("min_weight", nothing(&ease.min_weight), "a new replica's turn would never come"));
    }
    for (key, (is, place), why) in all {
        zero(is, key, place.as_ref(), why, complaints);
    }
    unused(discovery, complaints);
}

/// A probe is answered before the next one comes.
fn late(timeout: &Given<Span>, every: &Given<Span>, complaints: &mut Vec<Complaint>) {
    if timeout.value >= every.value {
        let message =
            format!("`timeout` ({}) is not below `every` ({}): one probe at a time", timeout.value, every.value);
        let place = timeout.place.clone().or(every.place.clone());
        complaints.push(Complaint::error(code::CONTRADICTION, message).at(place));
    }
}

/// Words that mean nothing beside the others.
fn unused(discovery: &Discovery, complaints: &mut Vec<Complaint>) {
    let kind = discovery.kind.value;
    let picks = |balancing: Balancing| discovery.load_balancing.value == balancing;
    let readiness = discovery.readiness.as_ref().and_then(|given| given.place.clone());
    let resolver = discovery.resolver.as_ref().and_then(|given| given.place.clone());
    let slow_start = discovery.slow_start.as_ref().and_then(|given| given.place.clone());
    let weighs = picks(Balancing::RoundRobin) || picks(Balancing::LeastRequest);
    let said = [
        (kind != Kind::Dns, "resolver", &resolver, "for kind = \"dns\" only"),
        (!picks(Balancing::LeastRequest), "choices", &discovery.choices.place, "for least_request only"),
        (!picks(Balancing::LeastRequest), "distinct", &discovery.distinct.place, "for least_request only"),
        (!picks(Balancing::Prequal), "idle_probes", &discovery.idle_probes.place, "for prequal only"),
        (!picks(Balancing::Hash), "keys", &discovery.keys.place, "for hash only"),
        (kind != Kind::Dns, "ttl", &discovery.ttl.place, "for kind = \"dns\" only"),
        (
            kind == Kind::Static,
            "propagation",
            &discovery.propagation.place,
            "where changes are heard of: not for static",
        ),
        (!discovery.is_watched(), "readiness", &readiness, "for kubernetes and mesh only"),
        (!weighs, "slow_start", &slow_start, "for round_robin and least_request only: the others know no weights"),
        (kind == Kind::Static, "slow_start", &slow_start, "where changes are heard of: not for static"),
        (
            kind != Kind::Mesh && on(&discovery.outlier_detection).is_none(),
            "panic_threshold",
            &discovery.panic_threshold.place,
            "beside `outlier_detection`, or for kind = \"mesh\"",
        ),
    ];
    for (idle, key, place, what) in said {
        if idle && place.is_some() {
            complaints.push(warning(code::UNUSED, format!("`{key}` means something {what}"), place.as_ref()));
        }
    }
}

fn warning(code: Code, message: String, place: Option<&Place>) -> Complaint {
    Complaint::warning(code, message).at(place.cloned())
}

/// What runs but looks wrong.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let discovery = &scenario.discovery;
    if let Some(rule) = discovery.outlier_detection.as_ref().filter(|rule| rule.value.is_some())
        && discovery.balance_per.value == BalancePer::Connection
        && transports_used(scenario).iter().any(|name| scenario.transports[*name].connections.is_some())
    {
        let message =
            "`outlier_detection` where connections are balanced: those that are open go on to a replica that is out";
        let complaint = warning(code::NO_EFFECT, message.into(), rule.place.as_ref());
        complaints.push(complaint.help("balance requests: balance_per = \"request\", or kind = \"mesh\""));
    }
    ejects_nobody(scenario, complaints);
    if discovery.kind.value != Kind::Static {
        return;
    }
    for fault in &scenario.faults {
        let place = fault.kind.place.as_ref();
        match fault.kind.value {
            FaultKind::Move => {
                let message =
                    format!("nobody learns where `{}` has moved to: its addresses are fixed", fault.target.value);
                let complaint = warning(code::MOVED_FOR_GOOD, message, place);
                complaints
                    .push(complaint.help("find it by name: [discovery] kind = \"dns\", \"kubernetes\" or \"mesh\""));
            }
            FaultKind::DiscoveryOutage => {
                let message = "an outage of discovery changes nothing where addresses are fixed";
                let complaint = warning(code::UNUSED, message.into(), place);
                complaints.push(complaint.help("[discovery] kind = \"dns\", \"kubernetes\" or \"mesh\" can fail"));
            }
            _ => {}
        }
    }
}

/// Outlier detection may be allowed to leave out a share of the replicas that is less than one of them.
fn ejects_nobody(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let Some(rule) = on(&scenario.discovery.outlier_detection) else { return };
    let spec = rule.lowered();
    let several = scenario.nodes.values().map(Node::most_replicas).filter(|replicas| *replicas > 1).max();
    if let Some(most) = several.filter(|most| spec.most(*most) == 0) {
        let share = 100.0 * rule.max_ejected.value;
        let message = format!("`outlier_detection` leaves nobody out: {share} % of {most} replicas are none");
        let place = rule.max_ejected.place.as_ref();
        let place = place.or(scenario.discovery.outlier_detection.as_ref().and_then(|given| given.place.as_ref()));
        let help = format!(
            "say max_ejected = \"{}%\", or always_eject_one = true (Envoy before 1.31)",
            100_u32.div_ceil(most)
        );
        complaints.push(warning(code::NO_EFFECT, message, place).help(help));
    }
}

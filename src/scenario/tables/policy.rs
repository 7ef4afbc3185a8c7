//! `[policies.*]`, and what a call says inline: the rules that guard calls, and what they mean together.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use toml::de::DeTable;

use super::super::check::zero;
use super::super::declare::{Duration, Field, Flag, Kind, Record, Ruled, Said, Spoken, Told, table, words};
use super::super::guarded::of_client;
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::print::{Page, listed, quoted};
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::{Key, LIBRARIES, LIBRARY_WORDS, Shape, Table, key};
use super::super::walk;
use super::super::written::{BalancePer, Call, DoorLimit, Given, How, Node, Place, Rule, Scenario, TransportSpec, on};
use super::breaker::{Breaks, CircuitBreaker, Counts};
use super::limits::{AdaptiveThrottle, Bulkhead, ConcurrencyLimit, Hedge, Limited, RateLimit, Shed};
use super::retries::Retries;
use crate::diag::{Complaint, code};
use crate::model::id;
use crate::model::policy::{self, IntakeSpec, ORDER, Stage};
use crate::model::{LawId, Outcome};
use crate::random::dist::Law;
use crate::units::Span;

words! {
    /// What a caller that gave up stops.
    #[derive(Default)]
    pub enum Cancels {
        #[default]
        No = "no", "Nothing: the callee works on, and its answer is late.";
        Queued = "queued", "A request in line is taken out; one at work stops at its next step.";
        AtOnce = "at_once", "All of it: whoever handles the request is dropped where it stands, in line, at work or waiting, as hyper and every async server do whose handler is a future.";
    }
}

words! {
    for Stage {
        Retry = "retries", "Tries begin: what stands before guards the whole call, what stands behind each try.";
        RateLimit = "rate_limit", "The rate limit is asked.";
        Bulkhead = "bulkhead", "The bulkhead is asked.";
        Breaker = "circuit_breaker", "The breaker is asked.";
        Throttle = "adaptive_throttle", "The throttle is asked.";
        Limit = "concurrency_limit", "The adaptive limit is asked.";
        Timer = "timeout", "The timer of the try starts: what stands behind counts against it.";
    }
}

/// `[policies.*]`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// The library it starts from.
    pub like: Option<Given<String>>,
    /// What it says.
    pub guards: Guards,
}

table! {
    /// What a policy says, and a call inline.
    #[derive(Default)]
    pub struct Guards: "[policies.*]", "What a policy may say; a call may say the same inline." {
        timeout: Option<Given<Span>> as Said<Duration>,
            "Per try, its waits for a connection included; the caller gives up, the callee works on and its answer is late. Default: none.";
        deadline: Option<Given<Span>> as Said<Duration>,
            "Spans all tries of a call and the waits between them. Default: none.";
        propagate_deadline: Option<Given<bool>> as Said<Flag> = "false",
            "Whether the callee's own calls inherit what is left of it.";
        retries: Rule<Retries> as Ruled<Retries>, "Tries again after a failure. Default: none.";
        circuit_breaker: Rule<CircuitBreaker> as Ruled<CircuitBreaker>,
            "Stops calling a callee that fails, and asks carefully whether it works again. Default: none.";
        bulkhead: Rule<Bulkhead> as Ruled<Bulkhead>, "So many calls at once, the others wait or fail. Default: none.";
        rate_limit: Rule<RateLimit> as Ruled<RateLimit>, "So many calls per time, the others fail. Default: none.";
        hedge: Rule<Hedge> as Ruled<Hedge>,
            "A second try before the first has failed; the first answer counts. Default: none.";
        concurrency_limit: Rule<ConcurrencyLimit> as Limited,
            "An adaptive limit on how many are out at once. Default: none.";
        adaptive_throttle: Rule<AdaptiveThrottle> as Ruled<AdaptiveThrottle>,
            "Refuses at the caller as many as the callee would. Default: none.";
        cancels: Option<Given<Cancels>> as Said<Cancels>,
            "What a caller that gave up stops. Default: what its transport stops.";
        +
        /// The chain; of a policy only.
        order: Option<Given<Vec<Stage>>>;
    }
}

table! {
    /// What a node refuses at its door.
    #[derive(Default)]
    pub struct DoorRules: "[services.*]", "What a node refuses at its door." {
        rate_limit: Rule<DoorLimit> as Ruled<DoorLimit>,
            "So many requests per time and replica; the others are refused. Default: none.";
        shed: Rule<Shed> as Ruled<Shed>, "Refuses newcomers while the line is too long. Default: none.";
        concurrency_limit: Rule<ConcurrencyLimit> as Limited,
            "An adaptive limit on how many are inside at once. Default: none.";
    }
}

/// The name of a library that a policy starts from.
enum LibraryName {}

impl Kind for LibraryName {
    type Value = String;
    const SHAPE: Shape = Shape::Or(&[Shape::Choice(LIBRARY_WORDS), Shape::Name]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<String> {
        let word = read::text(desk, key, value)?;
        let known = LIBRARIES.iter().any(|library| library.name == word);
        if !known {
            read::unknown_word(desk, key, value, &word, LIBRARY_WORDS);
        }
        known.then_some(word)
    }
    fn print(name: &String) -> String {
        quoted(name)
    }
}

/// The stages of a chain, each at most once.
enum Order {}

impl Kind for Order {
    type Value = Vec<Stage>;
    const SHAPE: Shape = Shape::List(&Shape::Choice(<Stage as Spoken>::WORDS));
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Stage>> {
        let stages: Vec<Stage> = read::all_spoken(desk, key, value)?;
        let twice = stages.iter().enumerate().any(|(i, stage)| stages[..i].contains(stage));
        if twice || !stages.contains(&Stage::Retry) || !stages.contains(&Stage::Timer) {
            read::bad(
                desk,
                key,
                value,
                "each stage once, and `retries` and `timeout` among them: where they would stand",
            );
            return None;
        }
        let at = |stage| stages.iter().position(|other| *other == stage);
        if at(Stage::Timer) < at(Stage::Retry) {
            read::bad(
                desk,
                key,
                value,
                "`timeout` is per try, so it stands behind `retries`; a deadline spans all tries",
            );
            return None;
        }
        Some(stages)
    }
    fn print(all: &Vec<Stage>) -> String {
        listed(all)
    }
}

const LIKE: &[Key] =
    &[key("like", LibraryName::SHAPE, "A library whose rules, defaults and order it starts from. Default: none.")];

const CHAIN: &[Key] = &[key("order", Order::SHAPE, "The chain that a try passes, outermost first.").or(
    r#"["retries", "rate_limit", "bulkhead", "circuit_breaker", "adaptive_throttle", "concurrency_limit", "timeout"]"#,
)];

/// `[policies.*]`.
pub(in crate::scenario) static POLICY: Table = Table {
    name: "[policies.*]",
    doc: "Rules that guard calls, by name. A call names one by `policy`, or says the same keys inline; nothing guards \
          a call unless something says so.",
    keys: &[LIKE, Guards::KEYS, CHAIN],
};

impl Policy {
    /// One policy; what it does not say is as in the library it is like.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, name: Given<String>, view: View<'_>) -> Self {
        read::check_name(desk, &name);
        let like = view.read(desk, "like", LibraryName::read);
        let view = match &like {
            Some(like) => view.over(libraries().get(like.value.as_str())),
            None => view,
        };
        let guards = Guards { order: view.read(desk, "order", Order::read), ..Guards::of(desk, &view) };
        Self { name, like, guards }
    }

    /// As TOML.
    pub(in crate::scenario) fn print(&self, page: &mut Page) {
        let mut none = Vec::new();
        page.named("policies", &self.name.value);
        if let Some(like) = &self.like {
            page.given("like", like, LibraryName::print);
        }
        page.told(self.guards.told(), &mut none);
        let (value, default) = Said::<Order>::told(&self.guards.order);
        page.told([Told { key: "order", value, default }], &mut none);
        page.none(&none);
    }
}

/// The libraries as tables.
fn libraries() -> &'static BTreeMap<&'static str, DeTable<'static>> {
    static ALL: OnceLock<BTreeMap<&'static str, DeTable<'static>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parsed = LIBRARIES.iter().map(|library| {
            let (table, errors) = DeTable::parse_recoverable(library.toml);
            debug_assert!(errors.is_empty(), "{}: {errors:?}", library.name);
            (library.name, table.into_inner())
        });
        parsed.collect()
    })
}

impl Guards {
    /// What a table says.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, view: &View<'_>) -> Self {
        Self::read(desk, view).unwrap_or_default()
    }
}

impl Guards {
    /// These, and where they say nothing, `below`.
    #[must_use]
    pub fn over(&self, below: &Guards) -> Guards {
        #[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
        fn first<T: Clone>(a: &Option<T>, b: &Option<T>) -> Option<T> {
            a.as_ref().or(b.as_ref()).cloned()
        }
        Guards {
            timeout: first(&self.timeout, &below.timeout),
            deadline: first(&self.deadline, &below.deadline),
            propagate_deadline: first(&self.propagate_deadline, &below.propagate_deadline),
            retries: first(&self.retries, &below.retries),
            circuit_breaker: first(&self.circuit_breaker, &below.circuit_breaker),
            bulkhead: first(&self.bulkhead, &below.bulkhead),
            rate_limit: first(&self.rate_limit, &below.rate_limit),
            hedge: first(&self.hedge, &below.hedge),
            concurrency_limit: first(&self.concurrency_limit, &below.concurrency_limit),
            adaptive_throttle: first(&self.adaptive_throttle, &below.adaptive_throttle),
            cancels: first(&self.cancels, &below.cancels),
            order: first(&self.order, &below.order),
        }
    }

    /// Whether nothing guards but, perhaps, a timeout.
    pub fn is_plain(&self) -> bool {
        #[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
        fn off<T>(rule: &Rule<T>) -> bool {
            rule.as_ref().is_none_or(|given| given.value.is_none())
        }
        self.deadline.is_none()
            && off(&self.retries)
            && off(&self.circuit_breaker)
            && off(&self.bulkhead)
            && off(&self.rate_limit)
            && off(&self.hedge)
            && off(&self.concurrency_limit)
            && off(&self.adaptive_throttle)
    }
}

impl Scenario {
    /// What guards a call: what it says itself, else its policy, else the default policy.
    pub fn guards(&self, call: &Call) -> Guards {
        let name = call.policy.as_ref().or(self.defaults.policy.as_ref());
        match name.and_then(|name| self.policies.get(&name.value)) {
            Some(policy) => call.guards.over(&policy.guards),
            None => call.guards.clone(),
        }
    }
}

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for policy in scenario.policies.values() {
        policy.guards.ranges(complaints);
    }
    for client in scenario.clients.values() {
        on(&client.retries).into_iter().for_each(|rule| rule.ranges(complaints));
    }
    for node in scenario.nodes.values() {
        on(&node.door.rate_limit).into_iter().for_each(|rule| rule.metered.ranges(complaints));
        on(&node.door.concurrency_limit).into_iter().for_each(|rule| rule.ranges(complaints));
    }
    for endpoint in scenario.nodes.values().flat_map(Node::programs) {
        walk::calls(endpoint).into_iter().for_each(|call| call.guards.ranges(complaints));
    }
}

impl Guards {
    fn ranges(&self, complaints: &mut Vec<Complaint>) {
        for (key, given) in [("timeout", &self.timeout), ("deadline", &self.deadline)] {
            let none = given.as_ref().is_some_and(|given| given.value == Span::ZERO);
            let place = given.as_ref().and_then(|given| given.place.as_ref());
            zero(none, key, place, "every call would fail at once", complaints);
        }
        on(&self.retries).into_iter().for_each(|rule| rule.ranges(complaints));
        on(&self.circuit_breaker).into_iter().for_each(|rule| rule.ranges(complaints));
        on(&self.bulkhead).into_iter().for_each(|rule| rule.ranges(complaints));
        on(&self.rate_limit).into_iter().for_each(|rule| rule.metered.ranges(complaints));
        on(&self.hedge).into_iter().for_each(|rule| rule.ranges(complaints));
        on(&self.concurrency_limit).into_iter().for_each(|rule| rule.ranges(complaints));
        on(&self.adaptive_throttle).into_iter().for_each(|rule| rule.ranges(complaints));
    }
}

impl Lowering<'_> {
    /// The rules of a call, `NONE` where nothing but a timeout guards it. Calls with equal rules share them, and so between
    /// one caller and one callee their state.
    pub(in crate::scenario) fn rules(&mut self, guards: &Guards) -> u32 {
        if guards.is_plain() {
            return id::NONE;
        }
        let mut rules = policy::Rules {
            deadline: guards.deadline.as_ref().map(|deadline| self.lane(deadline.value)),
            propagate: guards.propagate_deadline.as_ref().is_some_and(|given| given.value),
            timeout: guards.timeout.as_ref().map(|timeout| self.lane(timeout.value)),
            retry: on(&guards.retries).map(|rule| self.retry(rule)),
            hedge: on(&guards.hedge).map(|rule| policy::Hedge {
                after: self.rule_law(&rule.after.value),
                max: rule.max.value,
                tied: rule.tied.value,
            }),
            rate_limit: on(&guards.rate_limit).map(RateLimit::lowered),
            bulkhead: on(&guards.bulkhead).map(Bulkhead::lowered),
            breaker: on(&guards.circuit_breaker).map(CircuitBreaker::lowered),
            throttle: on(&guards.adaptive_throttle).map(AdaptiveThrottle::lowered),
            limit: on(&guards.concurrency_limit).map(ConcurrencyLimit::lowered),
            stages: Vec::new(),
            early: false,
        };
        rules.arrange(&chain(guards));
        let plan = &mut self.plan;
        *self.rules.entry(format!("{rules:?}")).or_insert_with(|| {
            plan.rules.push(rules);
            plan.rules.len() as u32 - 1
        })
    }

    /// A law of a rule; equal laws are one, so that equal rules are.
    pub(super) fn rule_law(&mut self, law: &Law) -> LawId {
        let told = format!("{law:?}");
        if let Some(id) = self.rule_laws.get(&told) {
            return *id;
        }
        let id = self.law(law);
        self.rule_laws.insert(told, id);
        id
    }
}

/// The chain, with the breaker outside the retries where it counts calls.
fn chain(guards: &Guards) -> Vec<Stage> {
    let mut order = guards.order.as_ref().map_or_else(|| ORDER.to_vec(), |given| given.value.clone());
    // A stage that an order leaves out but a rule is there for stands where it always does: right before the timer.
    for stage in ORDER {
        if !order.contains(&stage) {
            let timer = order.iter().position(|other| *other == Stage::Timer).unwrap_or(order.len());
            order.insert(timer, stage);
        }
    }
    if let Some(counts) = on(&guards.circuit_breaker).and_then(|rule| rule.counts.value) {
        let outside = counts == Counts::Calls;
        let is_outside = |order: &[Stage]| {
            let at = |stage| order.iter().position(|other| *other == stage);
            at(Stage::Breaker) < at(Stage::Retry)
        };
        if is_outside(&order) != outside {
            order.retain(|stage| *stage != Stage::Breaker);
            let tries = order.iter().position(|stage| *stage == Stage::Retry).unwrap_or(0);
            order.insert(if outside { tries } else { tries + 1 }, Stage::Breaker);
        }
    }
    order
}

/// What a node refuses at its door.
pub(in crate::scenario) fn intake(node: &Node) -> Option<IntakeSpec> {
    let spec = IntakeSpec {
        rate_limit: on(&node.door.rate_limit).filter(|limit| limit.counter.is_none()).map(DoorLimit::lowered),
        shed: on(&node.door.shed).map(|shed| policy::Shed { queue_longer_than: shed.queue_longer_than.value }),
        limit: on(&node.door.concurrency_limit).map(ConcurrencyLimit::lowered),
    };
    (spec != IntakeSpec::default()).then_some(spec)
}

/// What may be said of a rule, by where it stands: it is said only if it holds for every call that the rule guards.
#[derive(Default)]
struct Doubts(BTreeMap<(usize, String), (Complaint, bool)>);

impl Doubts {
    fn put(&mut self, place: Option<&Place>, key: &str, holds: bool, complaint: impl FnOnce() -> Complaint) {
        let Some(place) = place else { return };
        let entry = self.0.entry((place.start, key.to_owned()));
        let known = entry.or_insert_with(|| (complaint().at(place.clone()), true));
        known.1 &= holds;
    }

    /// The same for what is wrong if it holds for any call.
    fn put_any(&mut self, place: Option<&Place>, key: &str, holds: bool, complaint: impl FnOnce() -> Complaint) {
        if holds {
            self.put(place, key, true, complaint);
        }
    }
}

/// Rules that contradict each other or can never matter, as they come together at each call.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut doubts = Doubts::default();
    let wired = |spec: &TransportSpec| spec.connections.is_some();
    let bound = scenario.discovery.balance_per.value == BalancePer::Connection;
    for client in scenario.clients.values() {
        let guards = of_client(scenario, client);
        together(&guards, &mut doubts);
        per_replica(&guards, bound && wired(walk::client_transport(scenario, client)), &mut doubts);
    }
    for node in scenario.nodes.values() {
        for call in node.programs().flat_map(walk::calls) {
            if !walk::transport_of(scenario, call).is_in_process() {
                let guards = scenario.guards(call);
                let over = walk::transport_of(scenario, call);
                together(&guards, &mut doubts);
                per_replica(&guards, bound && matches!(over, How::Over(spec) if wired(spec)), &mut doubts);
            }
        }
    }
    complaints.extend(doubts.0.into_values().filter(|(_, holds)| *holds).map(|(complaint, _)| complaint));
}

#[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
fn place<T>(rule: &Rule<T>) -> Option<&Place> {
    rule.as_ref()?.place.as_ref()
}

fn together(guards: &Guards, doubts: &mut Doubts) {
    let warn = |message: String, help: &str| Complaint::warning(code::NO_EFFECT, message).help(help.to_owned());
    let (retry, hedge) = (on(&guards.retries).filter(|rule| rule.max.value > 0), on(&guards.hedge));
    if let (Some(timeout), Some(deadline)) = (&guards.timeout, &guards.deadline) {
        let place = timeout.place.as_ref().or(deadline.place.as_ref());
        doubts.put(place, "timeout", timeout.value >= deadline.value, || {
            let message = format!("the timeout of a try, {}, is not below the deadline of the call", timeout.value);
            warn(message, "the deadline comes first, so a try that hangs is never tried again")
        });
    }
    if let (Some(rule), Some(timeout)) = (hedge, &guards.timeout) {
        let after = mean(&rule.after.value);
        doubts.put(rule.after.place.as_ref(), "hedge", after >= timeout.value.0 as f64, || {
            let message = format!("the hedge comes after {}, when the first try has timed out", Span(after as u64));
            warn(message, "hedge earlier: at the 95th percentile of the callee's latency, for example")
        });
    }
    if let (Some(_), Some(_)) = (retry, hedge) {
        let place = place(&guards.hedge).or_else(|| place(&guards.retries));
        doubts.put(place, "both", true, || {
            let message = "a call retries or hedges, not both";
            Complaint::error(code::CONTRADICTION, message).help("keep one; `retries = \"none\"` leaves the other out")
        });
    }
    if let Some(rule) = retry {
        never(rule, guards, doubts);
        let waits = rule.budget.value.is_none() && rule.max.value >= 3 && mean(&rule.backoff.value) == 0.0;
        doubts.put(place(&guards.retries), "storm", waits, || {
            let message = format!("{} retries at once and without a budget", rule.max.value);
            Complaint::warning(code::RETRY_STORM, message)
                .help("a callee that fails under load gets more of it; give a backoff with jitter and a budget of 10 %")
        });
    }
}

/// Breakers of replicas ask for a caller that picks the replica of each try; `bound`: its connections do.
fn per_replica(guards: &Guards, bound: bool, doubts: &mut Doubts) {
    let Some(rule) = on(&guards.circuit_breaker).filter(|rule| rule.per.value == Breaks::Replica) else { return };
    let at = |stage| guards.order.as_ref().and_then(|order| order.value.iter().position(|other| *other == stage));
    let first = at(Stage::Breaker).is_some_and(|breaker| Some(breaker) < at(Stage::Retry));
    doubts.put_any(
        rule.per.place.as_ref(),
        "per",
        rule.counts.value.map_or(first, |counts| counts == Counts::Calls),
        || {
            let message = "a breaker for each replica cannot count calls: the tries of a call go to several";
            Complaint::error(code::CONTRADICTION, message).help("write counts = \"tries\", or per = \"callee\"")
        },
    );
    doubts.put_any(rule.per.place.as_ref(), "bound", bound, || {
        let message =
            "a breaker for each replica, but the caller does not pick replicas: its connections are bound to them";
        let help =
            "write [discovery] balance_per = \"request\", as client libraries and sidecars do, or per = \"callee\"";
        Complaint::error(code::CONTRADICTION, message).help(help)
    });
}

/// Failures that `on` names and that this call cannot end with.
fn never(rule: &Retries, guards: &Guards, doubts: &mut Doubts) {
    let limited = on(&guards.bulkhead).is_some() || on(&guards.concurrency_limit).is_some();
    let breaker = on(&guards.circuit_breaker);
    let inside = breaker.is_some_and(|rule| rule.counts.value != Some(Counts::Calls));
    let impossible = [
        (Outcome::Timeout, guards.timeout.is_none(), "there is no timeout per try"),
        (Outcome::Deadline, true, "when the deadline has passed there is no time for another try"),
        (Outcome::CircuitOpen, !inside, "there is no breaker inside the retries"),
        (Outcome::BulkheadFull, !limited, "there is no bulkhead"),
        (Outcome::Abandoned, true, "nobody is there to try again"),
    ];
    for (outcome, holds, why) in impossible {
        if rule.on.value.contains(&outcome) {
            doubts.put(rule.on.place.as_ref(), outcome.word(), holds, || {
                let message = format!("`on` names `{}`, but {why}", outcome.word());
                Complaint::warning(code::NO_EFFECT, message).help("leave it out, or add what it waits for")
            });
        }
    }
}

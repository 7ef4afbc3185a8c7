//! `[clients.*]`: who calls from outside, and when.

use toml::de::DeValue;

use super::super::check::zero;
use super::super::declare::{
    Count, Duration, Field as _, Flag, Kind as _, Maybe, Must, Number, Or, PerTime, Record as _, Ruled, Said, Share,
    Site, Spoken, Text, To, Told, table, words,
};
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::print::{Page, count_law, law, law_table, quoted, time};
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::{Key, Shape, Table, key, later};
use super::super::written::{Given, Retries, Rule, Target, Zone};
use super::sim::TransportName;
use super::steps::{PAYLOAD, Sizes, sizes};
use crate::diag::{Complaint, code};
use crate::model::ClientId;
use crate::model::plan;
use crate::model::source::{self, Batch, Closed, Gaps, Paced, Replay, Segment, Source};
use crate::random::dist::{Dist, Law};
use crate::random::draw::name_hash;
use crate::units::{Rate, Span, Time};

words! {
    /// The patterns of an open load that have a word.
    enum Pattern {
        Poisson = "poisson", "Independent of one another: exponential gaps.";
        Constant = "constant", "Equal gaps.";
        Bursty = "bursty", "Poisson whose rate jumps between a low and a high one: see `bursty`.";
    }
}

const PATTERN: Shape = Shape::Or(&[Shape::Choice(Pattern::WORDS), Shape::LawTable]);

const LOAD: &[Key] = &[
    key("calls", Shape::Calls(SharedCall::TABLE), "Whom it calls: one target, or a list of { to, share }."),
    key(
        "arrivals",
        PATTERN,
        "The pattern of an open load; or any varying number: the time between arrivals, which needs no rate.",
    )
    .or("\"poisson\""),
    key("rate", Shape::Rate, "Arrivals per time, whatever happens to them."),
    key(
        "phases",
        Shape::Tables(PhaseTable::TABLE),
        "A rate that changes; the last one holds. Counts from the start of the measured time; the warm-up holds the first.",
    ),
    key("batch", Shape::Counts, "Several at once; the rate then counts batches. Default: one."),
    key("bursty", Shape::One(BurstyLoad::TABLE), "The two rates of a bursty load and how long each stays."),
    key("replay", Shape::Text, "A CSV file of arrival times from the start of the measured time, one per line."),
    key("users", Shape::Whole, "A closed load: so many users, each waits for the answer, then thinks."),
    key("think_time", Shape::Law, "Between an answer and the same user's next request.").or("\"0s\""),
];

table! {
    /// What a client says beside its load.
    struct Population: "[clients.*]", "A population outside. Open: requests come at a rate, whatever happens. Closed: each of a number of users waits for its answer, then thinks. Latency counts from the intended arrival." {
        transport: Option<Given<String>> as Said<TransportName>, "How it calls. Default: the one of [defaults].";
        browser: Given<bool> as Or<Flag> = "false",
            "Comes through a browser, which speaks no gRPC: over `grpc` a proxy in the zone of the callee translates (gRPC-Web), at a sidecar's work each way and a hop.";
        timeout: Given<Option<Span>> as Maybe<Duration>, "To the whole answer; the work goes on. Default: none.";
        priority: Given<u32> as Or<Count> = "0", "Inherited downstream; 0 is served first.";
        zone: Given<Option<Zone>> as Maybe<Site>, "Where it stands. Default: in one zone with all.";
        weight: Given<Option<f64>> as Maybe<Number>,
            "Its weight when clients are summed up. Default: its share of the traffic.";
        policy: Option<Given<String>> as Said<Text>,
            "The [policies.*] that guards its calls. Default: none, also where [defaults] names one.";
        retries: Rule<Retries> as Ruled<Retries>,
            "Tries again after a failure; `timeout` is then per try. Default: none.";
    }
}

/// `[clients.*]`.
pub(in crate::scenario) static CLIENT: Table = Table {
    name: Population::TABLE.name,
    doc: Population::TABLE.doc,
    keys: &[LOAD, Population::KEYS, &[later("public", "Comes through the public internet.")]],
};

table! {
    /// One stretch of a rate, as it stands.
    struct PhaseTable: "a phase", "One stretch of an open load.",
    needs "write { duration = \"3m\", rate = \"120/s\" }" {
        duration: Option<Given<Span>> as Said<Duration>, "How long; the last phase may leave it out.";
        rate: Given<Rate> as Must<PerTime>, "The rate at its start.";
        ramp_to: Option<Given<Rate>> as Said<PerTime>, "The rate at its end, reached linearly. Default: no ramp.";
    }
}

table! {
    /// The two levels of a bursty load, as they stand.
    struct BurstyLoad: "a bursty load",
    "A Markov-modulated Poisson process with two levels; stays are exponential." {
        low: Option<Given<Rate>> as Said<PerTime>, "The low rate.";
        high: Option<Given<Rate>> as Said<PerTime>, "The high rate.";
        stay_low: Option<Given<Span>> as Said<Duration>, "Mean stay at the low rate.";
        stay_high: Option<Given<Span>> as Said<Duration>, "Mean stay at the high rate.";
    }
}

table! {
    /// One of several targets of a client, as it stands.
    struct SharedCall: "one of several calls", "A target and how many of the requests go there.",
    needs "write { to = \"edge\", share = \"20%\" }" {
        to: Given<Target> as Must<To>, "The target.";
        share: Option<Given<f64>> as Said<Share>, "How many of the requests; a missing share is the rest.";
        times: Given<u32> as Or<Count> = "1",
            "So many calls, one after the other; the request is done when all are answered, and fails with the first that fails.";
        stream: Given<Option<u32>> as Maybe<Count>,
            "Server streaming: so many messages in the answer, each of the size of `response`. Default: one body.";
        & sizes: Sizes;
    }
}

/// `[clients.*]`.
#[derive(Clone, Debug)]
pub struct Client {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Whom it calls, with shares that sum to 1.
    pub calls: Vec<ClientCall>,
    /// How; `None`: the default transport.
    pub transport: Option<Given<String>>,
    /// Whether it comes through a browser; default false.
    pub browser: Given<bool>,
    /// When it calls.
    pub load: Load,
    /// To the whole answer; `None`: none.
    pub timeout: Given<Option<Span>>,
    /// Which policy; `None`: none.
    pub policy: Option<Given<String>>,
    /// Tries again; overrides the policy's.
    pub retries: Rule<Retries>,
    /// Inherited downstream; 0 first; default 0.
    pub priority: Given<u32>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Its weight among clients; `None`: its share of the traffic.
    pub weight: Given<Option<f64>>,
}

/// One of a client's calls.
#[derive(Clone, Debug)]
pub struct ClientCall {
    /// Who is called.
    pub target: Given<Target>,
    /// How many of its requests go there.
    pub share: f64,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response (of each message of a stream) before encoding; default 1 KB.
    pub response: Given<u64>,
    /// So many calls in a row; default 1.
    pub times: Given<u32>,
    /// Server streaming: so many messages in the answer; `None`: one body.
    pub stream: Given<Option<u32>>,
}

/// When a client calls.
#[derive(Clone, Debug)]
pub enum Load {
    /// When requests come whatever happens.
    Open {
        /// The pattern.
        arrivals: Given<Arrivals>,
        /// Requests (batches) per second over time; one endless phase for a plain `rate`.
        phases: Vec<Phase>,
        /// Requests per arrival; `None`: one.
        batch: Given<Option<Law>>,
    },
    /// When each of a number of users waits for the answer, then thinks.
    Closed {
        /// How many.
        users: Given<u32>,
        /// Between an answer and the next request; default none.
        think_time: Given<Law>,
    },
}

impl Load {
    /// Whether there is more of it at one time than at another.
    pub fn changes(&self) -> bool {
        matches!(self, Self::Open { phases, .. } if phases.len() > 1 || phases.iter().any(|phase| phase.ramp_to.is_some()))
    }

    /// Whether it comes at a rate that can be multiplied for a while.
    pub fn is_paced(&self) -> bool {
        matches!(self, Self::Open { arrivals, .. } if matches!(arrivals.value, Arrivals::Poisson | Arrivals::Constant))
    }
}

/// The pattern of open arrivals.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
    /// Poisson whose rate jumps between two levels (a Markov-modulated Poisson process).
    Bursty {
        /// The low rate.
        low: Rate,
        /// The high rate.
        high: Rate,
        /// Mean (exponential) stay at the low rate.
        stay_low: Span,
        /// Mean (exponential) stay at the high rate.
        stay_high: Span,
    },
    /// Gaps of any law; needs no rate.
    Gaps(Law),
    /// Recorded arrival times, from the start of the measured time.
    Replay {
        /// The file as written.
        path: String,
        /// The times, ascending.
        times: Vec<Span>,
    },
}

/// One stretch of an open client's rate.
#[derive(Clone, Debug)]
pub struct Phase {
    /// How long; `None`: for ever.
    pub duration: Option<Given<Span>>,
    /// Rate at its start.
    pub rate: Given<Rate>,
    /// Rate at its end, reached linearly; `None`: no ramp.
    pub ramp_to: Option<Given<Rate>>,
}

impl Client {
    /// One client.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Self {
        let Some(own) = Population::read(desk, view) else { unreachable!("no key of a client is needed") };
        let Population { transport, browser, timeout, priority, zone, weight, policy, retries } = own;
        let (calls, load) = (calls(desk, view), load(desk, view));
        Self { name, calls, transport, browser, load, timeout, policy, retries, priority, zone, weight }
    }

    /// As TOML.
    pub(in crate::scenario) fn print(&self, page: &mut Page) {
        let mut none = Vec::new();
        page.named("clients", &self.name.value);
        match self.calls.as_slice() {
            [one] if one.more().is_empty() => page.given("calls", &one.target, To::print),
            all => {
                let each: Vec<_> = all.iter().map(ClientCall::print).collect();
                page.line("calls", format!("[{}]", each.join(", ")), false);
            }
        }
        let rest = |key, (value, default): (Option<String>, bool), page: &mut Page, none: &mut Vec<String>| {
            page.told([Told { key, value, default }], none);
        };
        rest("transport", Said::<TransportName>::told(&self.transport), page, &mut none);
        rest("browser", Or::<Flag>::told(&self.browser), page, &mut none);
        print_load(&self.load, page, &mut none);
        rest("timeout", Maybe::<Duration>::told(&self.timeout), page, &mut none);
        rest("policy", Said::<Text>::told(&self.policy), page, &mut none);
        rest("retries", Ruled::<Retries>::told(&self.retries), page, &mut none);
        rest("priority", Or::<Count>::told(&self.priority), page, &mut none);
        rest("zone", Maybe::<Site>::told(&self.zone), page, &mut none);
        rest("weight", Maybe::<Number>::told(&self.weight), page, &mut none);
        page.none(&none);
    }
}

fn calls(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<ClientCall> {
    let Some(value) = view.get("calls") else {
        view.missing(desk, "calls", "name whom it calls: calls = \"edge\"");
        return Vec::new();
    };
    let DeValue::Array(items) = value.get_ref() else {
        return view.read(desk, "calls", read::target).map(only).into_iter().collect();
    };
    let mut calls = Vec::new();
    let mut shares = Vec::new();
    for item in items {
        if let Some((call, share)) = shared(desk, item) {
            calls.push(call);
            shares.push(share);
        }
    }
    if items.is_empty() {
        desk.push(Complaint::error(code::SHARES, "`calls` is empty").at(value.span()).help("name at least one target"));
        return Vec::new();
    }
    let shares = read::fill_shares(desk, &shares, Some(value.span())).unwrap_or_else(|| vec![0.0; calls.len()]);
    calls.into_iter().zip(shares).map(|(call, share)| ClientCall { share, ..call }).collect()
}

/// A call about which nothing else is said.
fn only(target: Given<Target>) -> ClientCall {
    ClientCall {
        target,
        share: 1.0,
        request: Given::default(PAYLOAD),
        response: Given::default(PAYLOAD),
        times: Given::default(1),
        stream: Given::default(None),
    }
}

fn shared(desk: &mut Desk<'_>, item: &Value<'_>) -> Option<(ClientCall, Option<f64>)> {
    let table = match item.get_ref() {
        DeValue::String(_) => return Some((only(Given::at(read::target(desk, "calls", item)?, item.span())), None)),
        _ => read::table(desk, "calls", item)?,
    };
    let view = View::open(desk, SharedCall::TABLE, table, item.span());
    let SharedCall { to, share, times, stream, sizes } = SharedCall::read(desk, &view)?;
    let call = ClientCall { request: sizes.request, response: sizes.response, times, stream, ..only(to) };
    Some((call, share.map(|share| share.value)))
}

/// Keys of an open load.
const OPEN: [&str; 6] = ["rate", "phases", "arrivals", "bursty", "replay", "batch"];

fn load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    let closed = view.has("users") || view.has("think_time");
    let open = OPEN.into_iter().find(|key| view.has(key));
    if let (true, Some(open)) = (closed, open) {
        desk.push(
            Complaint::error(code::OPEN_AND_CLOSED, format!("`{open}` and `{}`: a load is open or closed, not both", if view.has("users") { "users" } else { "think_time" }))
                .at(view.place_of(open))
                .help(
                    "open: requests come at a rate whether or not earlier ones were answered (the public, other systems); \
                     closed: each user waits for the answer and thinks before the next (a load test, a call centre), so a \
                     slow system is asked less. Keep one, or write two clients",
                ),
        );
    }
    if closed { closed_load(desk, view) } else { open_load(desk, view) }
}

fn closed_load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    if !view.has("users") {
        view.missing(desk, "users", "a closed load has so many users: users = 50");
    }
    let users = view.read(desk, "users", read::count).unwrap_or(Given::default(1));
    Load::Closed { users, think_time: view.or_default(desk, "think_time", read::law) }
}

fn open_load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    let arrivals = pattern(desk, view);
    let phases = phases(desk, view, &arrivals.value);
    Load::Open { arrivals, phases, batch: view.maybe(desk, "batch", read::counts) }
}

fn pattern(desk: &mut Desk<'_>, view: &View<'_>) -> Given<Arrivals> {
    if view.has("replay") {
        return replay(desk, view);
    }
    let is_table = view.get("arrivals").is_some_and(|v| v.get_ref().is_table());
    if is_table {
        let gaps = view.read(desk, "arrivals", read::law);
        return gaps
            .map_or(Given::default(Arrivals::Poisson), |g| Given { value: Arrivals::Gaps(g.value), place: g.place });
    }
    let word = view.or_default(desk, "arrivals", Pattern::read);
    if let (Pattern::Poisson | Pattern::Constant, Some(place)) = (word.value, view.place_of("bursty")) {
        let complaint = Complaint::error(code::LOAD, "`bursty` without arrivals = \"bursty\"").at(place);
        desk.push(complaint.help("write arrivals = \"bursty\" beside it"));
    }
    let value = match word.value {
        Pattern::Poisson => Arrivals::Poisson,
        Pattern::Constant => Arrivals::Constant,
        Pattern::Bursty => bursty(desk, view),
    };
    Given { value, place: word.place }
}

fn bursty(desk: &mut Desk<'_>, view: &View<'_>) -> Arrivals {
    if !view.has("bursty") {
        let example = "bursty = { low = \"40/s\", high = \"80/s\", stay_low = \"1s\", stay_high = \"1s\" }";
        view.missing(desk, "bursty", &format!("write {example}"));
        return Arrivals::Poisson;
    }
    let inner = view.inner(desk, "bursty");
    for key in BurstyLoad::KEYS.iter().filter(|key| !inner.has(key.name)) {
        inner.missing(desk, key.name, "it needs low, high, stay_low and stay_high");
    }
    let read = BurstyLoad::read(desk, &inner);
    let rate = |given: Option<Given<Rate>>| given.map_or(Rate(0.0), |rate| rate.value);
    let stay = |given: Option<Given<Span>>| given.map_or(Span::ZERO, |stay| stay.value);
    read.map_or(Arrivals::Poisson, |BurstyLoad { low, high, stay_low, stay_high }| Arrivals::Bursty {
        low: rate(low),
        high: rate(high),
        stay_low: stay(stay_low),
        stay_high: stay(stay_high),
    })
}

fn replay(desk: &mut Desk<'_>, view: &View<'_>) -> Given<Arrivals> {
    if let Some(place) = view.place_of("arrivals") {
        let complaint = Complaint::error(code::LOAD, "`replay` and `arrivals` both say when requests come").at(place);
        desk.push(complaint.help("keep one of them"));
    }
    let read = view.read(desk, "replay", read::text).and_then(|path| Some((read::recorded(desk, &path)?, path)));
    read.map_or(Given::default(Arrivals::Poisson), |(times, path)| Given {
        value: Arrivals::Replay { path: path.value, times },
        place: path.place,
    })
}

fn phases(desk: &mut Desk<'_>, view: &View<'_>, arrivals: &Arrivals) -> Vec<Phase> {
    let rated = !view.has("replay") && matches!(arrivals, Arrivals::Poisson | Arrivals::Constant);
    let names: Vec<&str> = ["rate", "phases"].into_iter().filter(|key| view.has(key)).collect();
    match (rated, names.as_slice()) {
        (true, []) if !says_itself(view) => {
            view.missing(desk, "rate", "an open load has a rate (rate = \"120/s\") or phases; a closed one has users");
        }
        (true, ["rate"]) => {
            let rate = view.read(desk, "rate", read::rate).unwrap_or(Given::default(Rate(0.0)));
            return vec![Phase { duration: None, rate, ramp_to: None }];
        }
        (true, ["phases"]) => return phase_list(desk, view),
        (true, [_, _]) => {
            let complaint = Complaint::error(code::LOAD, "`rate` and `phases` both say how many requests come");
            desk.push(complaint.at(view.place_of("rate")).help("keep one; a rate is one endless phase"));
            view.read(desk, "rate", read::rate);
            return phase_list(desk, view);
        }
        (false, [name, ..]) => {
            let complaint = Complaint::error(
                code::LOAD,
                format!("`{name}` has no meaning here: the arrivals say themselves how many come"),
            );
            desk.push(complaint.at(view.place_of(name)).help("leave it out"));
        }
        _ => {}
    }
    Vec::new()
}

/// Whether the arrivals were meant to say how many come, understood or not.
fn says_itself(view: &View<'_>) -> bool {
    let arrivals = view.get("arrivals").map(toml::Spanned::get_ref);
    view.has("bursty") || arrivals.is_some_and(|v| v.is_table() || v.as_str() == Some(Pattern::Bursty.word()))
}

fn phase_list(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<Phase> {
    let views = view.list(desk, "phases");
    let mut all = Vec::new();
    for (i, phase) in views.iter().enumerate() {
        let read = PhaseTable::read(desk, phase);
        let ramps = read.as_ref().is_some_and(|phase| phase.ramp_to.is_some());
        let length = PhaseTable::KEYS[0].name;
        if !phase.has(length) && (i + 1 < views.len() || ramps) {
            phase.missing(desk, length, "only the last phase may go on for ever, and not while it ramps");
        }
        all.extend(read.map(|PhaseTable { duration, rate, ramp_to }| Phase { duration, rate, ramp_to }));
    }
    if views.is_empty() {
        desk.push(Complaint::error(code::LOAD, "`phases` is empty").at(view.place_of("phases")));
    }
    all
}

impl ClientCall {
    fn print(&self) -> String {
        let mut parts = vec![format!("to = {}", To::print(&self.target.value)), format!("share = {:?}", self.share)];
        parts.extend(self.more());
        format!("{{ {} }}", parts.join(", "))
    }

    /// What it says that is not as usual.
    fn more(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let told = [
            ((self.times.value != 1).then_some(self.times.value), SharedCall::KEYS[2].name),
            (self.stream.value, SharedCall::KEYS[3].name),
        ];
        parts.extend(told.into_iter().filter_map(|(number, key)| Some(format!("{key} = {}", number?))));
        parts.extend(sizes(&self.request, &self.response));
        parts
    }

    /// How often it is made for each request of the client, on average.
    pub(crate) fn often(&self) -> f64 {
        self.share * f64::from(self.times.value)
    }
}

fn print_load(load: &Load, page: &mut Page, none: &mut Vec<String>) {
    match load {
        Load::Closed { users, think_time } => {
            page.given("users", users, u32::to_string);
            page.given("think_time", think_time, law);
        }
        Load::Open { arrivals, phases: stretches, batch } => {
            arrival_pattern(arrivals, page);
            print_phases(stretches, page);
            page.maybe("batch", batch, none, count_law);
        }
    }
}

fn arrival_pattern(arrivals: &Given<Arrivals>, page: &mut Page) {
    let default = arrivals.is_default();
    match &arrivals.value {
        Arrivals::Poisson => page.line("arrivals", Pattern::print(&Pattern::Poisson), default),
        Arrivals::Constant => page.line("arrivals", Pattern::print(&Pattern::Constant), default),
        Arrivals::Gaps(gaps) => page.line("arrivals", law_table(gaps), default),
        Arrivals::Replay { path, .. } => page.line("replay", quoted(path), default),
        Arrivals::Bursty { low, high, stay_low, stay_high } => {
            page.line("arrivals", Pattern::print(&Pattern::Bursty), default);
            let rates = format!("low = \"{low}\", high = \"{high}\"");
            let stays = format!("stay_low = {}, stay_high = {}", time(stay_low), time(stay_high));
            page.line("bursty", format!("{{ {rates}, {stays} }}"), default);
        }
    }
}

fn print_phases(phases: &[Phase], page: &mut Page) {
    match phases {
        [] => {}
        [Phase { duration: None, rate, ramp_to: None }] => page.given("rate", rate, |r| format!("\"{r}\"")),
        all => {
            let each: Vec<_> = all.iter().map(Phase::print).collect();
            page.line("phases", format!("[\n  {},\n]", each.join(",\n  ")), false);
        }
    }
}

impl Phase {
    fn print(&self) -> String {
        let Self { duration, rate, ramp_to } = self.clone();
        PhaseTable { duration, rate, ramp_to }.inline()
    }
}

/// Complains about numbers of a client that cannot be; `run`: the measured time.
pub(in crate::scenario) fn ranges(client: &Client, run: Span, complaints: &mut Vec<Complaint>) {
    let timeout = &client.timeout;
    for call in &client.calls {
        zero(call.times.value == 0, "times", call.times.place.as_ref(), "leave the call out instead", complaints);
        let (none, place) = (call.stream.value == Some(0), call.stream.place.as_ref());
        zero(none, "stream", place, "the answer would have no end", complaints);
    }
    zero(
        timeout.value == Some(Span::ZERO),
        "timeout",
        timeout.place.as_ref(),
        "every call would fail at once",
        complaints,
    );
    match &client.load {
        Load::Closed { users, .. } => {
            zero(users.value == 0, "users", users.place.as_ref(), "nobody would call", complaints);
        }
        Load::Open { arrivals, phases, batch } => {
            arrivals_ranges(arrivals, complaints);
            let never =
                phases.iter().all(|p| p.rate.value.0 <= 0.0 && p.ramp_to.as_ref().is_none_or(|r| r.value.0 <= 0.0));
            if let (Some(first), true) = (phases.first(), never && phases.iter().all(|p| !p.rate.is_default())) {
                zero(true, "rate", first.rate.place.as_ref(), "nobody would call", complaints);
            }
            one_batch(batch, complaints);
            phases_cover(phases, run, complaints);
        }
    }
}

fn arrivals_ranges(arrivals: &Given<Arrivals>, complaints: &mut Vec<Complaint>) {
    match &arrivals.value {
        Arrivals::Bursty { low, high, stay_low, stay_high } => {
            zero(high.0 <= 0.0, "high", arrivals.place.as_ref(), "nobody would call", complaints);
            zero(
                *stay_low == Span::ZERO,
                "stay_low",
                arrivals.place.as_ref(),
                "leave the burst out instead",
                complaints,
            );
            zero(
                *stay_high == Span::ZERO,
                "stay_high",
                arrivals.place.as_ref(),
                "leave the burst out instead",
                complaints,
            );
            if low.0 > high.0 {
                let message = format!("bursty: low ({low}) is above high ({high})");
                complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(arrivals.place.clone()));
            }
        }
        Arrivals::Gaps(law) => {
            zero(
                mean(law) <= 0.0,
                "arrivals",
                arrivals.place.as_ref(),
                "endless requests would come at one instant",
                complaints,
            );
        }
        _ => {}
    }
}

fn one_batch(batch: &Given<Option<Law>>, complaints: &mut Vec<Complaint>) {
    let Some(law) = &batch.value else { return };
    let mean = mean(law);
    zero(mean <= 0.0, "batch", batch.place.as_ref(), "nobody would call", complaints);
    if let Law::Constant { value } = law
        && value.fract() != 0.0
    {
        let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`batch`: {value} is not a whole number"));
        complaints.push(complaint.at(batch.place.clone()));
    }
    if mean > 1e6 {
        let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`batch`: {mean} at once; at most a million"));
        complaints.push(complaint.at(batch.place.clone()));
    }
}

fn phases_cover(phases: &[Phase], run: Span, complaints: &mut Vec<Complaint>) {
    let Some(durations) = phases.iter().map(|p| p.duration.as_ref().map(|d| d.value)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let sum = durations.into_iter().fold(Span::ZERO, |a, b| a + b);
    if let (Some(last), true) = (phases.last(), sum < run) {
        let held = last.ramp_to.as_ref().map_or(last.rate.value, |r| r.value);
        let message = format!("the phases last {sum}, the run {run}; the last rate, {held}, holds to the end");
        let complaint = Complaint::warning(code::PHASES_SHORT, message);
        complaints
            .push(complaint.at(last.rate.place.clone()).help("leave out the last phase's duration if that is meant"));
    }
}

impl Lowering<'_> {
    /// Clients in name order; their programs come later.
    pub(in crate::scenario) fn clients(&mut self) {
        for (name, client) in &self.scenario.clients {
            let node = self.bare_node(name, "client");
            let mut source = self.source(&client.load);
            if let Source::Paced(paced) = &mut source {
                paced.segments = self.surges(name, std::mem::take(&mut paced.segments));
            }
            self.plan.clients.push(plan::Client {
                node,
                entry: Default::default(),
                source,
                priority: client.priority.value.min(255) as u8,
                hash: name_hash(name),
            });
        }
    }

    /// Ids and names of all clients.
    pub(in crate::scenario) fn client_ids(&self) -> Vec<(ClientId, String)> {
        (0..).map(ClientId).zip(self.scenario.clients.keys().cloned()).collect()
    }

    fn source(&self, load: &Load) -> Source {
        match load {
            Load::Closed { users, think_time } => {
                Source::Closed(Closed { users: users.value, think: dist(&think_time.value) })
            }
            Load::Open { arrivals, phases, batch } => {
                let batch: Batch = batch.value.as_ref().map(dist);
                match &arrivals.value {
                    Arrivals::Poisson => Source::Paced(Paced { poisson: true, segments: self.segments(phases), batch }),
                    Arrivals::Constant => {
                        Source::Paced(Paced { poisson: false, segments: self.segments(phases), batch })
                    }
                    Arrivals::Bursty { low, high, stay_low, stay_high } => Source::Bursty(source::Bursty {
                        rates: [low.per_second() / 1e9, high.per_second() / 1e9],
                        stays: [stay_low.0 as f64, stay_high.0 as f64],
                        batch,
                    }),
                    Arrivals::Gaps(law) => Source::Gaps(Gaps { law: dist(law), batch }),
                    Arrivals::Replay { times, .. } => {
                        let start = Time(self.plan.warmup.0);
                        Source::Replay(Replay { times: times.iter().map(|t| start + *t).collect() })
                    }
                }
            }
        }
    }

    /// The rate over simulated time: the warm-up holds the first rate, what comes after the phases the last.
    fn segments(&self, phases: &[Phase]) -> Vec<Segment> {
        let per_ns = |p: &Phase| p.rate.value.per_second() / 1e9;
        let end_rate = |p: &Phase| p.ramp_to.as_ref().map_or(per_ns(p), |r| r.value.per_second() / 1e9);
        let mut segments = Vec::new();
        let mut from = self.plan.warmup.0 as f64;
        let first = phases.first().map_or(0.0, per_ns);
        segments.push(Segment { from: 0.0, until: from, rate: first, slope: 0.0 });
        for phase in phases {
            let length = phase.duration.as_ref().map_or(f64::INFINITY, |d| d.value.0 as f64);
            let slope = if length.is_finite() { (end_rate(phase) - per_ns(phase)) / length } else { 0.0 };
            segments.push(Segment { from, until: from + length, rate: per_ns(phase), slope });
            from += length;
        }
        if from.is_finite() {
            let last = phases.last().map_or(0.0, end_rate);
            segments.push(Segment { from, until: f64::INFINITY, rate: last, slope: 0.0 });
        }
        segments
    }
}

/// A law that the check has built before.
fn dist(law: &Law) -> Dist {
    Dist::new(law).unwrap_or_else(|why| unreachable!("checked law: {why}"))
}

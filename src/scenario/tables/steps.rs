//! Steps: what an endpoint does, step by step.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::super::check::zero;
use super::super::declare::{
    Count, Duration, Flag, Kind, Maybe, Must, Or, Record, Said, Share, Size, Text, To, Varying, Weight, table, words,
};
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, View, listed};
use super::super::vocab::{Shape, Table, Word, word};
use super::super::written::{Given, Guards, Place};
use super::sim::TransportName;
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::random::dist::Law;
use crate::units::{Span, size_text};

/// One step of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The whole step in the text.
    pub place: Place,
    /// How often, one after the other (inside `parallel`: at once); default 1.
    pub times: Given<u32>,
    /// How likely; default 1.
    pub probability: Given<f64>,
    /// What.
    pub verb: Verb,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// CPU time.
    Work(Law),
    /// Time without CPU.
    Wait(Law),
    /// A call to a service or external.
    Call(Call),
    /// A call to a database.
    Query(Call),
    /// A look into a cache, and what a miss takes.
    Cache {
        /// The call to the cache.
        call: Call,
        /// In order.
        on_miss: Vec<Step>,
    },
    /// Steps during which one connection of the pool to a database is held, and the tables written to stay locked.
    Transaction {
        /// The database.
        database: Given<String>,
        /// In order.
        steps: Vec<Step>,
    },
    /// A message to a queue, or an event to a topic.
    Publish(Publish),
    /// Branches that wait together.
    Parallel {
        /// The branches; each may be optional.
        branches: Vec<Branch>,
        /// How many must succeed; `None`: all.
        wait_for: Given<Option<u32>>,
    },
    /// One of several ways, by weight.
    Split(Vec<Arm>),
    /// What a replica remembers, and what it takes where it does not. Gateways alone, from `auth` and the `cache` of a route.
    Remember {
        /// What is remembered.
        memory: Memory,
        /// In order.
        steps: Vec<Step>,
    },
    /// A count that all replicas share, kept by whoever is called. Gateways alone, from `rate_limit`.
    Meter(Call),
}

/// What a replica remembers, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Whose replicas remember it.
    pub node: String,
    /// What of theirs it is.
    pub name: String,
    /// How many different things there are to be remembered.
    pub keys: u32,
    /// The k-th most popular has weight k^-skew.
    pub skew: f64,
    /// How long.
    pub ttl: Span,
    /// At most so many; `None`: all.
    pub capacity: Option<u32>,
    /// Whether those that miss the same wait for the first.
    pub single_flight: bool,
}

/// A branch of `parallel`.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What it does.
    pub step: Step,
    /// Whether it may be missing.
    pub optional: Given<bool>,
}

/// One way of a `split`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Relative to the sum of all weights.
    pub weight: Given<f64>,
    /// In order; may be empty.
    pub steps: Vec<Step>,
}

/// A node and one of its endpoints, as named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node.
    pub node: String,
    /// The endpoint; empty: the default one.
    pub endpoint: String,
}

impl Target {
    /// The same, borrowed: it is written as an end is.
    pub fn end(&self) -> End<'_> {
        End::named(&self.node, &self.endpoint)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end().fmt(f)
    }
}

/// What a call carries each way if nobody says: 1 KB.
pub const PAYLOAD: u64 = 1_000;

/// A call as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who is called.
    pub target: Given<Target>,
    /// How; `None`: the default transport. Queries have none.
    pub transport: Option<Given<String>>,
    /// Which policy; `None`: the default policy, if any.
    pub policy: Option<Given<String>>,
    /// What it says itself; overrides the policy's.
    pub guards: Guards,
    /// What is done instead when it has failed; `None`: the request fails.
    pub fallback: Option<Given<Vec<Step>>>,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response (of each message of a stream) before encoding; default 1 KB.
    pub response: Given<u64>,
    /// Server streaming: so many messages in the answer; `None`: one body.
    pub stream: Given<Option<u32>>,
    /// Queries: the table; `None`: none that matters.
    pub table: Option<Given<String>>,
    /// Queries: what the row of the table is called that it is about; `None`: the one that all of a request are about.
    pub row: Option<Given<String>>,
    /// Queries: default read.
    pub mode: Given<Mode>,
    /// Queries: how long one waits for a lock at most; `None`: for ever.
    pub lock_timeout: Given<Option<Span>>,
    /// Queries: where a read goes in a database with replicas; default anywhere.
    pub read_from: Given<ReadFrom>,
    /// Calls: whether the caller needs the answer; default true.
    pub uses_reply: Given<bool>,
    /// Whether doing it twice is as good as doing it once; default true.
    pub idempotent: Given<bool>,
}

/// A message as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// The queue or topic.
    pub to: Given<String>,
    /// Whether it was written as `send`.
    pub send: bool,
    /// Topics: what decides the partition; `None`: the topic's.
    pub key: Option<Given<String>>,
    /// Whether the request waits until the broker has it safe; `None`: the queue's `confirms`, otherwise no.
    pub wait_for_ack: Given<Option<bool>>,
    /// Whether it waits until a consumer has handled the message.
    pub wait_for_reply: Given<bool>,
    /// For how long at most; `None`: for ever.
    pub timeout: Given<Option<Span>>,
}

words! {
    /// Where a read goes in a database with replicas.
    pub enum ReadFrom {
        Any = "any", "To the primary or a replica, in turn.";
        Primary = "primary", "To the primary, which knows all that was written.";
        Replica = "replica", "To a replica, as long as there is one.";
    }
}

words! {
    /// What a query does to its table.
    pub enum Mode {
        Read = "read", "Looks: any number at once.";
        Write = "write",
            "Changes: needs one of the table's writers, and keeps it to the end of the transaction around it.";
        ConditionalWrite = "conditional_write",
            "Changes, unless another write came since this request last read the table: then it fails with `error`.";
        Exclusive = "exclusive",
            "Changes the table itself, as ALTER TABLE does: nobody else reads or writes it until its transaction ends, and who comes while it waits waits behind it.";
    }
}

table! {
    /// What any step says.
    struct Taken: "a step", "What any step says." {
        times: Given<u32> as Or<Count> = "1",
            "So often, one after the other; inside `parallel`: so many copies at once.";
        probability: Given<f64> as Or<Share> = "1.0", "How likely the step is taken.";
        optional: Given<bool> as Or<Flag> = "false",
            "Only for a branch of `parallel`: awaited up to its timeout, and may be missing.";
    }
}

table! {
    /// Sizes of a call.
    pub struct Sizes: "a call", "Sizes of a call." {
        request: Given<u64> as Or<Size> = "\"1KB\"", "Size of the request before encoding.";
        response: Given<u64> as Or<Size> = "\"1KB\"",
            "Size of the answer before encoding; of each message of a stream.";
    }
}

table! {
    /// What a call or a query says of its failing.
    pub struct Calling: "a call", "What a call says of its failing." {
        policy: Option<Given<String>> as Said<Text>,
            "The [policies.*] that guards it; default: the one of [defaults], if any.";
        fallback: Option<Given<Vec<Step>>> as Said<Steps>,
            "Steps to take when the call has failed, all its tries included; it has then not failed. Default: none.";
        idempotent: Given<bool> as Or<Flag> = "true",
            "false: a retry after it was done is a second effect, and counted as one.";
    }
}

table! {
    /// CPU time.
    struct WorkStep: "a work step", "CPU time on the worker (and cores) of the service." {
        work: Given<Law> as Must<Varying>, "CPU time.";
        & taken: Taken;
    }
}

table! {
    /// Time without CPU.
    struct WaitStep: "a wait step", "Time that needs no CPU; a blocking service holds its worker meanwhile." {
        wait: Given<Law> as Must<Varying>, "Time that needs no CPU.";
        & taken: Taken;
    }
}

table! {
    /// A call.
    struct CallStep: "a call step", "Calls an endpoint of another node and waits for its answer. In `steps`, a plain text is a call." {
        call: Given<Target> as Must<To>, "Who is called: `users`, or one endpoint: `users.get`.";
        transport: Option<Given<String>> as Said<TransportName>,
            "How the call travels. Default: the one of [defaults].";
        stream: Given<Option<u32>> as Maybe<Count>,
            "Server streaming: so many messages in the answer, each of the size of `response`. Default: one body.";
        uses_reply: Given<bool> as Or<Flag> = "true",
            "false: the caller only needs it to happen, so it may as well be a message.";
        & sizes: Sizes;
        & calling: Calling;
        & guards: Guards;
        & taken: Taken;
    }
}

table! {
    /// A query.
    struct QueryStep: "a query step", "Asks a database and waits for its answer. The network is paid both ways." {
        query: Given<Target> as Must<To>, "The database.";
        table: Option<Given<String>> as Said<Text>, "The table, where writers contend. Default: none.";
        row: Option<Given<String>> as Said<Text>,
            "Of a table with `keys`: which row. Queries of a request that say the same word are about the same row. Default: all about one.";
        mode: Given<Mode> as Or<Mode> = "\"read\"", "What it does to the table.";
        lock_timeout: Given<Option<Span>> as Maybe<Duration>,
            "How long it waits for a lock on the table at most; then it fails with `lock_timeout`. PostgreSQL's; default: for ever.";
        read_from: Given<ReadFrom> as Or<ReadFrom> = "\"any\"", "Where a read goes in a database with replicas.";
        & sizes: Sizes;
        & calling: Calling;
        & guards: Guards;
        & taken: Taken;
    }
}

table! {
    /// A transaction.
    struct TransactionStep: "a transaction step", "Takes a connection from the pool to the database and holds it, with the tables written to, across its steps. Without one in time it fails (`pool_timeout`, on the edge to the database).",
    needs "what happens inside: { transaction = \"orders-db\", steps = [{ query = \"orders-db\" }] }" {
        transaction: Given<String> as Must<Text>, "The database.";
        steps: Given<Vec<Step>> as Must<Steps>, "What happens inside, in order.";
        & taken: Taken;
    }
}

table! {
    /// Branches.
    struct ParallelStep: "a parallel step", "Branches that wait together; their CPU takes turns on the parent's worker. The last success that is needed ends it, and it fails as soon as it can no longer be met; the rest run on for nobody." {
        parallel: Given<Vec<Branch>> as Must<Branches>, "The branches: one step each.";
        wait_for: Given<Option<u32>> as Or<WaitFor> = "\"all\"", "How many branches must succeed.";
        & taken: Taken;
    }
}

table! {
    /// Ways.
    struct SplitStep: "a split step", "One of several ways, drawn by weight." {
        split: Given<Vec<Arm>> as Must<Ways>, "The ways: { weight, steps }.";
        & taken: Taken;
    }
}

table! {
    /// One way of a `split`, as it stands.
    struct Way: "a way of a split", "Taken as often as its weight says, relative to the sum of all weights." {
        weight: Given<f64> as Or<Weight> = "1.0", "Relative to the sum of all weights; a share such as \"70%\" will do.";
        steps: Option<Given<Vec<Step>>> as Said<Steps>, "In order; may be empty.";
    }
}

table! {
    /// A look into a cache.
    struct CacheStep: "a cache step", "Looks into a cache and waits for its answer; a miss takes the steps of `on_miss`, and what they fetched is put in. The network is paid both ways." {
        cache: Given<Target> as Must<To>, "The cache.";
        on_miss: Option<Given<Vec<Step>>> as Said<Steps>, "What a miss takes, in order. Default: nothing.";
        policy: Option<Given<String>> as Said<Text>,
            "The [policies.*] that guards the look; default: the one of [defaults], if any.";
        & sizes: Sizes;
        & guards: Guards;
        & taken: Taken;
    }
}

table! {
    /// What any message says.
    struct Publishing: "a message", "What any message says." {
        wait_for_ack: Given<Option<bool>> as Maybe<Flag>,
            "Whether the request goes on only when the broker has the message safe. Default: the queue's `confirms`; otherwise no, as clients of RabbitMQ and Kafka do.";
    }
}

table! {
    /// A message to a queue.
    struct SendStep: "a send step", "Puts a message into a queue. The request goes on at once, or waits until the broker has the message safe." {
        send: Given<String> as Must<Text>, "The queue.";
        wait_for_reply: Given<bool> as Or<Flag> = "false",
            "Whether the request goes on only when a consumer has handled the message and its word is back: request and reply over a queue.";
        timeout: Given<Option<Span>> as Maybe<Duration>, "With wait_for_reply: how long it waits at most; then the step fails with `timeout`. Default: for ever.";
        & publishing: Publishing;
        & taken: Taken;
    }
}

table! {
    /// An event to a topic.
    struct PublishStep: "a publish step", "Publishes an event to a topic, or a message to a queue. The request goes on at once, or waits until the broker has it safe." {
        publish: Given<String> as Must<Text>, "The topic or queue.";
        key: Option<Given<String>> as Said<Text>, "Topics: what decides the partition. Default: the topic's `key`.";
        & publishing: Publishing;
        & taken: Taken;
    }
}

/// The vocabulary of one verb.
pub type StepTable = &'static Table;

/// The verbs and their vocabularies. A verb whose first key is refused is refused as a whole.
pub static VERBS: &[(&str, StepTable)] = &[
    entry::<WorkStep>(),
    entry::<WaitStep>(),
    entry::<CallStep>(),
    entry::<QueryStep>(),
    entry::<TransactionStep>(),
    entry::<ParallelStep>(),
    entry::<SplitStep>(),
    entry::<CacheStep>(),
    entry::<SendStep>(),
    entry::<PublishStep>(),
];

/// A reader of what a step does, and of what any step says.
type ReadVerb = fn(&mut Desk<'_>, &View<'_>) -> Option<(Verb, Taken)>;

/// How each of them is read, in the same order.
const READERS: [ReadVerb; 10] = [
    read_as::<WorkStep>,
    read_as::<WaitStep>,
    read_as::<CallStep>,
    read_as::<QueryStep>,
    read_as::<TransactionStep>,
    read_as::<ParallelStep>,
    read_as::<SplitStep>,
    read_as::<CacheStep>,
    read_as::<SendStep>,
    read_as::<PublishStep>,
];

/// A verb is the first key of its table.
const fn entry<R: Record>() -> (&'static str, StepTable) {
    (R::KEYS[0].name, R::TABLE)
}

fn read_as<R: Verbal>(desk: &mut Desk<'_>, view: &View<'_>) -> Option<(Verb, Taken)> {
    R::read(desk, view).map(Verbal::verb)
}

/// A table that is a step.
trait Verbal: Record {
    /// What it does, and what any step says.
    fn verb(self) -> (Verb, Taken);
}

impl Verbal for WorkStep {
    fn verb(self) -> (Verb, Taken) {
        (Verb::Work(self.work.value), self.taken)
    }
}

impl Verbal for WaitStep {
    fn verb(self) -> (Verb, Taken) {
        (Verb::Wait(self.wait.value), self.taken)
    }
}

impl Verbal for CallStep {
    fn verb(self) -> (Verb, Taken) {
        let Self { call, transport, stream, uses_reply, sizes, calling, guards, taken } = self;
        let call = Call { transport, guards, stream, uses_reply, ..Call::to(call) };
        (Verb::Call(call.sized(sizes).failing(calling)), taken)
    }
}

impl Verbal for QueryStep {
    fn verb(self) -> (Verb, Taken) {
        let Self { query, table, row, mode, lock_timeout, read_from, sizes, calling, guards, taken } = self;
        let call = Call { guards, table, row, mode, lock_timeout, read_from, ..Call::to(query) };
        (Verb::Query(call.sized(sizes).failing(calling)), taken)
    }
}

impl Verbal for CacheStep {
    fn verb(self) -> (Verb, Taken) {
        let Self { cache, on_miss, policy, sizes, guards, taken } = self;
        let call = Call { policy, guards, ..Call::to(cache) }.sized(sizes);
        (Verb::Cache { call, on_miss: said(on_miss) }, taken)
    }
}

impl Verbal for TransactionStep {
    fn verb(self) -> (Verb, Taken) {
        (Verb::Transaction { database: self.transaction, steps: self.steps.value }, self.taken)
    }
}

impl Verbal for ParallelStep {
    fn verb(self) -> (Verb, Taken) {
        (Verb::Parallel { branches: self.parallel.value, wait_for: self.wait_for }, self.taken)
    }
}

impl Verbal for SplitStep {
    fn verb(self) -> (Verb, Taken) {
        (Verb::Split(self.split.value), self.taken)
    }
}

impl Verbal for SendStep {
    fn verb(self) -> (Verb, Taken) {
        let wait_for_ack = self.publishing.wait_for_ack;
        let Self { wait_for_reply, timeout, .. } = self;
        let publish = Publish { to: self.send, send: true, key: None, wait_for_ack, wait_for_reply, timeout };
        (Verb::Publish(publish), self.taken)
    }
}

impl Verbal for PublishStep {
    fn verb(self) -> (Verb, Taken) {
        let wait_for_ack = self.publishing.wait_for_ack;
        let (wait_for_reply, timeout) = (Given::default(false), Given::default(None));
        let publish = Publish { to: self.publish, send: false, key: self.key, wait_for_ack, wait_for_reply, timeout };
        (Verb::Publish(publish), self.taken)
    }
}

fn said(steps: Option<Given<Vec<Step>>>) -> Vec<Step> {
    steps.map(|given| given.value).unwrap_or_default()
}

impl Call {
    /// A call about which nothing else is said. The sizes are those of the vocabulary.
    pub(super) fn to(target: Given<Target>) -> Self {
        Self {
            target,
            transport: None,
            policy: None,
            guards: Guards::default(),
            fallback: None,
            request: Given::default(PAYLOAD),
            response: Given::default(PAYLOAD),
            stream: Given::default(None),
            table: None,
            mode: Given::default(Mode::Read),
            row: None,
            lock_timeout: Given::default(None),
            read_from: Given::default(ReadFrom::Any),
            uses_reply: Given::default(true),
            idempotent: Given::default(true),
        }
    }

    pub(super) fn sized(self, sizes: Sizes) -> Self {
        Self { request: sizes.request, response: sizes.response, ..self }
    }

    pub(super) fn failing(self, calling: Calling) -> Self {
        let Calling { policy, fallback, idempotent } = calling;
        Self { policy, fallback, idempotent, ..self }
    }
}

/// What `steps` is, in a sentence.
pub static STEPS: &str = "A list of steps, in order: { work }, { wait }, { call }, { query }, { transaction }, { send }, { publish }, \
    { parallel }, { split }, { cache }; a \
    plain text is a call.";

/// A list of steps.
pub(crate) enum Steps {}

impl Kind for Steps {
    type Value = Vec<Step>;
    const SHAPE: Shape = Shape::Steps;
    /// What cannot be understood is left out, with a complaint.
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Step>> {
        let items = read::array(desk, key, value)?;
        // A step is several hundred bytes, and most programs have one or two.
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let Some((step, optional)) = one(desk, item) else { continue };
            if optional.value {
                desk.push(
                    Complaint::error(code::MISPLACED, "`optional` belongs on a branch of `parallel`")
                        .at(optional.place)
                        .help("a step outside cannot be missing; give it a probability, or put it into a parallel"),
                );
            }
            all.push(step);
        }
        Some(all)
    }
    fn print(all: &Vec<Step>) -> String {
        format!("[{}]", lines(all).join(", "))
    }
}

/// The same where each step stands in a line of its own.
pub(crate) enum Program {}

impl Kind for Program {
    type Value = Vec<Step>;
    const SHAPE: Shape = Shape::Steps;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Step>> {
        Steps::read(desk, key, value)
    }
    fn print(all: &Vec<Step>) -> String {
        if all.is_empty() { "[]".into() } else { format!("[\n  {},\n]", lines(all).join(",\n  ")) }
    }
}

/// The branches of a `parallel`.
enum Branches {}

impl Kind for Branches {
    type Value = Vec<Branch>;
    const SHAPE: Shape = Shape::Steps;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Branch>> {
        let items = read::array(desk, key, value)?;
        if items.is_empty() {
            desk.push(Complaint::error(code::OUT_OF_RANGE, "`parallel` has no branches").at(value.span()));
        }
        let each = items.iter().filter_map(|item| one(desk, item));
        Some(each.map(|(step, optional)| Branch { step, optional }).collect())
    }
    fn print(all: &Vec<Branch>) -> String {
        let each: Vec<_> = all.iter().map(|branch| line(&branch.step, branch.optional.value)).collect();
        format!("[{}]", each.join(", "))
    }
}

/// The ways of a `split`.
enum Ways {}

impl Kind for Ways {
    type Value = Vec<Arm>;
    const SHAPE: Shape = Shape::Tables(Way::TABLE);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Arm>> {
        let mut all = Vec::new();
        for item in read::array(desk, key, value).into_iter().flatten() {
            let Some(table) = read::table(desk, key, item) else { continue };
            let view = View::open(desk, Way::TABLE, table, item.span());
            let way = Way::read(desk, &view);
            all.extend(way.map(|Way { weight, steps }| Arm { weight, steps: said(steps) }));
        }
        Some(all)
    }
    fn print(all: &Vec<Arm>) -> String {
        let arm = |arm: &Arm| format!("{{ weight = {:?}, steps = {} }}", arm.weight.value, Steps::print(&arm.steps));
        format!("[{}]", all.iter().map(arm).collect::<Vec<_>>().join(", "))
    }
}

/// How many branches must succeed; `None`: all.
enum WaitFor {}

const WAIT_FOR: &[Word] = &[word("all", "Every branch must succeed."), word("any", "The first success ends it.")];

impl Kind for WaitFor {
    type Value = Option<u32>;
    const SHAPE: Shape = Shape::Or(&[Shape::Whole, Shape::Choice(WAIT_FOR)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Option<u32>> {
        match value.get_ref().as_str() {
            Some("all") => Some(None),
            Some("any") => Some(Some(1)),
            Some(other) => {
                let why = format!("`{other}` is neither \"all\" nor \"any\" nor a number of branches");
                read::bad(desk, key, value, &why);
                None
            }
            None => read::count(desk, key, value).map(Some),
        }
    }
    fn print(wait_for: &Option<u32>) -> String {
        wait_for.map_or_else(|| quoted(WAIT_FOR[0].word), |k| k.to_string())
    }
}

/// One step, and whether it says that it is optional.
fn one(desk: &mut Desk<'_>, value: &Value<'_>) -> Option<(Step, Given<bool>)> {
    let place = value.span();
    match value.get_ref() {
        DeValue::String(_) => {
            let target = Given::at(read::target(desk, CallStep::KEYS[0].name, value)?, value.span());
            let verb = Verb::Call(Call::to(target));
            let step = Step { place, times: Given::default(1), probability: Given::default(1.0), verb };
            Some((step, Given::default(false)))
        }
        DeValue::Table(table) => {
            let at = verb_of(desk, table, place.clone())?;
            if refused(desk, VERBS[at], table) {
                return None;
            }
            let view = View::open(desk, VERBS[at].1, table, place.clone());
            let (verb, Taken { times, probability, optional }) = READERS[at](desk, &view)?;
            Some((Step { place, times, probability, verb }, optional))
        }
        _ => {
            let help = "a step is a table such as { call = \"users\" }, or a text: a call";
            read::wrong_kind(desk, "steps", value, "steps", help);
            None
        }
    }
}

/// The one verb of a step; complains about none and about several.
fn verb_of(desk: &mut Desk<'_>, table: &DeTable<'_>, place: Place) -> Option<usize> {
    let found: Vec<usize> = (0..VERBS.len()).filter(|at| table.contains_key(VERBS[*at].0)).collect();
    let names: Vec<&str> = found.iter().map(|at| VERBS[*at].0).collect();
    match found.as_slice() {
        [one] => Some(*one),
        [] => {
            let all: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
            let mut complaint = Complaint::error(code::MISSING_KEY, "a step without a verb").at(place);
            let guess = table.keys().find_map(|k| read::suggest(k.get_ref(), all.iter().copied()));
            if let Some(verb) = guess {
                complaint = complaint.label(format!("did you mean `{verb}`?"));
            }
            desk.push(complaint.help(format!("the verbs are {}", listed(&all))));
            None
        }
        // `query … table` and the like are keys, not verbs; a publish may wait, so the first in the order of the verbs leads.
        _ => {
            let complaint = Complaint::error(code::MISPLACED, format!("a step does one thing, not {}", listed(&names)));
            desk.push(complaint.at(place).help("write one step for each, in order"));
            None
        }
    }
}

/// Whether the verb as a whole is not supported yet: then its other keys are not looked at.
fn refused(desk: &mut Desk<'_>, (verb, vocab): (&'static str, StepTable), table: &DeTable<'_>) -> bool {
    let later = vocab.find(verb).is_none_or(|key| key.later);
    if let (true, Some((name, _))) = (later, table.get_key_value(verb)) {
        read::not_yet(desk, verb, vocab.doc, name.span());
    }
    later
}

/// Each step on a line; defaults of steps are left out, there would be more of them than of anything else.
pub(in crate::scenario) fn lines(all: &[Step]) -> Vec<String> {
    all.iter().map(|step| line(step, false)).collect()
}

fn line(step: &Step, optional: bool) -> String {
    let mut parts = verb(&step.verb);
    if step.times.value != 1 {
        parts.push(format!("times = {}", step.times.value));
    }
    if step.probability.value != 1.0 {
        parts.push(format!("probability = {:?}", step.probability.value));
    }
    if optional {
        parts.push("optional = true".into());
    }
    format!("{{ {} }}", parts.join(", "))
}

fn verb(verb: &Verb) -> Vec<String> {
    match verb {
        Verb::Work(time) => vec![format!("work = {}", Varying::print(time))],
        Verb::Wait(time) => vec![format!("wait = {}", Varying::print(time))],
        Verb::Call(to) => call("call", to),
        Verb::Query(to) => call("query", to),
        Verb::Cache { call: to, on_miss } => {
            let mut parts = call("cache", to);
            parts.extend((!on_miss.is_empty()).then(|| format!("on_miss = {}", Steps::print(on_miss))));
            parts
        }
        Verb::Transaction { database, steps: inner } => {
            vec![format!("transaction = {}", quoted(&database.value)), format!("steps = {}", Steps::print(inner))]
        }
        Verb::Publish(to) => publish(to),
        Verb::Parallel { branches, wait_for } => {
            let mut parts = vec![format!("parallel = {}", Branches::print(branches))];
            parts.extend(wait_for.value.map(|k| format!("wait_for = {k}")));
            parts
        }
        Verb::Split(arms) => vec![format!("split = {}", Ways::print(arms))],
        // These are told where they are written.
        Verb::Remember { steps, .. } => vec![format!("steps = {}", Steps::print(steps))],
        Verb::Meter(to) => call(CallStep::KEYS[0].name, to),
    }
}

fn publish(publish: &Publish) -> Vec<String> {
    let mut parts = vec![format!("{} = {}", if publish.send { "send" } else { "publish" }, quoted(&publish.to.value))];
    parts.extend(publish.key.as_ref().map(|k| format!("key = {}", quoted(&k.value))));
    parts.extend(publish.wait_for_ack.value.map(|wait| format!("wait_for_ack = {wait}")));
    parts.extend(publish.wait_for_reply.value.then(|| "wait_for_reply = true".to_owned()));
    parts.extend(publish.timeout.value.map(|most| format!("timeout = {}", Duration::print(&most))));
    parts
}

fn call(verb: &str, call: &Call) -> Vec<String> {
    let mut parts = vec![format!("{verb} = {}", To::print(&call.target.value))];
    parts.extend(call.transport.as_ref().map(|t| format!("transport = {}", quoted(&t.value))));
    parts.extend(call.stream.value.map(|n| format!("stream = {n}")));
    parts.extend(call.table.as_ref().map(|t| format!("table = {}", quoted(&t.value))));
    let mode = call.mode.value;
    parts.extend((mode != Mode::Read).then(|| format!("mode = {}", Mode::print(&mode))));
    parts.extend(call.row.as_ref().map(|row| format!("row = {}", Text::print(&row.value))));
    parts.extend(call.lock_timeout.value.map(|most| format!("lock_timeout = {}", Duration::print(&most))));
    let from = call.read_from.value;
    parts.extend((from != ReadFrom::Any).then(|| format!("read_from = {}", ReadFrom::print(&from))));
    parts.extend(sizes(&call.request, &call.response));
    parts.extend((!call.uses_reply.value).then(|| "uses_reply = false".to_owned()));
    parts.extend((!call.idempotent.value).then(|| "idempotent = false".to_owned()));
    parts.extend(call.policy.as_ref().map(|p| format!("policy = {}", quoted(&p.value))));
    parts.extend(call.guards.told().into_iter().filter_map(|told| Some(format!("{} = {}", told.key, told.value?))));
    parts.extend(call.fallback.as_ref().map(|f| format!("fallback = {}", Steps::print(&f.value))));
    parts
}

/// The sizes of a call that are not what they are by default.
pub(in crate::scenario) fn sizes(request: &Given<u64>, response: &Given<u64>) -> Vec<String> {
    let told = [("request", request), ("response", response)].into_iter().filter(|(_, size)| size.value != PAYLOAD);
    told.map(|(key, size)| format!("{key} = \"{}\"", size_text(size.value))).collect()
}

/// Complains about numbers of a step that cannot be.
pub(in crate::scenario) fn ranges(step: &Step, complaints: &mut Vec<Complaint>) {
    zero(step.times.value == 0, "times", step.times.place.as_ref(), "leave the step out instead", complaints);
    match &step.verb {
        Verb::Parallel { branches, wait_for } => {
            let copies: u64 = branches.iter().map(|b| u64::from(b.step.times.value)).sum();
            zero(
                wait_for.value == Some(0),
                "wait_for",
                wait_for.place.as_ref(),
                "leave the parallel out instead",
                complaints,
            );
            if let Some(k) = wait_for.value.filter(|k| u64::from(*k) > copies) {
                let message = match copies {
                    1 => format!("wait_for = {k}, but there is only one branch"),
                    _ => format!("wait_for = {k}, but there are only {copies} branches"),
                };
                let complaint = Complaint::error(code::WAIT_FOR, message).at(wait_for.place.clone());
                complaints.push(complaint.help("it could never be met; wait for fewer, or for \"all\""));
            }
        }
        Verb::Split(arms) if arms.iter().map(|arm| arm.weight.value).sum::<f64>() <= 0.0 => {
            let why = if arms.is_empty() { "a split without ways" } else { "the weights of a split are all zero" };
            let complaint = Complaint::error(code::SHARES, why).at(step.place.clone());
            complaints.push(complaint.help("give at least one way a weight above zero"));
        }
        _ => {}
    }
}

//! `[transports.*]`: how a call travels; presets, what a file changes about them, and its own.
//!
//! Where the defaults come from: encoding costs are the fit `fixed + bytes × time per byte` to
//! `djkoloski/rust_serialization_benchmark` (data set `log`, run of 2023-09-06): `serde_json` serializes 1 827 461 bytes in
//! 4.47 ms (2.4 ns per byte) and deserializes them in 8.69 ms (4.8 ns); prost 0.11 builds and encodes the same records as
//! 764 951 bytes (0.42 of JSON's) in 3.30 ms (4.3 ns per byte; 0.74 ns without building) and decodes them in 4.14 ms
//! (5.4 ns). Codecs of the JVM, Node and Python are slower by 2 to 50 times. The fixed 15 µs per message stand for what
//! a framework does around the codec: assumed, and assumed equal for both. HTTP/1.1: one request in flight per
//! connection (RFC 9112, §9.3; nobody pipelines); an idle timeout of 90 s as Go's `DefaultTransport`; 100 connections
//! and 10 idle ones stand between the clients, of which Apache `HttpClient` allows 5 per route, Python's requests 10, and
//! Go and Node any number, keeping 2 and 256. gRPC: one connection, 100 streams
//! (`defaultMaxStreamsClient` of grpc-go), idle after 30 minutes (grpc-go `dialoptions.go`, gRFC A62), and a caller's
//! deadline cancels the call at the callee, cooperatively. Handshakes: TCP one round trip, TLS 1.2 two more (RFC 5246),
//! TLS 1.3 one more (RFC 8446); messages over 14.6 kB need further ones on a fresh connection (ten segments at first, RFC
//! 6928, twice as many each round trip, RFC 5681), and after an idle time (Linux' `tcp_slow_start_after_idle`).

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::super::check::zero;
use super::super::declare::{
    Always, Count, Duration, Filled, Flag, Kind, Maybe, Number, Perhaps, Record, Said, Told, table, words,
};
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::print;
use super::super::read::{Desk, Value, View, as_number, bad, check_name, listed, suggest, time_text};
use super::super::vocab::{Shape, Word, word};
use super::super::walk::{self, transports_used};
use super::super::written::{BalancePer, Cancels, Given, IN_PROCESS, Scenario};
use super::sim::TransportName;
use crate::diag::{Complaint, Source, code};
use crate::model::id::NONE;
use crate::model::transport::{Channel, FOR_EVER, HANDSHAKE_CALLEE, HANDSHAKE_CALLER, RETRANSMISSION};
use crate::model::{LinkId, NodeId};
use crate::units::{Span, parse_nanos};

/// The transport that costs nothing but the network; no file can change it.
pub const FREE: &str = "free";

/// The transport whose contract is compiled into both sides.
const GRPC: &str = "grpc";

/// What `transport` may say besides the names of [transports.*].
pub static TRANSPORT_WORDS: &[Word] = &[
    word(
        "in-process",
        "A function call: the callee's program runs on the caller's worker and cores; the callee's own \
        replicas and limits do not apply, and it cannot be down by itself. Clients, databases and third parties stay \
        outside: where it is the default, they are called over `free`.",
    ),
    word("free", "A remote call without encoding or connections: the network is paid, nothing else."),
    word(
        "rest",
        "JSON over HTTP/1.1: encoding, a pool of connections with one request each, handshakes when a new one is opened.",
    ),
    word(
        "grpc",
        "Protobuf over HTTP/2: fewer bytes, many streams over one connection, and what timed out is cancelled.",
    ),
];

/// A transport that is there without being written.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its values, as in [transports.*].
    pub toml: &'static str,
    /// Where they come from.
    pub source: &'static str,
}

/// The presets. Without `connections` there are none.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "rest",
        toml: r#"encode = { per_message = "15us", per_byte = "2.4ns" }
decode = { per_message = "15us", per_byte = "4.8ns" }
size_factor = 1.0
protocol = "http1"
streams = 1
connections = { max = 100, max_idle = 10, idle_timeout = "90s", tls = "1.3" }
cancels = "no"
"#,
        source: "Per byte: serde_json in djkoloski/rust_serialization_benchmark (`log`, 2023-09-06); codecs of the JVM, \
            Node and Python are slower by 2 to 50 times. Per message: assumed. idle_timeout: Go's DefaultTransport. max \
            and max_idle: assumed, between Apache HttpClient (5 per route), requests (10 per host) and Go (no limit, 2 idle).",
    },
    Preset {
        name: "grpc",
        toml: r#"encode = { per_message = "15us", per_byte = "4.3ns" }
decode = { per_message = "15us", per_byte = "5.4ns" }
size_factor = 0.42
protocol = "http2"
streams = 100
connections = { max = 1, max_idle = 1, idle_timeout = "30m", tls = "1.3" }
cancels = "queued"
"#,
        source: "Per byte of protobuf and size_factor: prost, building the message included, in \
            djkoloski/rust_serialization_benchmark (`log`, 2023-09-06); encoding alone takes 0.74 ns. Per message: assumed \
            equal to rest's. streams, idle_timeout: grpc-go (defaultMaxStreamsClient, channel idle); gRFC A62.",
    },
    Preset {
        name: "free",
        toml: r#"encode = { per_message = "0s", per_byte = "0s" }
decode = { per_message = "0s", per_byte = "0s" }
size_factor = 1.0
protocol = "http1"
streams = 1
cancels = "no"
"#,
        source: "",
    },
];

words! {
    /// What a connection can do.
    #[derive(Default)]
    pub enum Protocol {
        #[default]
        Http1 = "http1", "One request in flight per connection; one that timed out closes its connection.";
        Http2 = "http2",
            "Multiplexed: so many requests at once as there are streams; one that timed out is reset alone.";
    }
}

words! {
    /// What a new connection negotiates.
    #[derive(Default)]
    pub enum Tls {
        #[default]
        None = "none", "TCP alone: one round trip before the first request.";
        V12 = "1.2", "TCP and TLS 1.2: three round trips, and cryptography on both sides.";
        V13 = "1.3", "TCP and TLS 1.3: two round trips, and cryptography on both sides.";
    }
}

table! {
    /// A transport: a preset, or a table of `[transports.*]`. What the table leaves out is as in `like` and has no place.
    pub struct TransportSpec: "[transports.*]",
    "A transport of one's own, or changes to `rest` or `grpc`. What it leaves out is as in the one it is like; `free` is what it is.",
    meant Self::meant {
        like: Option<Given<String>> as Said<TransportName>,
            "The transport it starts from. `rest` and `grpc` start from themselves.";
        encode: Cost as Always<Cost>, "CPU of the side that sends, per message.";
        decode: Cost as Always<Cost>, "CPU of the side that receives, per message.";
        size_factor: Given<f64> as Filled<Number>,
            "Bytes on the wire ÷ bytes of the payload; protobuf: 0.42 of JSON.";
        protocol: Given<Protocol> as Filled<Protocol>, "What a connection can do.";
        streams: Given<u32> as Filled<Count>, "Requests at once per connection over http2.";
        connections: Option<Connections> as Perhaps<Connections>,
            "The connections of a caller replica to the callee.";
        cancels: Given<Cancels> as Filled<Cancels>, "What a caller that timed out stops.";
        chunked: Option<Given<bool>> as Said<Flag>,
            "HTTP/1.1: whether the messages of a stream are sent one by one (chunked transfer coding, RFC 9112 §7.1). Default: no, they are one body; http2 sends them so in any case.";
        + /// Name, placed at its table header; a preset that the file does not touch has no place.
        name: Given<String> = View::title;
    }
}

table! {
    /// CPU of encoding or decoding one message.
    pub struct Cost: "encode or decode",
    "CPU for one message, on the worker (and cores) that sends or receives it; a client outside holds nothing." {
        per_message: Given<Span> as Filled<Duration>, "For any message.";
        per_byte: Given<f64> as Filled<PerByte>, "For each byte on the wire: \"2.4ns\"; picoseconds count.";
    }
}

table! {
    /// The connections of one replica of a caller.
    pub struct Connections: "connections", "The pool of a caller replica: one for all replicas of the callee, or one for each where requests are balanced (`balance_per`). A request takes an idle connection (the last one used), else opens one, which costs round trips and CPU, else waits.",
    meant Self::meant {
        max: Given<u32> as Filled<Count>, "At most so many; further requests wait.";
        max_idle: Given<u32> as Filled<Count>,
            "So many stay open when nothing is in flight on them; the others close.";
        idle_timeout: Given<Span> as Filled<Duration>, "An idle one closes after this long.";
        server_idle_timeout: Given<Option<Span>> as Maybe<Duration>,
            "How long the callee keeps an idle one; a request that comes just then is reset (http1). Default: longer than the caller.";
        max_age: Given<Option<Span>> as Maybe<Duration>,
            "How long one takes requests, give or take 10 %: gRPC's MAX_CONNECTION_AGE. Default: for ever.";
        max_age_grace: Given<Option<Span>> as Maybe<Duration>,
            "How long after `max_age` the requests on it may take before they are reset: gRPC's MAX_CONNECTION_AGE_GRACE. Default: as long as they take.";
        wait: Given<Option<Span>> as Maybe<Duration>,
            "How long a request waits for one before it fails with `pool_timeout`. Default: as long as it takes.";
        connect_timeout: Given<Option<Span>> as Maybe<Duration>,
            "How long one may take to open before whoever waits for it fails with `connect_failed`. Default: as long as it takes.";
        slow_start_after_idle: Option<Given<bool>> as Said<Flag>,
            "Whether big messages start slowly again after an idle time, as in Linux unless `net.ipv4.tcp_slow_start_after_idle` is 0. Default: yes.";
        tls: Given<Tls> as Filled<Tls>, "What a new one negotiates.";
    }
}

/// A time per byte, in picoseconds.
pub(crate) enum PerByte {}

impl Kind for PerByte {
    type Value = f64;
    const SHAPE: Shape = Shape::Duration;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
        if let Some(n) = as_number(value) {
            let complaint = Complaint::error(code::BAD_VALUE, format!("`{key}`: {n} has no unit")).at(value.span());
            desk.push(
                complaint
                    .label("a bare number is not a time")
                    .help(format!("write for example {key} = \"{}ns\"", n.abs())),
            );
            return None;
        }
        let nanos = parse_nanos(time_text(desk, key, value)?).map_err(|why| bad(desk, key, value, &why)).ok()?;
        Some((nanos * 1e3).round())
    }
    fn print(ps: &f64) -> String {
        print::span(ps / 1e3)
    }
}

/// Streams of an http2 transport that says nothing else; grpc's.
const STREAMS: u32 = 100;

type Specs = BTreeMap<String, TransportSpec>;

type Tables<'t> = BTreeMap<String, (Given<String>, View<'t>)>;

/// All transports: a transport is read after the one it is like.
pub(in crate::scenario) fn transports(desk: &mut Desk<'_>, view: &View<'_>) -> Specs {
    let mut all = presets();
    let tables: Tables<'_> =
        view.named(desk, "transports").into_iter().map(|(name, inner)| (name.value.clone(), (name, inner))).collect();
    let mut read: Specs = BTreeMap::new();
    for start in tables.keys() {
        let mut chain = vec![start];
        while let Some(name) = chain.last().copied() {
            let (given, inner) = &tables[name];
            let like = inner.get("like").and_then(|v| v.get_ref().as_str());
            // A preset that is written starts from itself; one that is not is there already.
            let open =
                like.filter(|_| !is_preset(name)).and_then(|like| tables.get_key_value(like)).map(|(key, _)| key);
            match open.filter(|like| !read.contains_key(*like)) {
                Some(like) if !chain.contains(&like) => chain.push(like),
                Some(_) => {
                    let circle: Vec<String> = chain.iter().map(|name| format!("`{name}`")).collect();
                    let complaint =
                        Complaint::error(code::ENDLESS, format!("transports like one another: {}", circle.join(", ")));
                    desk.push(
                        complaint
                            .at(inner.place_of("like"))
                            .help("let one of them start from `rest`, `grpc` or `free`"),
                    );
                    read.insert(name.clone(), TransportSpec { name: given.clone(), ..all["rest"].clone() });
                    chain.pop();
                }
                None => {
                    let own = TransportSpec::read(desk, inner).unwrap_or_else(|| all["rest"].clone());
                    let base = base(desk, &own, inner, &all, &read, &tables);
                    read.insert(name.clone(), own.filled(&base, &all["rest"]));
                    chain.pop();
                }
            }
            if read.contains_key(start) {
                break;
            }
        }
    }
    for (name, spec) in read {
        reserved(desk, &spec.name);
        if name != FREE && name != IN_PROCESS {
            all.insert(name, spec);
        }
    }
    all
}

/// The transports that are there without being written, all defaults.
fn presets() -> Specs {
    let mut all = Specs::new();
    for preset in PRESETS {
        let nowhere = Source::text("", preset.toml);
        let mut quiet = Desk::new(&nowhere);
        let (table, errors) = DeTable::parse_recoverable(preset.toml);
        debug_assert!(errors.is_empty(), "{}: {errors:?}", preset.name);
        let view = View::open(&mut quiet, TransportSpec::TABLE, table.get_ref(), 0..0);
        let spec = TransportSpec::read(&mut quiet, &view).unwrap_or_else(|| unreachable!("a preset says all"));
        debug_assert!(quiet.complaints.is_empty(), "{}: {:?}", preset.name, quiet.complaints);
        all.insert(preset.name.into(), TransportSpec { name: Given::default(preset.name.into()), ..spec.bare() });
    }
    all
}

fn is_preset(name: &str) -> bool {
    PRESETS.iter().any(|preset| preset.name == name)
}

/// Complains about names that mean something already.
fn reserved(desk: &mut Desk<'_>, name: &Given<String>) {
    let (why, help) = match name.value.as_str() {
        IN_PROCESS => ("a function call, no transport", "give the transport another name"),
        FREE => {
            ("the transport that costs nothing but the network", "write your own: [transports.mine] like = \"free\"")
        }
        _ => return check_name(desk, name),
    };
    let complaint = Complaint::error(code::BAD_NAME, format!("`{}` is {why}; it cannot be changed", name.value));
    desk.push(complaint.at(name.place.clone()).help(help));
}

/// What a transport starts from.
fn base(
    desk: &mut Desk<'_>,
    own: &TransportSpec,
    view: &View<'_>,
    presets: &Specs,
    read: &Specs,
    tables: &Tables<'_>,
) -> TransportSpec {
    let name = own.name.value.as_str();
    if is_preset(name) {
        if let Some(place) = view.place_of("like") {
            let complaint =
                Complaint::error(code::MISPLACED, format!("`{name}` is a preset and starts from itself")).at(place);
            desk.push(complaint.help("leave `like` out, or give the transport a name of its own"));
        }
        return presets[name].clone();
    }
    let Some(like) = &own.like else {
        if !view.has("like") {
            says_everything(desk, view);
        }
        return presets["rest"].clone();
    };
    if let Some(found) = read.get(&like.value).or_else(|| presets.get(&like.value)) {
        return found.clone();
    }
    if like.value == IN_PROCESS {
        let complaint = Complaint::error(
            code::WRONG_TARGET,
            "nothing can be like `in-process`: it is a function call, no transport",
        );
        desk.push(complaint.at(like.place.clone()).help("start from `rest`, `grpc` or `free`"));
    } else {
        desk.push(unknown(like, presets.keys().chain(tables.keys())));
    }
    presets["rest"].clone()
}

/// What people call the presets elsewhere.
const ELSEWHERE: [(&str, &str); 10] = [
    ("http", "rest"),
    ("https", "rest"),
    ("http1", "rest"),
    ("json", "rest"),
    ("http2", "grpc"),
    ("protobuf", "grpc"),
    ("network", FREE),
    ("local", IN_PROCESS),
    ("function", IN_PROCESS),
    ("inprocess", IN_PROCESS),
];

/// An unknown transport, with the one that was probably meant.
pub(in crate::scenario) fn unknown<'n>(name: &Given<String>, known: impl Iterator<Item = &'n String>) -> Complaint {
    let complaint =
        Complaint::error(code::UNKNOWN_NAME, format!("no transport is called `{}`", name.value)).at(name.place.clone());
    let elsewhere = || ELSEWHERE.iter().find(|(word, _)| *word == name.value).map(|(_, meant)| *meant);
    match elsewhere().or_else(|| suggest(&name.value, known.map(String::as_str))) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("define it: [transports.{}] like = \"rest\"", name.value)),
    }
}

/// Whether a contract is compiled into both sides, so that a build finds what breaks it: `grpc`, and what is like it.
pub(in crate::scenario) fn is_compiled_in(scenario: &Scenario, spec: &TransportSpec) -> bool {
    let (mut spec, mut seen) = (spec, BTreeSet::new());
    while seen.insert(spec.name.value.as_str()) {
        if spec.name.value == GRPC {
            return true;
        }
        let like = spec.like.as_ref().and_then(|like| scenario.transports.get(&like.value));
        let Some(like) = like else { return spec.like.as_ref().is_some_and(|like| like.value == GRPC) };
        spec = like;
    }
    false
}

/// A transport that is like no other must leave nothing out.
fn says_everything(desk: &mut Desk<'_>, view: &View<'_>) {
    // Over http1 a connection has one stream, over http2 as many as grpc's where nobody says.
    let keys = TransportSpec::KEYS.iter().filter(|key| !["like", "streams", "chunked"].contains(&key.name));
    let mut missing: Vec<String> = keys.clone().filter(|key| !view.has(key.name)).map(|key| key.name.into()).collect();
    for key in keys {
        let Shape::One(inner) = key.shape else { continue };
        let table = view.get(key.name).and_then(|v| v.get_ref().as_table());
        let needed = inner.all().filter(|inner| !UNSAID.contains(&inner.name));
        let needed: Vec<_> = needed.collect();
        let absent = table.into_iter().flat_map(|table| needed.iter().filter(|inner| !table.contains_key(inner.name)));
        missing.extend(absent.map(|inner| format!("{}.{}", key.name, inner.name)));
    }
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    if !missing.is_empty() {
        view.missing(
            desk,
            "like",
            &format!("say what it starts from (like = \"rest\"), or all of it: here also {}", listed(&missing)),
        );
    }
}

/// What need not be said of connections: what callees do about them, what has no end by default, and what Linux does.
const UNSAID: [&str; 6] =
    ["server_idle_timeout", "max_age", "max_age_grace", "wait", "connect_timeout", "slow_start_after_idle"];

/// What nobody wrote is as in another.
fn put<T: Clone>(own: &mut Given<T>, base: &Given<T>) {
    if own.is_default() {
        own.value = base.value.clone();
    }
}

/// The same value, a default.
fn bare<T: Clone>(given: &Given<T>) -> Given<T> {
    Given::default(given.value.clone())
}

impl TransportSpec {
    /// What its table says, else what `base` says. Connections that `base` has none of start from `spare`'s.
    fn filled(mut self, base: &Self, spare: &Self) -> Self {
        if is_preset(&self.name.value) {
            self.like = None;
        }
        self.encode.fill(&base.encode);
        self.decode.fill(&base.decode);
        put(&mut self.size_factor, &base.size_factor);
        put(&mut self.protocol, &base.protocol);
        put(&mut self.cancels, &base.cancels);
        if self.chunked.is_none() {
            self.chunked = base.chunked.as_ref().map(bare);
        }
        if self.streams.is_default() {
            self.streams.value = match self.protocol.value {
                same if same == base.protocol.value => base.streams.value,
                Protocol::Http2 => STREAMS,
                Protocol::Http1 => 1,
            };
        }
        match (&mut self.connections, base.connections.as_ref().or(spare.connections.as_ref())) {
            (Some(own), Some(start)) => own.fill(start),
            _ => self.connections = base.connections.as_ref().map(Connections::bare),
        }
        self
    }

    /// The same with everything a default.
    fn bare(&self) -> Self {
        let cost = |cost: &Cost| Cost { per_message: bare(&cost.per_message), per_byte: bare(&cost.per_byte) };
        Self {
            name: bare(&self.name),
            like: None,
            encode: cost(&self.encode),
            decode: cost(&self.decode),
            size_factor: bare(&self.size_factor),
            protocol: bare(&self.protocol),
            streams: bare(&self.streams),
            connections: self.connections.as_ref().map(Connections::bare),
            cancels: bare(&self.cancels),
            chunked: self.chunked.as_ref().map(bare),
        }
    }

    /// Whether the messages of a stream travel one by one.
    pub fn by_message(&self) -> bool {
        self.protocol.value == Protocol::Http2 || self.chunked.as_ref().is_some_and(|chunked| chunked.value)
    }

    /// One that is like no other does not say so, nor one how it sends streams that is as usual.
    fn meant(_: &Self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| !["like", "chunked"].contains(&told.key) || told.value.is_some());
        all
    }
}

impl Cost {
    fn fill(&mut self, base: &Self) {
        put(&mut self.per_message, &base.per_message);
        put(&mut self.per_byte, &base.per_byte);
    }
}

impl Connections {
    fn fill(&mut self, base: &Self) {
        put(&mut self.max, &base.max);
        put(&mut self.max_idle, &base.max_idle);
        // Fewer connections than stay idle by default are no contradiction.
        if self.max_idle.is_default() {
            self.max_idle.value = self.max_idle.value.min(self.max.value);
        }
        put(&mut self.idle_timeout, &base.idle_timeout);
        put(&mut self.tls, &base.tls);
        if self.slow_start_after_idle.is_none() {
            self.slow_start_after_idle = base.slow_start_after_idle.as_ref().map(bare);
        }
        for (own, base) in [
            (&mut self.server_idle_timeout, &base.server_idle_timeout),
            (&mut self.max_age, &base.max_age),
            (&mut self.max_age_grace, &base.max_age_grace),
            (&mut self.wait, &base.wait),
            (&mut self.connect_timeout, &base.connect_timeout),
        ] {
            if own.is_default() {
                own.value = base.value;
            }
        }
    }

    /// What need not be said is told where it is said.
    fn meant(_: &Self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| !UNSAID.contains(&told.key) || told.value.is_some());
        all
    }

    fn bare(&self) -> Self {
        Self {
            max: bare(&self.max),
            max_idle: bare(&self.max_idle),
            idle_timeout: bare(&self.idle_timeout),
            tls: bare(&self.tls),
            server_idle_timeout: bare(&self.server_idle_timeout),
            max_age: bare(&self.max_age),
            max_age_grace: bare(&self.max_age_grace),
            wait: bare(&self.wait),
            connect_timeout: bare(&self.connect_timeout),
            slow_start_after_idle: self.slow_start_after_idle.as_ref().map(bare),
        }
    }
}

impl<'s> Lowering<'s> {
    /// The connections of a transport over a link; `NONE` where it has none.
    pub(in crate::scenario) fn channel(&mut self, link: LinkId, spec: &'s TransportSpec) -> u32 {
        let Some(connections) = &spec.connections else {
            return NONE;
        };
        if let Some(known) = self.channels.get(&(link, spec.name.value.as_str())) {
            return *known;
        }
        let (from, to) = (self.plan.link(link).from, self.plan.link(link).to);
        let (caller, callee) = (self.plan.node(from).replicas, self.plan.node(to).replicas);
        let per = &self.scenario.discovery.balance_per;
        let by_caller = per.value == BalancePer::Request && !(per.is_default() && self.tunnels(from, to));
        let per_request = by_caller || self.balances(from, to);
        let sealed = self.seals(from, to);
        let pools_per_caller = if per_request { callee } else { 1 };
        let shrinks = connections.slow_start_after_idle.as_ref().is_none_or(|given| given.value);
        let new = channel(link, spec, connections, sealed);
        let channel = Channel {
            first_pool: self.pools,
            pools_per_caller,
            per_request,
            rto: if shrinks { self.retransmission(from, to) } else { FOR_EVER },
            ordered: new.streams > 1 && self.plan.link(link).pipe.is_some_and(|pipe| pipe.loss > 0.0),
            ..new
        };
        self.pools += caller * pools_per_caller;
        self.plan.channels.push(channel);
        let id = self.plan.channels.len() as u32 - 1;
        self.channels.insert((link, spec.name.value.as_str()), id);
        id
    }

    /// TCP's retransmission timeout between two nodes: a round trip as it is on average, and 200 ms (RFC 6298, Linux).
    fn retransmission(&self, from: NodeId, to: NodeId) -> Span {
        let latency = self.scenario.latency(&self.plan.node(from).name, &self.plan.node(to).name);
        RETRANSMISSION + Span((2.0 * mean(latency)).round() as u64)
    }
}

/// A channel without its pools; one that is `sealed` encrypts whatever the transport says.
fn channel(link: LinkId, spec: &TransportSpec, connections: &Connections, sealed: bool) -> Channel {
    let http1 = spec.protocol.value == Protocol::Http1;
    // TCP takes one round trip; TLS 1.3 one more, TLS 1.2 two.
    let (round_trips, caller_cpu, callee_cpu) = match if sealed { Tls::V13 } else { connections.tls.value } {
        Tls::None => (1, Span::ZERO, Span::ZERO),
        Tls::V13 => (2, HANDSHAKE_CALLER, HANDSHAKE_CALLEE),
        Tls::V12 => (3, HANDSHAKE_CALLER, HANDSHAKE_CALLEE),
    };
    Channel {
        link,
        max: connections.max.value,
        max_idle: connections.max_idle.value,
        idle_timeout: connections.idle_timeout.value,
        server_idle: connections.server_idle_timeout.value.unwrap_or(FOR_EVER),
        max_age: connections.max_age.value.unwrap_or(FOR_EVER),
        grace: connections.max_age_grace.value.unwrap_or(FOR_EVER),
        wait: connections.wait.value.unwrap_or(FOR_EVER),
        connect_timeout: connections.connect_timeout.value.unwrap_or(FOR_EVER),
        rto: FOR_EVER,
        ordered: false,
        streams: if http1 { 1 } else { spec.streams.value },
        round_trips,
        caller_cpu,
        callee_cpu,
        per_request: false,
        closes: http1,
        first_pool: 0,
        pools_per_caller: 1,
    }
}

/// Complains about transports that are none.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let mut known = |name: &Given<String>| {
        if name.value != IN_PROCESS && !scenario.transports.contains_key(&name.value) && !refused.contains(&name.value)
        {
            let in_process = IN_PROCESS.to_owned();
            complaints.push(unknown(name, scenario.transports.keys().chain([&in_process])));
        }
    };
    known(&scenario.defaults.transport);
    for node in scenario.nodes.values() {
        node.programs().flat_map(walk::calls).filter_map(|call| call.transport.as_ref()).for_each(&mut known);
    }
    scenario.clients.values().filter_map(|client| client.transport.as_ref()).for_each(&mut known);
    for client in scenario.clients.values() {
        if let Some(said) = client.transport.as_ref().filter(|t| t.value == IN_PROCESS) {
            let message = format!("`{}` is a client, outside of every process", client.name.value);
            let complaint = Complaint::error(code::WRONG_TARGET, message).at(said.place.clone());
            complaints.push(complaint.help("it calls over the network: `free` pays nothing else"));
        }
    }
}

/// The most a byte may cost, in picoseconds: 100 µs.
const DEAREST_BYTE: f64 = 1e8;

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    scenario.transports.values().for_each(|spec| transport(spec, complaints));
}

fn transport(spec: &TransportSpec, complaints: &mut Vec<Complaint>) {
    let factor = &spec.size_factor;
    zero(factor.value == 0.0, "size_factor", factor.place.as_ref(), "messages would have no bytes", complaints);
    if factor.value > 100.0 {
        let message = format!("`size_factor`: {} bytes on the wire for each byte; at most 100", factor.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(factor.place.clone()));
    }
    for Cost { per_byte, .. } in [&spec.encode, &spec.decode] {
        if per_byte.value > DEAREST_BYTE {
            let message = format!("`per_byte`: {} for each byte; at most 100us", Span((per_byte.value / 1e3) as u64));
            let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(per_byte.place.clone());
            complaints.push(complaint.help("codecs take nanoseconds per byte: JSON about \"2.4ns\""));
        }
    }
    let (streams, why) = (&spec.streams, "no request could be sent");
    zero(streams.value == 0, "streams", streams.place.as_ref(), why, complaints);
    if streams.value > 1 && !streams.is_default() && spec.protocol.value == Protocol::Http1 {
        let complaint = Complaint::error(code::OUT_OF_RANGE, "over http1 a connection has one request in flight");
        complaints.push(complaint.at(streams.place.clone()).help("write protocol = \"http2\", or leave `streams` out"));
    }
    if let Some(chunked) = spec.chunked.as_ref().filter(|_| spec.protocol.value == Protocol::Http2) {
        let complaint =
            Complaint::warning(code::UNUSED, "`chunked` is about http1: http2 sends a stream message by message");
        complaints.push(complaint.at(chunked.place.clone()).help("leave it out"));
    }
    let Some(connections) = &spec.connections else { return };
    let (max, idle) = (&connections.max, &connections.max_idle);
    zero(max.value == 0, "max", max.place.as_ref(), why, complaints);
    let grace = connections.max_age_grace.place.as_ref();
    if grace.is_some() && connections.max_age_grace.value.is_some() && connections.max_age.value.is_none() {
        let complaint =
            Complaint::warning(code::UNUSED, "`max_age_grace` without `max_age`: no connection comes of age");
        complaints.push(complaint.at(grace.cloned()));
    }
    let ends = connections.connect_timeout.value == Some(Span::ZERO);
    let place = connections.connect_timeout.place.as_ref();
    zero(ends, "connect_timeout", place, "no connection could be opened", complaints);
    if idle.value > max.value && max.value > 0 {
        let message = format!("`max_idle` = {} means nothing above `max` = {}", idle.value, max.value);
        complaints.push(Complaint::warning(code::UNUSED, message).at(idle.place.clone()));
    }
}

/// Warns of transports that nothing uses. In a file with variants it is one of them that does.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    if !scenario.variants.is_empty() {
        return;
    }
    let used = transports_used(scenario);
    let liked: Vec<&str> = scenario.transports.values().filter_map(|t| Some(t.like.as_ref()?.value.as_str())).collect();
    for (name, spec) in &scenario.transports {
        if spec.name.place.is_some() && !used.contains(name.as_str()) && !liked.contains(&name.as_str()) {
            let message = format!("nothing travels over the transport `{name}`");
            complaints.push(Complaint::warning(code::UNUSED, message).at(spec.name.place.clone()));
        }
    }
}

//! Transports: presets, what a file changes about them, and its own.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::Desk;
use super::value::{as_number, count, duration, number, time_text};
use super::view::{View, listed};
use super::{Value, suggest, value};
use crate::diag::{Complaint, Source, code};
use crate::scenario::declare::Kind as _;
use crate::scenario::vocab::{PRESETS, TRANSPORT};
use crate::scenario::written::{Cancels, Connections, Cost, FREE, Given, IN_PROCESS, Protocol, Tls, TransportSpec};
use crate::units::{Span, parse_nanos};

const PROTOCOLS: [(&str, Protocol); 2] = [("http1", Protocol::Http1), ("http2", Protocol::Http2)];

const TLS: [(&str, Tls); 3] = [("none", Tls::None), ("1.2", Tls::V12), ("1.3", Tls::V13)];

/// Streams of an http2 transport that says nothing else; grpc's.
const STREAMS: u32 = 100;

type Specs = BTreeMap<String, TransportSpec>;

type Tables<'t> = BTreeMap<String, (Given<String>, View<'t>)>;

/// All transports: a transport is read after the one it is like.
pub(super) fn transports(desk: &mut Desk<'_>, view: &View<'_>) -> Specs {
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
                    let base = base(desk, name, inner, &all, &read, &tables);
                    read.insert(name.clone(), one(desk, given.clone(), inner, &base, &all["rest"]));
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
        let view = View::open(&mut quiet, &TRANSPORT, table.get_ref(), 0..0);
        let nothing = nothing();
        let spec = one(&mut quiet, Given::default(preset.name.into()), &view, &nothing, &nothing);
        debug_assert!(quiet.complaints.is_empty(), "{}: {:?}", preset.name, quiet.complaints);
        all.insert(preset.name.into(), inherited(&spec, Given::default(preset.name.into())));
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
        _ => return super::file::check_name(desk, name),
    };
    let complaint = Complaint::error(code::BAD_NAME, format!("`{}` is {why}; it cannot be changed", name.value));
    desk.push(complaint.at(name.place.clone()).help(help));
}

/// What a transport starts from.
fn base(
    desk: &mut Desk<'_>,
    name: &str,
    view: &View<'_>,
    presets: &Specs,
    read: &Specs,
    tables: &Tables<'_>,
) -> TransportSpec {
    if is_preset(name) {
        if let Some(place) = view.place_of("like") {
            let complaint =
                Complaint::error(code::MISPLACED, format!("`{name}` is a preset and starts from itself")).at(place);
            desk.push(complaint.help("leave `like` out, or give the transport a name of its own"));
        }
        return presets[name].clone();
    }
    let Some(like) = view.read(desk, "like", value::text) else {
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
        desk.push(complaint.at(like.place).help("start from `rest`, `grpc` or `free`"));
    } else {
        desk.push(unknown(&like, presets.keys().chain(tables.keys())));
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
pub(crate) fn unknown<'n>(name: &Given<String>, known: impl Iterator<Item = &'n String>) -> Complaint {
    let complaint =
        Complaint::error(code::UNKNOWN_NAME, format!("no transport is called `{}`", name.value)).at(name.place.clone());
    let elsewhere = || ELSEWHERE.iter().find(|(word, _)| *word == name.value).map(|(_, meant)| *meant);
    match elsewhere().or_else(|| suggest(&name.value, known.map(String::as_str))) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("define it: [transports.{}] like = \"rest\"", name.value)),
    }
}

/// A transport that is like no other must leave nothing out.
fn says_everything(desk: &mut Desk<'_>, view: &View<'_>) {
    let keys = ["encode", "decode", "size_factor", "protocol", "connections", "cancels"];
    let mut missing: Vec<String> = keys.into_iter().filter(|key| !view.has(key)).map(str::to_owned).collect();
    let inner = [
        ("encode", &["per_message", "per_byte"][..]),
        ("decode", &["per_message", "per_byte"]),
        ("connections", &["max", "max_idle", "idle_timeout", "tls"]),
    ];
    for (key, keys) in inner {
        let table = view.get(key).and_then(|v| v.get_ref().as_table());
        let absent = table.into_iter().flat_map(|table| keys.iter().filter(|inner| !table.contains_key(**inner)));
        missing.extend(absent.map(|inner| format!("{key}.{inner}")));
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

/// One transport: what its table says, else what `base` says. Connections that `base` has none of start from `spare`'s.
fn one(
    desk: &mut Desk<'_>,
    name: Given<String>,
    view: &View<'_>,
    base: &TransportSpec,
    spare: &TransportSpec,
) -> TransportSpec {
    let mut spec = inherited(base, name);
    spec.like = if is_preset(&spec.name.value) { None } else { view.read(desk, "like", value::text) };
    cost(desk, view, "encode", &mut spec.encode);
    cost(desk, view, "decode", &mut spec.decode);
    put(&mut spec.size_factor, view.read(desk, "size_factor", number));
    let before = spec.protocol.value;
    put(&mut spec.protocol, view.word(desk, "protocol", &PROTOCOLS));
    if spec.protocol.value != before {
        spec.streams.value = if spec.protocol.value == Protocol::Http2 { STREAMS } else { 1 };
    }
    put(&mut spec.streams, view.read(desk, "streams", count));
    put(&mut spec.cancels, view.read(desk, "cancels", Cancels::read));
    if view.has("connections") {
        let start = spec.connections.take().or_else(|| inherited(spare, Given::default(String::new())).connections);
        let inner = view.inner(desk, "connections");
        spec.connections = Some(connections(desk, &inner, start.unwrap_or_else(no_connections)));
    }
    spec
}

fn put<T>(into: &mut Given<T>, read: Option<Given<T>>) {
    if let Some(read) = read {
        *into = read;
    }
}

fn cost(desk: &mut Desk<'_>, view: &View<'_>, key: &str, cost: &mut Cost) {
    let inner = view.inner(desk, key);
    put(&mut cost.per_message, inner.read(desk, "per_message", duration));
    put(&mut cost.per_byte_ps, inner.read(desk, "per_byte", per_byte));
}

/// A time per byte, in picoseconds.
fn per_byte(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
    if let Some(n) = as_number(value) {
        let complaint = Complaint::error(code::BAD_VALUE, format!("`{key}`: {n} has no unit")).at(value.span());
        desk.push(
            complaint.label("a bare number is not a time").help(format!("write for example {key} = \"{}ns\"", n.abs())),
        );
        return None;
    }
    let nanos = parse_nanos(time_text(desk, key, value)?).map_err(|why| value::bad(desk, key, value, &why)).ok()?;
    Some((nanos * 1e3).round())
}

fn connections(desk: &mut Desk<'_>, view: &View<'_>, start: Connections) -> Connections {
    let mut all = start;
    put(&mut all.max, view.read(desk, "max", count));
    put(&mut all.max_idle, view.read(desk, "max_idle", count));
    // Fewer connections than stay idle by default are no contradiction.
    if all.max_idle.is_default() {
        all.max_idle.value = all.max_idle.value.min(all.max.value);
    }
    put(&mut all.idle_timeout, view.read(desk, "idle_timeout", duration));
    put(&mut all.tls, view.word(desk, "tls", &TLS));
    all
}

/// The same transport under another name, everything in it a default.
fn inherited(from: &TransportSpec, name: Given<String>) -> TransportSpec {
    fn bare<T: Clone>(given: &Given<T>) -> Given<T> {
        Given::default(given.value.clone())
    }
    let cost = |cost: &Cost| Cost { per_message: bare(&cost.per_message), per_byte_ps: bare(&cost.per_byte_ps) };
    TransportSpec {
        name,
        like: None,
        encode: cost(&from.encode),
        decode: cost(&from.decode),
        size_factor: bare(&from.size_factor),
        protocol: bare(&from.protocol),
        streams: bare(&from.streams),
        connections: from.connections.as_ref().map(|c| Connections {
            max: bare(&c.max),
            max_idle: bare(&c.max_idle),
            idle_timeout: bare(&c.idle_timeout),
            tls: bare(&c.tls),
        }),
        cancels: bare(&from.cancels),
    }
}

/// What a preset starts from; it leaves nothing of it.
fn nothing() -> TransportSpec {
    let cost = Cost { per_message: Given::default(Span::ZERO), per_byte_ps: Given::default(0.0) };
    TransportSpec {
        name: Given::default(String::new()),
        like: None,
        encode: cost.clone(),
        decode: cost,
        size_factor: Given::default(1.0),
        protocol: Given::default(Protocol::Http1),
        streams: Given::default(1),
        connections: None,
        cancels: Given::default(Cancels::No),
    }
}

fn no_connections() -> Connections {
    Connections {
        max: Given::default(0),
        max_idle: Given::default(0),
        idle_timeout: Given::default(Span::ZERO),
        tls: Given::default(Tls::None),
    }
}

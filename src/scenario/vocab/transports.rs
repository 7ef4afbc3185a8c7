//! How a call travels.
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
//! 6928, twice as many each round trip, RFC 5681). A warm connection costs nothing.

use super::tables::{Shape, Table, Word, key, word};
use crate::scenario::declare::Kind as _;
use crate::scenario::tables::policy::Cancels;

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

const PROTOCOL: &[Word] = &[
    word("http1", "One request in flight per connection; one that timed out closes its connection."),
    word("http2", "Multiplexed: so many requests at once as there are streams; one that timed out is reset alone."),
];

const TLS: &[Word] = &[
    word("none", "TCP alone: one round trip before the first request."),
    word("1.2", "TCP and TLS 1.2: three round trips, and cryptography on both sides."),
    word("1.3", "TCP and TLS 1.3: two round trips, and cryptography on both sides."),
];

/// `[transports.*]`.
pub static TRANSPORT: Table = Table {
    name: "[transports.*]",
    doc: "A transport of one's own, or changes to `rest` or `grpc`. What it leaves out is as in the one it is like; \
          `free` is what it is.",
    keys: &[&[
        key(
            "like",
            Shape::TextOr(TRANSPORT_WORDS),
            "The transport it starts from. `rest` and `grpc` start from themselves.",
        ),
        key("encode", Shape::One(&COST), "CPU of the side that sends, per message."),
        key("decode", Shape::One(&COST), "CPU of the side that receives, per message."),
        key("size_factor", Shape::Number, "Bytes on the wire ÷ bytes of the payload; protobuf: 0.42 of JSON."),
        key("protocol", Shape::Choice(PROTOCOL), "What a connection can do."),
        key("streams", Shape::Whole, "Requests at once per connection over http2."),
        key("connections", Shape::One(&CONNECTIONS), "The connections of a caller replica to the callee."),
        key("cancels", Cancels::SHAPE, "What a caller that timed out stops."),
    ]],
};

/// `encode` and `decode`.
pub static COST: Table = Table {
    name: "encode or decode",
    doc: "CPU for one message, on the worker (and cores) that sends or receives it; a client outside holds nothing.",
    keys: &[&[
        key("per_message", Shape::Duration, "For any message."),
        key("per_byte", Shape::Duration, "For each byte on the wire: \"2.4ns\"; picoseconds count."),
    ]],
};

/// `connections`.
pub static CONNECTIONS: Table = Table {
    name: "connections",
    doc: "The pool of a caller replica: one for all replicas of the callee, or one for each where requests are balanced \
          (`balance_per`). A request takes an idle connection (the last one used), else opens one, which costs round \
          trips and CPU, else waits.",
    keys: &[&[
        key("max", Shape::Whole, "At most so many; further requests wait."),
        key("max_idle", Shape::Whole, "So many stay open when nothing is in flight on them; the others close."),
        key("idle_timeout", Shape::Duration, "An idle one closes after this long."),
        key("tls", Shape::Choice(TLS), "What a new one negotiates."),
    ]],
};

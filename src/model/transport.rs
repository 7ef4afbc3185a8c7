//! How calls travel: connections and what they cost.
//!
//! **REST** is JSON over HTTP/1.1: one request in flight per connection. Idle connections are reused last in, first out, up
//! to `max_idle` of them for `idle_timeout`; beyond `max` a request waits for one. A timed-out request closes its connection.
//! **gRPC** is protobuf over HTTP/2: one connection carries `streams` requests at once; beyond that they wait in the client.
//! A timed-out request only resets its stream.
//!
//! A new connection costs round trips before the first request: one for TCP, one more for TLS 1.3 (RFC 8446), two for TLS
//! 1.2 (RFC 5246), and the cryptography of a handshake on both sides. A message of more than 14.6 kB takes more round trips
//! on it: TCP sends ten segments, then twice as many each round trip. All of that is `connect` in the ledger. A warm
//! connection costs nothing.
//!
//! Servers close connections, too. `server_idle_timeout` is how long one keeps an idle connection (Node.js 5 s, nginx 75 s, a load
//! balancer of AWS 60 s). A client that keeps it longer (`idle_timeout`) races with that: a request that is written within the last
//! round trip before the server's time is over reaches a socket that has just been closed and fails with `reset`, which is a 502 of
//! a balancer; over HTTP/2 the server says goodbye first (`GOAWAY`) and nothing is lost. `max_age` is how long a connection lives
//! (gRPC's `MAX_CONNECTION_AGE`, for each ± 10 %): then it takes no new requests and closes with the last one on it, however long that
//! takes (`MAX_CONNECTION_AGE_GRACE` is infinite); one that is never without a waiting caller is not asked its age.
//!
//! With `kind = "dns"` and `balance_per = "request"` over HTTP/2 a name is looked up once and then again when a connection of the
//! caller breaks, comes of age or cannot be opened, at most every 30 s: gRPC's resolver, which asks nothing while all is well. New
//! replicas get nothing until then. Sources: grpc/proposal A9; grpc-go `internal/resolver/dns` (`MinResolutionInterval`);
//! grpc/grpc-java#10708.
//!
//! With `balance_per = "connection"` (static, dns, kubernetes) a connection is bound to the replica chosen when it was
//! opened; with `"request"` the replica is chosen for each request and every caller replica keeps a pool for every callee
//! replica.

use crate::units::Span;

use super::id::LinkId;

/// CPU of a full handshake with ECDSA P-256 certificates at the caller: verify two signatures, one key exchange.
/// (OpenSSL 3.0 on one x86-64 core: verify 44.6 µs, X25519 25.8 µs.)
pub const HANDSHAKE_CALLER: Span = Span(141_000);

/// CPU of a full handshake at the callee: one signature, one key exchange (sign 15.6 µs, X25519 25.8 µs twice).
pub const HANDSHAKE_CALLEE: Span = Span(67_000);

/// Bytes that leave at once over a fresh connection: ten segments of 1,460 bytes (RFC 6928).
const FIRST_FLIGHT: u64 = 14_600;

/// Round trips that a message of so many bytes needs on a fresh connection beyond the first: what is under way doubles each
/// round trip (slow start, RFC 5681), so that n of them carry 2ⁿ − 1 first flights. Loss and receive windows play no part.
pub fn slow_start(bytes: u64) -> u32 {
    let flights = bytes.div_ceil(FIRST_FLIGHT) + 1;
    flights.next_power_of_two().trailing_zeros().saturating_sub(1)
}

/// The connections of one transport over one link.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Whose.
    pub link: LinkId,
    /// Connections of a pool at most, open and opening.
    pub max: u32,
    /// Idle connections that a pool keeps.
    pub max_idle: u32,
    /// How long an idle connection is kept.
    pub idle_timeout: Span,
    /// How long the callee keeps an idle one.
    pub server_idle: Span,
    /// How long a connection takes requests, ± 10 %.
    pub max_age: Span,
    /// Requests in flight on one connection: 1 for HTTP/1.1.
    pub streams: u32,
    /// Round trips of a handshake before the first request.
    pub round_trips: u32,
    /// CPU of a handshake at the caller.
    pub caller_cpu: Span,
    /// CPU of a handshake at the callee.
    pub callee_cpu: Span,
    /// Whether a replica is chosen for each request; otherwise for each connection.
    pub per_request: bool,
    /// Whether a request that is given up takes its connection with it.
    pub closes: bool,
    /// First of its pools in the world's array: per caller replica, and per callee replica if `per_request`.
    pub first_pool: u32,
    /// Pools of one caller replica: 1, or one per callee replica if `per_request`.
    pub pools_per_caller: u32,
}

/// The time of what never comes.
pub const FOR_EVER: Span = Span(u64::MAX);

impl Channel {
    /// Whether the callee closes connections, so that a request may come too late on one.
    pub fn races(&self) -> bool {
        self.server_idle != FOR_EVER && self.streams == 1
    }
}

#[cfg(test)]
mod tests {
    use super::slow_start;

    #[test]
    fn what_is_under_way_doubles_each_round_trip() {
        let trips = [(0, 0), (1, 0), (14_600, 0), (14_601, 1), (43_800, 1), (43_801, 2), (100_000, 2), (1_000_000, 6)];
        for (bytes, expected) in trips {
            assert_eq!(slow_start(bytes), expected, "{bytes}");
        }
    }
}

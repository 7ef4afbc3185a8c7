//! How calls travel: connections and what they cost.
//!
//! **REST** is JSON over HTTP/1.1: one request in flight per connection. Idle connections are reused last in, first out, up
//! to `max_idle` of them for `idle_timeout`; beyond `max` a request waits for one. A timed-out request closes its connection.
//! **gRPC** is protobuf over HTTP/2: one connection carries `streams` requests at once; beyond that they wait in the client.
//! A timed-out request only resets its stream.
//!
//! A new connection costs round trips before the first request: one for TCP, one more for TLS 1.3 (RFC 8446), two for TLS
//! 1.2 (RFC 5246), and the cryptography of a handshake on both sides. A message of more than 14.6 kB takes more round trips
//! on it: TCP sends ten segments, then twice as many each round trip. All of that is `connect` in the ledger. A connection
//! remembers, for each direction, how much it may have under way: what was sent widens that, and an idle time of more than a
//! retransmission timeout (200 ms and a round trip) halves it, once for each such time, down to the first ten segments. So a big
//! message on a warm connection costs nothing if others of its size went before it just now, and a round trip or two if not
//! (Linux' `tcp_slow_start_after_idle`; `slow_start_after_idle = false` switches that off). Loss and receive windows do not
//! narrow it, and messages that leave together each find all of it.
//!
//! What is lost on a link (`loss`) over HTTP/2 or gRPC holds up all that leaves on the same connection after it, in that direction:
//! TCP delivers in order. But what follows makes the receiver say so, so that it is sent again one round trip after the third
//! segment behind it (RFC 5681, fast retransmit), or after 200 ms if there are fewer. Over HTTP/1.1 nothing follows, so that one
//! request waits 200 ms and nobody else. Neither tail loss probes nor RACK (RFC 8985) are told.
//!
//! Servers close connections, too. `server_idle_timeout` is how long one keeps an idle connection (Node.js 5 s, nginx 75 s, a load
//! balancer of AWS 60 s). A client that keeps it longer (`idle_timeout`) races with that: a request that is written within the last
//! round trip before the server's time is over reaches a socket that has just been closed and fails with `reset`, which is a 502 of
//! a balancer; over HTTP/2 the server says goodbye first (`GOAWAY`) and nothing is lost. `max_age` is how long a connection lives
//! (gRPC's `MAX_CONNECTION_AGE`, for each ± 10 %): then it takes no new requests and closes with the last one on it, however long that
//! takes; `max_age_grace` (gRPC's `MAX_CONNECTION_AGE_GRACE`, infinite unless it is said) ends that: what is still on it then is
//! `reset`. One that is never without a waiting caller is not asked its age, but its grace ends all the same.
//!
//! `wait` is how long a request waits for a connection where all of `max` are taken: then it fails with `pool_timeout` (Apache
//! `HttpClient`'s `connectionRequestTimeout`, 3 min there; reactor-netty's `pendingAcquireTimeout`, 45 s). `connect_timeout` is how long
//! a handshake may take, TLS with it (Envoy's, 5 s there; Go's `Dialer.Timeout` is about TCP): then whoever waits for that connection
//! fails with `connect_failed`. Neither is on by default; both are within the request's own `timeout`.
//!
//! With `kind = "dns"` and `balance_per = "request"` over HTTP/2 a name is looked up once and then again when a connection of the
//! caller breaks, comes of age or cannot be opened, at most every 30 s: gRPC's resolver, which asks nothing while all is well. New
//! replicas get nothing until then. Sources: grpc/proposal A9; grpc-go `internal/resolver/dns` (`MinResolutionInterval`);
//! grpc/grpc-java#10708.
//!
//! With `balance_per = "connection"` (static, dns, kubernetes) a connection is bound to the replica chosen when it was
//! opened; with `"request"` the replica is chosen for each request and every caller replica keeps a pool for every callee
//! replica.

use crate::units::{Span, Time};

use super::id::LinkId;

/// CPU of a full handshake with ECDSA P-256 certificates at the caller: verify two signatures, one key exchange.
/// (OpenSSL 3.0 on one x86-64 core: verify 44.6 µs, X25519 25.8 µs.)
pub const HANDSHAKE_CALLER: Span = Span(141_000);

/// CPU of a full handshake at the callee: one signature, one key exchange (sign 15.6 µs, X25519 25.8 µs twice).
pub const HANDSHAKE_CALLEE: Span = Span(67_000);

/// Segments that leave at once over a fresh connection (RFC 6928).
pub const FIRST_FLIGHT: u32 = 10;

/// Bytes of a segment.
const SEGMENT: u64 = 1_460;

/// The first retransmission timeout where no round trip is known or worth counting: Linux' `TCP_RTO_MIN`.
pub const RETRANSMISSION: Span = Span(200_000_000);

/// Segments behind a lost one after which it is sent again (RFC 5681, §3.2).
pub const DUPLICATES: u32 = 3;

/// The segments of a message.
pub fn segments(bytes: u64) -> u32 {
    bytes.div_ceil(SEGMENT).max(1) as u32
}

/// What one end of a connection may have under way: TCP's congestion window, as long as nothing is lost. What is under way doubles
/// each round trip (slow start, RFC 5681); it widens only where it was the limit, and shrinks after idle times (RFC 2861), both as
/// in Linux (`tcp_is_cwnd_limited`, `tcp_cwnd_restart`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    segments: u32,
    /// When the last segment was sent.
    sent: Time,
    /// How wide it is from then on: when what was sent last is acknowledged.
    widens: (Time, u32),
}

impl Default for Window {
    fn default() -> Self {
        Self { segments: FIRST_FLIGHT, sent: Time(0), widens: (Time(0), FIRST_FLIGHT) }
    }
}

impl Window {
    /// It is never wider: 1.5 GB.
    const WIDEST: u32 = 1 << 20;

    /// Round trips that a message needs now beyond the first, where the retransmission timeout is `rto`.
    pub fn trips(&mut self, segments: u32, now: Time, rto: Span) -> u32 {
        if now >= self.widens.0 {
            self.segments = self.segments.max(self.widens.1);
        }
        let idle = now.0.saturating_sub(self.sent.0);
        // One halving for each whole timeout that has passed, and none at the very end of the first.
        let halvings = if rto == FOR_EVER { 0 } else { idle.saturating_sub(1) / rto.0.max(1) };
        if halvings > 0 && self.segments > FIRST_FLIGHT {
            self.segments = (self.segments >> halvings.min(31)).max(FIRST_FLIGHT);
            self.widens = (now, self.segments);
        }
        (0..=32).find(|trips| self.carries(*trips) >= u64::from(segments)).unwrap_or(0)
    }

    /// Segments that leave in so many round trips beyond the first.
    fn carries(&self, trips: u32) -> u64 {
        u64::from(self.segments) * ((1 << (trips + 1).min(32)) - 1)
    }

    /// A message left in so many round trips beyond the first, the last of it at `sent`; that is acknowledged at `heard`.
    pub fn leave(&mut self, segments: u32, trips: u32, sent: Time, heard: Time) {
        let before = if trips == 0 { 0 } else { self.carries(trips - 1) };
        let last = u64::from(segments).saturating_sub(before);
        let under_way = u64::from(self.segments) << trips.min(32);
        let wide = under_way.max(2 * last).min(u64::from(Self::WIDEST)) as u32;
        self.sent = self.sent.max(sent);
        self.widens = (heard.max(self.widens.0), wide.max(self.widens.1));
    }
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
    /// How long a request waits for one of them.
    pub wait: Span,
    /// How long one may take to open.
    pub connect_timeout: Span,
    /// How long a connection takes requests, ± 10 %.
    pub max_age: Span,
    /// How long after that it is kept for the requests on it.
    pub grace: Span,
    /// After how long without a message less may be under way again.
    pub rto: Span,
    /// Whether a lost message holds up those behind it.
    pub ordered: bool,
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
    /// Whether the callee closes idle connections, so that a request may come too late on one.
    pub fn races(&self) -> bool {
        self.server_idle != FOR_EVER && self.streams == 1
    }

    /// Whether the callee may close a connection under a request.
    pub fn resets(&self) -> bool {
        self.races() || self.ends()
    }

    /// Whether connections end at an age, whatever is on them.
    pub fn ends(&self) -> bool {
        self.max_age != FOR_EVER && self.grace != FOR_EVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Round trips on a fresh connection.
    fn fresh(bytes: u64) -> u32 {
        Window::default().trips(segments(bytes), Time(0), FOR_EVER)
    }

    #[test]
    fn what_is_under_way_doubles_each_round_trip() {
        let trips = [(0, 0), (1, 0), (14_600, 0), (14_601, 1), (43_800, 1), (43_801, 2), (100_000, 2), (1_000_000, 6)];
        for (bytes, expected) in trips {
            assert_eq!(fresh(bytes), expected, "{bytes}");
        }
    }

    /// A message of so many segments leaves at a time, over round trips of 10, with a retransmission timeout of 100.
    fn send(window: &mut Window, segments: u32, now: u64) -> u32 {
        let trips = window.trips(segments, Time(now), Span(100));
        let sent = Time(now + 10 * u64::from(trips));
        window.leave(segments, trips, sent, sent + Span(10));
        trips
    }

    #[test]
    fn what_was_sent_widens_it_and_idle_times_narrow_it() {
        let mut window = Window::default();
        // 10 and 8 of 18: with the first flight acknowledged 20 may be under way, of which 8 were.
        assert_eq!(send(&mut window, 18, 0), 1);
        assert_eq!(send(&mut window, 20, 50), 0, "twenty were allowed");
        assert_eq!(send(&mut window, 40, 100), 0, "all twenty were under way, so forty may be");
        assert_eq!(send(&mut window, 40, 200), 0, "idle for a hundred, not more");
        // Up to 80 now; idle for 101: 40. For 201: 20.
        assert_eq!(send(&mut window, 80, 301), 1);
        let mut window = Window { segments: 80, ..Window::default() };
        assert_eq!((send(&mut window, 20, 201), window.segments), (0, 20));
        let mut window = Window { segments: 80, ..Window::default() };
        assert_eq!((send(&mut window, 11, 100_000), window.segments), (1, 10), "no less than at first");
    }

    #[test]
    fn it_widens_when_that_is_acknowledged() {
        let mut window = Window::default();
        assert_eq!([send(&mut window, 18, 0), send(&mut window, 18, 5), send(&mut window, 18, 25)], [1, 1, 0]);
    }
}

//! How calls travel, as written: transports.

use crate::units::Span;

use super::{Cancels, Given};

/// The word for a call that is no transport at all, but a function call.
pub const IN_PROCESS: &str = "in-process";

/// The transport that costs nothing but the network; no file can change it.
pub const FREE: &str = "free";

/// How a call travels.
#[derive(Clone, Copy, Debug)]
pub enum How<'s> {
    /// When the callee's program runs on the caller's worker: a function call.
    InProcess,
    /// When the call crosses the network.
    Over(&'s TransportSpec),
}

impl How<'_> {
    /// Whether it is a function call.
    pub fn is_in_process(self) -> bool {
        matches!(self, How::InProcess)
    }
}

/// A transport: a preset, or a table of `[transports.*]`. What the table leaves out is as in `like` and has no place.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportSpec {
    /// Name, placed at its table header; a preset that the file does not touch has no place.
    pub name: Given<String>,
    /// The transport it starts from; `None` for presets, and for those that say everything themselves.
    pub like: Option<Given<String>>,
    /// CPU of the side that sends, per message.
    pub encode: Cost,
    /// CPU of the side that receives, per message.
    pub decode: Cost,
    /// Bytes on the wire ÷ bytes of the payload.
    pub size_factor: Given<f64>,
    /// What a connection can do.
    pub protocol: Given<Protocol>,
    /// Requests in flight per connection; 1 over HTTP/1.1.
    pub streams: Given<u32>,
    /// Per caller replica, and per callee replica where requests are balanced; `None`: no connections, no handshakes.
    pub connections: Option<Connections>,
    /// What a caller that gave up stops.
    pub cancels: Given<Cancels>,
}

/// CPU of encoding or decoding one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// For any message.
    pub per_message: Given<Span>,
    /// For each byte on the wire, in picoseconds.
    pub per_byte_ps: Given<f64>,
}

/// The connections of one replica of a caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Connections {
    /// At most so many; further requests wait for one.
    pub max: Given<u32>,
    /// So many stay open when nothing is in flight on them.
    pub max_idle: Given<u32>,
    /// An idle one closes after this long.
    pub idle_timeout: Given<Span>,
    /// What a new one negotiates.
    pub tls: Given<Tls>,
}

/// What a connection can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One request in flight per connection.
    Http1,
    /// So many at once as there are streams.
    Http2,
}

/// What a new connection negotiates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Nothing: TCP's one round trip.
    None,
    /// TLS 1.2: two more.
    V12,
    /// TLS 1.3: one more.
    V13,
}

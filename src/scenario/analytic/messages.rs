//! What the messages of a call cost on the average: CPU of both sides, time on a link.

use crate::scenario::written::{Call, ClientCall, Cost, Link, TransportSpec};

/// The messages of one call; CPU in nanoseconds, sizes in bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Messages {
    /// CPU of the caller before it is sent.
    pub(super) encode: f64,
    /// CPU of the caller after it is answered.
    pub(super) decode: f64,
    /// CPU of the callee, both ways.
    pub(super) callee: f64,
    /// Request and answer.
    pub(super) bytes: [f64; 2],
}

impl Messages {
    /// Of a call.
    pub(super) fn of(spec: &TransportSpec, call: &Call) -> Self {
        Self::sized(spec, call.request.value, call.response.value, call.stream.value.unwrap_or(1))
    }

    /// Of a client's call.
    pub(super) fn of_client(spec: &TransportSpec, call: &ClientCall) -> Self {
        Self::sized(spec, call.request.value, call.response.value, call.stream.value.unwrap_or(1))
    }

    /// Over HTTP/1.1 a stream is one body unless it is sent in chunks.
    fn sized(spec: &TransportSpec, request: u64, response: u64, messages: u32) -> Self {
        let wire = |bytes: u64| bytes as f64 * spec.size_factor.value;
        let all = f64::from(messages);
        let (n, each) = if spec.by_message() { (all, wire(response)) } else { (1.0, wire(response) * all) };
        let cost = |cost: &Cost, bytes: f64| cost.per_message.value.0 as f64 + cost.per_byte.value * bytes / 1e3;
        Self {
            encode: cost(&spec.encode, wire(request)),
            decode: n * cost(&spec.decode, each),
            callee: cost(&spec.decode, wire(request)) + n * cost(&spec.encode, each),
            bytes: [wire(request), n * each],
        }
    }

    /// Time that its bytes take on a link, both ways, in nanoseconds.
    pub(super) fn transfer(&self, link: Option<&Link>) -> f64 {
        let bandwidth = link.and_then(|link| link.bandwidth.as_ref()).map_or(f64::INFINITY, |b| b.value);
        (self.bytes[0] + self.bytes[1]) / bandwidth * 1e9
    }

    /// Events that its costs make.
    pub(super) fn events(&self) -> f64 {
        if self.encode + self.decode + self.callee > 0.0 { 4.0 } else { 0.0 }
    }
}

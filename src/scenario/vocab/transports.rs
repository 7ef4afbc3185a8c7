//! How a call travels.

use super::tables::{Word, word};

/// The transports.
pub static TRANSPORT_WORDS: &[Word] = &[
    word(
        "in-process",
        "A function call: the callee's program runs on the caller's worker and cores; the callee's own \
        replicas and limits do not apply, and it cannot be down by itself.",
    ),
    word("free", "A remote call without encoding or connections: the network is paid, nothing else."),
    word("rest", "JSON over HTTP/1.1, with encoding, connections and handshakes.").later(),
    word("grpc", "Protobuf over HTTP/2.").later(),
    word("own", "A transport of one's own, described in [transports.*].").later(),
];

//! `outage`: replicas take no new work, and connections to them break.
//!
//! New work is refused (`mode = "refuse"`): its caller hears `connect_failed` after the network there and back. What was in
//! flight is reset: its caller hears `reset` after the network back, once, and the connection is closed, so that handshakes
//! are paid again afterwards. The work itself goes on and ends, for nobody. With `mode = "hang"` nothing is said at all: the
//! process stands still for good, its kernel goes on taking connections and requests, and answers, those on the way too, are
//! lost; a caller without a timeout waits for ever. With `mode = "drop"` the network to and from it drops messages, and TCP sends
//! them again; what a node publishes waits, too, where all of its replicas are hit. `"black_hole"` means `"hang"` here.
//!
//! A handshake that wants the process is lost in a hang as a request is: TLS does, and so does HTTP/2, whose client waits for the
//! callee's settings (grpc-go issue 1444). For one request it ends with its caller's timeout; for several after 20 s (gRPC's
//! `MIN_CONNECT_TIMEOUT`), `connect_failed`. A stream whose answer is lost stays open and counts (RFC 9113, 5.1.2). Nobody
//! notices: the kernel acknowledges what is sent, so TCP has nothing to send again, and keepalive is off in gRPC's clients
//! unless it is asked for (proposal A8). A hundred such streams fill a connection, and who comes after them waits in the client
//! ("queued", says gRPC's performance guide), the end of the outage or not. A timeout resets its stream and frees the place.

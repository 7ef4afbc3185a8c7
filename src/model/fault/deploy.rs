//! `deploy`: a rolling restart. Replicas are gone one after the other (`replicas` at once, 1 unless said), all of them within
//! the `duration`, each for its part of it.
//!
//! A replica that restarts takes no new work; what is in progress ends and is answered, as after a graceful shutdown.
//! Connections to it are closed, so that handshakes are paid again. Callers that do not know of it hear `connect_failed`.

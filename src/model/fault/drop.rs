//! `mode = "drop"` of an outage, and every `partition`: the network drops messages, and nobody is told.
//!
//! TCP sends again what is not acknowledged, after 200 ms, then after twice as long each time, up to 120 s; a message gets
//! through at the first of these moments at which the network is whole again. After about 15 minutes (924.6 s: Linux'
//! `tcp_retries2` = 15) the sender gives the connection up: a caller hears `reset`. Requests that share a connection (HTTP/2,
//! gRPC) wait for it together. A new connection is asked for again after 1 s, 3 s, 7 s … and given up after 127 s
//! (`tcp_syn_retries` = 6): `connect_failed`. Where a connection carries several requests it is given up after 20 s, and tried
//! again no sooner than 1 s after it was begun, then 1.6 times as long each time, up to 120 s, a fifth more or less
//! (gRPC's connection backoff); until then requests fail at once. Without connections (`transport = "free"`) a message waits for
//! the end of the fault.
//!
//! So nothing is lost for ever, other than with `mode = "hang"`; and what was given up meanwhile is worked on afterwards, for
//! nobody.

use crate::units::Span;

/// How often an unacknowledged message is sent again before the connection is given up.
pub const RESENT: u8 = 16;

/// How often a connection is asked for before that is given up.
pub const ASKED: u8 = 7;

/// Stands for how often when it is of no use: a process that hangs has swallowed the handshake.
pub const SWALLOWED: u8 = ASKED + 1;

/// How long a connection for several requests may take to open (gRPC: `MIN_CONNECT_TIMEOUT`).
pub const CONNECT: Span = Span(20_000_000_000);

const SECOND: u64 = 1_000_000_000;

/// How long until a message that was sent again `nth` times is sent once more.
pub fn retransmission(nth: u8) -> Span {
    Span((SECOND / 5).checked_shl(u32::from(nth)).unwrap_or(u64::MAX).min(120 * SECOND))
}

/// How long until a connection that was asked for again `nth` times is asked for once more.
pub fn question(nth: u8) -> Span {
    Span(SECOND << nth.min(ASKED))
}

/// The least time between the beginnings of two attempts to connect, after `fails` in a row; `uniform` in [0, 1).
pub fn backoff(fails: u32, uniform: f64) -> Span {
    let mut wait = 1.0_f64;
    for _ in 1..fails.min(12) {
        wait = (wait * 1.6).min(120.0);
    }
    Span((wait * (0.8 + 0.4 * uniform) * SECOND as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_gives_up_after_so_long() {
        let sum = |n: u8, of: fn(u8) -> Span| (0..n).map(|nth| of(nth).0).sum::<u64>();
        assert_eq!(sum(RESENT, retransmission), 924_600_000_000);
        assert_eq!(sum(ASKED, question), 127 * SECOND);
    }

    #[test]
    fn connecting_backs_off_up_to_two_minutes() {
        let seconds = |fails| backoff(fails, 0.5).as_secs_f64();
        assert!((seconds(1) - 1.0).abs() < 1e-9 && (seconds(3) - 2.56).abs() < 1e-9);
        assert!((seconds(40) - 120.0).abs() < 1e-9);
    }
}

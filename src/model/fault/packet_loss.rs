//! `packet_loss`: each message is lost with the `probability` and sent again: delay, not error.
//!
//! The target is an edge, a node (all calls to and from it) or a zone (all calls that cross its border). A lost message is sent again after the
//! retransmission timeout (RFC 6298; Linux waits 200 ms at least, and doubles); the ledger calls the wait `fault`.

use crate::random::Draw;
use crate::units::Span;

/// The first retransmission timeout.
const RETRANSMISSION: Span = Span(200_000_000);

/// Doublings at most.
const DOUBLINGS: u32 = 8;

/// The time until a message gets through.
pub(super) fn delayed(share: f64, draw: &mut Draw) -> Span {
    let lost = (0..DOUBLINGS).take_while(|_| draw.unit() < share).count();
    Span(RETRANSMISSION.0 * ((1 << lost) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    #[test]
    fn every_loss_doubles_the_wait() {
        let draw = |n| Draw::new(1, Lineage(3), Purpose::Fault, n);
        let waits: Vec<u64> = (0..10_000).map(|n| delayed(0.5, &mut draw(n)).0 / 1_000_000).collect();
        let share = |ms: u64| waits.iter().filter(|w| **w == ms).count() as f64 / 1e4;
        assert!((share(0) - 0.5).abs() < 0.02 && (share(200) - 0.25).abs() < 0.02 && (share(600) - 0.125).abs() < 0.02);
        assert_eq!(delayed(0.0, &mut draw(1)), Span::ZERO);
    }
}

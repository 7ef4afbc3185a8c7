//! `latency`: a message takes `add` longer, `jitter` more or less (alike), with the `probability`.
//!
//! As Chaos Mesh and `tc netem` do, it delays what leaves: of an edge the caller's requests; of a node its answers, and its
//! own requests to others; of a zone what each of its nodes sends. The ledger calls it `fault`. Connections are opened as
//! quickly as ever.

use crate::random::Draw;
use crate::units::Span;

/// The time added to one message.
pub(super) fn added(add: Span, jitter: Span, share: f64, draw: &mut Draw) -> Span {
    if draw.unit() >= share {
        return Span::ZERO;
    }
    let most = (2 * jitter.0) as f64;
    Span((add.0 + (draw.unit() * most) as u64).saturating_sub(jitter.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    #[test]
    fn it_lies_around_what_is_added_and_hits_its_share() {
        let draw = |n| Draw::new(1, Lineage(7), Purpose::Fault, n);
        let all: Vec<u64> = (0..4000).map(|n| added(Span(100), Span(30), 0.25, &mut draw(n)).0).collect();
        let hit: Vec<u64> = all.into_iter().filter(|t| *t > 0).collect();
        assert!((900..1100).contains(&hit.len()), "{}", hit.len());
        assert!(hit.iter().all(|t| (70..=130).contains(t)));
        let mean = hit.iter().sum::<u64>() as f64 / hit.len() as f64;
        assert!((mean - 100.0).abs() < 3.0, "{mean}");
        assert_eq!(added(Span(100), Span::ZERO, 1.0, &mut draw(1)), Span(100));
    }
}

//! Contention: work takes longer the more requests a replica works on.
//!
//! `contention = "1%"`, `coherency = "0.1%"` on a service, gateway, database or external: work that begins while N requests
//! (itself included) have a worker of the replica takes 1 + σ (N − 1) + κ N (N − 1) times as long as it would alone. σ is what
//! each waits for what all share: a lock, a bus, a connection to one writer. κ is what every pair must agree on: caches that
//! are kept coherent, locks that are handed around. With both at zero, the default, requests do not slow each other down.
//!
//! That is the Universal Scalability Law: throughput N ÷ (1 + σ (N − 1) + κ N (N − 1)) rises to 1 ÷ σ where κ is zero, and has a
//! maximum at N = √((1 − σ) ÷ κ) beyond which more requests at once mean fewer done. N is looked at when work begins; what
//! comes later does not stretch work that runs. Encoding is not stretched. `cores` are something else: they share what
//! there is and lose nothing; where both are said, both hold.
//!
//! The forecast of `check` counts work as if it were alone.
//!
//! Source: Gunther, Guerrilla Capacity Planning (Springer, 2007), ch. 4 to 6.

use crate::units::Span;

/// What requests at one replica cost each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contention {
    /// σ: how much longer work takes for each other request.
    pub sigma: f64,
    /// κ: how much longer for each pair, in both orders.
    pub kappa: f64,
}

impl Contention {
    /// How long work takes that begins among `busy` requests, itself included.
    pub fn stretch(self, work: Span, busy: u32) -> Span {
        let (n, others) = (f64::from(busy), f64::from(busy.saturating_sub(1)));
        Span((work.0 as f64 * (1.0 + self.sigma * others + self.kappa * n * others)).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Span = Span(1_000_000);

    #[test]
    fn nothing_else_at_work_costs_nothing() {
        let rule = Contention { sigma: 0.1, kappa: 0.1 };
        assert_eq!(rule.stretch(WORK, 1), WORK);
        assert_eq!(rule.stretch(WORK, 0), WORK);
    }

    #[test]
    fn throughput_peaks_where_the_law_says() {
        let rule = Contention { sigma: 0.04, kappa: 0.0006 };
        let throughput = |n: u32| f64::from(n) / rule.stretch(WORK, n).0 as f64;
        let best = (1..=200).max_by(|a, b| throughput(*a).total_cmp(&throughput(*b)));
        assert_eq!(best, Some(40), "√(0.96 ÷ 0.0006) = 40");
        let linear = Contention { sigma: 0.5, kappa: 0.0 };
        assert_eq!(linear.stretch(WORK, 3), Span(2_000_000));
    }
}

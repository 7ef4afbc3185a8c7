//! Adaptive concurrency limits: so many at once as the latency allows.
//!
//! `concurrency_limit = "gradient"` (or `"aimd"`, `"vegas"`, or `{ kind = "gradient", initial = 20, min = 20, max = 200 }`) finds
//! by itself how many calls may be out at once: as long as answers come as fast as usual the limit grows, when they
//! slow down it shrinks. A caller over its limit fails with `bulkhead_full`; a service over its own refuses with `overloaded`.
//!
//! `gradient` compares each latency with its long-term mean, `vegas` with the shortest one seen, `aimd` only looks for calls
//! that were dropped (timed out, refused) or took longer than 5 s. Rules and numbers are those of Netflix's
//! concurrency-limits: `Gradient2Limit`, `VegasLimit`, `AIMDLimit`.
//!
//! Where clients have priorities, the less important go first: at the limit a call is let in only while those inside that are
//! at least as important are fewer than the limit. The most important thus have the whole limit to themselves, and the others
//! what is left of it, as in `AbstractPartitionedLimiter` with partitions of 100 % and 0 % (Netflix, "Enhancing Netflix
//! Reliability with Service-Level Prioritized Load Shedding", 2024).

use crate::units::Span;

use super::super::outcome::Outcome;
use super::Verdict;

/// A limit as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitSpec {
    /// How it adapts.
    pub kind: Kind,
    /// At the start.
    pub initial: f64,
    /// At least.
    pub min: f64,
    /// At most.
    pub max: f64,
}

/// How a limit adapts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When it grows by one and shrinks by a tenth.
    Aimd,
    /// When it follows the ratio of long-term to present latency.
    Gradient,
    /// When it estimates the callee's line.
    Vegas,
}

/// The state of a limit.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the limit is what it is called")]
pub struct Limit {
    spec: LimitSpec,
    limit: f64,
    inside: u32,
    /// Of those inside, how many of each priority, up to the least important seen.
    classes: Vec<u32>,
    /// Mean latency in the long run (gradient), shortest latency (Vegas), in seconds; 0: none yet.
    usual: f64,
    samples: u32,
    /// Samples after which Vegas measures the shortest latency anew, in units of 30 × limit.
    renew: f64,
}

/// Samples of the gradient's long-term mean, and those that it takes a plain mean of first.
const LONG: f64 = 600.0;
const WARM: u32 = 10;
/// How much the gradient's limit follows each sample, how slow a sample may be, and the line it allows.
const SMOOTHING: f64 = 0.2;
const TOLERANCE: f64 = 1.5;
const QUEUE: f64 = 4.0;
/// A latency that AIMD takes for a dropped call.
const TOO_LONG: f64 = 5.0;

impl Limit {
    /// As it is at the start.
    pub fn new(spec: LimitSpec) -> Self {
        Self { spec, limit: spec.initial, inside: 0, classes: Vec::new(), usual: 0.0, samples: 0, renew: 1.0 }
    }

    /// Asks for room for a call of this priority (0 is the most important); `Go` takes it.
    pub fn admit(&mut self, priority: u8) -> Verdict {
        let class = usize::from(priority);
        if self.classes.len() <= class {
            self.classes.resize(class + 1, 0);
        }
        let most = self.limit.floor();
        if f64::from(self.inside) < most || f64::from(self.classes[..=class].iter().sum::<u32>()) < most {
            self.inside += 1;
            self.classes[class] += 1;
            Verdict::Go
        } else {
            Verdict::Refuse(Outcome::BulkheadFull)
        }
    }

    /// One of this priority that was inside has ended so, after `latency`; `u` is uniform in [0, 1). An error says nothing
    /// about the load.
    pub fn release(&mut self, priority: u8, latency: Span, outcome: Outcome, u: f64) {
        let inside = f64::from(self.inside);
        self.inside = self.inside.saturating_sub(1);
        if let Some(class) = self.classes.get_mut(usize::from(priority)) {
            *class = class.saturating_sub(1);
        }
        if matches!(
            outcome,
            Outcome::Error | Outcome::Canceled | Outcome::Abandoned | Outcome::Deadlock | Outcome::LockTimeout
        ) {
            return;
        }
        let (latency, dropped) = (latency.as_secs_f64().max(1e-9), outcome != Outcome::Succeeded);
        let limit = match self.spec.kind {
            Kind::Aimd => aimd(self.limit, inside, latency, dropped),
            Kind::Gradient => self.gradient(inside, latency),
            Kind::Vegas => self.vegas(inside, latency, dropped, u),
        };
        self.limit = limit.clamp(self.spec.min, self.spec.max);
    }

    /// Whether nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.inside == 0
    }

    /// The limit now.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    fn gradient(&mut self, inside: f64, latency: f64) -> f64 {
        self.samples = self.samples.saturating_add(1);
        self.usual = if self.samples <= WARM {
            self.usual + (latency - self.usual) / f64::from(self.samples)
        } else {
            self.usual + (latency - self.usual) * 2.0 / (LONG + 1.0)
        };
        let usual = self.usual;
        if usual / latency > 2.0 {
            // After a slow spell the mean comes down faster than its memory is long.
            self.usual *= 0.95;
        }
        if inside < self.limit / 2.0 {
            return self.limit;
        }
        let gradient = (TOLERANCE * usual / latency).clamp(0.5, 1.0);
        self.limit * (1.0 - SMOOTHING) + SMOOTHING * (self.limit * gradient + QUEUE)
    }

    fn vegas(&mut self, inside: f64, latency: f64, dropped: bool, u: f64) -> f64 {
        self.samples = self.samples.saturating_add(1);
        if f64::from(self.samples) >= self.renew * 30.0 * self.limit {
            (self.samples, self.renew, self.usual) = (0, 0.5 + 0.5 * u, latency);
            return self.limit;
        }
        if self.usual == 0.0 || latency < self.usual {
            self.usual = latency;
            return self.limit;
        }
        let step = libm::log10(self.limit).floor().max(1.0);
        if dropped {
            return self.limit - step;
        }
        let line = (self.limit * (1.0 - self.usual / latency)).ceil();
        if inside < self.limit / 2.0 {
            self.limit
        } else if line <= step {
            self.limit + 6.0 * step
        } else if line < 3.0 * step {
            self.limit + step
        } else if line > 6.0 * step {
            self.limit - step
        } else {
            self.limit
        }
    }
}

fn aimd(limit: f64, inside: f64, latency: f64, dropped: bool) -> f64 {
    if dropped || latency > TOO_LONG {
        (limit * 0.9).floor()
    } else if inside >= limit / 2.0 {
        limit + 1.0
    } else {
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(kind: Kind) -> Limit {
        Limit::new(LimitSpec { kind, initial: 20.0, min: 1.0, max: 200.0 })
    }

    /// Fills the limit and lets all go with this latency, `rounds` times.
    fn load(limit: &mut Limit, rounds: u32, latency_ms: u64, outcome: Outcome) {
        for _ in 0..rounds {
            let went = (0..1_000).take_while(|_| limit.admit(0) == Verdict::Go).count();
            for _ in 0..went {
                limit.release(0, Span(latency_ms * 1_000_000), outcome, 0.5);
            }
        }
    }

    #[test]
    fn steady_latency_lets_it_grow_and_a_slow_callee_makes_it_shrink() {
        for kind in [Kind::Gradient, Kind::Vegas] {
            let mut limit = limit(kind);
            load(&mut limit, 5, 10, Outcome::Succeeded);
            let high = limit.limit();
            assert!(high > 50.0, "{kind:?} {high}");
            // All at once, and the first fifty answers are slow: too few for Vegas to take that for usual.
            while limit.admit(0) == Verdict::Go {}
            (0..50).for_each(|_| limit.release(0, Span(100_000_000), Outcome::Succeeded, 0.5));
            assert!(limit.limit() < 0.8 * high, "{kind:?} {high} {}", limit.limit());
        }
    }

    #[test]
    fn aimd_adds_one_and_takes_a_tenth() {
        let mut aimd = limit(Kind::Aimd);
        load(&mut aimd, 1, 10, Outcome::Succeeded);
        assert!(aimd.limit() > 25.0, "{}", aimd.limit());
        let before = aimd.limit();
        assert_eq!(aimd.admit(0), Verdict::Go);
        aimd.release(0, Span(1), Outcome::Timeout, 0.0);
        assert_eq!(aimd.limit(), (before * 0.9).floor());
        let after = aimd.limit();
        assert_eq!(aimd.admit(0), Verdict::Go);
        aimd.release(0, Span(1), Outcome::Error, 0.0);
        assert_eq!(aimd.limit(), after, "an error says nothing about the load");
    }

    #[test]
    fn whoever_finds_no_room_is_refused() {
        let mut limit = limit(Kind::Aimd);
        assert_eq!((0..1_000).take_while(|_| limit.admit(0) == Verdict::Go).count(), 20);
        assert_eq!(limit.admit(0), Verdict::Refuse(Outcome::BulkheadFull));
    }

    #[test]
    fn at_the_limit_the_less_important_are_refused() {
        let mut limit = limit(Kind::Aimd);
        assert_eq!((0..1_000).take_while(|_| limit.admit(1) == Verdict::Go).count(), 20);
        assert_eq!(
            (0..1_000).take_while(|_| limit.admit(0) == Verdict::Go).count(),
            20,
            "as if the others were not there"
        );
        assert_eq!(limit.admit(0), Verdict::Refuse(Outcome::BulkheadFull));
        limit.release(0, Span(1), Outcome::Error, 0.0);
        assert_eq!(limit.admit(1), Verdict::Refuse(Outcome::BulkheadFull));
        assert_eq!(limit.admit(0), Verdict::Go);
    }
}

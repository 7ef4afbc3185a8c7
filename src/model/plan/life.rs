//! The life of replicas as planned: when they are ready, how they warm up, how many there are.

use crate::units::Span;

use super::super::fault::rollout::Drain;
use super::super::id::LawId;
use super::super::policy::Autoscale;

/// How the replicas of a node come and go.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// So many are there, ready and warm, at time zero.
    pub initial: u32,
    /// From the start of one until it is ready.
    pub ready_after: LawId,
    /// How one that is new works.
    pub warmup: Option<Warmup>,
    /// Who says how many there are; `None`: there are always as many.
    pub autoscale: Option<Autoscale>,
    /// How one goes that is to go, where that is said.
    pub drain: Option<Drain>,
}

/// Work takes longer at first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warmup {
    /// So many times as long when a replica is just ready, then linearly down to 1.
    pub factor: f64,
    /// How long that takes.
    pub over: Span,
}

impl Warmup {
    /// Steps in which work becomes quicker.
    pub const STEPS: u32 = 32;

    /// How many times as long work takes in one of the [`STEPS`](Self::STEPS): what it is in the middle of it.
    pub fn slowness(&self, step: u32) -> f64 {
        let passed = (f64::from(step) + 0.5) / f64::from(Self::STEPS);
        if step < Self::STEPS { 1.0 + (self.factor - 1.0) * (1.0 - passed) } else { 1.0 }
    }

    /// How long a step is.
    pub fn step(&self) -> Span {
        Span((self.over.0 / u64::from(Self::STEPS)).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_in_a_line_from_the_factor_to_one() {
        let warmup = Warmup { factor: 3.0, over: Span(3_200) };
        let all: Vec<f64> = (0..Warmup::STEPS).map(|step| warmup.slowness(step)).collect();
        assert!(all.is_sorted_by(|a, b| a > b));
        let mean = all.iter().sum::<f64>() / f64::from(Warmup::STEPS);
        assert!((mean - 2.0).abs() < 1e-12, "{mean}");
        assert!((all[0] - 3.0).abs() < 0.05 && (warmup.slowness(Warmup::STEPS) - 1.0).abs() < 1e-12);
        assert_eq!(warmup.step(), Span(100));
    }
}

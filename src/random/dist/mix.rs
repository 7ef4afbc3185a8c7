//! A mix: one of several laws, each with its share.

use super::{Dist, Law, not_negative};
use crate::random::Draw;

/// Shares may miss 1 by so much, for what rounding does to thirds.
const SLACK: f64 = 1e-6;

/// One of several distributions.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    branches: Box<[Branch]>,
}

/// A branch of a mix.
#[derive(Clone, Debug, PartialEq)]
struct Branch {
    share: f64,
    /// Sum of the shares up to and with this one.
    up_to: f64,
    dist: Dist,
}

impl Mix {
    /// By shares, which sum to 1, and laws.
    pub fn new(branches: &[(f64, Law)]) -> Result<Self, String> {
        if branches.is_empty() {
            return Err("an empty mix; write at least one branch with its share".into());
        }
        let mut up_to = 0.0;
        let mut made = Vec::with_capacity(branches.len());
        for (i, (share, law)) in branches.iter().enumerate() {
            let share = not_negative("share", *share).map_err(|e| format!("in branch {}: {e}", i + 1))?;
            let dist = Dist::new(law).map_err(|e| format!("in branch {}: {e}", i + 1))?;
            up_to += share;
            made.push(Branch { share, up_to, dist });
        }
        if (up_to - 1.0).abs() > SLACK {
            let percent = libm::round(up_to * 1e8) / 1e6;
            return Err(format!("the shares of the mix sum to {percent}%; make them 100%"));
        }
        Ok(Self { branches: made.into() })
    }

    /// Draws which branch, then from it.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        let u = draw.unit();
        let last = self.branches.len() - 1;
        let i = self.branches[..last].iter().take_while(|branch| branch.up_to <= u).count();
        self.branches[i].dist.sample_f64(draw)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.branches.iter().map(|b| b.share * b.dist.mean()).sum()
    }

    /// The variance: that within the branches and that between them.
    pub fn var(&self) -> f64 {
        let mean = self.mean();
        let apart = |b: &Branch| (b.dist.mean() - mean) * (b.dist.mean() - mean);
        self.branches.iter().map(|b| b.share * (b.dist.var() + apart(b))).sum()
    }
}

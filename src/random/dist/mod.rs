//! A number that varies: laws as written, distributions as run.
//!
//! A [`Law`] is what the scenario says; [`Dist::new`] checks it and makes a [`Dist`], whose `sample` cannot fail. Each
//! member of the family draws a *standard* variate and then scales it, so that the same [`Draw`] gives
//! the same standard variate under every scale: variants of a scenario are compared on common random numbers.

mod constant;
mod describe;
mod erlang;
mod exponential;
mod gamma;
mod geometric;
mod hyperexponential;
mod law;
mod lognormal;
mod mix;
mod normal;
mod pareto;
mod percentiles;
mod samples;
mod uniform;
mod weibull;

#[cfg(test)]
mod tests;

pub use constant::Constant;
pub use describe::Of;
pub use erlang::Erlang;
pub use exponential::Exponential;
pub use gamma::Gamma;
pub use geometric::Geometric;
pub use hyperexponential::Hyperexponential;
pub use law::Law;
pub use lognormal::Lognormal;
pub use mix::Mix;
pub use normal::Normal;
pub use pareto::Pareto;
pub use percentiles::Percentiles;
pub use samples::Samples;
pub use uniform::Uniform;
pub use weibull::Weibull;

use super::Draw;

/// A number that varies, as run: checked, ready to sample. Laws that do not vary are always [`Dist::Constant`].
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(Constant),
    /// Exponential.
    Exponential(Exponential),
    /// Log-normal, by moments or through two percentiles.
    Lognormal(Lognormal),
    /// Through three or more percentiles.
    Percentiles(Percentiles),
    /// Sum of exponentials.
    Erlang(Erlang),
    /// Gamma.
    Gamma(Gamma),
    /// One of two exponentials.
    Hyperexponential(Hyperexponential),
    /// Bounded Pareto.
    Pareto(Pareto),
    /// Weibull.
    Weibull(Weibull),
    /// Uniform.
    Uniform(Uniform),
    /// Normal, truncated at 0.
    Normal(Normal),
    /// Geometric from 1.
    Geometric(Geometric),
    /// One of several distributions.
    Mix(Mix),
    /// Measured values.
    Samples(Samples),
}

/// The largest draw, 2⁵⁸.
const MOST: f64 = 288_230_376_151_711_744.0;

/// The largest mean: three years, as nanoseconds.
const LARGEST: f64 = 1e17;

/// Evaluates `$body` for the member of the family that `$dist` is.
macro_rules! each {
    ($dist:expr, $member:ident => $body:expr) => {
        match $dist {
            Dist::Constant($member) => $body,
            Dist::Exponential($member) => $body,
            Dist::Lognormal($member) => $body,
            Dist::Percentiles($member) => $body,
            Dist::Erlang($member) => $body,
            Dist::Gamma($member) => $body,
            Dist::Hyperexponential($member) => $body,
            Dist::Pareto($member) => $body,
            Dist::Weibull($member) => $body,
            Dist::Uniform($member) => $body,
            Dist::Normal($member) => $body,
            Dist::Geometric($member) => $body,
            Dist::Mix($member) => $body,
            Dist::Samples($member) => $body,
        }
    };
}

impl Default for Dist {
    /// Always 0.
    fn default() -> Self {
        Self::ZERO
    }
}

impl Dist {
    /// Always 0.
    pub const ZERO: Self = Self::Constant(Constant::new(0.0));

    /// Always `value`.
    pub fn fixed(value: u64) -> Self {
        Self::Constant(Constant::new(value as f64))
    }

    /// Checks a law and makes it ready to sample. The error is a fragment that says how it would be right.
    pub fn new(law: &Law) -> Result<Self, String> {
        let dist = match law {
            Law::Constant { value } => Self::Constant(Constant::new(not_negative("value", *value)?)),
            Law::Exponential { mean } => Self::Exponential(Exponential::new(*mean)?),
            Law::Lognormal { mean, cv } => Self::Lognormal(Lognormal::new(*mean, *cv)?),
            Law::Percentiles(points) => percentiles::fit(points)?,
            Law::Erlang { mean, k } => Self::Erlang(Erlang::new(*mean, *k)?),
            Law::Gamma { mean, cv } => Self::Gamma(Gamma::new(*mean, *cv)?),
            Law::Hyperexponential { mean, cv } => Self::Hyperexponential(Hyperexponential::new(*mean, *cv)?),
            Law::Pareto { min, max, alpha } => Self::Pareto(Pareto::new(*min, *max, *alpha)?),
            Law::Weibull { mean, shape } => Self::Weibull(Weibull::new(*mean, *shape)?),
            Law::Uniform { min, max } => Self::Uniform(Uniform::new(*min, *max)?),
            Law::Normal { mean, sd } => Self::Normal(Normal::new(*mean, *sd)?),
            Law::Geometric { mean } => Self::Geometric(Geometric::new(*mean)?),
            Law::Mix(branches) => Self::Mix(Mix::new(branches)?),
            Law::Samples { path, values } => Self::Samples(Samples::new(path, values)?),
        };
        let mean = dist.mean();
        if mean.is_nan() || mean > LARGEST {
            return Err("a mean beyond all that is ever run (three years); make it vary less".into());
        }
        Ok(dist.settle())
    }

    /// Turns what does not vary into a constant.
    fn settle(self) -> Self {
        if self.var() == 0.0 { Self::Constant(Constant::new(self.mean())) } else { self }
    }

    /// Draws a value, rounded to whole units (nanoseconds, or counts).
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> u64 {
        match self {
            Self::Constant(constant) => constant.rounded(),
            Self::Exponential(exponential) => whole(exponential.sample(draw)),
            other => whole(other.sample_f64(draw)),
        }
    }

    /// Draws a value, not rounded.
    pub fn sample_f64(&self, draw: &mut Draw) -> f64 {
        each!(self, member => member.sample(draw))
    }

    /// The mean, in closed form (not rounded).
    pub fn mean(&self) -> f64 {
        each!(self, member => member.mean())
    }

    /// The variance, in closed form.
    pub fn var(&self) -> f64 {
        each!(self, member => member.var())
    }

    /// Squared coefficient of variation: variance ÷ mean²; 0 for a mean of 0.
    pub fn scv(&self) -> f64 {
        let mean = self.mean();
        if mean == 0.0 { 0.0 } else { self.var() / (mean * mean) }
    }

    /// Whether every sample is 0.
    pub fn is_zero(&self) -> bool {
        self.constant() == Some(0)
    }

    /// The value, rounded, if it is always the same.
    pub fn constant(&self) -> Option<u64> {
        if let Self::Constant(constant) = self { Some(constant.rounded()) } else { None }
    }
}

/// Rounds to the nearest whole number. Values are never negative; what is too large becomes 2⁵⁸ (as nanoseconds, nine years),
/// so that thirty of them can be added. Processors convert to signed numbers in one step, to unsigned ones in several.
#[inline]
fn whole(x: f64) -> u64 {
    ((x + 0.5).min(MOST) as i64).cast_unsigned()
}

/// Refuses NaN, endless and negative numbers.
fn not_negative(what: &str, x: f64) -> Result<f64, String> {
    if !x.is_finite() {
        return Err(format!("a {what} that is not a number; write a finite one"));
    }
    if x < 0.0 {
        return Err(format!("a negative {what}; write zero or more"));
    }
    Ok(x)
}

/// Refuses NaN, endless, negative numbers and zero.
fn positive(what: &str, x: f64) -> Result<f64, String> {
    if not_negative(what, x)? == 0.0 {
        return Err(format!("a {what} of zero; write more than zero"));
    }
    Ok(x)
}

/// Refuses a lower end that does not lie below the upper.
fn ascending(min: f64, max: f64) -> Result<(), String> {
    if min == max {
        return Err("`min` and `max` are equal; write the value alone for a constant".into());
    }
    if min > max {
        return Err("`min` is above `max`; exchange them".into());
    }
    Ok(())
}

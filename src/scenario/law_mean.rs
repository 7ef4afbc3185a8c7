//! Means of laws, as far as checks and the analytic model need them.

use crate::random::dist::{Dist, Law};

/// The mean of a law; fits run only where there is no formula.
pub(crate) fn mean(law: &Law) -> f64 {
    match law {
        Law::Constant { value } => *value,
        Law::Exponential { mean }
        | Law::Lognormal { mean, .. }
        | Law::Erlang { mean, .. }
        | Law::Gamma { mean, .. }
        | Law::Hyperexponential { mean, .. }
        | Law::Weibull { mean, .. }
        | Law::Geometric { mean } => *mean,
        Law::Uniform { min, max } => f64::midpoint(*min, *max),
        other => Dist::new(other).map_or(0.0, |dist| dist.mean()),
    }
}

//! Means of laws and which parameters are possible, as far as the check needs them.

use crate::random::dist::Law;

/// The mean of a law.
pub(crate) fn mean(law: &Law) -> f64 {
    match law {
        Law::Constant { value } => *value,
        Law::Exponential { mean }
        | Law::Lognormal { mean, .. }
        | Law::Erlang { mean, .. }
        | Law::Gamma { mean, .. }
        | Law::Hyperexponential { mean, .. }
        | Law::Weibull { mean, .. }
        | Law::Geometric { mean }
        | Law::Normal { mean, .. } => *mean,
        Law::Uniform { min, max } => f64::midpoint(*min, *max),
        Law::Pareto { min, max, alpha } => pareto(*min, *max, *alpha),
        Law::Percentiles(points) => percentiles(points),
        Law::Mix(branches) => branches.iter().map(|(share, law)| share * mean(law)).sum(),
        Law::Samples { values, .. } => values.iter().sum::<f64>() / values.len().max(1) as f64,
    }
}

fn pareto(min: f64, max: f64, alpha: f64) -> f64 {
    let cut = 1.0 - (min / max).powf(alpha);
    if (alpha - 1.0).abs() < 1e-9 {
        return min * (max / min).ln() / cut;
    }
    min.powf(alpha) / cut * alpha / (alpha - 1.0) * (min.powf(1.0 - alpha) - max.powf(1.0 - alpha))
}

/// Quantiles of the standard normal at the percentiles that can be named.
fn z(q: f64) -> f64 {
    match q {
        q if q <= 0.5 => 0.0,
        q if q <= 0.9 => 1.281_551_565_5,
        q if q <= 0.95 => 1.644_853_626_9,
        q if q <= 0.99 => 2.326_347_874,
        _ => 3.090_232_306,
    }
}

/// The log-normal through the first and the last point; good enough for a forecast.
fn percentiles(points: &[(f64, f64)]) -> f64 {
    let (Some(low), Some(high)) = (points.first(), points.last()) else { return 0.0 };
    if low.1 <= 0.0 || high.1 <= 0.0 || low.0 >= high.0 {
        return high.1;
    }
    let sigma = (high.1 / low.1).ln() / (z(high.0) - z(low.0));
    (low.1.ln() - sigma * z(low.0) + sigma * sigma / 2.0).exp()
}

/// Why no distribution has these parameters; `None` if one has.
pub(crate) fn impossible(law: &Law) -> Option<String> {
    let why = |no: bool, why: &str| no.then(|| why.to_owned());
    match law {
        Law::Exponential { mean } | Law::Normal { mean, .. } if !mean.is_finite() => Some("an endless mean".into()),
        Law::Lognormal { mean, .. } | Law::Gamma { mean, .. } | Law::Weibull { mean, .. } if *mean <= 0.0 => {
            Some("the mean must be above zero".into())
        }
        Law::Gamma { cv, .. } => why(*cv <= 0.0, "a gamma's cv must be above zero; a constant has none"),
        Law::Weibull { shape, .. } => why(*shape <= 0.0, "a weibull's shape must be above zero"),
        Law::Erlang { k, .. } => why(*k == 0, "an erlang has at least one stage: k = 1"),
        Law::Hyperexponential { cv, .. } => why(*cv < 1.0, "a hyperexponential's cv is at least 1; below, use gamma or erlang"),
        Law::Pareto { min, max, alpha } => why(*min <= 0.0 || max <= min || *alpha <= 0.0, "a pareto needs 0 < min < max and alpha above 0"),
        Law::Uniform { min, max } => why(max < min, "a uniform's max lies below its min"),
        Law::Geometric { mean } => why(*mean < 1.0, "a geometric counts from 1, so its mean is at least 1"),
        Law::Percentiles(points) => why(
            points.windows(2).any(|w| w[1].1 < w[0].1) || points.iter().any(|p| p.1 <= 0.0),
            "percentiles must be above zero and grow: p50 ≤ p90 ≤ p95 ≤ p99 ≤ p999",
        ),
        _ => None,
    }
}

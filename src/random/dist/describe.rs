//! Laws in words, as `check` prints them.

use std::fmt;

use super::Law;
use crate::units::Span;

/// What a law's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// When they are nanoseconds.
    Time,
    /// When they are counts (batch sizes, bytes).
    Count,
}

impl Law {
    /// The law in words: `exponential, mean 5ms`.
    pub fn describe(&self, of: Of) -> String {
        let v = |x: f64| value(x, of);
        match self {
            Self::Constant { value } => v(*value),
            Self::Exponential { mean } => format!("exponential, mean {}", v(*mean)),
            Self::Lognormal { mean, cv } => format!("log-normal, mean {}, cv {cv}", v(*mean)),
            Self::Percentiles(points) => percentiles(points, of),
            Self::Erlang { mean, k } => format!("erlang, mean {}, k {k}", v(*mean)),
            Self::Gamma { mean, cv } => format!("gamma, mean {}, cv {cv}", v(*mean)),
            Self::Hyperexponential { mean, cv } => format!("hyperexponential, mean {}, cv {cv}", v(*mean)),
            Self::Pareto { min, max, alpha } => format!("bounded pareto, {} to {}, alpha {alpha}", v(*min), v(*max)),
            Self::Weibull { mean, shape } => format!("weibull, mean {}, shape {shape}", v(*mean)),
            Self::Uniform { min, max } => format!("uniform, {} to {}", v(*min), v(*max)),
            Self::Normal { mean, sd } => format!("normal, mean {}, sd {}, cut at 0", v(*mean), v(*sd)),
            Self::Geometric { mean } => format!("geometric, mean {}", v(*mean)),
            Self::Mix(branches) => mix(branches, of),
            Self::Samples { path, values } => format!("{} values of {path}", values.len()),
        }
    }
}

impl fmt::Display for Law {
    /// In words, its numbers as times.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(Of::Time))
    }
}

/// The name of a quantile: 0.5 is `p50`, 0.999 is `p999`.
pub(super) fn percentile_name(q: f64) -> String {
    let percent = libm::round(q * 1e8) / 1e6;
    format!("p{percent}").replace('.', "")
}

/// A number as people write it.
fn value(x: f64, of: Of) -> String {
    match of {
        Of::Time if x < 0.0 => format!("-{}", value(-x, of)),
        // Fractions of a nanosecond (costs per byte) are kept.
        Of::Time if x == 0.0 || x >= 100.0 => Span(libm::round(x) as u64).to_string(),
        Of::Time => format!("{x}ns"),
        Of::Count => x.to_string(),
    }
}

/// Two points are a log-normal, more are a fit.
fn percentiles(points: &[(f64, f64)], of: Of) -> String {
    let listed: Vec<String> =
        points.iter().map(|(q, x)| format!("{} {}", percentile_name(*q), value(*x, of))).collect();
    let kind = if points.len() == 2 { "log-normal" } else { "monotone fit" };
    format!("{kind} through {}", listed.join(", "))
}

/// The branches with their shares.
fn mix(branches: &[(f64, Law)], of: Of) -> String {
    let branch = |(share, law): &(f64, Law)| format!("{}% ({})", libm::round(share * 1e8) / 1e6, law.describe(of));
    format!("mix of {}", branches.iter().map(branch).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_law_is() {
        let exponential = Law::Exponential { mean: 5e6 };
        assert_eq!(exponential.to_string(), "exponential, mean 5ms");
        assert_eq!(Law::Constant { value: 2.4 }.to_string(), "2.4ns");
        assert_eq!(Law::Constant { value: 0.0 }.to_string(), "0s");
        assert_eq!(Law::Geometric { mean: 10.0 }.describe(Of::Count), "geometric, mean 10");
        let two = Law::Percentiles(vec![(0.5, 8e6), (0.99, 60e6)]);
        assert_eq!(two.to_string(), "log-normal through p50 8ms, p99 60ms");
        let three = Law::Percentiles(vec![(0.5, 8e6), (0.95, 20e6), (0.999, 60e6)]);
        assert_eq!(three.to_string(), "monotone fit through p50 8ms, p95 20ms, p999 60ms");
        let mix = Law::Mix(vec![(0.99, exponential), (0.01, Law::Constant { value: 1e9 })]);
        assert_eq!(mix.to_string(), "mix of 99% (exponential, mean 5ms), 1% (1s)");
    }
}

//! Laws as written.

/// A number that varies, as written. Times are in nanoseconds (fractions allowed), counts in units.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same.
    Constant {
        /// The value.
        value: f64,
    },
    /// Exponential.
    Exponential {
        /// Its mean.
        mean: f64,
    },
    /// Log-normal by mean and coefficient of variation.
    Lognormal {
        /// Its mean.
        mean: f64,
        /// Standard deviation ÷ mean.
        cv: f64,
    },
    /// Through percentiles: (quantile in (0, 1), value), ascending. Two: log-normal through both; more: a monotone fit.
    Percentiles(Vec<(f64, f64)>),
    /// Sum of `k` exponentials.
    Erlang {
        /// Its mean.
        mean: f64,
        /// Stages.
        k: u32,
    },
    /// Gamma by mean and coefficient of variation.
    Gamma {
        /// Its mean.
        mean: f64,
        /// Standard deviation ÷ mean.
        cv: f64,
    },
    /// Two exponentials with balanced means, cv ≥ 1.
    Hyperexponential {
        /// Its mean.
        mean: f64,
        /// Standard deviation ÷ mean.
        cv: f64,
    },
    /// Bounded Pareto.
    Pareto {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Tail index.
        alpha: f64,
    },
    /// Weibull by mean and shape.
    Weibull {
        /// Its mean.
        mean: f64,
        /// Shape; below 1 heavier than exponential.
        shape: f64,
    },
    /// Uniform.
    Uniform {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Normal, truncated at 0 (what falls below is drawn again).
    Normal {
        /// Mean before the truncation.
        mean: f64,
        /// Standard deviation before the truncation.
        sd: f64,
    },
    /// Geometric from 1.
    Geometric {
        /// Its mean, at least 1.
        mean: f64,
    },
    /// One of several laws: (share, law); shares sum to 1.
    Mix(Vec<(f64, Law)>),
    /// Measured values, each as likely as the other.
    Samples {
        /// The file as written.
        path: String,
        /// The values.
        values: Vec<f64>,
    },
}

impl Law {
    /// The same with all values so many times as large; the same draw gives a value so many times as large, but of a geometric
    /// law, whose values are whole.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        match self.clone() {
            Self::Constant { value } => Self::Constant { value: value * factor },
            Self::Exponential { mean } => Self::Exponential { mean: mean * factor },
            Self::Lognormal { mean, cv } => Self::Lognormal { mean: mean * factor, cv },
            Self::Percentiles(points) => Self::Percentiles(points.into_iter().map(|(q, x)| (q, x * factor)).collect()),
            Self::Erlang { mean, k } => Self::Erlang { mean: mean * factor, k },
            Self::Gamma { mean, cv } => Self::Gamma { mean: mean * factor, cv },
            Self::Hyperexponential { mean, cv } => Self::Hyperexponential { mean: mean * factor, cv },
            Self::Pareto { min, max, alpha } => Self::Pareto { min: min * factor, max: max * factor, alpha },
            Self::Weibull { mean, shape } => Self::Weibull { mean: mean * factor, shape },
            Self::Uniform { min, max } => Self::Uniform { min: min * factor, max: max * factor },
            Self::Normal { mean, sd } => Self::Normal { mean: mean * factor, sd: sd * factor },
            Self::Geometric { mean } => Self::Geometric { mean: (mean * factor).max(1.0) },
            Self::Mix(branches) => {
                Self::Mix(branches.into_iter().map(|(share, law)| (share, law.times(factor))).collect())
            }
            Self::Samples { path, values } => {
                Self::Samples { path, values: values.into_iter().map(|x| x * factor).collect() }
            }
        }
    }
}

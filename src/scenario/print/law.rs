//! Laws as TOML.

use super::quoted;
use crate::random::dist::Law;
use crate::scenario::check::laws_of;
use crate::scenario::written::{Arrivals, Load, Scenario};
use crate::units::{Span, parse_nanos};

/// A law over times.
pub(in crate::scenario) fn law(law: &Law) -> String {
    match law {
        Law::Constant { value } => span(*value),
        other => table(other),
    }
}

/// A law over counts.
pub(super) fn count_law(law: &Law) -> String {
    match law {
        Law::Constant { value } => format!("{value:?}"),
        other => braces(&parts(other, &|x| format!("{x:?}"))),
    }
}

/// A law over times as a table, constants too.
pub(super) fn table(law: &Law) -> String {
    braces(&parts(law, &span))
}

/// A time in quotes, in the form that reads back to the very same number.
pub(super) fn span(nanos: f64) -> String {
    let short = Span(nanos as u64).to_string();
    if parse_nanos(&short) == Ok(nanos) { format!("\"{short}\"") } else { format!("\"{nanos}ns\"") }
}

fn braces(parts: &[String]) -> String {
    format!("{{ {} }}", parts.join(", "))
}

fn parts(law: &Law, unit: &dyn Fn(f64) -> String) -> Vec<String> {
    let dist = |name: &str, rest: Vec<String>| [vec![format!("dist = \"{name}\"")], rest].concat();
    let u = |key: &str, x: f64| format!("{key} = {}", unit(x));
    let n = |key: &str, x: f64| format!("{key} = {x:?}");
    match law {
        Law::Constant { value } => vec![u("value", *value)],
        Law::Exponential { mean } => vec![u("mean", *mean)],
        Law::Lognormal { mean, cv } => dist("lognormal", vec![u("mean", *mean), n("cv", *cv)]),
        Law::Percentiles(points) => points.iter().map(|(q, x)| u(percentile(*q), *x)).collect(),
        Law::Erlang { mean, k } => dist("erlang", vec![u("mean", *mean), format!("k = {k}")]),
        Law::Gamma { mean, cv } => dist("gamma", vec![u("mean", *mean), n("cv", *cv)]),
        Law::Hyperexponential { mean, cv } => dist("hyperexponential", vec![u("mean", *mean), n("cv", *cv)]),
        Law::Pareto { min, max, alpha } => dist("pareto", vec![u("min", *min), u("max", *max), n("alpha", *alpha)]),
        Law::Weibull { mean, shape } => dist("weibull", vec![u("mean", *mean), n("shape", *shape)]),
        Law::Uniform { min, max } => dist("uniform", vec![u("min", *min), u("max", *max)]),
        Law::Normal { mean, sd } => dist("normal", vec![u("mean", *mean), u("sd", *sd)]),
        Law::Geometric { mean } => dist("geometric", vec![u("mean", *mean)]),
        Law::Mix(branches) => {
            let branch =
                |(share, law): &(f64, Law)| braces(&[vec![format!("share = {share:?}")], parts(law, unit)].concat());
            vec![format!("mix = [{}]", branches.iter().map(branch).collect::<Vec<_>>().join(", "))]
        }
        Law::Samples { path, .. } => vec![format!("samples = {}", quoted(path))],
    }
}

fn percentile(q: f64) -> &'static str {
    match q {
        q if q <= 0.5 => "p50",
        q if q <= 0.9 => "p90",
        q if q <= 0.95 => "p95",
        q if q <= 0.99 => "p99",
        _ => "p999",
    }
}

/// What the files say that a scenario names: the same path with other contents is another scenario.
pub(super) fn numbers_of_files(scenario: &Scenario) -> Vec<f64> {
    let mut all = Vec::new();
    laws_of(scenario, &mut |law| contents(law, &mut all));
    for client in scenario.clients.values() {
        if let Load::Open { arrivals, .. } = &client.load
            && let Arrivals::Replay { times, .. } = &arrivals.value
        {
            all.extend(times.iter().map(|t| t.0 as f64));
        }
    }
    all
}

fn contents(law: &Law, out: &mut Vec<f64>) {
    match law {
        Law::Samples { values, .. } => out.extend(values),
        Law::Mix(branches) => branches.iter().for_each(|(_, law)| contents(law, out)),
        _ => {}
    }
}

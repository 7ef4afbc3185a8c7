//! The expression of an SLO: `p99 < 400ms`, `success_rate >= 99.5%`, `good(400ms) >= 99%`.

use crate::diag::{Code, Complaint, code};
use crate::scenario::written::{Metric, Promise, Sense};
use crate::units::{Rate, parse_nanos, parse_share};

/// The figures and an example of each.
const METRICS: &str = "p50, p90, p95, p99, p99.9, mean and max (\"p99 < 400ms\"), success_rate and error_rate \
    (\"success_rate >= 99.5%\"), throughput (\"throughput > 100/s\"), utilization (\"utilization < 80%\"), \
    good (\"good(400ms) >= 99%\"), lag and max_lag of a group (\"max_lag < 20000\"), \
    recovery_time (\"recovery_time < 30s\"), amplification (\"amplification < 1.5\")";

/// Figures of later versions.
const LATER: [&str; 1] = ["p_lag"];

/// What is wrong with an expression.
type Refusal = (Code, String, String);

/// Reads an expression; the complaint has no place yet.
pub(crate) fn promise(text: &str) -> Result<Promise, Complaint> {
    parse(text).map_err(|(code, message, help)| Complaint {
        help: (!help.is_empty()).then_some(help),
        ..Complaint::error(code, message)
    })
}

fn syntax(message: String) -> Refusal {
    (code::SLO_SYNTAX, message, format!("the figures are {METRICS}"))
}

/// A bound that cannot be understood: the fragment says itself how it would be right.
fn bound(message: String) -> Refusal {
    (code::SLO_SYNTAX, message, String::new())
}

fn parse(text: &str) -> Result<Promise, Refusal> {
    let at = text.find(['<', '>', '=']).ok_or_else(|| syntax(format!("`{text}` compares nothing")))?;
    let (figure, rest) = (text[..at].trim(), &text[at..]);
    let senses = [("<=", Sense::AtMost), (">=", Sense::AtLeast), ("<", Sense::Below), (">", Sense::Above)];
    let (sign, sense) = senses
        .into_iter()
        .find(|(sign, _)| rest.starts_with(sign))
        .ok_or_else(|| syntax(format!("`{text}` compares with `=`; write <, <=, > or >=")))?;
    let limit = rest[sign.len()..].trim();
    let metric = metric(figure)?;
    let limit = match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max | Metric::RecoveryTime => millis(limit)?,
        Metric::Amplification => match limit.parse::<f64>() {
            Ok(times) if times.is_finite() && times >= 0.0 => times,
            _ => return Err(bound(format!("`{limit}` is not a number from 0; write for example amplification < 3"))),
        },
        Metric::Throughput => Rate::parse(limit).map_err(bound)?.per_second(),
        Metric::SuccessRate | Metric::ErrorRate | Metric::Utilization | Metric::Good(_) => {
            parse_share(limit).map_err(bound)?
        }
        Metric::Lag | Metric::MaxLag => match limit.replace('_', "").parse::<f64>() {
            Ok(records) if records.is_finite() && records >= 0.0 => records,
            _ => return Err(bound(format!("`{limit}` is no number of records; write for example max_lag < 20000"))),
        },
    };
    Ok(Promise { metric, sense, bound: limit })
}

fn millis(text: &str) -> Result<f64, Refusal> {
    parse_nanos(text).map(|nanos| nanos / 1e6).map_err(bound)
}

fn metric(figure: &str) -> Result<Metric, Refusal> {
    if let Some(limit) =
        figure.strip_prefix("good").and_then(|r| r.trim().strip_prefix('(')).and_then(|r| r.strip_suffix(')'))
    {
        return Ok(Metric::Good(millis(limit)?));
    }
    Ok(match figure {
        "mean" => Metric::Mean,
        "max" => Metric::Max,
        "success_rate" => Metric::SuccessRate,
        "error_rate" => Metric::ErrorRate,
        "throughput" => Metric::Throughput,
        "utilization" => Metric::Utilization,
        "recovery_time" => Metric::RecoveryTime,
        "amplification" => Metric::Amplification,
        "lag" => Metric::Lag,
        "max_lag" => Metric::MaxLag,
        "good" => return Err(syntax("`good` needs a limit: good(400ms)".into())),
        "median" => return Err(syntax("the median is called `p50`".into())),
        later if LATER.contains(&later) => {
            return Err((code::NOT_YET, format!("not supported yet: {later}"), format!("the figures are {METRICS}")));
        }
        other => Metric::Percentile(quantile(other).ok_or_else(|| syntax(format!("`{other}` is not a figure")))?),
    })
}

/// 0.999 of `p99.9` and `p999`.
fn quantile(figure: &str) -> Option<f64> {
    let digits = figure.strip_prefix('p')?;
    let percent = match digits {
        "999" => 99.9,
        "9999" => 99.99,
        _ if digits.chars().all(|c| c.is_ascii_digit() || c == '.') => digits.parse::<f64>().ok()?,
        _ => return None,
    };
    // 99.9 / 100 is not the float nearest to 0.999; rounding at the 12th digit makes it so.
    (percent > 0.0 && percent < 100.0).then(|| (percent / 100.0 * 1e12).round() / 1e12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_grammar() {
        let is = |text: &str, metric, sense, bound| {
            assert_eq!(promise(text), Ok(Promise { metric, sense, bound }), "{text}");
        };
        is("p99 < 400ms", Metric::Percentile(0.99), Sense::Below, 400.0);
        is("p99.9<=1s", Metric::Percentile(0.999), Sense::AtMost, 1_000.0);
        is("p999 <= 1s", Metric::Percentile(0.999), Sense::AtMost, 1_000.0);
        is("success_rate >= 99.5%", Metric::SuccessRate, Sense::AtLeast, 0.995);
        is("throughput > 100/s", Metric::Throughput, Sense::Above, 100.0);
        is("good(400ms) >= 99%", Metric::Good(400.0), Sense::AtLeast, 0.99);
        is("max_lag < 20_000", Metric::MaxLag, Sense::Below, 20_000.0);
        is("utilization < 80%", Metric::Utilization, Sense::Below, 0.8);
    }

    #[test]
    fn refuses_the_rest_with_a_cure() {
        for (text, part) in [
            ("p99", "compares nothing"),
            ("p99 = 4ms", "compares with"),
            ("p99 < 400", "no unit"),
            ("p100 < 4ms", "not a figure"),
            ("speed < 4ms", "not a figure"),
            ("good >= 99%", "needs a limit"),
            ("max_lag < 10ms", "no number of records"),
            ("success_rate >= 120%", "between"),
            ("amplification < nan", "not a number"),
            ("amplification < inf", "not a number"),
            ("max_lag < inf", "no number of records"),
        ] {
            let complaint = promise(text).unwrap_err();
            assert!(complaint.message.contains(part), "{text}: {}", complaint.message);
        }
    }
}

//! A comparison as CSV: a row per figure of each of the others, quoted as RFC 4180 says.

use std::fmt::Write as _;

use super::patterns;
use crate::experiment::compare::{Comparison, Difference};
use crate::report::csv::quote;

/// The columns.
pub const HEADER: &str = "variant,section,name,metric,unit,base,base_low,base_high,other,other_low,other_high,\
                          difference,low,high,relative,verdict,variance_gain";

/// All figures of all others; the total over all requests comes last.
pub fn render(comparison: &Comparison) -> String {
    let mut text = format!("{HEADER}\n");
    for versus in &comparison.others {
        for (section, name, figures) in versus.all() {
            for (metric, d) in figures.all() {
                row(&mut text, [&versus.side.name, section, name, metric], d);
            }
        }
    }
    for one in &comparison.total.others {
        for (metric, d) in [("mean_ms", &one.mean_ms), ("success_rate", &one.success_rate)] {
            row(&mut text, [&one.name, "total", "", metric], d);
        }
    }
    if let Some(found) = &comparison.patterns {
        for row in &found.rows {
            for (metric, unit, e) in patterns::figures(row) {
                let mut cells = [&row.pattern, "patterns", &found.edge, metric].map(quote).to_vec();
                cells.extend([unit.to_owned(), String::new(), String::new(), String::new()]);
                cells.extend([e.value, e.low, e.high].map(number));
                cells.resize(HEADER.split(',').count(), String::new());
                let _ = writeln!(text, "{}", cells.join(","));
            }
        }
    }
    text
}

fn number(x: Option<f64>) -> String {
    x.map_or_else(String::new, |x| serde_json::Value::from(x).to_string())
}

fn row(text: &mut String, of: [&str; 4], d: &Difference) {
    let unit = match of[3] {
        metric if metric.ends_with("_ms") => "ms",
        "success_rate" => "share",
        _ => "1/s",
    };
    let mut cells: Vec<String> = of.iter().map(|cell| quote(cell)).chain([unit.to_owned()]).collect();
    cells.extend([d.base, d.other, d.difference].into_iter().flat_map(|e| [e.value, e.low, e.high]).map(number));
    let verdict = serde_json::to_value(d.verdict).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    cells.extend([number(d.relative), verdict, number(d.variance_gain)]);
    let _ = writeln!(text, "{}", cells.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::sample;

    #[test]
    fn every_row_is_as_long_as_the_header() {
        let text = render(&sample::comparison());
        let columns = HEADER.split(',').count();
        assert!(text.lines().all(|line| line.split(',').count() == columns), "{text}");
        // Two others, two clients, five figures; two rows each for the total.
        assert_eq!(text.lines().count(), 1 + 2 * 2 * 5 + 2 * 2);
        assert!(text.contains("\ntwin,clients,function calls,mean_ms,ms,"), "{text}");
        assert!(text.contains(",same,\n"), "{text}");
    }
}

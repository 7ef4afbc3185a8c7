//! What is said before a comparison.

use crate::experiment::summary::{Outcome, Summary, Verdict};
use crate::report::content;
use crate::report::text::grouped;

/// What must be read before any figure: trouble of the runs, promises that were broken. What all share is told once.
pub fn warnings(summaries: &[Summary]) -> Vec<String> {
    let of = |summary: &Summary| -> Vec<String> {
        let broken = |slo: &&Verdict| matches!(slo.verdict, Outcome::Failed | Outcome::NoData);
        let slos = summary.slos.iter().filter(broken).map(|slo| format!("{} {}", slo.of, slo.expect));
        content::warnings(summary).into_iter().chain(grouped("SLO failed: ", slos.collect())).collect()
    };
    let each: Vec<Vec<String>> = summaries.iter().map(of).collect();
    let everywhere = |line: &String| each.iter().all(|lines| lines.contains(line));
    let mut all: Vec<String> =
        each[0].iter().filter(|line| everywhere(line)).map(|line| format!("all: {line}")).collect();
    for (summary, lines) in summaries.iter().zip(&each) {
        let own = lines.iter().filter(|line| !everywhere(line));
        all.extend(own.map(|line| format!("{}: {line}", content::variant(summary))));
    }
    all
}

//! `JUnit` XML: each run a suite, each promise a case, so that a build server shows them like tests.
//!
//! The form is that of Jenkins and GitLab (`testsuites`, `testsuite`, `testcase`, `failure`, `skipped`): a promise that failed, or
//! had no data, is a failure; one that is undecided is skipped. Of an interrupted run nothing passes: what was met by then is
//! skipped, too, and so is what had no data yet. `hoptax run FILE -o promises.xml` writes it; the name of a suite is the scenario's,
//! with its variant; that of a case the promise's; the message says what was found.

use std::fmt::Write as _;

use super::content::{judged, variant};
use super::text::clean;
use crate::experiment::summary::{Outcome, Summary, Verdict};

/// The promises of all runs.
pub fn render(summaries: &[Summary]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hoptax\">\n");
    for summary in summaries {
        suite(&mut text, summary, summaries.len() > 1);
    }
    text + "</testsuites>\n"
}

fn suite(text: &mut String, summary: &Summary, several: bool) {
    let stopped = summary.run.partial;
    let is_failure = |slo: &&Verdict| match slo.verdict {
        Outcome::Failed => true,
        Outcome::NoData => !stopped,
        Outcome::Met | Outcome::Undecided => false,
    };
    let failures = summary.slos.iter().filter(is_failure).count();
    let passed = summary.slos.iter().filter(|slo| slo.verdict == Outcome::Met && !stopped).count();
    let name = &summary.scenario.name;
    let name = if several { format!("{name}, {}", variant(summary)) } else { name.clone() };
    let name = escape(&clean(&name));
    let tests = summary.slos.len();
    let skipped = tests - failures - passed;
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">"
    );
    for slo in &summary.slos {
        case(text, &name, slo, stopped);
    }
    text.push_str("  </testsuite>\n");
}

fn case(text: &mut String, suite: &str, slo: &Verdict, stopped: bool) {
    let (name, found) = judged(slo);
    let head = format!("    <testcase classname=\"{suite}\" name=\"{}\"", escape(&name));
    let told = escape(&format!("found {found}; simulated, not measured in the field"));
    let _ = match slo.verdict {
        Outcome::Met if stopped => {
            writeln!(text, "{head}><skipped message=\"interrupted: met so far, {told}\"/></testcase>")
        }
        Outcome::NoData if stopped => {
            writeln!(text, "{head}><skipped message=\"interrupted: no data yet\"/></testcase>")
        }
        Outcome::Met => writeln!(text, "{head}/>"),
        Outcome::Failed => writeln!(text, "{head}><failure type=\"slo\" message=\"{told}\"/></testcase>"),
        Outcome::NoData => writeln!(text, "{head}><failure type=\"no-data\" message=\"no data\"/></testcase>"),
        Outcome::Undecided => writeln!(text, "{head}><skipped message=\"undecided: {told}\"/></testcase>"),
    };
}

/// Text as an attribute; control characters have no place in XML 1.0.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_promise_is_a_case_and_what_is_broken_a_failure() {
        let text = render(&[sample::summary()]);
        assert!(text.contains("tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\""), "{text}");
        assert_eq!(text.matches("<testcase").count(), 4);
        assert_eq!((text.matches("<failure").count(), text.matches("<skipped").count()), (2, 1));
        assert!(text.contains("p99 &lt; 60ms") && !text.contains("p99 < 60ms"), "{text}");
    }

    #[test]
    fn of_an_interrupted_run_nothing_passes() {
        let mut summary = sample::summary();
        summary.run.partial = true;
        let text = render(&[summary]);
        assert!(text.contains("tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"3\""), "{text}");
        assert!(text.contains("interrupted: met so far, found") && text.contains("interrupted: no data yet"), "{text}");
        assert_eq!(text.matches("<skipped").count(), 3);
    }

    #[test]
    fn nothing_breaks_the_markup() {
        assert_eq!(escape("a<b & \"c\"\u{1}>"), "a&lt;b &amp; &quot;c&quot; &gt;");
    }
}

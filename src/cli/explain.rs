//! `explain`: what a word of the vocabulary means.

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use crate::report::table::Style;
use crate::report::text::joined;

/// Explain a word of the scenario file or of the output, such as `retries`, `lognormal` or `burn`
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// The word, also one of several words such as `tries each`; without one all are listed
    #[arg(num_args = 0..)]
    word: Vec<String>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let words = engine::words();
    let word = args.word.join(" ");
    let text = match word.as_str() {
        "" => list(&words, output.style().prose()),
        word => engine::explain(word).ok_or_else(|| match engine::absent(word) {
            Some(what) => Failure::Usage(format!("hoptax has no `{word}`: {what}")),
            None => unknown(word, &words),
        })?,
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    output::result(format!("{text}{end}").as_bytes())?;
    Ok(Exit::Done)
}

fn list(words: &[&str], room: usize) -> String {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    joined(&words, room).join("\n")
}

fn unknown(word: &str, words: &[&str]) -> Failure {
    let meant = nearest(word, words).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::Usage(format!("nothing is known about `{word}`{meant}\nwords:\n{}", list(words, Style::default().prose())))
}

/// The word that was probably meant.
fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let likeness = |other: &&str| strsim::jaro_winkler(word, other);
    let best = words.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.8).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_met_with_the_right_one() {
        let words = ["lognormal", "retries", "timeout"];
        assert_eq!(nearest("retry", &words), Some("retries"));
        assert_eq!(nearest("log-normal", &words), Some("lognormal"));
        assert_eq!(nearest("banana", &words), None);
        let Failure::Usage(text) = unknown("timeuot", &words) else { panic!() };
        assert!(text.starts_with("nothing is known about `timeuot`; did you mean `timeout`?"), "{text}");
        assert!(text.contains("lognormal · retries · timeout"));
    }
}

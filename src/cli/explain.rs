//! `explain`: what a word of the vocabulary means.

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
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
    let text = without_links(&text);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    output::result(format!("{text}{end}").as_bytes())?;
    Ok(Exit::Done)
}

/// The text without the links of the documentation that it comes from: a shell follows none.
fn without_links(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        told.push_str(&rest[..at]);
        rest = &rest[at..];
        match link(rest) {
            Some((word, long)) => {
                told.push_str(word);
                rest = &rest[long..];
            }
            None => {
                told.push('[');
                rest = &rest[1..];
            }
        }
    }
    told + rest
}

/// The words of a link that a text begins with, and how long it is: one to an item has a path behind it, or a name in backquotes.
fn link(text: &str) -> Option<(&str, usize)> {
    let close = text.find(']')?;
    let word = &text[1..close];
    let path = text[close + 1..].strip_prefix('(').and_then(|after| after.split_once(')')).map(|(path, _)| path);
    match path.filter(|path| path.contains("::") || path.contains('@')) {
        Some(path) => Some((word, close + 3 + path.len())),
        None if word.len() > 2 && word.starts_with('`') && word.ends_with('`') => Some((word, close + 1)),
        None => None,
    }
}

fn list(words: &[&str], room: usize) -> String {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    joined(&words, room).join("\n")
}

fn unknown(word: &str, words: &[&str]) -> Failure {
    let meant =
        nearest(word, words).map_or("all words: hoptax explain".to_owned(), |near| format!("did you mean `{near}`?"));
    Failure::Usage(format!("nothing is known about `{word}`; {meant}"))
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
    fn links_of_the_documentation_are_words() {
        let text = "[`study()`] takes, as [`trace`](mod@super::trace) does, the [product](super::product) of `[[slos]]` [a, b] (c)";
        let told = "`study()` takes, as `trace` does, the product of `[[slos]]` [a, b] (c)";
        assert_eq!(without_links(text), told);
    }

    #[test]
    fn a_misspelt_word_is_met_with_the_right_one() {
        let words = ["lognormal", "retries", "timeout"];
        assert_eq!(nearest("retry", &words), Some("retries"));
        assert_eq!(nearest("log-normal", &words), Some("lognormal"));
        assert_eq!(nearest("banana", &words), None);
        let Failure::Usage(text) = unknown("timeuot", &words) else { panic!() };
        assert_eq!(text, "nothing is known about `timeuot`; did you mean `timeout`?");
        let Failure::Usage(text) = unknown("banana", &words) else { panic!() };
        assert_eq!(text, "nothing is known about `banana`; all words: hoptax explain");
    }
}

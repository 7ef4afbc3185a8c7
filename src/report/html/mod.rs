//! A page to hand round: one file that opens anywhere, asks nobody for anything, and says the verdict first.
//!
//! Its pictures are those of the other outputs, its tables the same sheets. Whatever a name contains is text: maud escapes it,
//! and a Content-Security-Policy allows nothing but the page's own style and script, by their hashes.

mod leaves;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

pub use leaves::{comparison, page, run};

use super::sheet::{Cell, Sheet, Tone};
use super::text::clean;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A page before it is one.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    /// What it is about.
    pub title: String,
    /// The answer, a sentence each.
    pub answers: Vec<String>,
    /// How it was run, in parts.
    pub facts: Vec<String>,
    /// What must be read before any figure.
    pub warnings: Vec<String>,
    /// What follows, in its order.
    pub parts: Vec<Part>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its title.
    pub title: String,
    /// Whether it is folded until somebody opens it.
    pub folded: bool,
    /// What it shows.
    pub shows: Vec<Shown>,
}

/// Something that a part shows.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A table under a title of its own, or none.
    Table(String, Sheet),
    /// A sentence.
    Sentence(String),
    /// A picture, SVG.
    Picture(String),
    /// A text as it stands.
    Text(String),
}

impl Leaf {
    /// The page.
    pub fn html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    title { (clean(&self.title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body { main { (self.top()) @for part in &self.parts { (part.html()) } } (script()) }
            }
        };
        page.into_string()
    }

    fn top(&self) -> Markup {
        html! {
            h1 { (clean(&self.title)) }
            @for answer in &self.answers { p class="answer" { (clean(answer)) } }
            p class="facts" { (self.facts.iter().map(|fact| clean(fact)).collect::<Vec<_>>().join(" · ")) }
            @for warning in &self.warnings { p class="warning" { strong { "Warning: " } (clean(warning)) } }
        }
    }
}

impl Part {
    /// A part, unless there is nothing in it.
    pub fn new(title: impl Into<String>, folded: bool, shows: Vec<Shown>) -> Option<Self> {
        let empty = |shown: &Shown| matches!(shown, Shown::Table(_, sheet) if sheet.rows.is_empty());
        let shows: Vec<Shown> = shows.into_iter().filter(|shown| !empty(shown)).collect();
        (!shows.is_empty()).then(|| Self { title: title.into(), folded, shows })
    }

    fn html(&self) -> Markup {
        let inner = html! { @for shown in &self.shows { (shown.html()) } };
        html! {
            @if self.folded {
                details { summary { (clean(&self.title)) } (inner) }
            } @else {
                section { h2 { (clean(&self.title)) } (inner) }
            }
        }
    }
}

impl Shown {
    fn html(&self) -> Markup {
        match self {
            Self::Table(title, sheet) => table(title, sheet),
            Self::Sentence(text) => html! { p { (clean(text)) } },
            // Drawn by this program, which escapes whatever it writes into a picture.
            Self::Picture(svg) => html! { figure class="wide-picture" tabindex="0" { (PreEscaped(svg)) } },
            Self::Text(text) => html! { pre tabindex="0" { (text) } },
        }
    }
}

/// A column with a cell this long holds sentences: they are set in lines, from the left.
const SENTENCE: usize = 40;

fn table(title: &str, sheet: &Sheet) -> Markup {
    let says = |at: usize| at > 0 && sheet.rows.iter().filter_map(|row| row.get(at)).any(is_sentence);
    let said: Vec<bool> = (0..sheet.columns.len()).map(says).collect();
    let look = |at: usize| said.get(at).is_some_and(|said| *said).then_some("words");
    html! {
        @if !title.is_empty() { h3 { (clean(title)) } }
        div class="wide" tabindex="0" {
            table {
                thead { tr { @for (at, column) in sheet.columns.iter().enumerate() { th scope="col" class=[look(at)] { button type="button" { (*column.head) } } } } }
                tbody { @for row in &sheet.rows { tr { @for (at, one) in row.iter().enumerate() { (cell(at == 0, look(at), one)) } } } }
            }
        }
        @if let Some(note) = &sheet.note { p class="note" { (clean(note)) } }
    }
}

fn is_sentence(cell: &Cell) -> bool {
    cell.text.chars().count() > SENTENCE
}

fn cell(first: bool, look: Option<&'static str>, cell: &Cell) -> Markup {
    let tone = match cell.tone {
        Tone::Plain => None,
        Tone::Good => Some("good"),
        Tone::Bad => Some("bad"),
        Tone::Odd => Some("odd"),
        Tone::Faint => Some("dim"),
        Tone::Strong => Some("strong"),
    };
    let classes: Vec<&str> = look.into_iter().chain(tone).collect();
    let class = (!classes.is_empty()).then(|| classes.join(" "));
    html! {
        @if first { th scope="row" class=[class] { (cell.text) } } @else {
            td class=[class] { (cell.text) @if let Some(ends) = &cell.ends { small { (ends) } } }
        }
    }
}

fn script() -> Markup {
    html! { script { (PreEscaped(SCRIPT)) } }
}

/// Nothing but the page's own style and script: CSP level 3, hashes of what stands between the tags.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn whatever_a_name_holds_is_text() {
        let mut summary = sample::summary();
        let evil = "</script><img src=x onerror=alert(1)>\"'&";
        summary.scenario.name = evil.into();
        let (name, stats) = summary.clients.pop_first().unwrap();
        summary.clients.insert(format!("{name}{evil}"), stats);
        summary.run.overloaded = vec![evil.into()];
        let text = run(&[summary], &[("as written".into(), evil.into())], &[("p".into(), "<svg></svg>".into())]).html();
        assert!(!text.contains("<img") && text.contains("&lt;img"), "{text}");
        assert_eq!(text.matches("<script>").count(), 1);
    }

    #[test]
    fn it_asks_nobody_for_anything() {
        let text = run(&[sample::summary()], &[], &[]).html();
        for word in ["http://", "https://", "src=\"", "url(", "@import", " style=\"", " onclick"] {
            assert!(!text.contains(word), "{word}");
        }
        assert!(text.contains("default-src 'none'") && text.contains("script-src 'sha256-"));
        assert!(text.find("class=\"answer\"") < text.find("<table"), "the verdict comes first");
    }

    #[test]
    fn the_hash_is_that_of_what_stands_between_the_tags() {
        let text = Leaf::default().html();
        let script = text.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
        assert!(text.contains(&hash));
    }
}

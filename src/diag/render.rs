//! Complaints as text, as rustc shows them.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::group::grouped;
use super::{Complaint, Severity, Source, clean, excerpt};

/// So many complaints are shown in full; a file that is wrong throughout should not bury its first mistake.
const SHOWN: usize = 40;

/// The width of the page; fixed, so that the same mistakes give the same bytes everywhere.
const WIDTH: usize = 120;

/// The longest message or label, in characters, a cure may be four times as long: values and lists of names stand in them.
const LONGEST: usize = 600;

/// Renders complaints in the order given, with a last line that counts them. Empty for none.
pub fn render(complaints: &[Complaint], source: &Source, color: bool) -> String {
    let renderer = if color { Renderer::styled().hyperlink(false) } else { Renderer::plain() }.term_width(WIDTH);
    let mut out = String::new();
    let groups = grouped(complaints);
    for group in groups.iter().take(SHOWN) {
        one(&mut out, group.first, source, &renderer);
        if let Some(rest) = group.rest(source) {
            let _ = write!(out, "\n  {rest}");
        }
        out.push_str("\n\n");
    }
    if groups.len() > SHOWN {
        let _ = writeln!(out, "… and {} more\n", groups.len() - SHOWN);
    }
    if !complaints.is_empty() {
        let _ = writeln!(out, "{}", count_line(complaints, source));
    }
    out
}

/// `3 errors, 1 warning in shop.toml`; notes are counted only when there is nothing worse.
pub fn count_line(complaints: &[Complaint], source: &Source) -> String {
    let mut parts = Vec::new();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")] {
        let n = complaints.iter().filter(|c| c.severity == severity).count();
        if n > 0 && (severity != Severity::Note || parts.is_empty()) {
            parts.push(format!("{n} {word}{}", if n == 1 { "" } else { "s" }));
        }
    }
    format!("{} in {}", parts.join(", "), clean(&source.name))
}

fn one(out: &mut String, complaint: &Complaint, source: &Source, renderer: &Renderer) {
    let level = match complaint.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let id = format!("{} {}", complaint.code.number, complaint.code.name);
    let name = clean(&source.name);
    let (message, label) = (excerpt(&complaint.message, LONGEST), excerpt(&complaint.label, LONGEST));
    let mut group = Group::with_title(level.primary_title(message).id(id));
    let window = complaint.place.clone().map(|place| Window::around(source, place));
    match &window {
        Some(w) => {
            let mark = AnnotationKind::Primary.span(w.mark.clone());
            let mark = if label.is_empty() { mark } else { mark.label(label) };
            group = group.element(Snippet::source(w.text).path(name).line_start(w.line).annotation(mark));
        }
        None => group = group.element(Origin::path(name)),
    }
    if let Some(help) = &complaint.help {
        group = group.element(Level::HELP.message(excerpt(help, 4 * LONGEST)));
    }
    out.push_str(renderer.render(&[group]).trim_end());
}

/// The line a place begins in. Only this line goes to the renderer: it copies what it is given, and a file may be long.
struct Window<'s> {
    text: &'s str,
    line: usize,
    mark: Range<usize>,
}

impl<'s> Window<'s> {
    fn around(source: &'s Source, place: Range<usize>) -> Self {
        let text = source.text.as_str();
        let start = source.floor(place.start);
        let from = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let to = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let to = if text[from..to].ends_with('\r') && to > start { to - 1 } else { to };
        let end = source.floor(place.end).clamp(start, to);
        Self { text: &text[from..to], line: source.line_column(start).0, mark: start - from..end - from }
    }
}

#[cfg(test)]
mod tests {
    use super::super::code;
    use super::*;

    #[test]
    fn shows_place_label_help_and_count() {
        let source = Source::text("shop.toml", "version = 1\n[sim]\nsed = 1\n");
        let complaint = Complaint::error(code::UNKNOWN_KEY, "unknown key `sed`").at(18..21).label("here").help("cure");
        let text = render(&[complaint], &source, false);
        for part in
            ["error[E101 unknown-key]: unknown key `sed`", "shop.toml:3:1", "^^^ here", "cure", "1 error in shop"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn places_outside_the_text_and_inside_characters_do_no_harm() {
        let source = Source::text("ü.toml", "ä = \"ü\"\r\n");
        for start in 0..15 {
            for end in 0..15 {
                render(&[Complaint::error(code::SYNTAX, "x").at(start..end)], &source, true);
            }
        }
    }

    #[test]
    fn long_lines_and_many_complaints_stay_readable() {
        let source = Source::text("long.toml", format!("a = [{}]\n", "1, ".repeat(50_000)));
        let many: Vec<_> =
            (0..100).map(|i| Complaint::error(code::SYNTAX, "x").at(i * 3 + 70_000..i * 3 + 70_001)).collect();
        let text = render(&many, &source, false);
        assert!(text.len() < 40_000, "{}", text.len());
        assert!(text.contains("60 more"));
    }
}

//! A comparison as Markdown.

use std::fmt::Write as _;

use super::content::{against, heading, notes, sheet, unmatched};
use super::{patterns, total::total};
use crate::experiment::compare::Comparison;
use crate::report::markdown::{IN_SIGHT, MORE, ROOM, escape, fold, section};
use crate::report::sheet::Sheet;
use crate::report::text::clean;

/// Warnings and notes in plain sight, of each at most.
const SAID: usize = 3;

/// Headings and tables; `warnings` are said before any figure. What finds no place in plain sight is folded, and where that is more than
/// a comment holds, tables are left out, the last first.
pub fn render(comparison: &Comparison, warnings: &[String]) -> String {
    within(comparison, warnings, ROOM)
}

/// The comparison behind a fold, for below another `text`, in what that leaves of a comment.
pub fn folded(comparison: &Comparison, text: &str) -> String {
    let room = ROOM.saturating_sub(text.chars().count() + AROUND);
    let mut folded = String::new();
    if room > LEAST {
        let title = format!("Against {}", clean(&comparison.base.name));
        fold(&mut folded, &title, |inner| {
            head(inner, comparison, &[], usize::MAX);
            inner.truncate(inner.char_indices().nth(room / 2).map_or(inner.len(), |(at, _)| at));
            let left = room.saturating_sub(inner.chars().count());
            inner.push_str(&shorter(left, |most| tables(comparison, most).concat()));
        });
    }
    folded
}

/// What a fold takes besides what is in it, and for how little room there is none.
const AROUND: usize = 400;
const LEAST: usize = 2_000;

/// Of as many tables as fit.
fn shorter(room: usize, whole: impl Fn(usize) -> String) -> String {
    let lengths = [usize::MAX, 150, 60, 25, 10, 4, 1, 0];
    let fits = |text: &String| text.chars().count() < room;
    lengths.into_iter().map(whole).find(fits).unwrap_or_default()
}

fn within(comparison: &Comparison, warnings: &[String], room: usize) -> String {
    let all = |most: usize| {
        let mut text = String::new();
        let mut behind = head(&mut text, comparison, warnings, SAID);
        for table in tables(comparison, most) {
            // What comes after something that found no room finds none either: the order stays.
            let fits = behind.is_empty() && text.lines().count() + table.lines().count() <= IN_SIGHT;
            let place = if fits { &mut text } else { &mut behind };
            place.push_str(&table);
        }
        fold(&mut text, MORE, |inner| inner.push_str(&behind));
        text
    };
    let found = shorter(room, all);
    if !found.is_empty() {
        return found;
    }
    // What is said alone is too long: names can be.
    let mut text = String::new();
    head(&mut text, comparison, warnings, SAID);
    text.chars().take(room - 1).collect()
}

/// What is said before the tables, of warnings and notes so many; what more there is of these is handed back.
fn head(text: &mut String, comparison: &Comparison, warnings: &[String], said: usize) -> String {
    let parts = heading(comparison);
    let _ = writeln!(text, "# {}", escape(&parts[0]));
    for answer in std::iter::once(total(comparison)).chain(comparison.patterns.as_ref().and_then(patterns::summed)) {
        let _ = writeln!(text, "\n**{}**", escape(&answer));
    }
    let _ = writeln!(text, "\n{}", escape(&parts[1..].join(" · ")));
    let mut behind = String::new();
    for (nth, warning) in warnings.iter().enumerate() {
        let place = if nth < said { &mut *text } else { &mut behind };
        let _ = writeln!(place, "\n> **Warning**: {}", escape(warning));
    }
    for (nth, note) in notes(comparison).iter().enumerate() {
        let place = if nth < said { &mut *text } else { &mut behind };
        let _ = writeln!(place, "\n{}", escape(note));
    }
    behind
}

/// The tables under their titles, so many at most, and what is said of others.
fn tables(comparison: &Comparison, most: usize) -> Vec<String> {
    let mut all = Vec::new();
    for versus in &comparison.others {
        for (what, name, figures) in versus.all() {
            all.push(titled(&against(comparison, versus, what, name), &sheet(figures)));
        }
        all.extend(unmatched(versus).map(|line| format!("\n{}\n", escape(&line))));
    }
    let patterns = comparison.patterns.iter();
    all.extend(patterns.clone().flat_map(patterns::sheets).map(|(title, sheet)| titled(&title, &sheet)));
    all.extend(patterns.flat_map(patterns::lines).map(|line| format!("\n{}\n", escape(&line))));
    let more = all.len().saturating_sub(most);
    if more > 0 {
        all.truncate(most);
        all.push(format!("\n{more} more in the JSON\n"));
    }
    all
}

fn titled(title: &str, sheet: &Sheet) -> String {
    let mut text = String::new();
    section(&mut text, &escape(title), sheet);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::sample;

    /// However many clients there are, a pull request shows the first, folds the rest and takes the comment.
    #[test]
    fn what_is_long_is_folded_and_fits_a_comment() {
        let text = render(&sample::comparison(), &[]);
        let seen = text.split("<details>").next().unwrap();
        assert!(seen.lines().count() <= 40 && text.matches("<details>").count() == 1, "{text}");
        assert_eq!(text.matches("\n</details>\n").count(), 1, "{text}");
        let mut comparison = sample::comparison();
        let figures = *comparison.others[0].clients.values().next().unwrap();
        for nth in 0..600 {
            comparison.others[0].clients.insert(format!("client-{nth:03}"), figures);
        }
        let text = render(&comparison, &["overloaded".into()]);
        let count = text.chars().count();
        assert!((20_000..ROOM).contains(&count) && text.contains(" more in the JSON"), "{count}");
        let below = folded(&comparison, &"x".repeat(40_000));
        assert!((5_000..ROOM - 40_000).contains(&below.chars().count()), "{}", below.chars().count());
        assert!(below.starts_with("\n<details><summary>Against ") && below.ends_with("</details>\n"), "{below}");
        assert_eq!(folded(&comparison, &"x".repeat(64_000)), "");
        comparison.others[0].side.name = "x".repeat(100_000);
        comparison.total.others[0].name = "x".repeat(100_000);
        assert!(render(&comparison, &[]).chars().count() < ROOM);
    }

    #[test]
    fn each_client_has_a_table_of_five_figures() {
        let text = render(&sample::comparison(), &[]);
        assert!(text.starts_with("# chain: 2 others against as written\n"), "{text}");
        assert_eq!(text.matches("\n## ").count(), 4, "{text}");
        assert_eq!(text.matches("\n| p99 |").count(), 4, "{text}");
        assert!(text.lines().nth(2).unwrap().starts_with("**total: "), "{text}");
    }
}

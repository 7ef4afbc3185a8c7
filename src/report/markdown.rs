//! Markdown: the content of the terminal's tables, for a pull request or a wiki.

use std::fmt::Write as _;

use super::answer;
use super::content;
use super::contents::{ALL, About, Content, FIRST, FOLDS, SECTIONS, Section, Sentence};
use super::ledger;
use super::sheet::Sheet;
use super::text::clean;
use crate::experiment::summary::Summary;

/// What a comment of a pull request holds, in characters: 65,536 at the usual places.
pub(super) const ROOM: usize = 65_536;

/// Lines in plain sight at most.
pub(super) const IN_SIGHT: usize = 38;

/// The fold of what would stand in plain sight if there were room.
pub(super) const MORE: &str = "More";

/// One summary: what matters first, the rest folded. Several side by side, and each of them folded. Where that is more than a
/// comment holds, tables get shorter: the worst rows stay, and that others are missing is said.
pub fn render(summaries: &[Summary]) -> String {
    let fits = |text: &String| text.chars().count() < ROOM;
    let lengths = [usize::MAX, 150, 60, 25, 10, 4, 1];
    let found = lengths.into_iter().map(|rows| whole(summaries, rows)).find(fits);
    found.unwrap_or_else(|| least(summaries))
}

/// As many of the folds of a report as there is room for: whole ones, so that none is left open.
fn least(summaries: &[Summary]) -> String {
    let mut folds = Vec::new();
    let mut text = match summaries {
        [only] => {
            let all = whole(std::slice::from_ref(only), 0);
            let (seen, folded) = all.split_once("\n<details>").unwrap_or((&all, ""));
            folds.extend(folded.split("\n<details>").map(|fold| format!("\n<details>{fold}")));
            seen.to_owned()
        }
        several => {
            folds.extend(several.iter().map(|summary| {
                let mut own = String::new();
                fold(&mut own, &content::variant(summary), |text| one(text, summary, 0));
                own
            }));
            side_by_side(several)
        }
    };
    let mut room = (ROOM - 64).saturating_sub(text.chars().count());
    for fold in folds {
        let long = fold.chars().count();
        if long > room {
            return text + "\n\nMore in the JSON.\n";
        }
        room -= long;
        text.push_str(&fold);
    }
    text
}

/// What stands above the folds of several.
fn side_by_side(summaries: &[Summary]) -> String {
    let name = summaries.first().map_or("", |first| first.scenario.name.as_str());
    let mut text = format!("# {}\n", escape(name));
    section(&mut text, "Side by side", &content::side_by_side(summaries));
    text
}

/// All of it, of each folded table so many rows.
fn whole(summaries: &[Summary], rows: usize) -> String {
    if let [only] = summaries {
        let mut text = String::new();
        one(&mut text, only, rows);
        return text;
    }
    let mut text = side_by_side(summaries);
    for summary in summaries {
        fold(&mut text, &content::variant(summary), |text| one(text, summary, rows));
    }
    text
}

/// A part that is there for whoever opens it; nothing where there is nothing in it.
pub(super) fn fold(text: &mut String, title: &str, part: impl FnOnce(&mut String)) {
    let mut inner = String::new();
    part(&mut inner);
    if !inner.is_empty() {
        let inner = inner.trim_matches('\n');
        let _ = writeln!(text, "\n<details><summary>{}</summary>\n\n{inner}\n\n</details>", escape(title));
    }
}

fn one(text: &mut String, summary: &Summary, rows: usize) {
    let title = summary.scenario.variant.as_ref().map_or_else(
        || summary.scenario.name.clone(),
        |variant| format!("{}, variant {variant}", summary.scenario.name),
    );
    let facts: Vec<String> =
        content::heading(summary).into_iter().skip(1).chain(content::conditions(summary)).collect();
    let _ = writeln!(text, "# {}\n", escape(&title));
    let answer = answer::paragraph(summary, false);
    if !answer.is_empty() {
        let _ = writeln!(text, "**{}**\n", escape(&answer));
    }
    let _ = writeln!(text, "{}", escape(&facts.join(" · ")));
    for warning in content::warnings(summary) {
        let _ = writeln!(text, "\n> **Warning**: {}", escape(&warning));
    }
    let mut behind = String::new();
    for part in SECTIONS.iter().filter(|part| part.fold.is_none()) {
        let mut own = String::new();
        shown(&mut own, part, summary, (false, usize::MAX));
        for Sentence { text: line, .. } in said(part, summary) {
            let _ = writeln!(own, "\n{}", escape(&line));
        }
        // What comes after something that found no room finds none either: the order stays.
        let fits = behind.is_empty() && text.lines().count() + own.lines().count() <= IN_SIGHT;
        let place = if fits { &mut *text } else { &mut behind };
        place.push_str(&own);
    }
    fold(text, MORE, |text| text.push_str(&behind));
    for title in FOLDS {
        fold(text, title, |text| {
            let whole = |part: &&Section| part.fold == Some(title) || (title == ALL && is_cut(part, summary));
            SECTIONS.iter().filter(whole).for_each(|part| shown(text, part, summary, (true, rows)));
        });
    }
}

/// What a part shows: everything, or as much as is listed unasked; of that so many rows.
fn shown(text: &mut String, part: &Section, summary: &Summary, (every, rows): (bool, usize)) {
    match part.content {
        Content::Table(sheet) => section(text, part.title, &shortened(sheet(summary, every), rows)),
        Content::Ledger => {
            for entry in ledger::entries(std::slice::from_ref(summary)).iter().take(rows) {
                for (title, sheet) in ledger::sheets(entry, summary.clients.get(entry.client)) {
                    section(text, &escape(&capital(&title)), &shortened(sheet, rows));
                }
            }
        }
    }
}

/// The first rows of a table, and how many there are more.
fn shortened(mut sheet: Sheet, rows: usize) -> Sheet {
    let more = sheet.rows.len().saturating_sub(rows);
    if more > 0 {
        sheet.rows.truncate(rows);
        sheet.note = content::noted([sheet.note, Some(format!("{more} more in the JSON"))]);
    }
    sheet
}

/// What is said in plain sight; what folded parts have to say is said with the first.
fn said(part: &Section, summary: &Summary) -> Vec<Sentence> {
    let mut all = (part.sentences)(summary, false);
    if part.title == FIRST {
        let folded = SECTIONS.iter().filter(|part| part.fold.is_some());
        all.extend(folded.flat_map(|part| (part.sentences)(summary, false)));
    }
    all.retain(|sentence| sentence.about != About::Aside);
    all.sort_by_key(|sentence| sentence.about);
    all
}

/// Whether a part in plain sight leaves anything out.
fn is_cut(part: &Section, summary: &Summary) -> bool {
    let Content::Table(sheet) = part.content else { return false };
    part.fold.is_none() && sheet(summary, false).rows.len() < sheet(summary, true).rows.len()
}

pub(super) fn section(text: &mut String, title: &str, sheet: &Sheet) {
    if sheet.rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    row(text, sheet.columns.iter().map(|column| column.head.to_string()));
    row(text, (0..sheet.columns.len()).map(|at| if at == 0 { ":---".to_owned() } else { "---:".to_owned() }));
    for cells in &sheet.rows {
        row(text, cells.iter().map(|cell| escape(&cell.text)));
    }
    if let Some(note) = &sheet.note {
        let _ = writeln!(text, "\n{}", escape(note));
    }
}

/// The text with a capital letter, as titles have one.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn row(text: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Keeps what a name contains from being read as markup, or from moving a cursor.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => safe.extend(['\\', c]),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_name_stays_in_its_cell() {
        let mut summary = sample::summary();
        summary.nodes.insert("a|b\n<c>".into(), sample::node(0.5, 1));
        let text = render(&[summary]);
        assert!(text.contains("\n| a\\|b�&lt;c&gt; | 50.0 % |"), "{text}");
    }

    #[test]
    fn the_rest_is_folded() {
        let text = render(&[sample::summary()]);
        let (seen, folded) = text.split_once("<details>").unwrap();
        assert!(seen.lines().count() <= 40, "{seen}");
        assert!(seen.contains("## Nodes") && folded.contains("## Edges"), "{text}");
        assert_eq!(text.matches("<details>").count(), text.matches("\n</details>\n").count());
        let mut other = sample::summary();
        other.scenario.variant = Some("grpc".into());
        let several = render(&[sample::summary(), other]);
        assert!(several.starts_with("# chain\n\n## Side by side\n"), "{several}");
        assert!(several.contains("<summary>grpc</summary>"), "{several}");
    }

    #[test]
    fn tables_are_aligned_and_whole() {
        let text = render(&[sample::summary()]);
        assert!(text.starts_with("# chain\n\n**1 of 4 promises kept, 1 undecided, broken: "), "{text}");
        assert!(text.contains("\n\n9f3ac2d1 · hoptax 0.1.0 · simulated, not measured · seed 1"), "{text}");
        for title in ["## Promises", "## Clients", "## Nodes", "## Edges"] {
            assert!(text.contains(title), "{title}");
        }
        let bars = |line: &str| line.matches('|').count();
        let rows: Vec<&str> = text.lines().skip_while(|l| *l != "## Clients").skip(2).take(4).collect();
        assert!(rows.iter().all(|row| bars(row) == 9), "{rows:#?}");
    }
}

//! What stands on a page: of a run, of a comparison, of a study.

use super::{Leaf, Part, Shown};
use crate::experiment::compare::Comparison;
use crate::experiment::summary::{Outcome, Stats, Summary};
use crate::model::Cause;
use crate::report::contents::{About, Content, FOLDS, SECTIONS, Section};
use crate::report::number::{percent, time};
use crate::report::sheet::Sheet;
use crate::report::text::clean;
use crate::report::{cause, compare, content, ledger};

/// A run, or several variants: with the scenarios as they were understood, by their names, and pictures by theirs.
pub fn run(summaries: &[Summary], scenarios: &[(String, String)], pictures: &[(String, String)]) -> Leaf {
    let Some(first) = summaries.first() else { return Leaf::default() };
    let several = summaries.len() > 1;
    let mut parts: Vec<Option<Part>> = Vec::new();
    if several {
        let sheet = content::side_by_side(summaries);
        parts.push(Part::new("Side by side", false, vec![Shown::Table(String::new(), sheet)]));
    } else {
        parts.extend(plain(first));
    }
    parts.extend(drawn(pictures));
    for summary in summaries {
        if several {
            let shows = SECTIONS.iter().flat_map(|section| shown(section, summary, true)).collect();
            parts.push(Part::new(content::variant(summary), true, shows));
        } else {
            parts.extend(folded(summary));
        }
    }
    parts.extend(scenarios.iter().map(|(name, text)| {
        let said =
            "Everything that was assumed: what the file does not say stands here as its default, marked.".to_owned();
        Part::new(format!("The scenario: {name}"), true, vec![Shown::Sentence(said), Shown::Text(text.clone())])
    }));
    let answers = summaries.iter().flat_map(|summary| answers(summary, several)).collect();
    let facts = content::heading(first).into_iter().skip(1).chain(content::conditions(first)).collect();
    let warnings = if several { compare::warnings(summaries) } else { content::warnings(first) };
    Leaf { title: clean(&first.scenario.name), answers, facts, warnings, parts: parts.into_iter().flatten().collect() }
}

/// The verdict in sentences: promises first, then what each client got, and on what its time went.
fn answers(summary: &Summary, several: bool) -> Vec<String> {
    let whose = if several { format!("{}: ", content::variant(summary)) } else { String::new() };
    let mut answers = Vec::new();
    let of = |wanted: fn(&Outcome) -> bool| summary.slos.iter().filter(move |slo| wanted(&slo.verdict)).count();
    let failed: Vec<String> = summary
        .slos
        .iter()
        .filter(|slo| matches!(slo.verdict, Outcome::Failed | Outcome::NoData))
        .map(|slo| format!("{} {}", slo.of, slo.expect))
        .collect();
    if !summary.slos.is_empty() {
        let (met, open) = (of(|v| *v == Outcome::Met), of(|v| *v == Outcome::Undecided));
        let broken = if failed.is_empty() { "none broken".into() } else { format!("broken: {}", failed.join("; ")) };
        let open = if open > 0 { format!(", {open} undecided") } else { String::new() };
        answers.push(format!("{whose}promises: {met} of {} kept{open}, {broken}.", summary.slos.len()));
    }
    let several = summary.clients.len() > 4;
    let mut clients: Vec<(&String, &Stats)> = summary.clients.iter().collect();
    clients.sort_by(|a, b| b.1.arrived.cmp(&a.1.arrived).then(a.0.cmp(b.0)));
    let most = if several { 3 } else { clients.len() };
    answers
        .extend(clients.into_iter().take(most).map(|(name, stats)| format!("{whose}{}", served(summary, name, stats))));
    answers
}

/// What a client got: "shoppers: 99.9 % answered, half within 5 ms, 99 % within 20 ms; of the mean of 5.7 ms 2 ms (35 %) are not
/// work: network 1.3 ms, encode 0.4 ms."
fn served(summary: &Summary, name: &str, stats: &Stats) -> String {
    let shares =
        stats.success_rate.value.map_or("no request".into(), |share| format!("{} answered well", percent(share)));
    let within = [("half", stats.latency_ms.p50), ("99 %", stats.latency_ms.p99)];
    let within = within.iter().filter_map(|(what, e)| Some(format!(", {what} of them within {}", time(e.value?))));
    let mut text = format!("{name}: {shares}{}", within.collect::<String>());
    if let Some(ledger) = summary.ledger.get(name).filter(|ledger| ledger.count > 0) {
        let mean = &ledger.total.mean_ms;
        let (all, work) = (mean.sum(), mean.of(Cause::Work));
        if all > 0.0 && all > work {
            let mut rest: Vec<(Cause, f64)> =
                Cause::ALL.iter().filter(|c| **c != Cause::Work).map(|c| (*c, mean.of(*c))).collect();
            rest.sort_by(|a, b| b.1.total_cmp(&a.1));
            let named = rest.iter().take(3).filter(|(_, ms)| *ms >= 0.02 * all);
            let named: Vec<String> = named.map(|(of, ms)| format!("{} {}", cause::name(*of), time(*ms))).collect();
            let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
            text += &format!(
                "; of the mean of {}, {} ({}) are not work{named}",
                time(all),
                time(all - work),
                percent((all - work) / all)
            );
        }
    }
    text + "."
}

/// The parts in plain sight.
fn plain(summary: &Summary) -> Vec<Option<Part>> {
    let open = SECTIONS.iter().filter(|section| section.fold.is_none());
    open.map(|section| Part::new(section.title, false, shown(section, summary, false))).collect()
}

/// The parts behind folds.
fn folded(summary: &Summary) -> Vec<Option<Part>> {
    FOLDS
        .iter()
        .map(|title| {
            let own = SECTIONS.iter().filter(|section| section.fold == Some(title));
            let shows = own.flat_map(|section| {
                let mut shows = shown(section, summary, true);
                if let Some(Shown::Table(name, _)) = shows.first_mut().filter(|_| section.title != *title) {
                    section.title.clone_into(name);
                }
                shows
            });
            Part::new(*title, true, shows.collect())
        })
        .collect()
}

/// What a part of a report shows, and what it says.
fn shown(section: &Section, summary: &Summary, every: bool) -> Vec<Shown> {
    let mut shows = match section.content {
        Content::Table(sheet) => vec![Shown::Table(String::new(), sheet(summary, every))],
        Content::Ledger => ledger::entries(std::slice::from_ref(summary))
            .iter()
            .flat_map(|entry| ledger::sheets(entry, summary.clients.get(entry.client)))
            .map(|(title, sheet)| Shown::Table(title, sheet))
            .collect(),
    };
    let mut said = (section.sentences)(summary, every);
    said.retain(|sentence| sentence.about != About::Aside);
    said.sort_by_key(|sentence| sentence.about);
    shows.extend(said.into_iter().map(|sentence| Shown::Sentence(sentence.text)));
    shows
}

/// Pictures: the first few in plain sight.
fn drawn(pictures: &[(String, String)]) -> Vec<Option<Part>> {
    pictures
        .iter()
        .map(|(name, svg)| Part::new(name.clone(), name.starts_with("Request"), vec![Shown::Picture(svg.clone())]))
        .collect()
}

/// A comparison.
pub fn comparison(found: &Comparison, warnings: &[String], pictures: &[(String, String)]) -> Leaf {
    let heading = compare::heading(found);
    let mut parts: Vec<Option<Part>> = compare::sheets(found)
        .into_iter()
        .map(|(title, sheet)| Part::new(title, false, vec![Shown::Table(String::new(), sheet)]))
        .collect();
    parts.extend(drawn(pictures));
    Leaf {
        title: heading[0].clone(),
        answers: vec![compare::total(found)],
        facts: heading[1..].to_vec(),
        warnings: warnings.iter().cloned().chain(compare::notes(found)).collect(),
        parts: parts.into_iter().flatten().collect(),
    }
}

/// A study: its page, with its picture.
pub fn page(page: &crate::report::page::Page, picture: Option<String>) -> Leaf {
    let mut parts: Vec<Option<Part>> = Vec::new();
    parts.extend(picture.map(|svg| Part::new("The picture", false, vec![Shown::Picture(svg)])));
    let tables: Vec<&(String, Sheet)> = page.tables.iter().collect();
    parts.extend(
        tables
            .into_iter()
            .map(|(title, sheet)| Part::new(title.clone(), false, vec![Shown::Table(String::new(), sheet.clone())])),
    );
    let notes = page.notes.iter().cloned().map(Shown::Sentence).collect();
    parts.push(Part::new("What the words mean, and what was left out", true, notes));
    Leaf {
        title: page.heading.first().cloned().unwrap_or_default(),
        answers: vec![page.answer.clone()],
        facts: page.heading.iter().skip(1).cloned().collect(),
        warnings: page.warnings.clone(),
        parts: parts.into_iter().flatten().collect(),
    }
}

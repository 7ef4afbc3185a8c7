//! What stands on a page: of a run, of a comparison, of a study.

use super::{Leaf, Part, Shown};
use crate::experiment::compare::Comparison;
use crate::experiment::summary::Summary;
use crate::report::contents::{About, Content, FOLDS, SECTIONS, Section};
use crate::report::sheet::Sheet;
use crate::report::text::clean;
use crate::report::topology::Diagram;
use crate::report::{answer, compare, content, ledger};

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
    let stands = format!(
        "Every node and every edge stands with its figures under \u{201c}{}\u{201d} below; ",
        FOLDS.last().copied().unwrap_or_default()
    );
    parts.push(too_large(summaries, pictures, &stands));
    for summary in summaries {
        if several {
            let shows = SECTIONS.iter().flat_map(|section| shown(section, summary, true)).collect();
            parts.push(Part::new(content::variant(summary), true, shows));
        } else {
            parts.extend(folded(summary));
        }
    }
    parts.push(forgotten(summaries));
    parts.extend(scenarios.iter().map(|(name, text)| {
        let said =
            "Everything that was assumed: what the file does not say stands here as its default, marked.".to_owned();
        Part::new(format!("The scenario: {name}"), true, vec![Shown::Sentence(said), Shown::Text(text.clone())])
    }));
    let answers = if several {
        summaries.iter().map(|summary| answer::paragraph(summary, true)).collect()
    } else {
        answer::sentences(first)
    };
    let facts = content::heading(first).into_iter().skip(1).chain(content::conditions(first)).collect();
    let warnings = if several { compare::warnings(summaries) } else { content::warnings(first) };
    Leaf { title: clean(&first.scenario.name), answers, facts, warnings, parts: parts.into_iter().flatten().collect() }
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

/// That the architecture is too large for a picture, and where it `stands` instead.
fn too_large(summaries: &[Summary], pictures: &[(String, String)], stands: &str) -> Option<Part> {
    let most = summaries.iter().map(|summary| Diagram::after(summary).vertices.len()).max()?;
    let said = format!(
        "The architecture has {most} nodes. Of more than {} none is drawn here: nobody could read it. {stands}`hoptax graph FILE \
         -o graph.svg` (or .dot, .mmd) draws them all.",
        Diagram::MOST,
    );
    let missing = most > Diagram::MOST && !pictures.is_empty();
    Part::new("Picture: Graph", false, vec![Shown::Sentence(said)]).filter(|_| missing)
}

/// What a page of a result that was kept has not, and what has it.
fn forgotten(summaries: &[Summary]) -> Option<Part> {
    let over_time = if summaries.iter().all(|summary| summary.series.is_none()) {
        "; nor does it hold latencies and arrivals over time, which `run --series -o run.json` keeps"
    } else {
        ""
    };
    let said = format!(
        "This page was made of a result that was kept. That holds neither the scenario and its architecture nor single requests, so that \
         these are not here, as they are on the page that `run -o page.html` writes{over_time}."
    );
    let kept = !summaries.is_empty() && summaries.iter().all(Summary::is_kept);
    Part::new("What is not here", false, vec![Shown::Sentence(said)]).filter(|_| kept)
}

/// A comparison, and the runs that were compared, with pictures by their names.
pub fn comparison(
    found: &Comparison,
    summaries: &[Summary],
    warnings: &[String],
    pictures: &[(String, String)],
) -> Leaf {
    let heading = compare::heading(found);
    let mut parts: Vec<Option<Part>> = compare::sheets(found)
        .into_iter()
        .map(|(title, sheet)| Part::new(title, false, vec![Shown::Table(String::new(), sheet)]))
        .collect();
    parts.extend(drawn(pictures));
    parts.push(too_large(summaries, pictures, ""));
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

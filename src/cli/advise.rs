//! `advise`: what fits, what is more than needed, and which way out gains most.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::engine::{self, AdviceSaved, AdviceStudy, AdviseWanted, Checked, Options};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::Progress;
use super::run::Kind;
use super::studied::{Asked, Found};
use super::{graph, pictures};
use crate::report::text::clean;
use crate::report::{advise, json};

/// Hold every interaction against the rules, and try ways out: which change gains most, and whether it is worth it
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Whose requests; by default the client with most of them
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Tell the rules alone; run nothing
    #[arg(long = "static")]
    rules: bool,
    /// Write every way that was tried into this folder: a scenario each, also without its faults, and what it changes
    #[arg(long, value_name = "DIR", conflicts_with = "rules")]
    save: Option<PathBuf>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    if args.rules && kinds.iter().any(|kind| matches!(kind, Kind::Svg | Kind::Png)) {
        return Err(Failure::Usage(
            "--static tries nothing that could be drawn; write .json, .csv, .md or .txt".into(),
        ));
    }
    args.save.iter().try_for_each(|folder| output::writable_folder(folder))?;
    let (checked, options) = args.asked.idle(output)?;
    // Where nobody asks for anything, nothing can be tried.
    let tries = !args.rules && !checked.scenario().clients.is_empty();
    let wanted = AdviseWanted { client: args.client.clone(), tries };
    let progress = Progress::begin(args.asked.progress, output);
    let study = engine::advise(&checked, &wanted, args.asked.jobs, &progress);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let picture = || drawn(&study, &checked, &options, output.colour_errors());
    let found = Found {
        name: "advise",
        json: json::pretty(&study.advice),
        page: &|every| advise::page(&study.advice, every),
        picture: tries.then_some(&picture),
    };
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    if let Some(folder) = &args.save {
        save(folder, &study.texts)?;
        output.note(&format!("{} scenarios: {}", study.texts.len(), output::shown(&folder.join(""))));
        engine::note_unreadable(&folder.join("as-it-is.toml"), output);
    }
    Ok(args.asked.deliver(&found, &kinds, ended, output))
}

/// The file as it was run and the best way out of it, side by side.
fn drawn(study: &AdviceStudy, checked: &Checked, options: &Options, colour: bool) -> Result<String, Failure> {
    let (Some(base), Some(best)) = (study.texts.first(), study.advice.ways.first()) else {
        return Err(Failure::Usage("no way out was tried that could be drawn".into()));
    };
    let text = study.texts.iter().find(|one| one.way.as_ref() == Some(&best.way)).unwrap_or(base);
    let [before, after] = [base, text].map(|one| engine::check(&one.text, None, options, colour));
    let effect = |n_eff: Option<f64>| n_eff.map_or_else(String::new, |n| format!(" · {n:.1} services in effect"));
    let as_it_is = study.advice.ways.iter().find(|one| one.kind.is_none()).and_then(|one| one.n_eff);
    let told = format!("{}{}", clean(&best.way), effect(best.n_eff));
    let said = format!("as it is{} · scenario {}", effect(as_it_is), &checked.hash()[..8]);
    pictures::beside((&before?, said), (&after?, told), graph::diagram)
}

/// Each way as a scenario and what it changes, the file as it was run among them.
fn save(folder: &Path, texts: &[AdviceSaved]) -> Result<(), Failure> {
    output::folder(folder)?;
    let Some(base) = texts.first() else { return Ok(()) };
    for one in texts {
        let name = file(one.way.as_deref().unwrap_or("as-it-is"));
        output::file(&folder.join(format!("{name}.toml")), one.text.text.as_bytes())?;
        if let Some(calm) = &one.calm {
            output::file(&folder.join(format!("{name}-without-faults.toml")), calm.text.as_bytes())?;
        }
        if one.way.is_some() {
            let changed = changes(&base.text.text, &one.text.text, &name);
            output::file(&folder.join(format!("{name}.diff")), changed.as_bytes())?;
        }
    }
    Ok(())
}

/// Three lines around each change, as `diff -u` writes them.
fn changes(old: &str, new: &str, name: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(3).header("as-it-is.toml", &format!("{name}.toml")).to_string()
}

/// A way's name as that of a file.
fn file(way: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = way.chars().map(letter).collect();
    name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_way_is_saved_under_its_name_with_what_it_changes() {
        assert_eq!(
            super::changes("a\nb\n", "a\nB\n", "x"),
            "--- as-it-is.toml\n+++ x.toml\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n"
        );
        assert_eq!(super::file("orders -> mail.send by a queue"), "orders-mail-send-by-a-queue");
    }
}

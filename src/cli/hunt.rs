//! `hunt`: the smallest fault that breaks a promise.

use super::engine::{self, HuntWanted};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::Progress;
use super::run::Kind;
use super::studied::{Asked, Found};
use crate::diag::nouns;
use crate::report::{hunt, json};
use crate::units::Span;

/// Look for the smallest fault that breaks a promise, or is never recovered from; `-o repro.toml` keeps it for CI
#[derive(Clone, Debug, Default, clap::Args)]
#[command(mut_arg("files", |files| files.help("Write this too: .toml (a scenario with that fault), .json .csv .md .txt, or `-`: standard output and nothing else there; may be repeated")))]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Only this node, broker, zone (`zone:eu-west/a`) or edge (`orders -> billing`); may be repeated
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Only this promise, by name; may be repeated
    #[arg(long, value_name = "NAME")]
    slo: Vec<String>,
    /// The longest fault, such as 30s [default: 60 s, at most what is left of the run]
    #[arg(long, value_name = "TIME", value_parser = Span::parse)]
    up_to: Option<Span>,
    /// When the fault begins, from the start of the measured time [default: after three tenths of it]
    #[arg(long, value_name = "TIME", value_parser = Span::parse)]
    at: Option<Span>,
    /// Only faults count that are never recovered from; then no promise is needed
    #[arg(long)]
    never_recovers: bool,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let (asked, scenarios) = args.asked.without_scenarios();
    let kinds = asked.kinds()?;
    output::writable(&scenarios)?;
    if kinds.iter().any(|kind| matches!(kind, Kind::Svg | Kind::Png)) {
        return Err(Failure::Usage("a hunt has no picture; end the name in .toml, .json, .csv, .md or .txt".into()));
    }
    let (checked, options) = asked.scenario(output)?;
    let wanted = HuntWanted {
        targets: args.target.clone(),
        promises: args.slo.clone(),
        up_to_s: args.up_to.map(Span::as_secs_f64),
        at_s: args.at.map(Span::as_secs_f64),
        never_recovers: args.never_recovers,
    };
    let many = engine::hunted(&checked, &wanted);
    let many = many.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    output
        .note(&format!("{many} {} to try, those that break something again and shorter", nouns(many as u64, "fault")));
    let progress = Progress::begin(asked.progress, output);
    let study = engine::hunt(&checked, &wanted, asked.jobs, &progress);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let found = Found {
        name: "hunt",
        json: json::pretty(&study.hunt),
        page: &|every| hunt::page(&study.hunt, every),
        picture: None,
    };
    for path in &scenarios {
        if let Some(text) = &study.hunt.reproducer {
            output::file(path, text.as_bytes())?;
            engine::note_unreadable(path, output);
        } else {
            let why = if study.hunt.found.is_some() { "it was not held to fresh seeds" } else { "nothing was found" };
            output.note(&format!("{why}: {} is not written", output::shown(path)));
        }
    }
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    Ok(asked.deliver(&found, &kinds, ended, output))
}

//! `coupling`: who falls when something falls, how far, and who does not.

use std::path::{Path, PathBuf};

use super::engine::{self, CouplingWanted, Shelf, Window};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use super::progress::Progress;
use super::studied::{Asked, Found};
use crate::report::{coupling, json};
use crate::units::Span;

/// Take every node, broker, zone and edge down in turn: who loses what, who waits, who is unharmed
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Only this node, broker, zone (`zone:eu-west/a`) or edge (`orders -> billing`); may be repeated
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// What is down hangs instead of refusing; edges do both in any case
    #[arg(long)]
    hang: bool,
    /// Do not slow nodes down: no slowness coupling, and not how slow they may be
    #[arg(long)]
    no_slow: bool,
    /// When the outage begins, from the start of the measured time, such as 20s [default: after 30 % of it]
    #[arg(long, value_name = "TIME", value_parser = Span::parse)]
    at: Option<Span>,
    /// How long it is, such as 30s [default: a fifth of the measured time, at most 30 s]
    #[arg(long = "for", value_name = "TIME", value_parser = Span::parse)]
    length: Option<Span>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    let (checked, options) = args.asked.scenario(output)?;
    let wanted = CouplingWanted {
        only: args.target.clone(),
        hangs: args.hang,
        window: window(args, &checked),
        slow: !args.no_slow,
    };
    let shelf = Kept { folder: args.asked.output.as_ref().map(|folder| folder.join("columns")) };
    let progress = Progress::begin(args.asked.progress, output);
    let study = engine::coupling(&checked, &wanted, args.asked.jobs, &progress, &shelf);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let found = Found {
        name: "coupling",
        json: json::pretty(&study.coupling),
        page: &|every| coupling::page(&study.coupling, every),
        picture: Some(&|| pictures::heat(&study.coupling)),
    };
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    Ok(args.asked.deliver(&found, &kinds, ended, output))
}

/// The outage as asked for; what is not said is as usual.
fn window(args: &Args, checked: &engine::Checked) -> Option<Window> {
    let usual = Window::of(checked.scenario().sim.duration.value.as_secs_f64());
    let said = args.at.is_some() || args.length.is_some();
    let seconds = |span: Option<Span>, usual: f64| span.map_or(usual, Span::as_secs_f64);
    said.then(|| Window { at_s: seconds(args.at, usual.at_s), for_s: seconds(args.length, usual.for_s) })
}

/// Finished columns in a folder.
struct Kept {
    folder: Option<PathBuf>,
}

impl Shelf for Kept {
    fn take(&self, key: &str) -> Option<String> {
        output::text(&self.place(key)?)
    }

    fn keep(&self, key: &str, text: &str) {
        let Some(folder) = &self.folder else { return };
        // What cannot be kept is run again; whether the folder can be written to was seen before.
        let _ = output::folder(folder).and_then(|()| output::file(&folder.join(file(key)), text.as_bytes()));
    }
}

impl Kept {
    fn place(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_deref().map(|folder: &Path| folder.join(file(key)))
    }
}

fn file(key: &str) -> String {
    format!("{key}.json")
}

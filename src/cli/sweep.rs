//! `sweep`: one value over several, in one go, in parts, or going on where it was.

mod folder;

use std::path::PathBuf;

use super::engine::{self, Axis, Held, Manifest, Row, Shard, SweepRows, SweepStudy, SweepWanted};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::pictures;
use super::progress::Progress;
use super::studied::{Asked, Found};
use crate::report::{json, sweep};
use folder::{Folder, Runs};

/// Run one value over several: every figure against it, as far as each promise holds, where the knee is
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// What is swept: `PATH=100/s..400/s:7`, `:7log` for equal factors, or `PATH=a,b,c`; of several every combination
    /// [default: what the file says under `[sweep]`]
    #[arg(long, value_name = "PATH=VALUES", value_parser = Axis::parse)]
    sweep: Vec<Axis>,
    /// Whose requests the answer is about; by default the client with most of them
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Make only a part of the runs, of so many; the rows go to the folder of `--output`
    #[arg(long, value_name = "N", requires = "shard", value_parser = clap::value_parser!(u64).range(1..))]
    shards: Option<u64>,
    /// Which part, from 0
    #[arg(long, value_name = "K", requires = "shards")]
    shard: Option<u64>,
    /// Put parts together that were made in several folders, and run nothing
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["file", "sweep", "shards", "client", "variant", "set", "seed", "replications"])]
    merge: Vec<PathBuf>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    let mut runs = args.asked.folder().map(Runs::of);
    let mut tell = |manifest: &Manifest, row: &Row| runs.as_mut().map_or(Ok(()), |runs| runs.add(manifest, row));
    let study = if args.merge.is_empty() {
        let shard = args.part()?;
        let (checked, mut options) = args.asked.scenario(output)?;
        options.edits.extend(engine::swept(&args.sweep));
        let wanted = SweepWanted { axes: args.sweep.clone(), client: args.client.clone(), shard };
        let folder = args.asked.folder().map(|folder| {
            let part = shard.map_or_else(String::new, |shard| format!("-{}-of-{}", shard.nth, shard.of));
            Folder::of(folder.to_owned(), &part)
        });
        let held = Held::default();
        let rows: &dyn SweepRows = folder.as_ref().map_or(&held, |folder| folder);
        let progress = Progress::begin(args.asked.progress, output);
        let study = engine::sweep(&checked, &wanted, args.asked.jobs, &progress, rows, &mut tell);
        progress.end();
        study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?
    } else {
        let folders: Vec<Folder> = args.merge.iter().map(|folder| Folder::of(folder.clone(), "")).collect();
        let parts: Vec<_> = folders.iter().map(|folder| (folder.name(), folder as &dyn SweepRows)).collect();
        engine::merge(&parts, &mut tell).map_err(|trouble| merged(&trouble))?
    };
    runs.map_or(Ok(()), Runs::end)?;
    Ok(args.deliver(&study, &kinds, output))
}

/// What cannot be merged is no mistake of the command line: a folder is not what it should be.
fn merged(trouble: &engine::Trouble) -> Failure {
    Failure::Broken(trouble.to_string())
}

impl Args {
    fn part(&self) -> Result<Option<Shard>, Failure> {
        let (Some(of), Some(nth)) = (self.shards, self.shard) else { return Ok(None) };
        if nth >= of {
            return Err(Failure::Usage(format!("--shard {nth}: of {of} shards the last is {}", of - 1)));
        }
        if self.asked.folder().is_none() {
            return Err(Failure::Usage("a shard leaves its rows in a folder: say --output DIR".into()));
        }
        Ok(Some(Shard { nth, of }))
    }

    fn deliver(&self, study: &SweepStudy, kinds: &[super::run::Kind], output: &Output) -> Exit {
        let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
        let Some(found) = &study.sweep else {
            let left = study.runs - study.known;
            output.note(&format!("this part is made; {left} of {} runs are for the others, then: --merge", study.runs));
            return ended;
        };
        let guarded = found.points.iter().any(|point| point.guard.is_some());
        let ended = if guarded { ended.or(Exit::Unsettled) } else { ended };
        let found = Found {
            name: "sweep",
            json: json::pretty(found),
            page: &|every| sweep::page(found, every),
            picture: Some(&|| pictures::sweep(found)),
        };
        self.asked.deliver(&found, kinds, ended, output)
    }
}

//! `hoptax testbed`: a scenario as processes, beside its prediction.

use std::io::{self, Write as _};
use std::path::PathBuf;

use hoptax::report::table::Style;

use crate::compare::{self, Comparison};
use crate::harness::{self, Broken, Manner};
use crate::prepare::{self, Trouble};
use crate::report;

/// Run scenarios as real processes on this machine, and lay what is measured beside what is predicted
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenarios
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change a value of the scenario, such as `clients.shoppers.rate=20/s`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Change a value for the prediction only: whether it is that which makes the difference
    #[arg(long, value_name = "PATH=VALUE")]
    predict: Vec<String>,
    /// The network of the file is what was calibrated for this machine: leave it as it is
    #[arg(long)]
    calibrated: bool,
    /// Work burns CPU and does not sleep
    #[arg(long)]
    burn: bool,
    /// The run has draws of its own, the same each time, and is held against the range of 95 % of so many simulated runs, at least 40
    #[arg(long, value_name = "RUNS", num_args = 0..=1, default_missing_value = "200", value_parser = clap::value_parser!(u32).range(40..))]
    independent: Option<u32>,
    /// How it is told
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Where it is told: a file whose name ends in .txt, .md, .json or .html; may be repeated
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Exit with 99 where the accuracy of success, p50 or p99 of a client is less, percent
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    min_accuracy: Option<f64>,
}

/// A share in per cent.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.trim_end_matches('%').parse().map_err(|_| "not a number of per cent".to_owned())?;
    if (0.0..=100.0).contains(&share) { Ok(share) } else { Err("not between 0 and 100".to_owned()) }
}

/// How a comparison is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables for a terminal
    #[default]
    Text,
    /// Everything, for programs
    Json,
    /// Markdown
    Md,
    /// A page
    #[value(skip)]
    Html,
}

/// How the program ends: the codes of `hoptax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done = 0,
    /// Something broke.
    Broken = 1,
    /// The scenario is wrong, or uses what the testbed does not do.
    Invalid = 3,
    /// It is less accurate than asked for.
    Inaccurate = 99,
    /// The user interrupted it.
    Interrupted = 130,
}

impl Format {
    fn of(self, comparison: &Comparison) -> String {
        match self {
            Self::Text => report::page(comparison).table(Style::default()),
            Self::Json => serde_json::to_string_pretty(comparison).unwrap_or_default() + "\n",
            Self::Md => report::page(comparison).markdown(),
            Self::Html => hoptax::report::html::page(&report::page(comparison), None).html(),
        }
    }
}

/// Runs all files, one after the other; the worst end counts.
pub(crate) fn act(args: &Args) -> Exit {
    let mut worst = Exit::Done;
    for file in &args.files {
        match one(args, file) {
            Ok(comparison) => {
                if !say(&args.format.of(&comparison)) {
                    return Exit::Broken;
                }
                if let Err(error) = write(args, &comparison) {
                    eprintln!("error: {error}");
                    return Exit::Broken;
                }
                if args.min_accuracy.is_some_and(|least| comparison.least() * 100.0 < least) {
                    worst = Exit::Inaccurate;
                }
            }
            Err(exit) => return exit,
        }
    }
    worst
}

fn one(args: &Args, file: &std::path::Path) -> Result<Comparison, Exit> {
    let prepare = |set: &[String]| {
        prepare::prepare(file, set, args.calibrated).map_err(|trouble| match trouble {
            Trouble::File(why) => told(&format!("error: {why}\n"), Exit::Broken),
            Trouble::Invalid(why) => told(&why, Exit::Invalid),
        })
    };
    let prepared = prepare(&args.set)?;
    let predicted = prepare(&[args.set.as_slice(), &args.predict].concat())?;
    // A run with draws of its own has those of a replication that no prediction is made of.
    let replication = args.independent.map_or(0, |runs| prepared.apart(runs));
    let manner = Manner { replication, burn: args.burn };
    let measured = harness::run(&prepared, manner).map_err(|broken| match broken {
        Broken::Interrupted => Exit::Interrupted,
        Broken::Failed(why) => told(&format!("error: {}: {why}\n", file.display()), Exit::Broken),
    })?;
    Ok(match args.independent {
        Some(runs) => compare::independent(&predicted, &measured, runs),
        None => compare::paired(&predicted, &measured),
    })
}

/// Says a result; whoever closed the pipe has read enough. Whether that went well.
pub(crate) fn say(text: &str) -> bool {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            false
        }
        _ => true,
    }
}

fn told(why: &str, exit: Exit) -> Exit {
    eprint!("{why}");
    exit
}

/// Writes all files that were asked for.
fn write(args: &Args, comparison: &Comparison) -> Result<(), String> {
    for path in &args.output {
        let format = match path.extension().and_then(|end| end.to_str()) {
            Some("txt") => Format::Text,
            Some("md") => Format::Md,
            Some("json") => Format::Json,
            Some("html") => Format::Html,
            _ => {
                return Err(format!(
                    "{}: a name that ends in .txt, .md, .json or .html says what is written",
                    path.display()
                ));
            }
        };
        std::fs::write(path, format.of(comparison)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

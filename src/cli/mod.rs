//! The shell: arguments in, files and text out, an exit code that is fixed for good.
//!
//! One file per verb. `output` is the only file that writes, `progress` the only one that looks at a clock, `engine`
//! the only one that reaches down into the simulator.

mod advise;
mod args;
mod capacity;
mod check;
mod compare;
mod completions;
mod coupling;
mod diagnose;
mod engine;
mod exit;
mod explain;
mod fit;
mod graph;
mod hunt;
mod import;
mod interaction;
mod new;
mod output;
mod pictures;
mod progress;
mod recover;
mod regression;
mod report;
mod run;
mod schema;
mod studied;
mod sweep;
mod testbed;
mod trace;
mod validate;
mod whatif;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use exit::Exit;

use exit::Failure;
use output::Output;

use crate::report::text::clean_lines;

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "hoptax", version, disable_help_subcommand = true)]
#[command(about = "Simulates how services talk to each other: the latency of every hop, queues, cascades", long_about = None)]
#[command(override_usage = "hoptax [OPTIONS] <COMMAND>\n       hoptax [RUN OPTIONS]      runs the built-in scenario")]
#[command(
    after_help = "Exit codes: 0 done · 1 internal or I/O failure · 2 usage · 3 scenario invalid · 4 a guard was \
                        hit or the run did not settle · 99 an SLO failed · 130 interrupted"
)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    manner: args::Manner,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Args),
    Advise(advise::Args),
    Capacity(capacity::Args),
    Check(check::Args),
    Compare(compare::Args),
    Coupling(coupling::Args),
    Diagnose(diagnose::Args),
    Trace(trace::Args),
    Hunt(hunt::Args),
    Recover(recover::Args),
    Sweep(sweep::Args),
    Report(report::Args),
    Whatif(whatif::Args),
    Why(why::Args),
    Graph(graph::Args),
    Import(import::Args),
    Fit(fit::Args),
    Explain(explain::Args),
    Validate(validate::Args),
    /// Run scenarios as real processes on this machine, beside what is predicted
    Testbed(testbed::Args),
    /// Measure this machine: its network, its codecs, its timers, the brokers that are installed
    Calibrate(testbed::Args),
    Schema(schema::Args),
    New(new::Args),
    Completions(completions::Args),
}

/// Runs the program: the first argument is its own name.
pub fn main(args: Vec<OsString>) -> ExitCode {
    code(args).into()
}

/// The same, with the exit code as a number.
pub fn code(args: Vec<OsString>) -> u8 {
    exit::on_panic();
    // Before anybody listens for an interrupt: the other program does that itself.
    if let Some(meant) = testbed::meant(&args) {
        return ended(testbed::replace(&meant), &Output::new(args::Manner::default()));
    }
    progress::listen();
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render().to_string();
            match clean_lines(&text) {
                // A closed pipe while help is printed is no failure.
                harmless if harmless == text => drop(error.print()),
                harmless => output::say(harmless.trim_end()),
            }
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.code();
        }
    };
    let output = Output::new(cli.manner);
    ended(cli.verb.unwrap_or_default().act(&output), &output)
}

/// The exit code, failures told.
fn ended(how: Result<Exit, Failure>, output: &Output) -> u8 {
    match how {
        Ok(exit) => exit.code(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit().code()
        }
    }
}

impl Default for Verb {
    fn default() -> Self {
        Self::Run(run::Args::default())
    }
}

impl Verb {
    fn act(self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Verb::Run(args) => run::act(&args, output),
            Verb::Advise(args) => advise::act(&args, output),
            Verb::Capacity(args) => capacity::act(&args, output),
            Verb::Check(args) => check::act(&args, output),
            Verb::Compare(args) => compare::act(&args, output),
            Verb::Coupling(args) => coupling::act(&args, output),
            Verb::Diagnose(args) => diagnose::act(&args, output),
            Verb::Trace(args) => trace::act(&args, output),
            Verb::Hunt(args) => hunt::act(&args, output),
            Verb::Recover(args) => recover::act(&args, output),
            Verb::Sweep(args) => sweep::act(&args, output),
            Verb::Report(args) => report::act(&args, output),
            Verb::Whatif(args) => whatif::act(&args, output),
            Verb::Why(args) => why::act(&args, output),
            Verb::Graph(args) => graph::act(&args, output),
            Verb::Import(args) => import::act(&args, output),
            Verb::Fit(args) => fit::act(&args, output),
            Verb::Explain(args) => explain::act(&args, output),
            Verb::Validate(args) => validate::act(&args, output),
            Verb::Testbed(args) => testbed::act("testbed", &args),
            Verb::Calibrate(args) => testbed::act("calibrate", &args),
            Verb::Schema(args) => schema::act(&args),
            Verb::New(args) => new::act(&args, output),
            Verb::Completions(args) => completions::act(&args, &Cli::command()),
        }
    }
}

/// Reads the arguments. `hoptax --seed 3` means `hoptax run --seed 3`: where the first argument is a flag that only `run`
/// knows, the verb is put in.
fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let first = Cli::try_parse_from(&args);
    let flag = args.get(1).is_some_and(|arg| arg.as_encoded_bytes().starts_with(b"-"));
    match first {
        Err(error) if flag && error.kind() == ErrorKind::UnknownArgument => {
            let mut args = args;
            args.insert(1, "run".into());
            Cli::try_parse_from(args)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_verb_the_scenario_is_run() {
        assert!(parse(words("hoptax")).unwrap().verb.is_none());
        let Some(Verb::Run(args)) = parse(words("hoptax --seed 3 -q")).unwrap().verb else { panic!("not a run") };
        assert_eq!(args.change.seed, Some(3));
        assert!(matches!(parse(words("hoptax -q run x.toml")).unwrap().verb, Some(Verb::Run(_))));
    }

    #[test]
    fn a_misspelt_verb_is_not_taken_for_a_file() {
        assert_eq!(parse(words("hoptax chek x.toml")).unwrap_err().kind(), ErrorKind::InvalidSubcommand);
        assert_eq!(parse(words("hoptax --sed 3")).unwrap_err().kind(), ErrorKind::UnknownArgument);
    }

    #[test]
    fn outputs_repeat() {
        let line = "hoptax run x.toml -o a.json -o b.svg --set a.b=1 --set c=2 -n 5 -j 2 --format md --variant all";
        let Some(Verb::Run(args)) = parse(words(line)).unwrap().verb else { panic!("not a run") };
        assert_eq!((args.files.len(), args.change.set.len()), (2, 2));
        assert_eq!((args.change.replications, args.jobs), (Some(5), Some(2)));
    }
}

//! `fit`: from measured times to a `work = …` line.

use std::path::PathBuf;

use super::engine::{self, Fitted};
use super::exit::{Exit, Failure};
use super::output::{self, Output};

/// Find the law of measured times: a `work = …` line, and how well it fits
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// One time a line, each with a unit or below a header that names it (`ms`); or percentiles, a line each: `p50,8ms`
    #[arg(value_name = "TIMES.csv")]
    file: PathBuf,
}

pub(super) fn act(args: &Args, _: &Output) -> Result<Exit, Failure> {
    let times = engine::times(&args.file)?;
    let told = match &times {
        engine::Times::Percentiles(points) => percentiles(points),
        engine::Times::Samples(samples) => samples_told(samples, &args.file)?,
    };
    output::result(told.as_bytes())?;
    Ok(Exit::Done)
}

/// Percentiles are taken as they are: what lies between and beyond them is not in the file.
fn percentiles(points: &[(String, String)]) -> String {
    let keys: Vec<String> = points.iter().map(|(name, time)| format!("{name} = \"{time}\"")).collect();
    let how = if points.len() == 2 { "a log-normal through both" } else { "a monotone fit through all" };
    format!(
        "work = {{ {} }}\n# {how}; {} points fix no tail beyond the last of them, and no law can be told from another by them\n",
        keys.join(", "),
        points.len()
    )
}

fn samples_told(samples: &[f64], path: &std::path::Path) -> Result<String, Failure> {
    let none = || Failure::Broken(format!("{}: there are no times in it", output::shown(path)));
    let (best, tried) = engine::fit(samples).ok_or_else(none)?;
    let mut text = format!("work = {}\n# {} times, {}: {}\n", best.toml, samples.len(), best.family, goodness(&best));
    for other in tried.iter().filter(|other| other.family != best.family) {
        text += &format!("#   {:<12} {}\n", other.family, goodness(other));
    }
    text += &format!("# the times themselves: work = {{ samples = \"{}\" }}\n", output::shown(path));
    Ok(text)
}

fn goodness(law: &Fitted) -> String {
    if law.distance.is_nan() {
        return "too few times to tell a law; exponential is a guess".into();
    }
    let word = match (law.family, law.holds) {
        ("quantiles", _) => "the times' own quantiles, even in between",
        (_, true) => "cannot be told from the times",
        (_, false) => "does not fit",
    };
    format!("largest distance {:.3} (Kolmogorov-Smirnov): {word}", law.distance)
}

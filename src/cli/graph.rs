//! `graph`: the architecture as a picture.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::Change;
use super::engine::{self, Checked, Options};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::{pictures, run};
use crate::report::topology::{Diagram, dot, mermaid};

/// Draw who calls whom and who sends whom: databases and brokers by shape, teams as regions, what is one in fact outlined
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    change: Change,
    /// What standard output carries [default: mermaid]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write it here instead, the kind by its ending: .svg .png .dot .mmd; may be repeated. With figures of a run:
    /// `hoptax run -o graph.svg`
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What the picture is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Laid out and drawn.
    Svg,
    /// The same in pixels.
    Png,
    /// For Graphviz.
    Dot,
    /// For GitHub, GitLab and others that show Mermaid.
    Mermaid,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    if args.change.variant.as_deref() == Some("all") {
        return Err(Failure::Usage("--variant all: one picture shows one; name it".into()));
    }
    let kinds = args.files.iter().map(|path| kind(path)).collect::<Result<Vec<_>, _>>()?;
    output::writable(&args.files)?;
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let options = Options { idle: true, pilots: false, ..engine::options(&args.change, None) };
    let checked = engine::check(&source, args.change.variant.as_deref(), &options, colour)?;
    let mut failures = Vec::new();
    for (path, kind) in args.files.iter().zip(kinds).filter(|(path, _)| !run::is_stdout(path)) {
        let kind = kind.unwrap_or(Format::Mermaid);
        failures.extend(drawn(&checked, kind).and_then(|bytes| output::file(path, &bytes)).err());
    }
    let piped = args.files.iter().any(|path| run::is_stdout(path));
    if args.files.is_empty() || piped || args.format.is_some() {
        let kind = args.format.unwrap_or(Format::Mermaid);
        failures.extend(drawn(&checked, kind).and_then(|bytes| output::result(&bytes)).err());
    }
    Ok(output.told(Exit::Done, failures))
}

/// What a file is to hold; `None` where it is standard output.
fn kind(path: &Path) -> Result<Option<Format>, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let why = "cannot tell what to write; end the name in .svg, .png, .dot or .mmd";
    match ending.as_deref() {
        _ if run::is_stdout(path) => Ok(None),
        Some("svg") => Ok(Some(Format::Svg)),
        Some("png") => Ok(Some(Format::Png)),
        Some("dot" | "gv") => Ok(Some(Format::Dot)),
        Some("mmd" | "mermaid") => Ok(Some(Format::Mermaid)),
        _ => Err(Failure::Usage(format!("{}: {why}", output::shown(path)))),
    }
}

/// Who leads to whom, and what is one in fact.
pub(super) fn diagram(checked: &Checked) -> Diagram {
    Diagram { units: units(checked), ..Diagram::of(&engine::topology(checked)) }
}

/// What is one in fact, by name, with the number of its unit.
pub(super) fn units(checked: &Checked) -> BTreeMap<String, usize> {
    let mut units = BTreeMap::new();
    let found = engine::diagnose(checked);
    for (unit, own) in found.units.into_iter().enumerate() {
        units.extend(own.into_iter().map(|name| (name, unit + 1)));
    }
    units
}

fn drawn(checked: &Checked, format: Format) -> Result<Vec<u8>, Failure> {
    let diagram = diagram(checked);
    let text = match format {
        Format::Dot => dot(&checked.scenario().name.value, &diagram),
        Format::Mermaid => mermaid(&diagram),
        Format::Svg => pictures::topology(checked, &diagram)?,
        Format::Png => return pictures::png(&pictures::topology(checked, &diagram)?),
    };
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_kind() {
        assert_eq!(kind(Path::new("a/B.SVG")), Ok(Some(Format::Svg)));
        assert_eq!(kind(Path::new("x.gv")), Ok(Some(Format::Dot)));
        assert_eq!(kind(Path::new("-")), Ok(None));
        assert!(matches!(kind(Path::new("x.json")), Err(Failure::Usage(_))));
    }
}

//! `trace`: one request, followed from its client to the last callee and back.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::Change;
use super::engine::{self, Pick, Sought, Trace};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use crate::report::export::{chrome, otlp};
use crate::report::table::Style;
use crate::report::waterfall;

/// Follow one request: where it was when, and on what the time was spent
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    change: Change,
    /// Sought request: `slowest`, the one at a percentile such as `p99`, `failed` (the first that failed as most did), or
    /// the N-th of the measured time
    #[arg(long, value_name = "WHICH", value_parser = pick, default_value = "slowest")]
    request: Pick,
    /// Whose request, where there are several clients
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// In which replication: a failure that the first does not have may be in another
    #[arg(long, value_name = "N", default_value_t = 1)]
    replication: u32,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write this too: .svg .png .txt, .json (Chrome trace events, for Perfetto), .otlp.json (OpenTelemetry, for
    /// Jaeger), or `-`: standard output (Chrome trace events unless --format says otherwise); may be repeated
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What a trace is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A waterfall.
    Table,
    /// Chrome trace events, which Perfetto opens.
    Chrome,
    /// OpenTelemetry's JSON, which Jaeger opens.
    Otlp,
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text(Format),
    Svg,
    Png,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds: Result<Vec<Kind>, Failure> = args.files.iter().map(|path| kind(path)).collect();
    let kinds = kinds?;
    pictures::known(&args.files, &[])?;
    output::writable(&args.files)?;
    if args.change.variant.as_deref() == Some("all") {
        return Err(Failure::Usage("one request is followed in one variant; name it instead of `all`".into()));
    }
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let options = engine::options(&args.change, None);
    let checked = engine::check(&source, args.change.variant.as_deref(), &options, colour)?;
    let which = Sought { pick: args.request, client: args.client.as_deref(), replication: args.replication };
    let trace = engine::trace(&checked, which)?;
    // A reader of standard output may go away early, so files come first.
    let mut failures = Vec::new();
    for (path, kind) in args.files.iter().zip(kinds).filter(|(path, _)| !is_stdout(path)) {
        failures.extend(content(&trace, kind).and_then(|bytes| output::file(path, &bytes)).err());
    }
    let piped = args.files.iter().any(|path| is_stdout(path));
    let format = args.format.unwrap_or(if piped { Format::Chrome } else { Format::Table });
    failures.extend(output::result(text(&trace, format, output.style()).as_bytes()).err());
    Ok(output.told(Exit::Done, failures))
}

fn content(trace: &Trace, kind: Kind) -> Result<Vec<u8>, Failure> {
    match kind {
        Kind::Text(format) => Ok(text(trace, format, Style::of_file()).into_bytes()),
        Kind::Svg => Ok(pictures::waterfall(trace)?.into_bytes()),
        Kind::Png => pictures::png(&pictures::waterfall(trace)?),
    }
}

fn text(trace: &Trace, format: Format, style: Style) -> String {
    match format {
        Format::Table => waterfall::render(trace, style.width, style.all, style.color),
        Format::Chrome => chrome::render(trace),
        Format::Otlp => otlp::render(trace),
    }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a file is to hold, told by its ending before anything is run.
fn kind(path: &Path) -> Result<Kind, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let kinds = [
        (".otlp.json", Kind::Text(Format::Otlp)),
        (".json", Kind::Text(Format::Chrome)),
        (".txt", Kind::Text(Format::Table)),
        (".svg", Kind::Svg),
        (".png", Kind::Png),
    ];
    if is_stdout(path) {
        return Ok(Kind::Text(Format::Chrome));
    }
    kinds.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| kind).ok_or_else(|| {
        let path = output::shown(path);
        Failure::Usage(format!(
            "{path}: cannot tell what to write; end the name in .svg, .png, .txt, .json or .otlp.json"
        ))
    })
}

/// Reads `slowest`, `failed`, `p99` or a number.
pub(super) fn pick(text: &str) -> Result<Pick, String> {
    // p999 is p99.9, as in the JSON.
    let point = |rest: &str| match rest.len() {
        3.. if rest.starts_with("99") && rest.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{}.{}", &rest[..2], &rest[2..])
        }
        _ => rest.to_owned(),
    };
    let percentile = |rest: &str| point(rest).parse().ok().filter(|p: &f64| *p > 0.0 && *p < 100.0);
    if text == "slowest" {
        return Ok(Pick::Slowest);
    }
    if text == "failed" {
        return Ok(Pick::Failed);
    }
    if let Some(percent) = text.strip_prefix('p').and_then(percentile) {
        // Division leaves 99.9 / 100 a hair above 0.999.
        return Ok(Pick::Quantile((percent * 1e7).round() / 1e9));
    }
    match text.parse() {
        Ok(n) if n > 0 => Ok(Pick::Nth(n)),
        _ => Err("neither `slowest` nor `failed`, nor a percentile such as `p99`, nor a number from 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_picked_by_word_percentile_or_number() {
        assert_eq!(pick("slowest"), Ok(Pick::Slowest));
        assert_eq!(pick("failed"), Ok(Pick::Failed));
        assert_eq!(pick("p99.9"), Ok(Pick::Quantile(0.999)));
        assert_eq!(pick("p999"), pick("p99.9"));
        assert_eq!(pick("p9999"), Ok(Pick::Quantile(0.9999)));
        assert_eq!(pick("4712"), Ok(Pick::Nth(4712)));
        for wrong in ["", "0", "p0", "p100", "p", "fastest", "-1", "pNaN"] {
            assert!(pick(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ending_tells_the_kind() {
        assert_eq!(kind(Path::new("a/x.OTLP.json")), Ok(Kind::Text(Format::Otlp)));
        assert_eq!(kind(Path::new("x.json")), Ok(Kind::Text(Format::Chrome)));
        assert_eq!(kind(Path::new("-")), Ok(Kind::Text(Format::Chrome)));
        for path in ["x", "x.csv", "json"] {
            assert!(matches!(kind(Path::new(path)), Err(Failure::Usage(_))), "{path}");
        }
    }

    #[cfg(feature = "png")]
    #[test]
    fn files_hold_what_their_endings_say() {
        let trace = crate::report::sample_trace::trace();
        let bytes = |name: &str| content(&trace, kind(Path::new(name)).unwrap()).unwrap();
        let holds = |name: &str, word: &str| String::from_utf8_lossy(&bytes(name)).contains(word);
        assert!(holds("x.json", "\"traceEvents\"") && holds("x.otlp.json", "\"resourceSpans\""));
        assert!(holds("x.txt", "request 4712 of shoppers") && holds("x.svg", "<svg"));
        assert!(bytes("x.png").starts_with(b"\x89PNG"));
    }
}

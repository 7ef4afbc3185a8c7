//! What the verbs of studies share: how a study is asked for, and how what it found is written.

use std::path::{Path, PathBuf};

use super::args::Change;
use super::engine::{self, Checked, Options, Shelf};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use super::progress::Mode;
use super::run::{self, Format, Kind};
use crate::report::page::Page;
use crate::report::table::Style;

/// What is said of `-o` by verbs that draw nothing.
pub(super) const TEXTS: &str =
    "Write this too: .json .csv .md .txt, or `-`: standard output and nothing else there; may be repeated";

/// What is said of `-o` by verbs that draw nothing on its own, but a page.
pub(super) const PAGES: &str =
    "Write this too: .html .json .csv .md .txt, or `-`: standard output and nothing else there; may be repeated";

/// What every study is told.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Asked {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) change: Change,
    /// Threads; the result is the same for any number
    #[arg(short, long, value_name = "N", value_parser = run::threads)]
    pub(super) jobs: Option<usize>,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// Write this too: .html .json .csv .md .txt .svg .png, or `-`: standard output and nothing else there; may be repeated
    #[arg(short = 'o', value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Write everything into this folder: JSON, CSV, Markdown, the picture
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub(super) progress: Mode,
}

/// What was found.
pub(super) struct Found<'f> {
    /// Its name: that of the verb.
    pub(super) name: &'static str,
    /// For programs.
    pub(super) json: String,
    /// For people; all of it where that is asked for.
    pub(super) page: &'f dyn Fn(bool) -> Page,
    /// Its picture, as SVG, where there is one.
    pub(super) picture: Option<&'f dyn Fn() -> Result<String, Failure>>,
}

impl Asked {
    /// Where finished parts are kept, so that the study can be stopped and resumed: in the folder it is written to.
    pub(super) fn shelf(&self) -> Kept {
        Kept { folder: self.output.as_ref().map(|folder| folder.join("columns")) }
    }

    /// The folder that everything is written to.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// Refuses what cannot be written, before anything is run.
    pub(super) fn kinds(&self) -> Result<Vec<Kind>, Failure> {
        let kinds = run::kinds(&self.files)?;
        if let Some(at) = kinds.iter().position(|kind| *kind == Kind::Junit) {
            let path = output::shown(&self.files[at]);
            return Err(Failure::Usage(format!("{path}: JUnit is about promises; this judges none")));
        }
        pictures::known(&self.files, &[])?;
        output::writable(&self.files)?;
        self.output.iter().try_for_each(|folder| output::writable_folder(folder))?;
        Ok(kinds)
    }

    /// The same without the files that a scenario is to be written into, and these.
    pub(super) fn without_scenarios(&self) -> (Self, Vec<PathBuf>) {
        let is = |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
        let (scenarios, files) = self.files.iter().cloned().partition(is);
        (Self { files, ..self.clone() }, scenarios)
    }

    /// The scenario, its warnings said.
    pub(super) fn scenario(&self, output: &Output) -> Result<(Checked, Options), Failure> {
        self.read(output, false)
    }

    /// The same, which may be without clients: of such a file is told what is written.
    pub(super) fn idle(&self, output: &Output) -> Result<(Checked, Options), Failure> {
        self.read(output, true)
    }

    fn read(&self, output: &Output, idle: bool) -> Result<(Checked, Options), Failure> {
        if self.change.variant.as_deref() == Some("all") {
            return Err(Failure::Usage("one scenario is studied; name a variant instead of `all`".into()));
        }
        let colour = output.colour_errors();
        let source = engine::read(self.file.as_deref(), colour)?;
        let options = Options { idle, ..engine::options(&self.change, self.jobs) };
        let checked = engine::check(&source, self.change.variant.as_deref(), &options, colour)?;
        for warnings in engine::warnings(std::slice::from_ref(&checked), colour) {
            output.rendered(warnings.trim_end());
        }
        Ok((checked, options))
    }

    /// Writes files first: a reader of standard output may go away early. What fails keeps nothing else from being written.
    pub(super) fn deliver(&self, found: &Found<'_>, kinds: &[Kind], ended: Exit, output: &Output) -> Exit {
        let mut failures = Vec::new();
        for (path, kind) in self.files.iter().zip(kinds).filter(|(path, _)| !run::is_stdout(path)) {
            failures.extend(found.bytes(*kind).and_then(|bytes| output::file(path, &bytes)).err());
        }
        if let Some(folder) = &self.output {
            match found.everything(folder) {
                Ok(()) => {
                    output.note(&format!("JSON, CSV, Markdown, pictures: {}", output::shown(&folder.join(""))));
                }
                Err(failure) => failures.push(failure),
            }
        }
        let piped = self.files.iter().any(|path| run::is_stdout(path));
        let format = self.format.unwrap_or(if piped { Format::Json } else { Format::Table });
        failures.extend(output::result(found.text(format, output.style()).as_bytes()).err());
        output.told(ended, failures)
    }
}

/// What is finished, in a folder.
pub(super) struct Kept {
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

impl Found<'_> {
    fn text(&self, format: Format, style: Style) -> String {
        match format {
            Format::Table => (self.page)(style.all).table(style),
            Format::Json => self.json.clone(),
            Format::Csv => (self.page)(true).csv(),
            Format::Md => (self.page)(true).markdown(),
        }
    }

    fn bytes(&self, kind: Kind) -> Result<Vec<u8>, Failure> {
        match kind {
            Kind::Text(format) => Ok(self.text(format, Style::of_file()).into_bytes()),
            Kind::Html => {
                let picture = self.picture.and_then(|draw| draw().ok());
                Ok(crate::report::html::page(&(self.page)(true), picture).html().into_bytes())
            }
            Kind::Svg => Ok(self.drawn()?.into_bytes()),
            Kind::Png => pictures::png(&self.drawn()?),
            Kind::Traces | Kind::Series => {
                Err(Failure::Usage("traces and series are of one run; `hoptax run` writes them".into()))
            }
            Kind::Junit => Err(Failure::Usage("JUnit is about promises; this judges none".into())),
        }
    }

    fn everything(&self, folder: &Path) -> Result<(), Failure> {
        output::folder(folder)?;
        let texts = [("json", Format::Json), ("csv", Format::Csv), ("md", Format::Md)];
        for (ending, format) in texts {
            let text = self.text(format, Style::default());
            output::file(&folder.join(format!("{}.{ending}", self.name)), text.as_bytes())?;
        }
        if cfg!(feature = "charts") && self.picture.is_some() {
            output::file(&folder.join(format!("{}.svg", self.name)), self.drawn()?.as_bytes())?;
        }
        if cfg!(feature = "png") && self.picture.is_some() {
            output::file(&folder.join(format!("{}.png", self.name)), &pictures::png(&self.drawn()?)?)?;
        }
        Ok(())
    }

    fn drawn(&self) -> Result<String, Failure> {
        let none = || Failure::Usage(format!("{} draws no picture; write .json, .csv, .md or .txt", self.name));
        self.picture.ok_or_else(none)?()
    }
}

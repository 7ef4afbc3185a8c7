//! A sweep on disk: its manifest, files of rows, one for each part, and the tables of all runs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::engine::{Manifest, Place, Row, SweepRows};
use crate::cli::exit::Failure;
use crate::cli::output::{self, Claim, Growing, Lines};
use crate::report::sweep;

/// A folder in which a sweep stands.
pub(super) struct Folder {
    path: PathBuf,
    rows: PathBuf,
    /// The files that were read, each of which is asked for single lines.
    files: Mutex<Vec<Lines>>,
    /// What nobody else may have meanwhile.
    claim: Mutex<Option<Claim>>,
}

const MANIFEST: &str = "manifest.json";
const BEGINS: &str = "rows";
const ENDS: &str = ".jsonl";

impl Folder {
    pub(super) fn of(path: PathBuf, part: &str) -> Self {
        let rows = path.join(format!("{BEGINS}{part}{ENDS}"));
        Self { path, rows, files: Mutex::default(), claim: Mutex::default() }
    }

    pub(super) fn name(&self) -> String {
        output::shown(&self.path)
    }
}

/// Why something could not be kept.
fn words(failure: Failure) -> String {
    match failure {
        Failure::Broken(why) | Failure::Usage(why) | Failure::Invalid(why) | Failure::Guarded(why) => why,
        Failure::Interrupted => "interrupted".into(),
    }
}

impl SweepRows for Folder {
    fn claim(&self) -> Result<(), String> {
        output::folder(&self.path).map_err(words)?;
        let claim = Claim::take(&self.rows.with_extension("lock")).map_err(words)?;
        let taken = || {
            format!(
                "{}: another hoptax is at work on these runs; wait until it has ended, or name another folder",
                self.name()
            )
        };
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = Some(claim.ok_or_else(taken)?);
        Ok(())
    }

    fn manifest(&self) -> Option<String> {
        output::text(&self.path.join(MANIFEST))
    }

    fn begin(&self, manifest: &str) -> Result<(), String> {
        let kept = output::folder(&self.path);
        kept.and_then(|()| output::file(&self.path.join(MANIFEST), manifest.as_bytes())).map_err(words)
    }

    fn each(&self, tell: &mut dyn FnMut(Place, &str)) -> Result<(), String> {
        let ours = |name: &String| name.starts_with(BEGINS) && name.ends_with(ENDS);
        let mut files = Vec::new();
        for name in output::names(&self.path).into_iter().filter(ours) {
            let file = files.len() as u32;
            let mut lines = Lines::open(&self.path.join(&name)).map_err(words)?;
            let told = lines.each(&mut |at, line| {
                // What is no text is no row.
                if let (Ok(length @ 1..), Ok(line)) = (u32::try_from(line.len()), std::str::from_utf8(line)) {
                    tell(Place { file, length, at }, line);
                }
            });
            told.map_err(words)?;
            files.push(lines);
        }
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    fn line(&self, place: Place) -> Result<String, String> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = files.get_mut(place.file as usize).ok_or_else(|| "a file of rows is gone".to_owned())?;
        let bytes = lines.at(place.at, place.length as usize).map_err(words)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn add(&self, line: &str) -> Result<(), String> {
        output::line(&self.rows, line).map_err(words)
    }
}

/// `runs.csv` and `runs.parquet`: every run, in order, written while the figures are made of them.
pub(super) struct Runs {
    folder: PathBuf,
    tables: Option<Tables>,
}

struct Tables {
    csv: Growing,
    first: bool,
    #[cfg(feature = "parquet")]
    parquet: sweep::Table<Growing>,
}

impl Runs {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tables: None }
    }

    pub(super) fn add(&mut self, manifest: &Manifest, row: &Row) -> Result<(), String> {
        if self.tables.is_none() {
            self.tables = Some(Tables::begin(&self.folder, manifest)?);
        }
        self.tables.as_mut().map_or(Ok(()), |tables| tables.add(manifest, row))
    }

    /// Puts them in their place; where no run was told there are none.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.tables.map_or(Ok(()), Tables::end)
    }
}

impl Tables {
    fn begin(folder: &Path, manifest: &Manifest) -> Result<Self, String> {
        output::folder(folder).map_err(words)?;
        let growing = |name: &str| Growing::begin(&folder.join(name)).map_err(words);
        Ok(Self {
            csv: growing("runs.csv")?,
            first: true,
            #[cfg(feature = "parquet")]
            parquet: sweep::Table::begin(manifest, growing("runs.parquet")?)?,
        })
    }

    fn add(&mut self, manifest: &Manifest, row: &Row) -> Result<(), String> {
        let text = sweep::run(manifest, row, self.first);
        self.first = false;
        #[cfg(feature = "parquet")]
        self.parquet.add(manifest, row)?;
        self.csv.write_all(text.as_bytes()).map_err(|error| format!("runs.csv: {error}"))
    }

    fn end(self) -> Result<(), Failure> {
        #[cfg(feature = "parquet")]
        self.parquet.end().map_err(|why| Failure::Broken(format!("runs.parquet: {why}")))?.end()?;
        self.csv.end()
    }
}

//! A sweep on disk: its manifest, files of rows, one for each part, and the tables of all runs.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::engine::{Manifest, Place, Row, SweepRows};
use crate::cli::exit::Failure;
use crate::cli::output::{self, Growing};
use crate::report::sweep;

/// A folder in which a sweep stands.
pub(super) struct Folder {
    folder: PathBuf,
    rows: PathBuf,
    /// The files that were read, each of which is asked for single lines.
    files: Mutex<Vec<(PathBuf, File)>>,
}

const MANIFEST: &str = "manifest.json";
const BEGINS: &str = "rows";
const ENDS: &str = ".jsonl";

impl Folder {
    pub(super) fn of(folder: PathBuf, part: &str) -> Self {
        let rows = folder.join(format!("{BEGINS}{part}{ENDS}"));
        Self { folder, rows, files: Mutex::default() }
    }

    pub(super) fn name(&self) -> String {
        output::shown(&self.folder)
    }
}

/// Why something could not be kept.
fn words(failure: Failure) -> String {
    match failure {
        Failure::Broken(why) | Failure::Usage(why) | Failure::Invalid(why) | Failure::Guarded(why) => why,
        Failure::Interrupted => "interrupted".into(),
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", output::shown(path))
}

impl SweepRows for Folder {
    fn manifest(&self) -> Option<String> {
        output::text(&self.folder.join(MANIFEST))
    }

    fn begin(&self, manifest: &str) -> Result<(), String> {
        let kept = output::folder(&self.folder);
        kept.and_then(|()| output::file(&self.folder.join(MANIFEST), manifest.as_bytes())).map_err(words)
    }

    fn each(&self, tell: &mut dyn FnMut(Place, &str)) -> Result<(), String> {
        let ours = |name: &String| name.starts_with(BEGINS) && name.ends_with(ENDS);
        let mut files = Vec::new();
        for name in output::names(&self.folder).into_iter().filter(ours) {
            let path = self.folder.join(&name);
            let open = || File::open(&path).map_err(|error| told(&path, &error));
            lines(open()?, files.len() as u32, tell).map_err(|error| told(&path, &error))?;
            files.push((path.clone(), open()?));
        }
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    fn line(&self, place: Place) -> Result<String, String> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, file) = files.get_mut(place.file as usize).ok_or_else(|| "a file of rows is gone".to_owned())?;
        let mut bytes = vec![0; place.length as usize];
        let read = file.seek(SeekFrom::Start(place.at)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| told(path, &error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn add(&self, line: &str) -> Result<(), String> {
        output::line(&self.rows, line).map_err(words)
    }
}

/// The lines of a file, and where each stands. What is no text is no row.
fn lines(file: File, nth: u32, tell: &mut dyn FnMut(Place, &str)) -> io::Result<()> {
    let (mut reader, mut line, mut at) = (BufReader::new(file), Vec::new(), 0);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if let (Ok(length @ 1..), Ok(text)) = (u32::try_from(text.len()), std::str::from_utf8(text)) {
            tell(Place { file: nth, length, at }, text);
        }
        at += read as u64;
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

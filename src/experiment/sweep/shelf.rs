//! Rows that are kept, found again by their run: of each its place is known, the rows themselves stay where they are.

use std::sync::{Mutex, PoisonError};

use super::{Manifest, Row};
use crate::experiment::study::Trouble;

/// Where a line stands among what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its file, of several.
    pub file: u32,
    /// Bytes, without the end of the line; a line has at least one.
    pub length: u32,
    /// Where it begins.
    pub at: u64,
}

/// Where finished runs are kept, so that a sweep can be stopped at any moment and go on, or be made in parts.
pub trait Rows: Sync {
    /// Claims the place for as long as this is there, so that nobody else adds the same rows meanwhile.
    fn claim(&self) -> Result<(), String> {
        Ok(())
    }
    /// The manifest of what is there already.
    fn manifest(&self) -> Option<String>;
    /// Keeps the manifest of what is begun.
    fn begin(&self, manifest: &str) -> Result<(), String>;
    /// Tells all lines that are there, and where they stand; what is no whole row does not count.
    fn each(&self, tell: &mut dyn FnMut(Place, &str)) -> Result<(), String>;
    /// The line that stands there, as it was told by the last [`Rows::each`].
    fn line(&self, place: Place) -> Result<String, String>;
    /// One more line.
    fn add(&self, line: &str) -> Result<(), String>;
}

/// Rows in memory, for as long as the sweep takes.
#[derive(Debug, Default)]
pub struct Held {
    lines: Mutex<Vec<String>>,
}

impl Rows for Held {
    fn manifest(&self) -> Option<String> {
        None
    }
    fn begin(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn each(&self, tell: &mut dyn FnMut(Place, &str)) -> Result<(), String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, line) in lines.iter().enumerate() {
            tell(Place { file: 0, length: line.len() as u32, at: at as u64 }, line);
        }
        Ok(())
    }
    fn line(&self, place: Place) -> Result<String, String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(place.at as usize).cloned().ok_or_else(|| "a row is gone".to_owned())
    }
    fn add(&self, line: &str) -> Result<(), String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        Ok(())
    }
}

/// What is kept in one place, by run.
pub(super) struct Shelf<'a> {
    name: &'a str,
    rows: &'a dyn Rows,
    /// By run; one of no length where it is not there.
    places: Vec<Place>,
}

impl<'a> Shelf<'a> {
    /// What is there now. A run of another sweep, or one that is there twice and is not the same, is refused; `name` says where.
    pub(super) fn of(name: &'a str, rows: &'a dyn Rows, manifest: &Manifest) -> Result<Self, Trouble> {
        let mut shelf = Self { name, rows, places: vec![Place::default(); manifest.runs() as usize] };
        let (mut strange, mut changed, mut twice) = (None, None, Vec::new());
        let told = rows.each(&mut |place, line| {
            let Some(row) = Row::read(line) else { return };
            match shelf.places.get_mut(row.run as usize) {
                None => strange = Some(row.run),
                Some(_) if !row.is_sealed(line, manifest) => changed = Some(row.run),
                Some(known) if known.length > 0 => twice.push((*known, row)),
                Some(free) => *free = place,
            }
        });
        told.map_err(Trouble::Kept)?;
        if let Some(run) = strange {
            return Err(shelf.trouble(&format!("there is a run {run}, of {}", manifest.runs())));
        }
        if let Some(run) = changed {
            let why = format!(
                "run {run} was changed, or is of another scenario or seed; remove its line, and it is made again"
            );
            return Err(shelf.trouble(&why));
        }
        for (place, row) in twice {
            if shelf.read(place)? != row {
                return Err(
                    shelf.trouble(&format!("run {} is there twice, and not the same; one was changed", row.run))
                );
            }
        }
        Ok(shelf)
    }

    pub(super) fn has(&self, run: u64) -> bool {
        self.places[run as usize].length > 0
    }

    /// The row of a run; nothing where it is not there.
    fn row(&self, run: u64) -> Result<Option<Row>, Trouble> {
        self.has(run).then(|| self.read(self.places[run as usize])).transpose()
    }

    fn read(&self, place: Place) -> Result<Row, Trouble> {
        let line = self.rows.line(place).map_err(Trouble::Kept)?;
        Row::read(&line).ok_or_else(|| self.trouble("a row was changed meanwhile"))
    }

    fn trouble(&self, why: &str) -> Trouble {
        Trouble::Kept(if self.name.is_empty() { why.to_owned() } else { format!("{}: {why}", self.name) })
    }
}

/// What is kept in several places.
pub(super) struct Shelves<'a>(Vec<Shelf<'a>>);

impl<'a> Shelves<'a> {
    /// Of these; a run that is in several of them is the same in all.
    pub(super) fn of(shelves: Vec<Shelf<'a>>, manifest: &Manifest) -> Result<Self, Trouble> {
        for run in 0..manifest.runs() {
            let mut there = shelves.iter().filter(|shelf| shelf.has(run));
            let first = there.next();
            for other in there {
                if first.map(|first| first.row(run)).transpose()? != Some(other.row(run)?) {
                    let why = format!("run {run} is not what it is elsewhere; one of them was changed");
                    return Err(other.trouble(&why));
                }
            }
        }
        Ok(Self(shelves))
    }

    pub(super) fn has(&self, run: u64) -> bool {
        self.0.iter().any(|shelf| shelf.has(run))
    }

    /// How many runs are there.
    pub(super) fn known(&self, manifest: &Manifest) -> u64 {
        (0..manifest.runs()).filter(|run| self.has(*run)).count() as u64
    }

    /// The rows of these runs that are there, in order.
    pub(super) fn rows(&self, runs: impl Iterator<Item = u64>) -> Result<Vec<Row>, Trouble> {
        let there = |run: u64| self.0.iter().find(|shelf| shelf.has(run))?.row(run).transpose();
        runs.filter_map(there).collect()
    }
}

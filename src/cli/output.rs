//! The only file that writes: standard output, standard error, files (whole or not at all).

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::args::{Manner, When};
use super::exit::{Exit, Failure};
use crate::report::table::Style;
use crate::report::text::{clean, clean_lines};

/// Where the program's words go.
#[derive(Debug)]
pub(super) struct Output {
    manner: Manner,
}

impl Output {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner }
    }

    /// Whether only results and errors are wanted.
    pub(super) fn quiet(&self) -> bool {
        self.manner.quiet
    }

    /// How tables on standard output look.
    pub(super) fn style(&self) -> Style {
        let terminal = io::stdout().is_terminal();
        let style = Style { color: self.colour(terminal), all: self.manner.verbose, ..Style::default() };
        columns(std::env::var("COLUMNS").ok().as_deref(), terminal).map_or(style, |columns| style.wide(columns))
    }

    /// Whether complaints on standard error are coloured.
    pub(super) fn colour_errors(&self) -> bool {
        self.colour(io::stderr().is_terminal())
    }

    fn colour(&self, terminal: bool) -> bool {
        let off = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self.manner.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !off("NO_COLOR") && !dumb,
        }
    }

    /// Says something besides the result, unless only results are wanted.
    pub(super) fn note(&self, text: &str) {
        self.rendered(&clean_lines(text));
    }

    /// Says what has been made harmless where it was rendered, colours and all.
    pub(super) fn rendered(&self, text: &str) {
        if !self.quiet() {
            say(text);
        }
    }

    /// Says what failed beside a result that there is, and which code that leads to.
    pub(super) fn told(&self, exit: Exit, failures: Vec<Failure>) -> Exit {
        // A file that cannot be written counts less than an interruption, and more than all else.
        failures.into_iter().fold(exit, |exit, failure| {
            self.failure(&failure);
            exit.or(failure.exit())
        })
    }

    /// Says why there is no result.
    pub(super) fn failure(&self, failure: &Failure) {
        let (mark, end) = if self.colour_errors() { ("\x1b[31;1m", "\x1b[0m") } else { ("", "") };
        match failure {
            // Complaints are rendered where they arise, each with its place.
            Failure::Invalid(rendered) | Failure::Guarded(rendered) => say(rendered.trim_end()),
            Failure::Broken(text) | Failure::Usage(text) => {
                say(&format!("{mark}error{end}: {}", clean_lines(text)));
            }
            Failure::Interrupted => say("interrupted before the first replication had ended"),
        }
    }
}

/// How many columns standard output has: what `COLUMNS` says, which somebody exported on purpose, else what the terminal
/// says. A pipe or a file says nothing.
fn columns(exported: Option<&str>, terminal: bool) -> Option<usize> {
    let exported = exported.and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
    let of_terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(wide, _)| usize::from(wide.0));
    exported.or_else(|| terminal.then(of_terminal).flatten().filter(|columns| *columns > 0))
}

/// Writes a result. A reader that has gone away is no failure: it has what it wanted.
pub(super) fn result(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Broken(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, into a folder that is there.
pub(super) fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match fs::metadata(path) {
        // A device or a pipe is written to; renaming a file over it would destroy it.
        Ok(found) if !found.is_file() && !found.is_dir() => fs::write(path, bytes),
        Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory")),
        _ => replace(path, bytes),
    };
    written.map_err(|error| trouble(path, &error.to_string()))
}

/// A file that is written bit by bit, and is there when it is whole.
pub(super) struct Growing {
    path: PathBuf,
    draft: io::BufWriter<tempfile::NamedTempFile>,
}

impl Growing {
    /// In a folder that is there.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let target = target(path);
        let draft = draft(&folder_of(&target)).map_err(|error| trouble(path, &error.to_string()))?;
        Ok(Self { path: target, draft: io::BufWriter::new(draft) })
    }

    /// Puts it in its place.
    pub(super) fn end(self) -> Result<(), Failure> {
        let draft = self.draft.into_inner().map_err(|error| trouble(&self.path, &error.error().to_string()))?;
        draft.persist(&self.path).map(drop).map_err(|error| trouble(&self.path, &error.error.to_string()))
    }
}

impl io::Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

/// A file that one process at a time may have. The system takes it back from whoever ends, however that ends.
pub(super) struct Claim {
    _file: fs::File,
}

impl Claim {
    /// Takes a file of that name, in a folder that is there; `None` where another has it. Where the disk knows no locks nobody is kept out.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, Failure> {
        let open = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = open.map_err(|error| trouble(path, &error.to_string()))?;
        Ok(match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => None,
            _ => Some(Self { _file: file }),
        })
    }
}

/// A file of lines, each of which can be asked for again.
pub(super) struct Lines {
    path: PathBuf,
    file: fs::File,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = fs::File::open(path).map_err(|error| trouble(path, &error.to_string()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Tells each line without its end, and at which byte it begins.
    pub(super) fn each(&mut self, tell: &mut dyn FnMut(u64, &[u8])) -> Result<(), Failure> {
        let (mut reader, mut line, mut at) = (io::BufReader::new(&self.file), Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(|error| trouble(&self.path, &error.to_string()))?;
            if read == 0 {
                return Ok(());
            }
            tell(at, line.strip_suffix(b"\n").unwrap_or(&line));
            at += read as u64;
        }
    }

    /// So many bytes from there on.
    pub(super) fn at(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; length];
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map(|()| bytes).map_err(|error| trouble(&self.path, &error.to_string()))
    }
}

/// Adds a line to a file, in one piece: whoever is killed meanwhile leaves a part of a line, and what is added after it begins
/// a line of its own.
pub(super) fn line(path: &Path, line: &str) -> Result<(), Failure> {
    let add = || {
        let mut file = fs::OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let torn = file.seek(SeekFrom::End(-1)).is_ok() && {
            let mut last = [b'\n'];
            file.read_exact(&mut last)?;
            last != [b'\n']
        };
        file.write_all(format!("{}{line}\n", if torn { "\n" } else { "" }).as_bytes())
    };
    add().map_err(|error: io::Error| trouble(path, &error.to_string()))
}

/// What a file says; nothing where there is none that can be read.
pub(super) fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Makes a folder that was asked for, and those on the way to it.
pub(super) fn folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| trouble(path, &error.to_string()))
}

/// Makes sure, before anything is run, that files can be written there; nothing is left behind.
pub(super) fn writable(files: &[PathBuf]) -> Result<(), Failure> {
    for (at, path) in files.iter().enumerate().filter(|(_, path)| *path != Path::new("-")) {
        if files[..at].contains(path) {
            return Err(Failure::Usage(format!("{}: -o names it twice", shown(path))));
        }
        let found = match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err("is a directory".to_owned()),
            Ok(found) if !found.is_file() => Ok(()),
            _ => open_for_drafts(&folder_of(&target(path))),
        };
        found.map_err(|why| trouble(path, &why))?;
    }
    Ok(())
}

/// The same for a folder that is made when it is needed: the nearest one on the way to it counts.
pub(super) fn writable_folder(path: &Path) -> Result<(), Failure> {
    let whole = std::path::absolute(path).map_err(|error| trouble(path, &error.to_string()))?;
    let nearest = whole.ancestors().find(|at| at.symlink_metadata().is_ok()).unwrap_or(&whole);
    open_for_drafts(nearest).map_err(|why| trouble(path, &why))
}

/// Removes what an earlier run has left of these files in a folder, and says so.
pub(super) fn sweep(folder: &Path, stale: &[String], output: &Output) {
    let gone = |name: &&String| fs::remove_file(folder.join(name)).is_ok();
    let gone: Vec<&str> = stale.iter().filter(gone).map(String::as_str).collect();
    if !gone.is_empty() {
        output.note(&format!("removed from {}, left by another run: {}", shown(folder), gone.join(", ")));
    }
}

/// The names of what is in a folder; none where there is no folder.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = found.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// A path as it can be shown.
pub(super) fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy())
}

/// Whether a draft can be written into a folder; says why not.
fn open_for_drafts(folder: &Path) -> Result<(), String> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err(format!("{} is not a folder", shown(folder))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("there is no folder {}; -o makes none", shown(folder)))
        }
        Err(error) => Err(error.to_string()),
        Ok(_) => draft(folder).map(drop).map_err(|error| match error.kind() {
            // The draft's own name says nothing to anybody.
            io::ErrorKind::PermissionDenied => "permission denied".into(),
            _ => error.to_string(),
        }),
    }
}

fn trouble(path: &Path, why: &str) -> Failure {
    Failure::Broken(format!("{}: {}", shown(path), clean(why)))
}

/// A line on standard error; one that is closed is nobody's loss.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes beside the target and renames, so that a reader sees the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target(path);
    let folder = folder_of(&target);
    let mut draft = draft(&folder)?;
    draft.write_all(bytes)?;
    draft.flush()?;
    draft.persist(&target).map(drop).map_err(|error| error.error)
}

/// Where a path leads: a link keeps pointing where it points, also to nothing, and what it points at is replaced.
fn target(path: &Path) -> PathBuf {
    let mut at = path.to_path_buf();
    // So many links in a row are a circle; writing will say so.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&at) else { break };
        at = folder_of(&at).join(to);
    }
    at
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// A temporary file that is readable as any other new file would be.
fn draft(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hoptax-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // What the process may not give away is masked by the system.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/summary.json");
        assert!(file(&path, b"").is_err(), "a folder was made that nobody asked for");
        super::folder(path.parent().unwrap()).unwrap();
        file(&path, b"a long first text").unwrap();
        file(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a draft was left behind");
    }

    #[test]
    fn a_claim_is_one_process_s_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.lock");
        let first = Claim::take(&path).unwrap();
        assert!(first.is_some() && Claim::take(&path).unwrap().is_none());
        drop(first);
        assert!(Claim::take(&path).unwrap().is_some());
    }

    #[test]
    fn columns_are_those_exported_or_those_of_a_terminal() {
        assert_eq!(columns(Some("120"), false), Some(120));
        for none in [None, Some(""), Some("0"), Some("-3"), Some("wide")] {
            assert_eq!(columns(none, false), None, "{none:?}");
        }
        let wide = |columns| Style::default().wide(columns).width;
        assert_eq!((wide(1), wide(120), wide(usize::MAX)), (80, 120, 200));
    }

    #[test]
    fn an_error_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let Err(Failure::Broken(text)) = file(folder.path(), b"x") else { panic!("wrote over a folder") };
        assert!(text.contains(&folder.path().display().to_string()), "{text}");
        fs::write(folder.path().join("plain"), "x").unwrap();
        assert!(file(&folder.path().join("plain/x.json"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_stays_a_device() {
        use std::os::unix::fs::FileTypeExt as _;
        file(Path::new("/dev/null"), b"x").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn what_cannot_be_written_is_found_before_anything_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("plain"), "x").unwrap();
        writable(&[at("a.json"), at("plain"), PathBuf::from("-"), PathBuf::from("-")]).unwrap();
        for (wrong, why) in [(at("no/b.png"), "no folder"), (at("plain/b.png"), "plain"), (at(""), "directory")] {
            let Err(Failure::Broken(text)) = writable(std::slice::from_ref(&wrong)) else { panic!("{wrong:?}") };
            assert!(text.contains(why), "{text}");
        }
        assert!(matches!(writable(&[at("a.json"), at("a.json")]), Err(Failure::Usage(_))));
        writable_folder(&at("deep/er")).unwrap();
        assert!(writable_folder(&at("plain/er")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link, second) =
            (folder.path().join("real"), folder.path().join("link"), folder.path().join("second"));
        std::os::unix::fs::symlink("real", &link).unwrap();
        std::os::unix::fs::symlink("link", &second).unwrap();
        writable(std::slice::from_ref(&second)).unwrap();
        file(&second, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(
            fs::symlink_metadata(&link).unwrap().is_symlink() && fs::symlink_metadata(&second).unwrap().is_symlink()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        file(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

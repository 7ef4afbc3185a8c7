//! The only file that writes: standard output, standard error, files (whole or not at all).

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use super::args::{Manner, When};
use super::exit::Failure;
use crate::report::table::Style;

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
        Style { color: self.colour(io::stdout().is_terminal()), all: self.manner.verbose }
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
        if !self.quiet() {
            say(text);
        }
    }

    /// Says why there is no result.
    pub(super) fn failure(&self, failure: &Failure) {
        let (mark, end) = if self.colour_errors() { ("\x1b[31;1m", "\x1b[0m") } else { ("", "") };
        match failure {
            // Complaints are rendered where they arise, each with its place.
            Failure::Invalid(rendered) | Failure::Guarded(rendered) => say(rendered.trim_end()),
            Failure::Broken(text) | Failure::Usage(text) => say(&format!("{mark}error{end}: {text}")),
            Failure::Interrupted => say("interrupted before the first replication had ended"),
        }
    }
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

/// Writes a file whole or not at all; folders on the way are made.
pub(super) fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match fs::metadata(path) {
        // A device or a pipe is written to; renaming a file over it would destroy it.
        Ok(found) if !found.is_file() && !found.is_dir() => fs::write(path, bytes),
        Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory")),
        _ => replace(path, bytes),
    };
    written.map_err(|error| Failure::Broken(format!("{}: {error}", path.display())))
}

/// A line on standard error; one that is closed is nobody's loss.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes beside the target and renames, so that a reader sees the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link keeps pointing where it points: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let mut draft = draft(&folder)?;
    draft.write_all(bytes)?;
    draft.flush()?;
    draft.persist(&target).map(drop).map_err(|error| error.error)
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
        file(&path, b"a long first text").unwrap();
        file(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a draft was left behind");
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

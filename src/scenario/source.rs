//! What is read from files: the scenario, and what it names. Nothing else below the shell touches a disk, and without the
//! feature `files` nothing does: texts come by [`Source::text`] and [`Source::with_file`].

use std::borrow::Cow;
use std::path::Path;

#[cfg(feature = "files")]
use crate::diag::{Code, code};
use crate::diag::{Complaint, Source};

/// Larger files are no scenarios.
#[cfg(feature = "files")]
const LARGEST: u64 = 16 << 20;

/// Larger files of values are refused: ten million are far beyond what a distribution needs.
#[cfg(feature = "files")]
const LARGEST_BESIDE: u64 = 256 << 20;

/// The scenario that runs when no file is named.
const EMBEDDED: &str = include_str!("../../scenarios/01-function-call-or-network-call.toml");

/// Why a file could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// When the machine refuses: no such file, no permission (exit code 1).
    Io {
        /// The path as given.
        path: String,
        /// What the machine says.
        error: std::io::Error,
    },
    /// When there is something, but no scenario (exit code 3).
    Invalid {
        /// A source with the name and no text, to render the complaint with.
        source: Source,
        /// What is wrong with it.
        complaint: Box<Complaint>,
    },
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{path}: {error}"),
            Self::Invalid { source, complaint } => {
                f.write_str(&crate::diag::render(std::slice::from_ref(complaint), source, false))
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl Source {
    /// Reads a file.
    #[cfg(feature = "files")]
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        use std::io::Read as _;
        let name = path.display().to_string();
        let io = |error| OpenError::Io { path: name.clone(), error };
        let invalid = |code: Code, message: String, help: &str| OpenError::Invalid {
            source: Source::text(&name, ""),
            complaint: Box::new(Complaint::error(code, message).help(help)),
        };
        let meta = std::fs::metadata(path).map_err(io)?;
        if meta.is_dir() {
            return Err(invalid(code::NOT_A_FILE, format!("{name} is a directory"), "name the scenario file in it"));
        }
        if is_idle_pipe(&meta, path) {
            let message = format!("{name} is a pipe that nobody need ever write to");
            return Err(invalid(code::NOT_A_FILE, message, "name a file, or /dev/stdin"));
        }
        if meta.len() > LARGEST {
            let message = format!("{name} has {} MB; a scenario has a few KB", meta.len() >> 20);
            return Err(invalid(code::TOO_LARGE, message, "is this the file that was meant?"));
        }
        // A device has no length, and perhaps no end: no more is read than a scenario may have.
        let file = std::fs::File::open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LARGEST {
            let message = format!("{name} has more than {} MB; a scenario has a few KB", LARGEST >> 20);
            return Err(invalid(code::TOO_LARGE, message, "is this the file that was meant?"));
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let message =
                format!("{name} is not UTF-8: the byte at offset {} fits nowhere", e.utf8_error().valid_up_to());
            invalid(code::NOT_UTF8, message, "save it as UTF-8 text")
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let dir = path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }.to_owned());
        Ok(Self { dir, ..Self::text(name, text) })
    }

    /// The scenario that runs when no file is named.
    pub fn embedded() -> Self {
        Self::text("01-function-call-or-network-call.toml", EMBEDDED)
    }
}

/// What a file that is no scenario says: a result that was kept. Nothing of more than `most` bytes is read.
#[cfg(feature = "files")]
pub fn kept(path: &Path, most: u64) -> Result<String, String> {
    use std::io::Read as _;
    let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if meta.is_dir() {
        return Err("is a directory".into());
    }
    if is_idle_pipe(&meta, path) {
        return Err("is a pipe that nobody need ever write to".into());
    }
    let large = || format!("it has more than the {} MB that are allowed for it", most >> 20);
    if meta.len() > most {
        return Err(large());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(large());
    }
    let text = String::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a file of lines one after the other, whatever its size; no line may have more than `most` bytes. Whoever hears them
/// says with a text when it has had enough, or `Ok(false)` when this is no file of lines.
#[cfg(feature = "files")]
pub fn lines(
    path: &Path,
    most: u64,
    mut hear: impl FnMut(usize, &str) -> Result<bool, String>,
) -> Result<bool, String> {
    use std::io::{BufRead as _, Read as _};
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut reader = std::io::BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    for nth in 1.. {
        line.clear();
        let read = (&mut reader).take(most + 1).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            break;
        }
        if line.len() as u64 > most {
            return Err(format!("line {nth} has more than {} MB; --max-memory allows more", most >> 20));
        }
        let text = std::str::from_utf8(&line).map_err(|_| format!("line {nth} is not UTF-8"))?;
        if !hear(nth, text)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The text of a file that a scenario names.
pub(super) fn beside<'s>(source: &'s Source, path: &str) -> Result<Cow<'s, str>, String> {
    if let Some(text) = source.files.get(path) {
        return Ok(Cow::Borrowed(text));
    }
    match &source.dir {
        Some(dir) => slurp(&dir.join(path)).map(Cow::Owned),
        None => Err("the scenario comes from no directory, so files beside it cannot be found".into()),
    }
}

#[cfg(feature = "files")]
fn slurp(path: &Path) -> Result<String, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("not a file".into());
    }
    if meta.len() > LARGEST_BESIDE {
        return Err(format!("{} MB; at most {} MB", meta.len() >> 20, LARGEST_BESIDE >> 20));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
}

#[cfg(not(feature = "files"))]
fn slurp(_: &Path) -> Result<String, String> {
    Err("hoptax was built without the feature `files`".into())
}

/// Whether it is a named pipe; those of the shell stand under `/dev` and have a writer.
#[cfg(all(unix, feature = "files"))]
fn is_idle_pipe(meta: &std::fs::Metadata, path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    meta.file_type().is_fifo() && !path.starts_with("/dev") && !path.starts_with("/proc")
}

#[cfg(all(not(unix), feature = "files"))]
fn is_idle_pipe(_: &std::fs::Metadata, _: &Path) -> bool {
    false
}

//! `testbed`, `calibrate` and `validate --testbed`: what needs processes, sockets and a clock is a program of its own,
//! `hoptax-testbed`, which is started in place of this one and sees the arguments as they were typed.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use super::exit::{Exit, Failure};

/// The program.
const PROGRAM: &str = "hoptax-testbed";

/// Verbs that it has.
const VERBS: [&str; 2] = ["testbed", "calibrate"];

/// What is typed behind the verb; the other program reads it.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Args {
    /// As of `hoptax-testbed`; `--help` shows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<OsString>,
}

/// What the other program is to be told, where these arguments are for it: its verb first. They are not looked at any further.
pub(super) fn meant(args: &[OsString]) -> Option<Vec<OsString>> {
    let (verb, rest) = args.get(1..)?.split_first()?;
    if VERBS.iter().any(|own| verb == *own) {
        return Some(args[1..].to_vec());
    }
    let testbed = |arg: &OsString| arg == "--testbed";
    if verb != "validate" || !rest.iter().any(testbed) {
        return None;
    }
    let rest = rest.iter().filter(|arg| !testbed(arg)).cloned();
    Some(std::iter::once(verb.clone()).chain(rest).collect())
}

/// Starts the other program in place of this one.
pub(super) fn act(verb: &str, args: &Args) -> Result<Exit, Failure> {
    let all: Vec<OsString> = std::iter::once(OsString::from(verb)).chain(args.rest.iter().cloned()).collect();
    replace(&all)
}

/// The same with all its arguments.
pub(super) fn replace(args: &[OsString]) -> Result<Exit, Failure> {
    let program = beside().unwrap_or_else(|| PathBuf::from(PROGRAM));
    Err(Failure::Broken(told(program.as_os_str(), &exec(Command::new(&program).args(args)))))
}

/// The program beside this one.
fn beside() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let other = own.with_file_name(PROGRAM).with_extension(std::env::consts::EXE_EXTENSION);
    other.is_file().then_some(other)
}

/// Only comes back where that did not work.
#[cfg(unix)]
fn exec(command: &mut Command) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    command.exec()
}

/// Waits for it, and ends as it ends.
#[cfg(not(unix))]
fn exec(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Why there is nothing, and what helps.
fn told(program: &OsStr, error: &std::io::Error) -> String {
    let program = program.display();
    format!(
        "{program} does not start: {error}; it is a program of its own that stands beside `hoptax` or on the PATH: \
         `cargo build --release -p hoptax-testbed` makes it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_is_for_the_other_program_is_passed_on_as_it_is() {
        let meant = |line| meant(&words(line)).map(|all| all.join(OsStr::new(" ")).into_string().unwrap());
        assert_eq!(meant("hoptax testbed --help").as_deref(), Some("testbed --help"));
        assert_eq!(meant("hoptax calibrate -o x.toml").as_deref(), Some("calibrate -o x.toml"));
        assert_eq!(meant("hoptax validate --testbed 01 --quick").as_deref(), Some("validate 01 --quick"));
        assert_eq!(meant("hoptax validate mm1"), None);
        assert_eq!(meant("hoptax run testbed"), None);
    }

    #[test]
    fn who_is_not_there_is_told_with_the_cure() {
        let text = told(OsStr::new("x"), &std::io::Error::from(std::io::ErrorKind::NotFound));
        assert!(text.contains("x does not start") && text.contains("cargo build"), "{text}");
    }
}

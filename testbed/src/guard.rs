//! Nothing that is started may be left behind, however the starter ends. Brokers start processes of their own, some of them
//! daemons, and have folders and ports: each is started by a *guard*, this program once more (`guard`, a hidden verb), in a
//! process group of its own, so that Ctrl-C does not reach it.
//!
//! - The starter holds the other end of the guard's stdin. It ends when the starter does, also by `kill -9`.
//! - The guard makes the folder, starts what it is told to, and is whom orphans below it fall to (`PR_SET_CHILD_SUBREAPER`,
//!   prctl(2)). When its stdin ends, or what it started does, or it is asked to, it kills all that is below it until nothing is, and
//!   removes the folder.
//! - If the guard is killed, what it started is too (`PR_SET_PDEATHSIG`, through setpriv), and the starter sweeps up the rest: all of
//!   it has the folder in its environment ([`MARK`]).
//!
//! What they say to each other is a line each: the folder, the order as JSON, `started`, and why it ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getuid, kill_process, set_child_subreaper, wait};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// In the environment of all that is started: the folder.
const MARK: &str = "HOPTAX_GUARDED";

/// What began to end gets so long to do it by itself, and so long it takes at most until all is gone.
const GRACE: Duration = Duration::from_millis(1500);
const SWEEP: Duration = Duration::from_millis(20);
const SWEEPS: u32 = 150;

/// What a guard is to start: programs that end, one after the other, then one that stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// What has to be done first.
    pub(crate) before: Vec<Vec<String>>,
    /// The program that stays, and its arguments.
    pub(crate) program: Vec<String>,
    /// All of the environment but `PATH` and what is set for everybody.
    pub(crate) env: BTreeMap<String, String>,
    /// Who it is to be where the starter is root: user and group.
    pub(crate) user: Option<(u32, u32)>,
    /// Whether SIGQUIT lets it end in order.
    pub(crate) quits: bool,
}

/// The starter's end of a guard. All is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Guarded {
    guard: Child,
    line: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Guarded {
    /// A guard that has made its folder.
    pub(crate) fn open() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("guard").process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = command.spawn()?;
        let (Some(line), Some(told)) = (guard.stdin.take(), guard.stdout.take()) else {
            return Err(io::Error::other("the guard has no pipes"));
        };
        let mut guarded = Self { guard, line: Some(line), told: BufReader::new(told), folder: PathBuf::new() };
        guarded.folder = PathBuf::from(guarded.hear()?);
        Ok(guarded)
    }

    /// Where it may write; gone with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has something started.
    pub(crate) fn start(&mut self, order: &Order) -> io::Result<()> {
        let mut text = serde_json::to_string(order)?;
        text.push('\n');
        let line = self.line.as_mut().ok_or_else(|| io::Error::other("the guard is gone"))?;
        line.write_all(text.as_bytes())?;
        match self.hear()?.as_str() {
            "started" => Ok(()),
            why => Err(io::Error::other(why.to_owned())),
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.guard.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// What was said last by what was started; of one that ended the guard knows.
    pub(crate) fn last_words(&mut self) -> String {
        if self.runs() { last_lines(&self.folder.join(LOG)) } else { self.hear().unwrap_or_else(|why| why.to_string()) }
    }

    /// The guard's next line.
    fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        if line.is_empty() { Err(io::Error::other("the guard ended")) } else { Ok(line.trim_end().to_owned()) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.line = None;
        let in_order = self.guard.wait().is_ok_and(|status| status.success());
        if !in_order && !self.folder.as_os_str().is_empty() {
            end(&self.folder, &|| marked(&self.folder));
        }
    }
}

/// What all that is started says, in the folder.
const LOG: &str = "log";

/// The end of a log, on one line.
fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    if lines.is_empty() { "it said nothing".into() } else { lines.into_iter().rev().collect::<Vec<_>>().join(" / ") }
}

/// The guard itself.
pub(crate) fn act() -> ExitCode {
    match watch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // The starter may be gone.
            _ = writeln!(io::stdout(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn watch() -> io::Result<()> {
    let me = rustix::process::getpid();
    set_child_subreaper(Some(me))?;
    let folder = tempfile::Builder::new().prefix("hoptax-").tempdir()?.keep();
    let done = follow(&folder);
    end(&folder, &|| {
        let mut all = below(me);
        all.extend(marked(&folder).into_iter().filter(|pid| *pid != me));
        all
    });
    done
}

/// From the folder's name to the end of what was started.
fn follow(folder: &Path) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", folder.display())?;
    stdout.flush()?;
    let mut text = String::new();
    if io::stdin().lock().read_line(&mut text)? == 0 {
        return Ok(());
    }
    let order: Order = serde_json::from_str(&text)?;
    if let Some((user, group)) = order.user {
        std::os::unix::fs::chown(folder, Some(user), Some(group))?;
    }
    let mut ends = Ends::hear()?;
    for before in &order.before {
        let mut child = order.command(before, folder)?.spawn()?;
        if ends.before(&mut child)? {
            return Ok(());
        }
        let ended = child.wait()?;
        if !ended.success() {
            return Err(io::Error::other(format!("`{}` failed: {ended}", before.join(" "))));
        }
    }
    let mut child = order.command(&order.program, folder)?.spawn()?;
    writeln!(stdout, "started")?;
    stdout.flush()?;
    if !ends.before(&mut child)? {
        return Err(io::Error::other(last_lines(&folder.join(LOG))));
    }
    if order.quits && kill_process(pid_of(child.id())?, Signal::QUIT).is_ok() {
        for _ in 0..GRACE.as_millis() / SWEEP.as_millis() {
            if child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(SWEEP);
        }
    }
    Ok(())
}

impl Order {
    /// A program with nothing but what it needs: it belongs to the order's user, dies with the guard, and writes into the log.
    fn command(&self, words: &[String], folder: &Path) -> io::Result<Command> {
        let mut all = vec!["setpriv".to_owned(), "--pdeathsig".into(), "KILL".into()];
        if let Some((user, group)) = self.user.filter(|_| getuid().is_root()) {
            all.extend([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()]);
        }
        all.push("--".into());
        all.extend_from_slice(words);
        let log = File::options().create(true).append(true).open(folder.join(LOG))?;
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", folder).env("TMPDIR", folder).env(MARK, folder).envs(&self.env);
        Ok(command)
    }
}

/// Who may say that it is over.
struct Ends {
    runtime: tokio::runtime::Runtime,
    /// Hears when stdin ends.
    gone: oneshot::Receiver<()>,
}

impl Ends {
    fn hear() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, gone) = oneshot::channel();
        thread::spawn(move || {
            _ = io::copy(&mut io::stdin(), &mut io::sink());
            _ = tell.send(());
        });
        Ok(Self { runtime, gone })
    }

    /// Whether the starter goes, or somebody asks, before a child ends by itself.
    fn before(&mut self, child: &mut Child) -> io::Result<bool> {
        self.runtime.block_on(async {
            let mut dead = signal(SignalKind::child())?;
            let [mut term, mut int, mut hup] =
                [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?];
            let over = async {
                while child.try_wait().is_ok_and(|ended| ended.is_none()) {
                    dead.recv().await;
                }
            };
            Ok(tokio::select! {
                () = over => false,
                _ = &mut self.gone => true,
                _ = term.recv() => true,
                _ = int.recv() => true,
                _ = hup.recv() => true,
            })
        })
    }
}

/// Kills whoever is there until nobody is, and removes the folder.
fn end(folder: &Path, there: &dyn Fn() -> Vec<Pid>) {
    for _ in 0..SWEEPS {
        let all = there();
        all.iter().for_each(|pid| _ = kill_process(*pid, Signal::KILL));
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if all.is_empty() && (fs::remove_dir_all(folder).is_ok() || !folder.exists()) {
            return;
        }
        thread::sleep(SWEEP);
    }
}

fn pid_of(id: u32) -> io::Result<Pid> {
    Pid::from_raw(id.cast_signed()).ok_or_else(|| io::Error::other("no such process"))
}

/// All processes and their parents (proc(5): of `stat`, the state and the parent follow the name's bracket). The dead count until
/// somebody has heard of it: threads of theirs may still be there.
fn parents() -> Vec<(Pid, i32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let one = |entry: fs::DirEntry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((Pid::from_raw(id)?, parent))
    };
    entries.filter_map(one).collect()
}

/// All that descends from a process.
fn below(root: Pid) -> Vec<Pid> {
    let parents = parents();
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at].as_raw_nonzero().get();
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

/// All that was started with a folder in its environment; the dead have none.
fn marked(folder: &Path) -> Vec<Pid> {
    let mark = format!("{MARK}={}", folder.display());
    let is_marked = |pid: &Pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    parents().into_iter().map(|(pid, _)| pid).filter(is_marked).collect()
}

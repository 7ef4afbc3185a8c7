//! However a starter ends, nothing is left of what it started: no process, no port, no folder. What is not installed here is skipped
//! with a word.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// So often it is looked, every 50 ms: five seconds.
const LOOKS: u32 = 100;

/// A broker that runs, in a folder of the test's.
struct Started {
    starter: Child,
    port: u16,
    within: TempDir,
}

/// A folder that whoever a broker runs as may pass.
fn folder() -> TempDir {
    let within = TempDir::new().unwrap();
    fs::set_permissions(within.path(), fs::Permissions::from_mode(0o755)).unwrap();
    within
}

fn starter(kind: &str, within: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax-testbed"));
    command.args(["broker", kind]).env("TMPDIR", within).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Starts one; nothing where it is not installed.
fn start(kind: &str) -> Option<Started> {
    let within = folder();
    let mut starter = starter(kind, within.path());
    let mut line = String::new();
    BufReader::new(starter.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        assert_eq!(starter.wait().unwrap().code(), Some(2), "{kind} is installed and does not start");
        return None;
    }
    let port = line.split(' ').nth(2).and_then(|port| port.parse().ok()).unwrap();
    assert!(answers(port) && fs::read_dir(within.path()).unwrap().count() == 1, "{line}");
    Some(Started { starter, port, within })
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Processes that have a folder in their environment.
fn of(within: &Path) -> Vec<String> {
    let is_of = |id: &String| {
        let environ = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environ).contains(&*within.to_string_lossy())
    };
    let name = |id: String| fs::read_to_string(format!("/proc/{id}/comm")).map(|name| format!("{id} {}", name.trim()));
    let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    all.filter(is_of).filter_map(|id| name(id).ok()).collect()
}

/// Whether nothing of it is there within five seconds.
fn nothing_left(within: &Path, port: Option<u16>) {
    let left = || {
        let folders = fs::read_dir(within).unwrap().count();
        (of(within), folders, port.is_some_and(answers))
    };
    for _ in 0..LOOKS {
        if left() == (Vec::new(), 0, false) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("left after five seconds (processes, folders, whether its port answers): {:?}", left());
}

/// The children of a process.
fn children(id: u32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn kill(id: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
}

const KINDS: [&str; 3] = ["redis", "postgresql", "rabbitmq"];

fn each(test: impl Fn(Started)) {
    for kind in KINDS {
        match start(kind) {
            Some(started) => test(started),
            None => println!("{kind}: skipped, it is not installed"),
        }
    }
}

#[test]
fn a_starter_that_is_killed_leaves_nothing() {
    each(|mut started| {
        started.starter.kill().unwrap();
        started.starter.wait().unwrap();
        nothing_left(started.within.path(), Some(started.port));
    });
}

#[test]
fn nor_does_one_that_ends_in_order_or_whose_guard_is_killed() {
    each(|mut started| {
        drop(started.starter.stdin.take());
        assert!(started.starter.wait().unwrap().success());
        nothing_left(started.within.path(), Some(started.port));
    });
    each(|mut started| {
        let guards = children(started.starter.id());
        assert_eq!(guards.len(), 1);
        kill(guards[0], rustix::process::Signal::KILL);
        drop(started.starter.stdin.take());
        started.starter.wait().unwrap();
        nothing_left(started.within.path(), Some(started.port));
    });
}

#[test]
fn nor_does_one_that_is_killed_while_it_starts() {
    for kind in KINDS {
        for millis in [5, 60, 700] {
            let within = folder();
            let mut starter = starter(kind, within.path());
            thread::sleep(Duration::from_millis(millis));
            starter.kill().unwrap();
            starter.wait().unwrap();
            nothing_left(within.path(), None);
        }
    }
}

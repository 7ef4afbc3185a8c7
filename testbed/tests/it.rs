//! The testbed as its user meets it: what it refuses, that it listens on the loopback only, that nothing is left of a run however it
//! ends, and that a run goes as predicted in kind. No test looks at how near figures are: machines that test are busy.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hoptax-testbed");

const DESK: &str = r#"version = 1
[sim]
warmup = "0s"
duration = "4s"
[defaults]
transport = "rest"
[clients.people]
calls = "front"
rate = "20/s"
[services.front]
concurrency = 2
work = "5ms"
steps = [{ call = "desk", timeout = "1s" }]
[services.desk]
concurrency = 1
work = { mean = "20ms", dist = "exponential" }
"#;

/// A scenario as a file, gone when the test is over.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn run(text: &str, args: &[&str]) -> Output {
    let (_folder, path) = file(text);
    Command::new(PROGRAM).arg("testbed").arg(&path).args(args).output().unwrap()
}

/// A run under way, with a mark in its processes' environment by which they are found again.
struct Running {
    harness: Child,
    mark: String,
    _folder: tempfile::TempDir,
}

const MARK: &str = "HOPTAX_TESTBED_MARK";

fn start(text: &str) -> Running {
    let (folder, path) = file(text);
    let mark = format!("{MARK}={}", folder.path().display());
    let mut command = Command::new(PROGRAM);
    command.arg("testbed").arg(&path).env(MARK, folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    // As a shell starts it: an interrupt is for its whole group.
    command.process_group(0);
    Running { harness: command.spawn().unwrap(), mark, _folder: folder }
}

impl Running {
    /// All processes of the run but its harness.
    fn others(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let ours = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|word| word == self.mark.as_bytes())
        };
        all.filter(|pid| *pid != self.harness.id()).filter(ours).collect()
    }

    /// Waits until so many processes listen on ports; which these are.
    fn wait_for_ports(&self, count: usize) -> Vec<(u32, u16)> {
        until(|| {
            let ports: Vec<(u32, u16)> = self.others().into_iter().flat_map(listening).collect();
            (ports.len() >= count).then_some(ports)
        })
    }

    /// Sends its harness a signal.
    fn signal(&self, name: &str) {
        let pid = self.harness.id();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Nothing is left, and nobody listens any more.
    fn is_over(&self, ports: &[(u32, u16)]) {
        until(|| self.others().is_empty().then_some(()));
        for (_, port) in ports {
            assert!(std::net::TcpStream::connect(("127.0.0.1", *port)).is_err(), "port {port} is open still");
        }
    }
}

/// Tries again for a while.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look() {
            return found;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("it does not come to that");
}

/// The sockets that a process listens with: address and port, as hexadecimal in `/proc`.
fn listeners(pid: u32) -> Vec<(String, u16)> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_str()?.to_owned()))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables =
        ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default());
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, port) = words.get(1)?.split_once(':')?;
        let listens = *words.get(3)? == "0A" && sockets.iter().any(|socket| socket == words[9]);
        listens.then(|| (address.to_owned(), u16::from_str_radix(port, 16).unwrap_or(0)))
    };
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(row).collect()
}

fn listening(pid: u32) -> Vec<(u32, u16)> {
    listeners(pid).into_iter().map(|(_, port)| (pid, port)).collect()
}

#[test]
fn requests_go_as_predicted_in_kind() {
    let done = run(DESK, &["--format", "json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let all: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let client = &all["clients"][0];
    let (predicted, measured) = (&client["predicted"], &client["measured"]);
    assert_eq!(predicted["count"], measured["count"], "the same requests were meant to be sent");
    assert!(measured["count"].as_u64().unwrap() > 50);
    assert!(measured["success"].as_f64().unwrap() > 0.95, "{measured}");
    assert_eq!(client["paired"]["pairs"], measured["count"]);
    let desk = all["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "desk").unwrap();
    assert!(desk["busy"][1].as_f64().unwrap() > 0.2, "it has worked: {desk}");
}

#[test]
fn a_line_that_is_full_refuses_as_many() {
    let full = DESK.replace("rate = \"20/s\"", "rate = \"120/s\"").replace("mean = \"20ms\"", "mean = \"30ms\"")
        + "queue_limit = 1\n";
    let full = full.replace("concurrency = 2", "io = \"async\"\nconcurrency = 50");
    let done = run(&full, &["--format", "json"]);
    let all: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let client = &all["clients"][0];
    let success = |what: &str| client[what]["success"].as_f64().unwrap();
    assert!(success("predicted") < 0.5);
    assert!((success("predicted") - success("measured")).abs() < 0.12, "{client}");
}

const PAIR: &str = r#"version = 1
[sim]
warmup = "1s"
duration = "6s"
[clients.people]
calls = "front"
rate = "20/s"
[services.front]
io = "async"
concurrency = "unlimited"
work = "1ms"
steps = ["desk"]
[services.desk]
replicas = 2
concurrency = 2
work = "10ms"
[[faults]]
name = "down"
target = "desk"
at = "2s"
duration = "2s"
"#;

fn compared(text: &str) -> serde_json::Value {
    let done = run(text, &["--format", "json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn what_never_comes_back_is_lost_and_not_left_out() {
    let hang = format!("{PAIR}kind = \"outage\"\nmode = \"hang\"\n[defaults]\ntransport = \"rest\"\n");
    let all = compared(&hang);
    let client = &all["clients"][0];
    let of = |what: &str| client[what]["success"].as_f64().unwrap();
    assert_eq!(client["predicted"]["count"], client["measured"]["count"], "{client}");
    assert_eq!(client["paired"]["pairs"], client["measured"]["count"]);
    assert!(of("measured") < 0.8 && (of("predicted") - of("measured")).abs() < 0.05, "{client}");
    assert!(all["faults"][0]["success"][1].as_f64().unwrap() < 0.1, "{all}");
}

#[test]
fn a_connection_of_many_streams_is_kept_while_nobody_speaks() {
    let crash = format!("{PAIR}kind = \"crash\"\nreplicas = 1\n[defaults]\ntransport = \"grpc\"\n");
    let all = compared(&crash);
    // Who is connected to one replica knows nothing of the other; a new connection a request would meet it half of the time.
    let success = &all["faults"][0]["success"];
    let of = |at: usize| success[at].as_f64().unwrap();
    assert!((of(0) - of(1)).abs() < 0.1, "{all}");
}

/// The comparison sees a rule that is broken: here in the prediction, where the network's other end lets go of its workers.
#[test]
fn a_rule_that_is_broken_shows() {
    let held = DESK.replace("rate = \"20/s\"", "rate = \"40/s\"").replace("concurrency = 2", "concurrency = 1");
    let held = held.replace("concurrency = 1\nwork = { mean", "concurrency = 4\nwork = { mean");
    let p50 = |args: &[&str]| {
        let done = run(&held, &[&["--format", "json"], args].concat());
        let all: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        let client = &all["clients"][0];
        client["measured"]["p50_ms"].as_f64().unwrap() / client["predicted"]["p50_ms"].as_f64().unwrap()
    };
    let (kept, broken) = (p50(&[]), p50(&["--predict", "services.front.io=async"]));
    assert!((0.7..1.4).contains(&kept), "as predicted: {kept}");
    assert!(broken > 2.0, "workers that are not held make lines that are not there: {broken}");
}

#[test]
fn less_accurate_than_asked_for_is_an_exit_code_of_its_own() {
    let done = run(DESK, &["--min-accuracy", "100"]);
    assert_eq!(done.status.code(), Some(99), "no two runs are the same to the nanosecond");
}

#[test]
fn what_it_does_not_do_it_refuses_by_name() {
    let locks = format!("{DESK}\n[services.desk.rate_limit]\nrate = \"5/s\"\n");
    let loss = DESK.replace("steps =", "error_rate = \"1%\"\ncores = 1\nsteps =");
    let edge = format!(
        "{DESK}[[faults]]\nname = \"x\"\nkind = \"errors\"\ntarget = \"front -> desk\"\nprobability = \"50%\"\nat = \"1s\"\nduration = \"1s\"\n"
    );
    let all = [
        (locks, "limits at the door (desk)"),
        (loss, "`cores` (front)"),
        (edge, "faults of calls, links and zones (x)"),
    ];
    for (text, word) in all {
        let done = run(&text, &[]);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains(word) && said.contains("hoptax run"), "{said}");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn a_file_that_is_not_there_or_wrong_is_told() {
    let done = Command::new(PROGRAM).args(["testbed", "/nowhere.toml"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("/nowhere.toml"));
    let done = run("version = 1\n[servces.x]\n", &[]);
    assert_eq!(done.status.code(), Some(3));
}

#[test]
fn it_listens_on_the_loopback_only() {
    let running = start(DESK);
    let ports = running.wait_for_ports(2);
    for (pid, _) in &ports {
        for (address, _) in listeners(*pid) {
            assert_eq!(address, "0100007F", "127.0.0.1 and nothing else");
        }
    }
    running.signal("KILL");
    running.is_over(&ports);
}

#[test]
fn a_harness_that_is_killed_leaves_nothing_not_even_what_stands_still() {
    let frozen = DESK.to_owned()
        + "[[faults]]\nname = \"still\"\nkind = \"freeze\"\ntarget = \"desk\"\nat = \"0s\"\nduration = \"3s\"\n";
    let mut running = start(&frozen);
    let ports = running.wait_for_ports(2);
    let stands = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    };
    until(|| running.others().iter().any(stands).then_some(()));
    running.harness.kill().unwrap();
    running.harness.wait().unwrap();
    running.is_over(&ports);
}

#[test]
fn an_interrupt_ends_it_with_a_code_of_its_own() {
    let mut running = start(DESK);
    let ports = running.wait_for_ports(2);
    running.signal("INT");
    assert_eq!(running.harness.wait().unwrap().code(), Some(130));
    running.is_over(&ports);
}

#[test]
fn a_process_without_its_harness_ends() {
    let mut node = Command::new(PROGRAM).arg("node").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(b"").unwrap();
    until(|| node.try_wait().unwrap());
}

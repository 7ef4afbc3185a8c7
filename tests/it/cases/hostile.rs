//! Files that are meant ill, or typed in haste: each ends soon, with a clear error or a clear partial result.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use hoptax::diag::Complaint;
use hoptax::experiment::{self, Watch};
use hoptax::machine::{Alive, Stop};
use hoptax::scenario::{Source, canonical, load};

use crate::bench::{checked, ended, plan, run};

/// Short runs of one client and one service, which say more.
const HEAD: &str = r#"
version = 1
name = "hostile"
[sim]
duration = "2s"
warmup = "0s"
replications = 2
SIM
[defaults]
transport = "free"
[network]
same_zone = "0s"
"#;

fn scenario(sim: &str, rest: &str) -> String {
    format!("{}{rest}", HEAD.replace("SIM", sim))
}

const ONE: &str = "[clients.c]\ncalls = \"s\"\nrate = \"100/s\"\n[services.s]\nwork = \"1ms\"\n";

/// What is wrong with a text.
#[track_caller]
fn wrong(text: &str) -> Vec<Complaint> {
    let refused = load(&Source::text("test.toml", text), &[]).map(|checked| checked.within(hoptax::scenario::CEILING));
    match refused {
        Ok(Ok(_)) => panic!("nothing is wrong with {}", &text[..text.len().min(2_000)]),
        Ok(Err(rejected)) | Err(rejected) => rejected.complaints.into_iter().filter(Complaint::is_error).collect(),
    }
}

#[track_caller]
fn refused(text: &str, code: &str, says: &str) {
    let complaints = wrong(text);
    let found = complaints.iter().find(|c| c.code.number == code).unwrap_or_else(|| panic!("{complaints:?}"));
    let all = format!("{} {}", found.message, found.label);
    assert!(all.contains(says), "{all}");
    assert!(found.place.is_some(), "{all}: where?");
}

fn hoptax(text: &str, words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(words).current_dir(folder.path()).env_remove("COLUMNS").stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_guard_in_the_warm_up_is_no_success() {
    let text = scenario("max_in_flight = 1", ONE).replace("warmup = \"0s\"", "warmup = \"1s\"");
    let text = text.replace("work = \"1ms\"", "work = \"50ms\"");
    let summary = run(&text);
    let guard = summary.run.guard.expect("a guard was hit");
    assert!(guard.contains("more than 1 requests in flight") && guard.contains("in the warm-up"), "{guard}");
    let used = summary.nodes["s"].utilization.value;
    assert!(used.is_none_or(|used| used <= 1.0), "{used:?}");
    assert_eq!(hoptax(&text, &["run", "a.toml"]).status.code(), Some(4));
}

/// Stops at once.
struct Impatient(AtomicBool);

impl Watch for Impatient {
    fn advanced(&self, _: f64) {
        self.0.store(true, Ordering::Relaxed);
    }
    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn an_interruption_in_the_warm_up_is_no_success() {
    let text = scenario("", ONE).replace("warmup = \"0s\"", "warmup = \"100000s\"");
    let failure = experiment::run(&checked(&text), Some(1), &Impatient(AtomicBool::new(false))).unwrap_err();
    assert_eq!(failure, experiment::Failure::Interrupted);
}

#[test]
fn an_interruption_later_shows_what_was_measured() {
    let text = scenario("", ONE).replace("\"2s\"", "\"100000s\"");
    let summary = experiment::run(&checked(&text), Some(1), &Impatient(AtomicBool::new(false))).unwrap();
    assert!(summary.run.partial && summary.clients["c"].arrived > 100 && summary.conservation.holds);
}

#[test]
fn what_was_given_up_is_still_alive() {
    // Each request gives up after a millisecond and the work goes on for an hour.
    let calls = "[clients.c]\ncalls = \"a\"\nrate = \"20000/s\"\n[services.a]\nconcurrency = \"unlimited\"\n\
                 steps = [{ call = \"b\", timeout = \"1ms\" }]\n[services.b]\nconcurrency = \"unlimited\"\nwait = \"1h\"\n";
    let plan = plan(&scenario("max_in_flight = 5000", calls));
    assert_eq!(ended(&plan, 1, ()).stop, Stop::TooMany(Alive::Tries));
}

#[test]
fn branches_and_messages_and_records_are_alive() {
    let stop = |rest: &str| ended(&plan(&scenario("max_in_flight = 5000", rest)), 1, ()).stop;
    let branches = "[clients.c]\ncalls = \"a\"\nrate = \"100/s\"\n[services.a]\nconcurrency = \"unlimited\"\n\
                    steps = [{ parallel = [{ wait = \"1h\", times = 1000 }] }]\n";
    assert_eq!(stop(branches), Stop::TooMany(Alive::Branches));
    let head = "[clients.c]\ncalls = \"a\"\nrate = \"20000/s\"\n[services.a]\nsteps = [";
    let messages = format!(
        "{head}{{ send = \"q\" }}]\n[queues.q]\n[services.b]\nconsumes = [{{ from = \"q\" }}]\nwork = \"1s\"\n"
    );
    assert_eq!(stop(&messages), Stop::TooMany(Alive::Messages));
    let records = format!(
        "{head}{{ publish = \"t\" }}]\n[topics.t]\npartitions = 1\n[services.b]\nconsumes = [{{ from = \"t\", group = \"g\" }}]\nwork = \"1s\"\n"
    );
    let records = records.replace("20000", "100000").replace("steps", "concurrency = \"unlimited\"\nsteps");
    assert_eq!(stop(&records), Stop::TooMany(Alive::Records));
}

#[test]
fn an_instant_that_does_not_end_is_a_guard() {
    let rest = "[clients.c]\ncalls = \"a\"\nrate = \"100/s\"\n[services.a]\n\
                steps = [{ call = \"b\", retries = { max = 4000000000, backoff = \"0s\", on = [\"error\"] } }]\n\
                [services.b]\nerror_rate = 1.0\n";
    let plan = plan(&scenario("", rest));
    assert_eq!(ended(&plan, 1, ()).stop, Stop::Instant);
}

/// Found by the generator: a record that fails in no time and is tried again for ever.
#[test]
fn nor_does_one_within_a_consumer() {
    let rest = "[clients.c]\ncalls = \"a\"\nrate = \"100/s\"\n[services.a]\nsteps = [{ publish = \"t\" }]\n[topics.t]\n\
                [services.r]\nwork = \"0s\"\nerror_rate = 1.0\nconsumes = [{ from = \"t\", group = \"g\" }]\n";
    let plan = plan(&scenario("", rest));
    assert_eq!(ended(&plan, 1, ()).stop, Stop::Instant);
}

#[test]
fn in_process_calls_that_multiply_are_too_many() {
    let mut rest = String::from("[clients.c]\ncalls = \"s0\"\nrate = \"1/s\"\n");
    for at in 0..9 {
        let next = at + 1;
        let _ = writeln!(
            rest,
            "[services.s{at}]\nsteps = [{{ call = \"s{next}\", transport = \"in-process\", times = 20 }}]"
        );
    }
    rest.push_str("[services.s9]\nwork = \"1us\"\n");
    refused(&scenario("", &rest), "E210", "10^12");
    let nested =
        (0..30).fold("{ call = \"b\" }".to_owned(), |inner, _| format!("{{ call = \"b\", fallback = [{inner}] }}"));
    let rest = format!(
        "[clients.c]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nsteps = [{nested}]\n[services.b]\nwork = \"1us\"\n"
    );
    refused(&scenario("", &rest), "E210", "written out");
}

#[test]
fn in_process_calls_end_before_the_stack_does() {
    let mut rest = String::from("[clients.c]\ncalls = \"s0\"\nrate = \"1/s\"\n");
    for at in 0..3_000 {
        let next = at + 1;
        let _ = writeln!(rest, "[services.s{at}]\nsteps = [{{ call = \"s{next}\", transport = \"in-process\" }}]");
    }
    rest.push_str("[services.s3000]\nwork = \"1us\"\n");
    refused(&scenario("", &rest), "E210", "3000 deep");
}

#[test]
fn what_needs_too_much_memory_is_refused_with_its_place() {
    let two = "[clients.c]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nreplicas = 200000\nsteps = [{ call = \"b\" }]\n\
               [services.b]\nreplicas = 200000\nwork = \"1us\"\n";
    refused(&scenario("", two), "E231", "200000 replicas of `a` that know 200000 of `b`");
    let one = |key: &str, n: &str| ONE.replace("work", &format!("{key} = {n}\nwork"));
    refused(&scenario("", &one("replicas", "4000000000")), "E231", "replicas of `s`");
    refused(&scenario("max_in_flight = 9223372036854775807", ONE), "E231", "requests in flight");
    let text = scenario("", ONE).replace("replications = 2", "replications = 1000000");
    refused(&text, "E231", "1000000 replications");
    let topic = format!(
        "{ONE}steps = [{{ publish = \"t\" }}]\n[topics.t]\npartitions = 4000000000\n[services.r]\nconsumes = [{{ from = \"t\", group = \"g\" }}]\n"
    );
    refused(&scenario("", &topic), "E231", "partitions of `t`");
    let queue = format!(
        "{ONE}steps = [{{ send = \"q\" }}]\n[queues.q]\n[services.r]\nconsumes = [{{ from = \"q\", concurrency = 4000000000 }}]\n"
    );
    refused(&scenario("", &queue), "E231", "consumers in `r`");
}

#[test]
fn the_command_line_alone_allows_more() {
    let text = scenario("", ONE).replace("replications = 2", "replications = 100000");
    let output = hoptax(&text, &["check", "a.toml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("replications = 100000"), "{}", stderr(&output));
    assert_eq!(hoptax(&text, &["check", "a.toml", "--max-memory", "64GiB"]).status.code(), Some(0));
    let output = hoptax(&scenario("", ONE), &["run", "a.toml", "--max-memory", "10KB"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn there_is_room_for_so_many() {
    let users = |n: &str| ONE.replace("rate = \"100/s\"", &format!("users = {n}\nthink_time = \"1s\""));
    refused(&scenario("", &users("34000000")), "E232", "34000000 users");
    let mut clients = String::from("[services.s]\nwork = \"1us\"\n");
    (0..65_536).for_each(|at| writeln!(clients, "[clients.c{at}]\ncalls = \"s\"\nrate = \"1/s\"").unwrap());
    refused(&scenario("", &clients), "E232", "65536 clients");
    let fault = "[[faults]]\nkind = \"errors\"\nprobability = 1.0\ntarget = \"s\"\nmtbf = \"1us\"\nmttr = \"1us\"\n";
    refused(&scenario("", &format!("{ONE}{fault}")), "E205", "would come about 10^6 times");
    let mut variants = scenario("", ONE);
    (0..20_000).for_each(|at| writeln!(variants, "[variants.v{at}]\n\"clients.c.rate\" = \"{at}/s\"").unwrap());
    refused(&variants, "E111", "20000 variants");
}

#[test]
fn a_long_run_keeps_no_second_by_second_account() {
    let text = scenario("", ONE).replace("\"2s\"", "\"1000d\"").replace("100/s", "1/h");
    assert!(run(&text).conservation.holds);
}

#[test]
fn a_pipe_that_nobody_writes_to_and_a_device_without_end_are_no_scenarios() {
    let output = hoptax("", &["check", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("E005"));
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    if Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        let output = hoptax("", &["check", &pipe.to_string_lossy()]);
        assert!(output.status.code() == Some(3) && stderr(&output).contains("pipe"), "{}", stderr(&output));
    }
}

#[test]
fn more_threads_than_there_are_do_no_harm() {
    assert_eq!(hoptax(&scenario("", ONE), &["run", "a.toml", "-j", "10000"]).status.code(), Some(0));
}

#[test]
fn a_fault_that_makes_work_quicker_leaves_a_ledger_that_adds_up() {
    let rest = "[defaults]\n".to_owned()
        + "[transports.dear]\nlike = \"rest\"\n"
        + "[clients.c]\ncalls = \"a\"\nrate = \"100/s\"\n[services.a]\nwork = \"1us\"\n"
        + "steps = [{ call = \"b\", transport = \"dear\", request = \"1MB\", response = \"1MB\" }]\n[services.b]\nwork = \"1us\"\n"
        + "[[faults]]\nkind = \"slow\"\ntarget = \"a\"\nfactor = 0.1\nat = \"0s\"\n";
    let summary = run(&scenario("", &rest.replace("[defaults]\n", "")));
    let (ledger, mean) = (&summary.ledger["c"], summary.clients["c"].latency_ms.mean.value.unwrap());
    assert!((ledger.total.mean_ms.sum() - mean).abs() < 1e-6 * mean, "{} {mean}", ledger.total.mean_ms.sum());
}

#[test]
fn every_canonical_form_reads_back() {
    let mut texts: Vec<String> = vec![scenario("seed = \"18446744073709551615\"", ONE)];
    texts.push(scenario(
        "",
        &format!("{ONE}steps = [{{ cache = \"k\", on_miss = [] }}]\n[caches.k]\nhit_rate = \"80%\"\n"),
    ));
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    assert!(texts.len() > 30);
    for text in texts {
        let source = Source::text("test.toml", &text);
        let Ok(written) = load(&source, &[]) else { continue };
        let names: Vec<Option<String>> =
            std::iter::once(None).chain(hoptax::scenario::variants(&source).into_iter().map(Some)).collect();
        for name in names {
            let edits =
                name.and_then(|name| hoptax::scenario::variant_edits(written.scenario(), &name)).unwrap_or_default();
            let mut own = load(&source, &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints)).scenario().clone();
            own.variants.clear();
            let form = canonical(&own);
            let again =
                load(&Source::text("again.toml", &form), &[]).unwrap_or_else(|r| panic!("{:?}\n{form}", r.complaints));
            let twice = canonical(again.scenario());
            let third = load(&Source::text("third.toml", &twice), &[]).unwrap().scenario().clone();
            assert_eq!(canonical(&third), twice);
            assert_eq!(again.hash(), hoptax::scenario::hash(&own));
        }
    }
}

#[test]
fn numbers_are_numbers() {
    let slo = |expect: &str| format!("{ONE}[[slos]]\nof = \"s\"\nexpect = \"{expect}\"\n");
    refused(&scenario("", &slo("amplification < nan")), "E302", "not a number");
    refused(&scenario("", &ONE.replace("100/s", "1e300/s")), "E104", "largest rate");
    refused(&scenario("", &ONE.replace("[services.s]", "[services.s]\ncores = 1e300")), "E205", "the most is 1000000");
}

#[test]
fn a_seed_may_be_any_whole_number() {
    let output = hoptax(&scenario("", ONE), &["check", "a.toml", "--seed", "18446744073709551615"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let plan = plan(&scenario("seed = \"18446744073709551615\"", ONE));
    assert_eq!(plan.seed, u64::MAX);
}

#[test]
fn mistakes_are_shown_where_they_were_typed() {
    let output = hoptax(&scenario("", ONE), &["check", "a.toml", "--set", "clients.c.rat=5/s"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(told.contains("clients.c.rat=5/s") && told.contains("^^^") && told.contains("--> --set"), "{told}");
    let deep = format!("{}x = {}1{}\n", scenario("", ONE), "[".repeat(300), "]".repeat(300));
    let complaints = wrong(&deep);
    assert!(complaints.iter().all(|c| c.place.is_some()), "{complaints:?}");
}

#[cfg(unix)]
#[test]
fn a_request_to_end_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let text = scenario("", ONE).replace("\"2s\"", "\"1000000s\"");
    fs::write(folder.path().join("a.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    let command = command.args(["run", "a.toml", "-n", "1", "--format", "json"]).current_dir(folder.path());
    let run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("\"partial\": true"), "what was measured is shown");
}

/// Found by `examples/generate`: who may have to wait at a full queue gives up its worker, whichever way it came there.
#[test]
fn a_worker_is_given_up_once() {
    let rest = "[clients.c]\ncalls = \"a\"\nrate = \"200/s\"\n[services.a]\nio = \"async\"\n\
                steps = [{ call = \"b\" }, { split = [{ steps = [{ send = \"q\" }] }, { steps = [] }] }]\n\
                [services.b]\n[queues.q]\nwhen_full = \"block\"\n";
    let summary = run(&scenario("", rest));
    let node = &summary.nodes["a"];
    assert!(node.utilization.value.unwrap() <= 1.0 && node.mean_busy.value.unwrap() < 1.0, "{:?}", node.utilization);
}

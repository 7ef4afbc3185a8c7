//! The program as the shell sees it: exit codes that are fixed for good, results on standard output and nothing else there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// One queue that nobody waits long at, for two seconds.
const QUIET: &str = r#"
version = 1
name = "quiet"
[sim]
duration = "2s"
warmup = "0s"
replications = 4
[defaults]
transport = "free"
[clients.people]
calls = "desk"
rate = "50/s"
[services.desk]
concurrency = 2
work = { mean = "5ms" }
[variants.slow]
"services.desk.work" = { mean = "9ms" }
"#;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A folder with a scenario in it.
fn with(text: &str) -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("a.toml"), text).unwrap();
    folder
}

fn command(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command
        .args(words.split_whitespace())
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

fn hoptax(folder: &TempDir, words: &str) -> Output {
    command(folder.path(), words).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs and expects this exit code.
#[track_caller]
fn ends(folder: &TempDir, words: &str, code: i32) -> Output {
    let output = hoptax(folder, words);
    assert_eq!(output.status.code(), Some(code), "hoptax {words}\n{}\n{}", stdout(&output), stderr(&output));
    output
}

/// Ends with this code, says nothing on standard output, and all of this on standard error.
#[track_caller]
fn fails(folder: &TempDir, words: &str, code: i32, told: &[&str]) {
    let output = ends(folder, words, code);
    assert_eq!(stdout(&output), "", "hoptax {words}");
    for word in told {
        assert!(stderr(&output).contains(word), "hoptax {words}: no `{word}` in\n{}", stderr(&output));
    }
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn a_run_ends_with_0() {
    let folder = with(QUIET);
    let output = ends(&folder, "run a.toml", 0);
    assert!(stdout(&output).starts_with("people: 100 % ≥99.25 answered well; the tax is "), "{}", stdout(&output));
    assert!(stdout(&output).contains("\nquiet · "), "{}", stdout(&output));
    assert!(!stdout(&output).contains('\u{1b}') && !stderr(&output).contains('\u{1b}'));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was asked for but a table");
    for words in [
        "--version",
        "--help",
        "run --help",
        "explain",
        "explain concurrency",
        "completions bash",
        "check a.toml",
        "check",
        "trace a.toml",
    ] {
        assert!(!ends(&folder, words, 0).stdout.is_empty(), "{words}");
    }
}

#[test]
fn standard_output_carries_results_only() {
    let folder = with(QUIET);
    let is_json = |output: &Output| serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    let json = is_json(&ends(&folder, "run a.toml --format json", 0));
    assert_eq!(json["conservation"]["holds"], true);
    assert_eq!(is_json(&ends(&folder, "run a.toml -o -", 0)), json);
    assert_eq!(is_json(&ends(&folder, "run a.toml --variant all --format json", 0)).as_array().unwrap().len(), 2);
    assert!(stdout(&ends(&folder, "run a.toml --format csv", 0)).starts_with("section,"));
    assert!(stdout(&ends(&folder, "run a.toml --format md", 0)).starts_with("# quiet"));
    is_json(&ends(&folder, "schema", 0));
    // Quiet: nothing but the result.
    assert_eq!(stderr(&ends(&folder, "run a.toml -q", 0)), "");
}

#[test]
fn colours_come_where_they_are_asked_for() {
    let folder = with(QUIET);
    assert!(stdout(&ends(&folder, "run a.toml --color always", 0)).contains('\u{1b}'));
    assert!(!stdout(&ends(&folder, "run a.toml --color never", 0)).contains('\u{1b}'));
    let plain = command(folder.path(), "run a.toml").env("NO_COLOR", "1").output().unwrap();
    assert!(!stdout(&plain).contains('\u{1b}'));
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = with(QUIET);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("new")).unwrap();
    ends(&folder, "run a.toml -o new/a.json -o a.csv -o a.md -o a.txt", 0);
    let json = fs::read_to_string(at("new/a.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert!(fs::read_to_string(at("a.txt")).unwrap().contains("\nquiet · "));
    // An invalid scenario, a wrong ending, a path through a file: what is there stays, and no draft is left behind.
    fs::write(at("bad.toml"), "version = 2").unwrap();
    fails(&folder, "run bad.toml -o new/a.json", 3, &["bad.toml"]);
    fails(&folder, "run a.toml -o a.pdf", 2, &["a.pdf"]);
    fails(&folder, "run a.toml -o a.csv/deep.json", 1, &["a.csv/deep.json", "not a folder"]);
    let output = ends(&folder, "run a.toml -o new", 2);
    assert!(output.stdout.is_empty());
    fs::create_dir(at("folder.json")).unwrap();
    fails(&folder, "run a.toml -o folder.json", 1, &["is a directory"]);
    assert_eq!(fs::read_to_string(at("new/a.json")).unwrap(), json);
    let mut left: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(left, ["a.csv", "a.md", "a.toml", "a.txt", "bad.toml", "folder.json", "new"]);
    assert_eq!(fs::read_dir(at("new")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_written_is_found_before_the_run() {
    let folder = with(QUIET);
    for verb in ["run a.toml", "compare a.toml", "trace a.toml"] {
        fails(&folder, &format!("{verb} -o no/a.json"), 1, &["no/a.json", "there is no folder no"]);
        fails(&folder, &format!("{verb} -o a.json -o a.json"), 2, &["a.json", "twice"]);
        fails(&folder, &format!("{verb} -o a.toml/nodes.svg"), 1, &["a.toml is not a folder"]);
    }
    for verb in ["run a.toml --output", "compare a.toml --output", "compare a.toml --save"] {
        fails(&folder, &format!("{verb} a.toml/deep"), 1, &["a.toml/deep"]);
    }
    // A picture that there is not, before the run; one that this run does not have, after it, with the result shown.
    for verb in ["run a.toml", "compare a.toml"] {
        fails(&folder, &format!("{verb} -o my-shop.svg"), 2, &["my-shop.svg", "`shop`", "percentiles", "ledger"]);
    }
    let output = ends(&folder, "run a.toml -o x-replicas.svg -o a.json", 1);
    assert!(stdout(&output).contains("\nquiet · ") && folder.path().join("a.json").exists());
    assert!(stderr(&output).contains("autoscale"), "{}", stderr(&output));
    assert!(!folder.path().join("no").exists() && !folder.path().join("x-replicas.svg").exists());
}

#[test]
fn a_folder_holds_one_result() {
    let folder = with(QUIET);
    ends(&folder, "compare a.toml -q --output all", 0);
    let at = |name: &str| folder.path().join("all").join(name);
    fs::write(at("charts/holiday.svg"), "mine").unwrap();
    let output = ends(&folder, "run a.toml --output all", 0);
    assert!(
        stderr(&output).contains("removed from all/charts, left by another run: differences"),
        "{}",
        stderr(&output)
    );
    for (name, there) in [("compare.json", false), ("summary.json", true), ("charts/holiday.svg", true)] {
        assert_eq!(at(name).exists(), there, "{name}");
    }
    assert!(!at("charts/differences.svg").exists() && at("charts/nodes.svg").exists());
}

#[test]
fn every_variant_is_saved_as_a_file_of_its_own() {
    let folder = with(&format!(
        "{QUIET}[variants.\"a.b\"]\n\"services.desk.work\" = \"1ms\"\n[variants.a-b]\n\"services.desk.work\" = \"2ms\"\n"
    ));
    ends(&folder, "compare a.toml -q -n 2 --save saved", 0);
    let one = fs::read_to_string(folder.path().join("saved/a-b.toml")).unwrap();
    let two = fs::read_to_string(folder.path().join("saved/a-b-2.toml")).unwrap();
    assert!(one.contains("work = \"1ms\"") && two.contains("work = \"2ms\""), "{one}\n{two}");
}

#[test]
fn a_variant_may_be_the_base() {
    let folder = with(QUIET);
    let table = stdout(&ends(&folder, "compare a.toml --base slow", 0));
    assert!(table.contains("\nquiet: as written against slow\n"), "{table}");
    assert!(table.starts_with("total: as written is ") && table.contains("quicker than slow"), "{table}");
    fails(&folder, "compare a.toml --base fast", 2, &["no variant `fast`", "slow"]);
    fails(&folder, "compare a.toml a.toml --base slow", 2, &["--base"]);
    fails(&folder, "compare a.toml --base slow --variant slow", 2, &["nothing to compare"]);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_a_run_as_an_interruption_does() {
    let folder = with(QUIET);
    let long = "run a.toml -j 1 -n 500 --set sim.duration=20000s --set clients.people.rate=100/s";
    let mut child = command(folder.path(), long).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Each study hears an interruption within a second or so, and says what it knows.
#[cfg(unix)]
#[test]
fn every_study_is_stopped_by_an_interruption() {
    let slos = "[[slos]]\nof = \"people\"\nexpect = \"success_rate >= 1%\"\n";
    let folder = with(&format!("{}{slos}", QUIET.replace("rate = \"50/s\"", "rate = \"200/s\"")));
    let long = "a.toml --set sim.duration=20000s";
    let verbs =
        ["coupling", "recover", "hunt", "whatif", "why", "capacity", "sweep --sweep clients.people.rate=50/s,60/s"];
    let running = verbs.map(|verb| {
        let words = format!("{verb} {long}");
        (verb, command(folder.path(), &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    });
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    for (verb, mut child) in running {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{verb}");
    }
}

/// Two at work on one campaign would make the same runs twice; the second is told so. Another part is another claim, and who was killed has none.
#[cfg(unix)]
#[test]
fn a_campaign_is_one_process_s() {
    let folder = with(QUIET);
    let words = "sweep a.toml --sweep clients.people.rate=50/s,60/s";
    let long = format!("{words} --output d --set sim.duration=20000s");
    let mut first = command(folder.path(), &long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let claim = folder.path().join("d/rows.lock");
    for _ in 0..200 {
        if claim.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    fails(&folder, &long, 1, &["d: another hoptax is at work on these runs", "name another folder"]);
    ends(&folder, &format!("{words} --shards 2 --shard 0 --output e"), 0);
    first.kill().unwrap();
    first.wait().unwrap();
    std::fs::remove_dir_all(folder.path().join("d")).unwrap();
    for more in ["", "", "-n 6"] {
        ends(&folder, &format!("{words} --output d {more}"), 0);
    }
    assert_eq!(fs::read_to_string(folder.path().join("d/runs.csv")).unwrap().lines().count(), 13);
}

/// What is told of a sweep stands below each other, value by value, and nothing is cut in a window of eighty columns.
#[test]
fn values_of_a_sweep_have_columns_of_their_own() {
    let slos = "[[slos]]\nof = \"people\"\nexpect = \"p99 < 30ms\"\n";
    let folder = with(&format!("{QUIET}{slos}"));
    let axes = "--sweep clients.people.rate=100/s,200/s,300/s --sweep services.desk.concurrency=1,2";
    let told = stdout(&ends(&folder, &format!("sweep a.toml {axes} --set services.desk.replicas=1"), 0));
    assert!(told.lines().any(|line| line.starts_with("rate   concurrency  ")), "{told}");
    assert!(told.lines().any(|line| line.starts_with("100/s            2  ")), "{told}");
    assert!(
        told.lines().filter(|line| line.contains("/s  ")).all(|line| !line.contains('…') && line.len() < 90),
        "{told}"
    );
    let answer = told.lines().take(4).collect::<Vec<_>>().join(" ");
    assert!(answer.contains("holds with concurrency 1 ") && answer.contains(", with concurrency 2 up to "), "{told}");
    let border: Vec<&str> =
        told.lines().skip_while(|line| !line.starts_with("as far as promises hold along")).collect();
    assert!(border[4].starts_with("people p99 < 30ms            2  up to "), "{told}");
}

#[test]
fn what_is_hostile_is_shown_and_does_nothing() {
    let evil = "=cmd\u{1b}[31m\u{202e}evil";
    let escaped = "=cmd\\u001b[31m\\u202eevil";
    let text = format!(
        "{QUIET}[variants.\"{escaped}\"]\n\"services.desk.work\" = \"1ms\"\n[[slos]]\nname = \"{escaped}\"\nof = \"people\"\nexpect = \"p90 < 1s\"\n"
    );
    let folder = with(&text);
    let harmless = |words: &str, code: i32| {
        let output = ends(&folder, words, code);
        let all = stdout(&output) + &stderr(&output);
        assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'), "hoptax {words}: {all:?}");
        all
    };
    for verb in ["run a.toml --variant all", "compare a.toml", "check a.toml --variant all"] {
        harmless(verb, 0);
    }
    for format in ["csv", "md", "table"] {
        harmless(&format!("run a.toml --variant all --format {format}"), 0);
        let text = harmless(&format!("compare a.toml --format {format}"), 0);
        assert!(text.contains("evil"), "{text}");
        assert!(format != "csv" || text.contains("\n'=cmd"), "a formula: {text}");
    }
    // In lists of names, in arguments, in paths.
    fs::write(folder.path().join("list"), "x").unwrap();
    assert!(harmless("run a.toml --variant nobody", 2).contains("evil"));
    for words in [format!("run {evil}.toml"), format!("explain {evil}"), format!("run a.toml -o {evil}/x.json")] {
        let output = ends(&folder, &words, if words.starts_with("explain") { 2 } else { 1 });
        assert!(!stderr(&output).contains('\u{1b}') && !stderr(&output).contains('\u{202e}'), "{:?}", stderr(&output));
    }
    ends(&folder, &format!("run a.toml --frob{evil}"), 2);
    fs::write(folder.path().join("long.toml"), format!("version = 1\n{} = 1\n", "x".repeat(1 << 20))).unwrap();
    assert!(harmless("check long.toml", 3).len() < 8_000);
    fs::write(folder.path().join("s.toml"), QUIET.replace("{ mean = \"5ms\" }", "{ samples = \"secret\" }")).unwrap();
    fs::write(folder.path().join("secret"), format!("TOKEN=hunter2-{}", "s3cret".repeat(9_999))).unwrap();
    assert!(!harmless("check s.toml", 3).contains("s3crets3crets3cret"));
}

#[test]
fn words_of_the_output_and_of_elsewhere_are_explained() {
    let folder = with(QUIET);
    for word in ["used", "busy", "working", "recovered", "burn", "amplification", "settled", "unanswered", "tries each"]
    {
        let text = stdout(&ends(&folder, &format!("explain {word}"), 0));
        assert!(text.contains("in the output") || word == "settled", "{word}: {text}");
    }
    fails(&folder, "explain saga", 2, &["hoptax has no `saga`", "nearest"]);
    let wrong = QUIET.replace("concurrency = 2", "concurrency = 2\npre_stop = \"5s\"\noutbox = true");
    fs::write(folder.path().join("b.toml"), wrong).unwrap();
    fails(&folder, "check b.toml", 3, &["hoptax has no such thing", "there is no outbox", "drain = {"]);
}

#[test]
fn a_request_that_failed_says_whose_fault_it_was() {
    let text = QUIET
        .replace("work = { mean = \"5ms\" }", "work = \"1ms\"\nsteps = [{ call = \"archive\", timeout = \"50ms\" }]");
    let folder = with(&text.replace("[variants.slow]", "[services.archive]\nwork = \"200ms\"\n[variants.slow]"));
    let text = stdout(&ends(&folder, "trace a.toml --request failed", 0));
    assert!(text.contains("failed (error)") || text.contains("failed (timeout)"), "{text}");
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("why: people had `") && told.contains("desk gave up on archive after 50.0 ms"), "{text}");
    fails(&with(QUIET), "trace a.toml --request failed", 2, &["0 failed"]);
}

#[test]
fn a_comparison_is_written_wherever_it_is_asked_for() {
    let folder = with(QUIET);
    let table = stdout(&ends(&folder, "compare a.toml", 0));
    assert!(table.contains("\nquiet: slow against as written\n"), "{table}");
    assert!(table.starts_with("total: slow is ") && table.contains("slower than as written"), "{table}");
    let json: serde_json::Value = serde_json::from_slice(&ends(&folder, "compare a.toml -o -", 0).stdout).unwrap();
    assert_eq!(json["others"][0]["clients"]["people"]["mean_ms"]["verdict"], "higher");
    assert!(stdout(&ends(&folder, "compare a.toml --format csv", 0)).starts_with("variant,section,"));
    assert!(stdout(&ends(&folder, "compare a.toml --format md", 0)).starts_with("# quiet: slow against"));
    ends(&folder, "compare a.toml -q --output all -o differences.svg -o b.json", 0);
    let at = |name: &str| folder.path().join(name);
    for name in ["compare.json", "compare.csv", "compare.md", "summary.json", "charts/differences.png"] {
        assert!(at("all").join(name).exists(), "{name}");
    }
    assert!(fs::read_to_string(at("differences.svg")).unwrap().contains("no significant difference"));
    assert_eq!(fs::read(at("b.json")).unwrap(), fs::read(at("all/compare.json")).unwrap());
    assert_eq!(stdout(&ends(&folder, "compare a.toml -j 1", 0)), stdout(&ends(&folder, "compare a.toml -j 2", 0)));
}

#[test]
fn files_are_compared_on_the_draws_of_the_first() {
    let folder = with(QUIET);
    let other = QUIET.replace("replications = 4", "replications = 6\nseed = 9");
    fs::write(folder.path().join("b.toml"), other).unwrap();
    let table = stdout(&ends(&folder, "compare a.toml b.toml", 0));
    let told = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("seed 1 instead of its own 9 and 4 replications instead of its own 6"), "{table}");
    assert!(table.contains("b and a answer in exactly the same time"), "{table}");
    fails(&folder, "compare a.toml b.toml --variant slow", 2, &["--variant"]);
    fails(&folder, "compare a.toml --variant fast", 2, &["no variant `fast`", "slow"]);
    fails(&folder, "compare a.toml nowhere.toml", 1, &["nowhere.toml"]);
    fs::write(folder.path().join("c.toml"), QUIET.split("[variants").next().unwrap()).unwrap();
    fails(&folder, "compare c.toml", 2, &["c.toml", "no other variants", "second file"]);
    fs::write(folder.path().join("d.toml"), promising("p90 < 1ms")).unwrap();
    assert!(stdout(&ends(&folder, "compare d.toml", 99)).contains("! all: SLO failed: people p90 < 1ms"));
    ends(&folder, "compare d.toml --no-slo", 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_and_a_closed_pipe_is_none() {
    let folder = with(QUIET);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(folder.path(), "run a.toml").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("standard output"), "{}", stderr(&output));
    let mut child = command(folder.path(), "run a.toml --format json").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_read_ends_with_1() {
    let folder = with(QUIET);
    fails(&folder, "run nowhere.toml", 1, &["nowhere.toml"]);
    fails(&folder, "check no/where.toml", 1, &["no/where.toml"]);
    fs::write(folder.path().join("mine.toml"), "mine").unwrap();
    fails(&folder, "new mine.toml", 1, &["mine.toml", "--force"]);
}

#[test]
fn what_makes_no_sense_ends_with_2() {
    let folder = with(QUIET);
    fails(&folder, "rum a.toml", 2, &["rum", "run"]);
    fails(&folder, "run a.toml --frobnicate", 2, &["--frobnicate"]);
    fails(&folder, "run a.toml --variant fast", 2, &["no variant `fast`", "slow"]);
    fails(&folder, "run a.toml --set rate", 2, &["rate"]);
    fails(&folder, "run a.toml -j 0", 2, &["--jobs"]);
    fails(&folder, "run a.toml -n 0", 2, &["--replications"]);
    fails(&folder, "explain concurency", 2, &["concurrency"]);
    fails(&folder, "validate mm2", 2, &["mm2", "mm1"]);
    fails(&folder, "validate --published sre", 2, &["no publication `sre`", "sre-book"]);
    fails(&folder, "validate --published --full", 2, &["--published", "--full"]);
}

#[test]
fn an_invalid_scenario_ends_with_3_and_says_where() {
    let folder = with(&QUIET.replace("concurrency = 2", "workers = 2").replace("\"50/s\"", "50"));
    // Both mistakes in one go, each with its place.
    fails(&folder, "run a.toml", 3, &["a.toml:12:8", "a.toml:14:1", "concurrency"]);
    fails(&folder, "check a.toml", 3, &["a.toml:12:8"]);
    let folder = with(QUIET);
    fails(&folder, "run a.toml --set services.desk.workers=3", 3, &["--set", "concurrency"]);
    fails(&folder, "run a.toml --set services.dsk.concurrency=3", 3, &["desk"]);
    fails(&folder, "run a.toml --set services.desk.replicas=0", 3, &["replicas"]);
    fails(&folder, "run .", 3, &["directory"]);
    for (name, bytes) in
        [("empty.toml", &b""[..]), ("text.toml", b"Dear reader"), ("bytes.toml", b"version = \"\xff\"")]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
        fails(&folder, &format!("run {name}"), 3, &[name]);
    }
}

#[test]
fn a_guard_ends_with_4() {
    let folder = with(QUIET);
    // Before the run, where the forecast can tell.
    fails(&folder, "run a.toml --set sim.duration=900d --set clients.people.rate=9999/s", 4, &["max_events", "10^1"]);
    fails(&folder, "run a.toml --set sim.max_events=50", 4, &["max_events"]);
    // During the run: what had been measured is shown, and why there is no more.
    let output = ends(&folder, "run a.toml --set sim.max_in_flight=3 --set services.desk.work=1s", 4);
    assert!(stdout(&output).contains("max_in_flight"), "{}", stdout(&output));
    // An overloaded node is named before anything else.
    let output = ends(&folder, "run a.toml --set services.desk.work=90ms", 4);
    let lines = stdout(&output);
    assert!(lines.lines().nth(1).unwrap_or_default().contains("bottleneck: desk: 2.25 ×"), "{lines}");
    assert!(lines.lines().nth(5).unwrap_or_default().starts_with("! overloaded: desk"), "{lines}");
}

/// The scenario with a promise.
fn promising(expect: &str) -> String {
    format!("{QUIET}\n[[slos]]\nof = \"people\"\nexpect = \"{expect}\"\n")
}

#[test]
fn a_broken_promise_ends_with_99() {
    ends(&with(&promising("p90 < 1s")), "run a.toml", 0);
    let folder = with(&promising("p90 < 1ms"));
    assert!(stdout(&ends(&folder, "run a.toml", 99)).contains("failed"));
    ends(&folder, "run a.toml -o a.json --format json", 99);
    assert!(folder.path().join("a.json").exists());
    ends(&folder, "run a.toml --no-slo", 0);
    fails(&folder, "run a.toml --no-slo --strict", 2, &["--strict"]);
    // A guard that was hit counts for more.
    ends(&folder, "run a.toml --set sim.max_in_flight=2", 4);
    // No request, no promise kept.
    let folder = with(
        &promising("p90 < 1s")
            .replace("rate = \"50/s\"", "phases = [{ duration = \"3s\", rate = \"0/s\" }, { rate = \"1/s\" }]"),
    );
    assert!(stdout(&ends(&folder, "run a.toml", 99)).contains("no data"));
}

#[test]
fn an_undecided_promise_fails_where_that_is_asked_for() {
    let measured = ends(&with(QUIET), "run a.toml --format json", 0);
    let json: serde_json::Value = serde_json::from_slice(&measured.stdout).unwrap();
    let mean = json["clients"]["people"]["latency_ms"]["mean"]["value"].as_f64().unwrap();
    let folder = with(&promising(&format!("mean < {mean}ms")));
    assert!(stdout(&ends(&folder, "run a.toml", 0)).contains("undecided"));
    ends(&folder, "run a.toml --strict", 99);
}

#[test]
fn without_a_file_the_default_is_run_and_kept() {
    let folder = folder();
    let output = ends(&folder, "run --no-slo --set sim.duration=1s --set sim.warmup=0s -n 3", 0);
    let kept = folder.path().join("output/function-call-or-network-call");
    for name in ["summary.json", "summary.csv", "summary.md", "charts"] {
        assert!(kept.join(name).exists(), "no {name}: {}", stderr(&output));
    }
    for picture in fs::read_dir(kept.join("charts")).unwrap().map(|p| p.unwrap().path()) {
        let bytes = fs::read(&picture).unwrap();
        let start: &[u8] = if picture.extension().unwrap() == "png" { b"\x89PNG" } else { b"<svg" };
        assert!(bytes.starts_with(start), "{}", picture.display());
    }
    // A table for the screen: 80 columns.
    for line in stdout(&output).lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
}

#[test]
fn a_new_scenario_runs() {
    let folder = folder();
    ends(&folder, "new mine.toml", 0);
    ends(&folder, "check mine.toml", 0);
    ends(&folder, "run mine.toml --no-slo --set sim.duration=5s", 0);
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let folder = with(QUIET);
    let of = |words: &str| stdout(&ends(&folder, &format!("run a.toml --format json {words}"), 0));
    assert_eq!(of("-j 1"), of("-j 2"));
    assert_eq!(of("--seed 7"), of("--set sim.seed=7"));
    assert_ne!(of("--seed 7"), of("--seed 8"));
    assert_eq!(of("-n 5"), of("--set sim.replications=5"));
    assert_eq!(of("--set clients.people.rate=50/s"), of(""));
}

#[test]
fn studies_name_what_is_not_there() {
    let folder = with(QUIET);
    fails(&folder, "coupling a.toml --target dekc", 2, &["`dekc`", "did you mean `desk`"]);
    fails(&folder, "coupling a.toml --at 1s --for 5s", 2, &["does not lie within the measured time"]);
    fails(&folder, "coupling a.toml --variant all", 2, &["all"]);
    fails(&folder, "coupling a.toml -o a.xml", 2, &["JUnit"]);
    fails(&folder, "whatif a.toml --client nobody", 2, &["`nobody`", "people"]);
    fails(&folder, "recover a.toml --trigger quake", 2, &["`quake`", "`spike`"]);
    fails(&folder, "recover a.toml --load 0", 2, &["a load of 0"]);
    fails(&folder, "hunt a.toml", 2, &["no promise", "[[slos]]", "--never-recovers"]);
    fails(&folder, "hunt a.toml --never-recovers --target dekc", 2, &["`dekc`", "did you mean `desk`"]);
    fails(&folder, "hunt a.toml -o a.svg", 2, &["no picture"]);
    fails(&folder, "coupling a.toml --target people->desc", 2, &["`people -> desc`", "did you mean `people -> desk`"]);
    fails(&folder, "sweep a.toml", 2, &["nothing is swept", "--sweep clients"]);
    fails(&folder, "sweep a.toml --sweep clients.people.rate=1..5", 2, &["is no range", "100/s..400/s:7"]);
    fails(&folder, "sweep a.toml --sweep services.dekc.cores=1,2", 3, &["did you mean `desk`", "--sweep"]);
    fails(
        &folder,
        "sweep a.toml --sweep services.desk.cores=1,2 --shards 2 --shard 2 --output x",
        2,
        &["the last is 1"],
    );
    fails(&folder, "sweep a.toml --sweep services.desk.cores=1,2 --shards 2 --shard 1", 2, &["--output DIR"]);
    let two = "sweep a.toml --sweep services.desk.cores=1,2";
    fails(&folder, &format!("{two} --shards 99999999999 --shard 1 --output x"), 2, &["there are 8 runs", "8 or fewer"]);
    fails(&folder, "sweep a.toml --sweep clients.people.rate=50/s...60/s:2", 2, &["is no range"]);
    fails(&folder, "sweep a.toml --sweep services.desk.cores=2,1,2", 2, &["2 stands there twice"]);
    fails(&folder, "sweep a.toml --sweep sim.duration=1s,2s", 2, &["same at every point", "--set"]);
    fails(&folder, "sweep a.toml --sweep name=a,b", 2, &["changes nothing"]);
    fails(&folder, "sweep --merge nowhere", 1, &["nowhere", "manifest.json"]);
    fails(&folder, "recover a.toml --client nobody", 2, &["`nobody`", "people"]);
    fails(&folder, "why a.toml --client nobody", 2, &["`nobody`", "people"]);
    let none = stdout(&ends(&folder, "why a.toml --request failed", 0));
    assert!(none.starts_with("none of ") && none.contains("requests failed in replication 1"), "{none}");
    fails(&folder, "why a.toml --request 9999", 2, &["no such request", "were measured"]);
    fails(&folder, "why a.toml --request soon", 2, &["soon"]);
    let closed = QUIET.replace("rate = \"50/s\"", "users = 3\nthink_time = \"10ms\"");
    fs::write(folder.path().join("closed.toml"), closed).unwrap();
    fails(&folder, "recover closed.toml", 2, &["`people` is closed", "give it a `rate`", "--grow NAME"]);
    let promise = format!("{QUIET}[[slos]]\nof = \"people\"\nexpect = \"success_rate >= 1%\"\n");
    fs::write(folder.path().join("promise.toml"), promise).unwrap();
    fails(&folder, "hunt promise.toml --slo fast", 2, &["no promise `fast`", "success_rate"]);
    let told = stdout(&ends(&folder, "hunt promise.toml --up-to 500ms", 0));
    assert!(told.starts_with("no fault up to 500 ms that was tried breaks a promise"), "{told}");
    fs::write(folder.path().join("bad.toml"), "version = 9\n").unwrap();
    fails(&folder, "coupling bad.toml", 3, &["version"]);
    fails(&folder, "whatif bad.toml", 3, &["version"]);
}

#[test]
fn a_study_says_its_answer_first_and_keeps_everything() {
    let folder = with(QUIET);
    let told = stdout(&ends(&folder, "coupling a.toml --output kept", 0));
    assert!(told.starts_with("desk down for 400 ms: people loses "), "{told}");
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("kept/coupling.json")).unwrap()).unwrap();
    assert_eq!(json["run"]["note"], "simulated, not measured");
    assert!(json["columns"].as_array().is_some_and(|all| all.iter().any(|column| column["kind"] == "node")));
    // Desk refusing, and the way to it refusing and hanging; and desk slower.
    assert_eq!(fs::read_dir(folder.path().join("kept/columns")).unwrap().count(), 4);
    assert_eq!(stdout(&ends(&folder, "coupling a.toml --output kept", 0)), told, "what was kept says something else");
    let told = stdout(&ends(&folder, "whatif a.toml --by mean --format json", 0));
    let json: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(json["changes"].as_array().is_some_and(|all| all.iter().any(|change| change["what"] == "desk")), "{told}");
}

#[test]
fn the_architecture_is_drawn_as_the_ending_says() {
    let folder = with(&QUIET.replace("[services.desk]", "[services.desk]\nteam = \"front\""));
    let mermaid = stdout(&ends(&folder, "graph a.toml", 0));
    assert!(mermaid.starts_with("flowchart LR") && mermaid.contains("\"front\""), "{mermaid}");
    ends(&folder, "graph a.toml -o a.dot -o a.svg", 0);
    let written = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(written("a.dot").contains("cluster_0") && written("a.svg").contains(">front</text>"));
    // After a run the same picture has figures.
    ends(&folder, "run a.toml -o graph.svg", 0);
    assert!(written("graph.svg").contains("p99 ") && !written("a.svg").contains("p99 "));
    fails(&folder, "graph a.toml -o a.json", 2, &[".svg", ".mmd"]);
    fails(&folder, "graph a.toml --variant all", 2, &["all"]);
}

#[test]
fn a_diagnosis_counts_services_and_fails_below() {
    let chain = "\n[services.clerk]\nsteps = [\"desk\"]\n";
    let folder = with(&(QUIET.replace("calls = \"desk\"", "calls = \"clerk\"") + chain));
    let told = stdout(&ends(&folder, "diagnose a.toml --static", 0));
    assert!(told.starts_with("2 services, effectively 1.0 at most"), "{told}");
    ends(&folder, "diagnose a.toml --static --fail-below 1.5", 99);
    ends(&folder, "diagnose a.toml --static --fail-below 1.0", 0);
    // Why is said; what nothing can be below of guards nothing and is refused.
    let told = ends(&folder, "diagnose a.toml --static --fail-below 2.5", 99);
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("effectively 1.00: fewer than the 2.5 of --fail-below, which they could not be"), "{told}");
    for odd in ["nan", "inf", "0", "-1"] {
        fails(&folder, &format!("diagnose a.toml --static --fail-below={odd}"), 2, &["4.5"]);
    }
    // The same by runs; clerk fails while desk is refused.
    let json = stdout(&ends(&folder, "diagnose a.toml -n 2 --format json", 0));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["n_eff"], 1.0, "{json}");
    assert_eq!(json["note"], "simulated, not measured");
    assert!(json["coupling"]["columns"].is_array() && json["signs"][2]["proofs"].is_array(), "{json}");
    fs::write(
        folder.path().join("old.toml"),
        QUIET.replace("calls = \"desk\"", "calls = \"clerk\"") + "\n[services.clerk]\n",
    )
    .unwrap();
    let told = stdout(&ends(&folder, "diagnose a.toml --static --against old.toml --format md", 0));
    assert!(told.contains("2.0 -&gt; 1.0, caused by edge clerk -&gt; desk"), "{told}");
    assert!(told.lines().count() <= 40, "{told}");
    fails(&folder, "diagnose a.toml -o a.svg", 2, &["hoptax graph"]);
    // Nobody asks for anything: a sentence, and the picture of what is written; a run is something else.
    fs::write(folder.path().join("idle.toml"), "version = 1\n[services.a]\nsteps = [\"b\"]\n[services.b]\n").unwrap();
    let told = stdout(&ends(&folder, "diagnose idle.toml", 0));
    assert!(
        told.starts_with("2 services, effectively 1.0 at most") && told.contains("no client calls anything"),
        "{told}"
    );
    let told = stdout(&ends(&folder, "advise idle.toml", 0));
    assert!(told.starts_with("every interaction is told") && told.contains("there is no client"), "{told}");
    fs::write(folder.path().join("alone.toml"), "version = 1\n[services.a]\n").unwrap();
    assert!(stdout(&ends(&folder, "advise alone.toml", 0)).starts_with("there is no interaction to judge"), "alone");
    assert!(stdout(&ends(&folder, "graph idle.toml", 0)).contains("-->"));
    fails(&folder, "run idle.toml", 3, &["there is no client"]);
    // Everything into a folder, as every study has it.
    ends(&folder, "diagnose a.toml --static --output all", 0);
    for ending in ["json", "csv", "md", "txt", "html", "svg", "png"] {
        assert!(folder.path().join(format!("all/diagnose.{ending}")).is_file(), "{ending}");
    }
    // Who shows one variant offers no `all`.
    for verb in ["diagnose", "advise", "graph", "hunt", "whatif", "why", "recover", "capacity", "coupling", "trace"] {
        assert!(!stdout(&ends(&folder, &format!("{verb} --help"), 0)).contains("`all`"), "{verb}");
    }
    for verb in ["run", "check", "compare"] {
        assert!(stdout(&ends(&folder, &format!("{verb} --help"), 0)).contains("`all`"), "{verb}");
    }
    // What draws nothing promises nothing.
    assert!(!stdout(&ends(&folder, "diagnose --help", 0)).contains(".svg"));
    assert!(!stdout(&ends(&folder, "hunt --help", 0)).contains(".svg"));
    assert!(stdout(&ends(&folder, "coupling --help", 0)).contains(".svg"));
}

/// Commands of the workflows that are there to be copied, as they stand.
#[test]
fn workflows_to_copy_run_as_they_stand() {
    for file in ["github.yml", "gitlab.yml"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci").join(file)).unwrap();
        let folder = with(QUIET);
        let lines =
            text.lines().map(|line| line.trim_start_matches([' ', '-'])).filter(|l| l.starts_with("hoptax run "));
        let mut ran = 0;
        for line in lines {
            let words = line["hoptax ".len()..].replace("\"$SCENARIO\"", "a.toml").replace("\"$old\"", "a.toml");
            let out = hoptax(&folder, &words);
            assert_eq!(out.status.code(), Some(0), "{file}: {line}\n{}", String::from_utf8_lossy(&out.stderr));
            ran += 1;
        }
        assert!(ran >= 2, "{file}");
        for kept in ["summary.md", "promises.xml", "report.html", "before.json"] {
            assert!(folder.path().join(kept).exists(), "{file}: {kept}");
        }
        let told = fs::read_to_string(folder.path().join("summary.md")).unwrap();
        let open = told.lines().take_while(|line| !line.contains("<details>")).count();
        assert!(open <= 40 && told.len() < 65_536, "{open} lines");
    }
}

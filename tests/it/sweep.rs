//! One value over several: against theory, and the same bytes whatever happens to the runs meanwhile.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::experiment::sweep::{Border, Held, Place, Reach, Rows, Shard, Study, Sweep, Wanted, merge};
use hoptax::report::sweep::run;
use hoptax::scenario::written::Axis;
use hoptax::scenario::{Checked, Source};

fn checked(text: &str) -> Checked {
    load(&Source::text("sweep", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"))
}

fn wanted(axes: &[&str]) -> Wanted {
    Wanted { axes: axes.iter().map(|axis| Axis::parse(axis).unwrap()).collect(), ..Wanted::default() }
}

/// A study, and its table of runs.
fn told(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, rows: &dyn Rows) -> Result<(Study, String), Trouble> {
    let mut table = String::new();
    let found = hoptax::experiment::sweep::study(checked, wanted, jobs, &(), rows, &mut |manifest, row| {
        let text = run(manifest, row, table.is_empty());
        table += &text;
        Ok(())
    })?;
    Ok((found, table))
}

fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, rows: &dyn Rows) -> Result<Study, Trouble> {
    told(checked, wanted, jobs, rows).map(|found| found.0)
}

fn swept(text: &str, axes: &[&str]) -> Sweep {
    study(&checked(text), &wanted(axes), None, &Held::default()).unwrap_or_else(|why| panic!("{why}")).sweep.unwrap()
}

/// M/M/1 with a service time of 10 ms.
fn desk(sim: &str, promise: &str) -> String {
    format!(
        r#"
version = 1
sim = {{ {sim} }}
network = {{ same_zone = "0ms" }}
[clients.users]
calls = "desk"
rate = "50/s"
transport = "free"
[services.desk]
concurrency = 1
work = {{ mean = "10ms" }}
{promise}
"#
    )
}

/// T = S ÷ (1 − ρ): every mean within its interval, the promise up to where T is its bound, the knee where ρ ÷ T is greatest: at ½.
#[test]
fn a_queue_bends_where_theory_says() {
    let promise = "[[slos]]\nof = \"users\"\nexpect = \"mean < 40ms\"";
    let text = desk("duration = \"400s\", warmup = \"20s\", replications = 12", promise);
    let sweep = swept(&text, &["clients.users.rate=20/s..85/s:14"]);
    for (nth, point) in sweep.points.iter().enumerate() {
        let rho = (20.0 + 5.0 * nth as f64) / 100.0;
        let mean = point.clients["users"].mean_ms;
        let expected = 10.0 / (1.0 - rho);
        // Of fourteen 95 % intervals one or the other misses; twice its width none.
        let half = mean.half_width().unwrap();
        assert!((mean.value.unwrap() - expected).abs() < 2.0 * half, "at {rho}: {mean:?}, not {expected}");
        assert!((point.nodes["desk"].value.unwrap() - rho).abs() < 0.02, "at {rho}: {:?}", point.nodes);
    }
    let holds = &sweep.promises[0];
    assert_eq!(holds.reach, Reach::UpTo);
    assert!((holds.at.value.unwrap() - 75.0).abs() < 2.0, "40 ms are reached at 75/s: {:?}", holds.at);
    let (low, high) = holds.at.ends().unwrap();
    assert!(low < 75.5 && 74.5 < high && high - low < 10.0, "{:?}", holds.at);
    let knee = sweep.knee.unwrap();
    assert!((knee.at.value.unwrap() - 50.0).abs() < 3.0, "{knee:?}");
    assert_eq!(knee.busiest.as_deref(), Some("desk"));
}

/// P(T > t) of M/M/c with so many servers and so much work each, in seconds.
fn beyond(servers: u32, work: f64, rate: f64, t: f64) -> f64 {
    let (load, c) = (rate * work, f64::from(servers));
    let term = |k: u32| load.powf(f64::from(k)) / (1..=k).map(f64::from).product::<f64>();
    let all = term(servers) * c / (c - load);
    let waits = all / ((0..servers).map(term).sum::<f64>() + all);
    let (mu, free) = (1.0 / work, c / work - rate);
    let late = (free * (-mu * t).exp() - mu * (-free * t).exp()) / (free - mu);
    (1.0 - waits) * (-mu * t).exp() + waits * late
}

/// The rate at which M/M/c has its p99 at so many ms; of M/M/1 it is μ − ln(100) ÷ p99.
fn carried(servers: u32, p99_ms: f64) -> f64 {
    if servers == 1 {
        return 100.0 - 100.0_f64.ln() / p99_ms * 1e3;
    }
    let most = f64::from(servers) * 100.0;
    (1..1_000)
        .map(|part| most * f64::from(part) / 1e3)
        .find(|rate| beyond(servers, 0.01, *rate, p99_ms / 1e3) > 0.01)
        .unwrap()
}

/// Points stand far apart, and yet at least 93 % of the intervals hold what theory knows: how the curve goes between them is in the
/// interval.
#[test]
fn the_interval_of_a_limit_holds_what_lies_between_points() {
    let promises =
        |bounds: [u32; 3]| bounds.map(|ms| format!("[[slos]]\nof = \"users\"\nexpect = \"p99 < {ms}ms\"\n")).join("");
    let (mut held, mut all) = (0, 0);
    for (servers, bounds, axis, seeds) in [
        (1, [100, 200, 300], "clients.users.rate=20/s..95/s:6", 24),
        (3, [60, 80, 100], "clients.users.rate=60/s,120/s,180/s,240/s,285/s", 12),
    ] {
        for seed in 1..=seeds {
            let sim = format!("duration = \"300s\", warmup = \"30s\", replications = 10, seed = {seed}");
            let text = desk(&sim, &promises(bounds)).replace("concurrency = 1", &format!("concurrency = {servers}"));
            for (holds, bound) in swept(&text, &[axis]).promises.iter().zip(bounds) {
                let exact = carried(servers, f64::from(bound));
                let (low, high) = holds.at.ends().unwrap();
                held += u32::from(low <= exact && exact <= high);
                all += 1;
                assert!(high - low < 0.15 * 100.0 * f64::from(servers), "M/M/{servers} at {bound} ms: {:?}", holds.at);
            }
        }
    }
    println!("{held} of {all} intervals hold");
    assert!(f64::from(held) >= 0.93 * f64::from(all), "{held} of {all}");
}

/// Fewer workers than it takes: the promise holds from some number on, and a grid has every combination once.
#[test]
fn a_promise_may_hold_from_a_value_on_and_a_grid_is_whole() {
    let promise = "[[slos]]\nof = \"users\"\nexpect = \"p99 < 80ms\"";
    let text = desk("duration = \"20s\", warmup = \"2s\", replications = 4", promise);
    let over = format!("{text}[sweep]\n\"services.desk.concurrency\" = \"1..4:4\"\n");
    let sweep = swept(&over.replace("50/s", "150/s"), &[]);
    assert_eq!(sweep.promises[0].reach, Reach::From);
    let [from, to] = sweep.promises[0].between.unwrap();
    assert_eq!(to - from, 1.0, "between two neighbours");
    let told = hoptax::report::sweep::answer(&sweep);
    assert!(told.contains(&format!("holds from {to} on")), "there is no half of a worker: {told}");
    assert!(!sweep.points[0].overloaded.is_empty() && sweep.points[3].overloaded.is_empty());
    let grid = swept(&text, &["services.desk.concurrency=1,2", "clients.users.rate=20/s,40/s,60/s"]);
    let at: Vec<String> = grid.points.iter().map(|point| point.at.join(" ")).collect();
    assert_eq!(at, ["1 20/s", "1 40/s", "1 60/s", "2 20/s", "2 40/s", "2 60/s"]);
    assert!(grid.promises.is_empty() && grid.knee.is_none());
    // Two workers keep it at every rate; one of them until p99 = ln(100) ÷ (100 − λ) is 80 ms, at 42/s.
    let border = |grid: &Sweep| {
        let told = |one: &Border| (one.along.clone(), one.value.clone(), one.holds.reach);
        grid.border.iter().map(told).collect::<Vec<_>>()
    };
    let row = |along: &str, value: &str, reach| (along.to_owned(), value.to_owned(), reach);
    let by_rate = [("20/s", Reach::Everywhere), ("40/s", Reach::Everywhere), ("60/s", Reach::From)];
    assert_eq!(border(&grid), by_rate.map(|(rate, reach)| row("services.desk.concurrency", rate, reach)));
    let grid = swept(&text, &["clients.users.rate=20/s,40/s,60/s", "services.desk.concurrency=1,2"]);
    let by_workers = [("1", Reach::UpTo), ("2", Reach::Everywhere)];
    assert_eq!(border(&grid), by_workers.map(|(workers, reach)| row("clients.users.rate", workers, reach)));
    let at = grid.border[0].holds.at.value.unwrap();
    assert!(at > 30.0 && at < 55.0, "{at}");
}

/// Twenty requests a run have no 99th percentile: that promise is not broken, nobody can tell; the other one is told.
#[test]
fn what_too_few_requests_leave_open_is_unknown() {
    let promises =
        "[[slos]]\nof = \"users\"\nexpect = \"p99 < 400ms\"\n[[slos]]\nof = \"users\"\nexpect = \"mean < 400ms\"";
    let text = desk("duration = \"2s\", warmup = \"0s\", replications = 5", promises);
    let sweep = swept(&text, &["clients.users.rate=5/s,10/s"]);
    assert_eq!(sweep.promises.iter().map(|holds| holds.reach).collect::<Vec<_>>(), [Reach::Unknown, Reach::Everywhere]);
    assert_eq!((sweep.points[0].promises[0].untold_in, sweep.points[0].promises[0].kept.value), (5, None));
    assert_eq!(sweep.points[0].all_kept.unwrap().value, None);
    let told = hoptax::report::sweep::answer(&sweep);
    assert!(told.contains("every promise that can be told holds at every point, up to 10/s"), "{told}");
    // At 20/s some runs of two seconds have requests enough and some have not: no point where it is broken.
    let text = desk("duration = \"5s\", warmup = \"0s\", replications = 5", promises);
    let sweep = swept(&text, &["clients.users.rate=20/s,40/s,60/s"]);
    let untold = sweep.points[0].promises[0].untold_in;
    assert!(
        untold > 0 && untold < 5 && sweep.promises[0].reach == Reach::Everywhere,
        "{untold}: {:?}",
        sweep.promises[0]
    );
}

#[test]
fn what_cannot_be_swept_is_refused_with_the_cure() {
    let checked = checked(&desk("duration = \"1s\", warmup = \"0s\", replications = 2", ""));
    let refused = |axes: &[&str]| match study(&checked, &wanted(axes), None, &Held::default()) {
        Err(trouble) => trouble.to_string(),
        Ok(_) => panic!("{axes:?} was swept"),
    };
    assert!(refused(&[]).contains("--sweep"));
    assert!(refused(&["clients.user.rate=1/s,2/s"]).contains("did you mean `users`"));
    assert!(refused(&["clients.users.rate=1ms,2ms"]).contains("rate"));
    assert!(refused(&["sim.seed=1,2"]).contains("--seed"));
    assert!(refused(&["clients.users.rate=1/s,2/s", "clients.users.rate=3/s"]).contains("twice"));
    // In the file each mistake has its place.
    let text = desk(
        "duration = \"1s\", warmup = \"0s\"",
        "[sweep]\n\"clients.user.rate\" = [\"1/s\"]\nservices.desk.cores = \"x..3:2\"\n",
    );
    let Err(Trouble::Rejected(rejected)) = load(&Source::text("sweep", &text), None, &Options::default()) else {
        panic!("it was taken")
    };
    assert_eq!(rejected.complaints.iter().filter(|c| c.is_error()).count(), 1, "{rejected}");
    assert!(rejected.to_string().contains("x..3:2"), "{rejected}");
    let text = text.replace("x..3:2", "1..3:2");
    let Err(Trouble::Rejected(rejected)) = load(&Source::text("sweep", &text), None, &Options::default()) else {
        panic!("it was taken")
    };
    assert!(rejected.to_string().contains("users"), "{rejected}");
}

/// What would be in a folder, in memory.
#[derive(Default)]
struct Memory {
    manifest: Mutex<Option<String>>,
    text: Mutex<String>,
}

impl Memory {
    fn of(manifest: &str, text: &str) -> Self {
        Self { manifest: Mutex::new(Some(manifest.into())), text: Mutex::new(text.into()) }
    }

    fn part(&self, name: &str) -> (String, &dyn Rows) {
        (name.into(), self)
    }
}

impl Rows for Memory {
    fn manifest(&self) -> Option<String> {
        self.manifest.lock().unwrap().clone()
    }
    fn begin(&self, manifest: &str) -> Result<(), String> {
        *self.manifest.lock().unwrap() = Some(manifest.into());
        Ok(())
    }
    fn each(&self, tell: &mut dyn FnMut(Place, &str)) -> Result<(), String> {
        let text = self.text.lock().unwrap();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let whole = line.trim_end_matches('\n');
            tell(Place { file: 0, length: whole.len() as u32, at }, whole);
            at += line.len() as u64;
        }
        Ok(())
    }
    fn line(&self, place: Place) -> Result<String, String> {
        let at = place.at as usize;
        Ok(self.text.lock().unwrap()[at..at + place.length as usize].to_owned())
    }
    fn add(&self, line: &str) -> Result<(), String> {
        let mut text = self.text.lock().unwrap();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        *text += line;
        text.push('\n');
        Ok(())
    }
}

/// All that is written of a sweep.
fn bytes((study, table): &(Study, String)) -> String {
    format!("{}\n{table}", serde_json::to_string_pretty(study.sweep.as_ref().unwrap()).unwrap())
}

/// Parts together, and their table of runs.
fn merged(parts: &[(String, &dyn Rows)]) -> Result<(Study, String), Trouble> {
    let mut table = String::new();
    let found = merge(parts, &mut |manifest, row| {
        let text = run(manifest, row, table.is_empty());
        table += &text;
        Ok(())
    })?;
    Ok((found, table))
}

const SHORT: &str = "duration = \"200ms\", warmup = \"0s\", replications = 3";
const PROMISE: &str = "[[slos]]\nof = \"users\"\nexpect = \"p99 < 40ms\"";
const TWO: &str = "clients.users.rate=40/s,70/s";

/// Wherever the file of rows ends, it goes on from there to the same bytes, and no run is there twice or missing.
#[test]
fn a_file_that_is_cut_anywhere_goes_on_to_the_same_bytes() {
    let checked = checked(&desk(SHORT, PROMISE));
    let whole = Memory::default();
    let expected = bytes(&told(&checked, &wanted(&[TWO]), Some(1), &whole).unwrap());
    let (manifest, text) = (whole.manifest().unwrap(), whole.text.lock().unwrap().clone());
    assert_eq!(text.lines().count(), 6);
    for end in 0..=text.len() {
        let cut = Memory::of(&manifest, &text[..end]);
        let again = told(&checked, &wanted(&[TWO]), Some(1), &cut).unwrap();
        assert_eq!(bytes(&again), expected, "cut after {end} bytes");
        let runs: Vec<&str> = again.1.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(runs, ["0", "2", "4", "1", "3", "5"], "cut after {end} bytes");
        // No run is made twice: what is kept is six whole rows, and the part of a seventh at most.
        assert!(cut.text.lock().unwrap().lines().count() <= 7, "cut after {end} bytes");
    }
}

#[test]
fn seven_shards_in_any_order_are_one_run() {
    let checked = checked(&desk(SHORT, PROMISE));
    let axes = [TWO, "services.desk.concurrency=1,2,3"];
    let expected = bytes(&told(&checked, &wanted(&axes), Some(1), &Held::default()).unwrap());
    assert_eq!(bytes(&told(&checked, &wanted(&axes), Some(2), &Held::default()).unwrap()), expected, "two threads");
    let shard = |nth: u64| {
        let kept = Memory::default();
        let wanted = Wanted { shard: Some(Shard { nth, of: 7 }), ..wanted(&axes) };
        let made = study(&checked, &wanted, Some(1), &kept).unwrap();
        assert!(made.whole && made.sweep.is_none(), "a shard alone tells nothing");
        // Half of them are killed and go on.
        if nth.is_multiple_of(2) {
            let cut = {
                let text = kept.text.lock().unwrap();
                text[..text.len() * 2 / 3].to_owned()
            };
            *kept.text.lock().unwrap() = cut;
            study(&checked, &wanted, Some(1), &kept).unwrap();
        }
        kept
    };
    let parts: Vec<Memory> = (0..7).map(shard).collect();
    for order in [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 1, 5, 2, 4]] {
        let parts: Vec<_> = order.iter().map(|nth| parts[*nth].part(&format!("part {nth}"))).collect();
        assert_eq!(bytes(&merged(&parts).unwrap()), expected, "{order:?}");
        let why = merged(&parts[1..]).unwrap_err().to_string();
        assert!(why.contains("of 18 runs are missing"), "{why}");
    }
}

/// Three runs of each point, then five: the three are not run again, and the bytes are those of five at once. Back there is no way.
#[test]
fn more_runs_are_added_to_those_that_are_there() {
    let of = |runs: u32| desk(SHORT, PROMISE).replace("replications = 3", &format!("replications = {runs}"));
    let axes = [TWO, "services.desk.concurrency=1,2"];
    let made =
        |text: &str, kept: &Memory| told(&checked(text), &wanted(&axes), Some(1), kept).map(|found| bytes(&found));
    let kept = Memory::default();
    made(&of(3), &kept).unwrap();
    let before = kept.text.lock().unwrap().clone();
    let grown = made(&of(5), &kept).unwrap();
    let after = kept.text.lock().unwrap().clone();
    assert!(after.starts_with(&before) && after.lines().count() == 20, "8 of 20 rows are new");
    assert_eq!(grown, made(&of(5), &Memory::default()).unwrap());
    assert!(made(&of(3), &kept).unwrap_err().to_string().contains("is of seed 1, 5 runs of 0.2 s"));
    // A manifest that is for more runs of another scenario is none of this.
    let other = Memory::default();
    made(&of(3).replace("10ms", "11ms"), &other).unwrap();
    assert!(made(&of(5), &other).is_err());
}

#[test]
fn another_sweep_is_refused_by_name() {
    let text = desk(SHORT, PROMISE);
    let kept = Memory::default();
    study(&checked(&text), &wanted(&[TWO]), Some(1), &kept).unwrap();
    let refused = |text: &str, axis: &str, kept: &Memory| {
        study(&checked(text), &wanted(&[axis]), Some(1), kept).unwrap_err().to_string()
    };
    assert!(refused(&text.replace("10ms", "11ms"), TWO, &kept).contains("another scenario: its hash is"));
    let fewer = text.replace("replications = 3", "replications = 2");
    assert!(refused(&fewer, TWO, &kept).contains("is of seed 1, 3 runs of 0.2 s, and here it is seed 1, 2 runs"));
    assert!(
        refused(&text, "clients.users.rate=40/s,71/s", &kept).contains("sweeps clients.users.rate over 40/s, 70/s")
    );
    let other = kept
        .manifest()
        .unwrap()
        .replace(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"version\": \"0.0.1\"");
    let old = Memory::of(&other, "");
    assert!(refused(&text, TWO, &old).contains("made by hoptax 0.0.1"));
    assert!(refused(&text, TWO, &Memory::of("{", "")).contains("cannot be read"));
    assert!(merged(&[kept.part("a"), old.part("b")]).unwrap_err().to_string().starts_with("b: made by"));
    // A row that was changed is seen where another has the same run.
    let text = kept.text.lock().unwrap().replacen("\"events\":", "\"events\":1", 1);
    let changed = Memory::of(&kept.manifest().unwrap(), &text);
    assert!(merged(&[kept.part("a"), changed.part("c")]).unwrap_err().to_string().contains("c: run 0"));
    assert!(refused(&desk(SHORT, PROMISE), TWO, &changed).contains("run 0 was changed"), "or where it stands alone");
    // Rows of another seed, in a folder of this one.
    let seeded = desk(&format!("{SHORT}, seed = 77"), PROMISE);
    let theirs = Memory::default();
    study(&checked(&seeded), &wanted(&[TWO]), Some(1), &theirs).unwrap();
    let foreign = Memory::of(&kept.manifest().unwrap(), &theirs.text.lock().unwrap());
    assert!(refused(&desk(SHORT, PROMISE), TWO, &foreign).contains("is of another scenario or seed"));
}

fn spawn(folder: &Path, words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(words.split_whitespace()).current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// `kill -9` at twenty moments of a program that writes to a disk: what is there in the end is what a program leaves that was
/// let alone.
#[test]
fn a_program_that_is_killed_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sim = "duration = \"20s\", warmup = \"0s\", replications = 20";
    fs::write(folder.path().join("a.toml"), desk(sim, PROMISE)).unwrap();
    let line = "sweep a.toml --sweep clients.users.rate=20/s..80/s:5 -q --output";
    assert!(spawn(folder.path(), &format!("{line} whole")).wait().unwrap().success());
    let mut killed = 0;
    for moment in 0..20_u64 {
        let mut child = spawn(folder.path(), &format!("{line} torn"));
        std::thread::sleep(std::time::Duration::from_millis(15 + (moment * 7919) % 60));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "it was always faster");
    assert!(spawn(folder.path(), &format!("{line} torn")).wait().unwrap().success());
    for name in ["sweep.json", "sweep.csv", "sweep.md", "runs.csv", "runs.parquet", "manifest.json"] {
        let read = |from: &str| fs::read(folder.path().join(from).join(name)).unwrap();
        assert!(read("torn") == read("whole"), "{name} differs after {killed} kills");
    }
    let lines = fs::read_to_string(folder.path().join("torn/runs.csv")).unwrap();
    assert_eq!(lines.lines().count(), 101);
}

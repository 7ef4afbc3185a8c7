//! How rarely a system collapses by itself: splitting against many plain runs, and where it cannot be trusted.

use hoptax::experiment::recover::{Rare, Wanted, study};
use hoptax::experiment::study::{Options, load};
use hoptax::machine::replication_seed;
use hoptax::model::{Fact, Probe};
use hoptax::scenario::{Source, lower};
use hoptax::stats::{Interval, share_of_windows};
use hoptax::units::Time;

use crate::bench::ended;

/// A desk that does twenty requests a second, callers that give up after a second and try again, up to three times. The
/// fault stands there for the map alone.
fn alone(rate: &str) -> String {
    format!(
        r#"
version = 1
sim = {{ duration = "40s", warmup = "0s", replications = 4 }}
defaults = {{ transport = "free" }}
network = {{ same_zone = "0s" }}
[clients.users]
calls = "front"
{rate}
[services.front]
io = "async"
concurrency = "unlimited"
steps = [{{ call = "desk", timeout = "1s", retries = {{ max = 3, on = ["timeout"] }} }}]
[services.desk]
concurrency = 1
work = {{ mean = "50ms" }}
[[faults]]
kind = "freeze"
target = "desk"
at = "20s"
duration = "100ms"
"#
    )
}

fn rare(text: &str) -> Rare {
    let checked = load(&Source::text("rare", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    // One load, and a trigger too short to matter: what is asked is what happens without.
    let wanted = Wanted {
        loads: vec![1.0],
        lengths_s: vec![0.1],
        rare: true,
        client: Some("users".into()),
        ..Wanted::default()
    };
    study(&checked, &wanted, None, &()).unwrap_or_else(|why| panic!("{why}")).recover.rare.unwrap()
}

/// Requests of the first client by the second in which they set out, and the good ones among them.
#[derive(Clone, Debug)]
struct Ends([[u32; 2]; 40]);

impl Probe for Ends {
    fn on(&mut self, now: Time, fact: Fact) {
        let second = |at: Time| (at.0 / 1_000_000_000) as usize % 40;
        match fact {
            Fact::Offered { measured: true, .. } => self.0[second(now)][0] += 1,
            Fact::Answered { outcome, intended, measured: true, .. } if outcome.is_good() => {
                self.0[second(intended)][1] += 1;
            }
            _ => {}
        }
    }
}

/// How many of many plain runs are down at their end, with the exact interval of that, by an independent count.
fn plainly(text: &str, runs: u32) -> Interval {
    let checked = load(&Source::text("rare", text), None, &Options::default()).unwrap();
    let mut plan = lower(&checked);
    plan.faults.clear();
    let down = (0..runs).filter(|nth| {
        let ends = ended(&plan, replication_seed(99, *nth), Ends([[0; 2]; 40])).probe.0;
        let [arrived, good] = ends[37..].iter().fold([0, 0], |sum, second| [sum[0] + second[0], sum[1] + second[1]]);
        2 * good < arrived
    });
    share_of_windows(down.count() as u64, u64::from(runs), 0.95)
}

#[test]
fn splitting_agrees_with_plain_runs_and_is_cheaper() {
    let text = alone("rate = \"11/s\"");
    let found = rare(&text);
    assert!(found.not_trusted.is_empty() && found.runs == 32, "{found:?}");
    let (low, high) = found.probability.ends().unwrap();
    let plain = plainly(&text, 8_000);
    let (least, most) = plain.ends().unwrap();
    assert!(low <= most && high >= least, "splitting {low} to {high}, plain {least} to {most}");
    assert!(low > 0.0 && high < 4.0 * low, "{found:?}");
    // One run in a hundred thousand. The gain is counted in events, which is the same on every machine; an event of
    // splitting takes no longer than one of plain runs (measured: 144 ns, copies and all; `hoptax run` takes 919 with all its
    // figures), so that in variance × CPU it is at least as much.
    let rarer = rare(&alone("rate = \"8/s\""));
    assert!(rarer.not_trusted.is_empty(), "{rarer:?}");
    assert!(rarer.probability.value.is_some_and(|p| (3e-6..2e-5).contains(&p)), "{rarer:?}");
    assert!(rarer.gain.is_some_and(|gain| gain > 20.0), "{rarer:?}");
}

#[test]
fn what_is_seldom_and_large_is_not_trusted() {
    let short = |text: &str| text.replace("40s", "12s").replace("20s", "6s");
    let heavy = alone("rate = \"9/s\"")
        .replace("work = { mean = \"50ms\" }", "work = { dist = \"lognormal\", mean = \"50ms\", cv = 8 }");
    let found = rare(&short(&heavy));
    assert!(found.not_trusted.iter().any(|why| why.starts_with("work at desk")), "{found:?}");
    // A rate that rises sevenfold for half a minute, once in half a day.
    let bursty = alone(
        "arrivals = \"bursty\"\nbursty = { low = \"5/s\", high = \"35/s\", stay_low = \"50000s\", stay_high = \"30s\" }",
    );
    let found = rare(&short(&bursty));
    assert!(found.not_trusted.iter().any(|why| why.starts_with("the rate of users")), "{found:?}");
}

/// M/M/1 comes back from any line: what is long ago leads nowhere, and most of what is down at the end came there past the levels.
/// Where runs agree all the same, and with plain runs, that is no reason not to trust them.
#[test]
fn a_plain_queue_is_trusted() {
    let text = alone("rate = \"14/s\"\ntimeout = \"1s\"").replace("calls = \"front\"", "calls = \"desk\"");
    let cut = text.find("[services.front]").unwrap()..text.find("[services.desk]").unwrap();
    let text = [&text[..cut.start], &text[cut.end..]].concat();
    let found = rare(&text);
    assert!(found.not_trusted.is_empty() && found.seen_in == found.runs, "{found:?}");
    let ((low, high), plain) = (found.probability.ends().unwrap(), plainly(&text, 8_000));
    let (least, most) = plain.ends().unwrap();
    assert!(low <= most && high >= least, "splitting {low} to {high}, plain {least} to {most}");
}

//! The signs of a distributed monolith shown by runs.

use hoptax::experiment::coupling::NoShelf;
use hoptax::experiment::diagnosis::{Diagnosis, Proof, diagnose, prove};

use crate::bench::checked;

/// Orders call users: one release, one library, one table, and a report on it.
fn shop() -> String {
    "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"1s\"\nreplications = 6\n\
     [network]\nsame_zone = \"0.2ms\"\n[discovery]\nkind = \"kubernetes\"\npropagation = \"0s\"\nreadiness = \"none\"\nbalance_per = \"request\"\n\
     [defaults]\ntransport = \"free\"\n\
     [clients.web]\ncalls = \"orders\"\nrate = \"50/s\"\n\
     [clients.clock]\ncalls = \"reports\"\narrivals = \"constant\"\nrate = \"20/min\"\n\
     [services.orders]\nreplicas = 2\nteam = \"a\"\nlibraries = { rules = \"logic\" }\ndeploys_with = [\"users\"]\nwork = { mean = \"2ms\" }\n\
     steps = [\"users\", { query = \"db\", table = \"orders\", mode = \"write\" }]\n\
     [services.users]\nreplicas = 2\nteam = \"b\"\nlibraries = { rules = \"logic\" }\ndeploys_with = [\"orders\"]\nwork = { mean = \"2ms\" }\n\
     [services.reports]\nteam = \"c\"\nlibraries = {}\ndeploys_with = []\n\
     steps = [{ parallel = [{ query = \"db\", table = \"orders\", times = 400 }] }]\n\
     [databases.db]\nconcurrency = 4\nwork = { mean = \"2ms\" }\n"
        .to_owned()
}

fn proven(text: &str) -> Diagnosis {
    let (found, whole) = prove(&checked(text), None, &(), &NoShelf).unwrap_or_else(|why| panic!("{why}"));
    assert!(whole);
    found
}

#[test]
fn each_sign_is_shown_or_says_why_not() {
    let found = proven(&shop());
    let proofs = |at: usize| found.signs[at].proofs.as_slice();
    let breaking = proofs(0).iter().find_map(|proof| if let Proof::Breaking(all) = proof { Some(all) } else { None });
    let breaking = breaking.unwrap_or_else(|| panic!("{:?}", proofs(0)));
    assert_eq!((breaking.callee.as_str(), breaking.callers.as_slice()), ("users", ["orders".to_owned()].as_slice()));
    // Two replicas, 4 s from 6 s on: from 8 s on only new ones answer, and nobody speaks to them: 12 s of 20, of the 51 of 51.3
    // requests that are orders.
    assert!(breaking.alone.to_the_end && (breaking.alone.lost_s - 12.0).abs() < 0.8, "{breaking:?}");
    // What is lost is known within ends that the replications' own losses give.
    let (low, high) = breaking.alone.lost_between_s.expect("two replications have an interval");
    assert!(low < breaking.alone.lost_s && breaking.alone.lost_s < high && low <= 12.0 && 12.0 <= high, "{breaking:?}");
    // In lockstep the old ones of both sides are away when the new ones come.
    assert!(breaking.lockstep.lost_s < 0.3 && breaking.compatible.lost_s < 0.05, "{breaking:?}");
    // The report keeps the orders waiting, and a lock on the table all.
    let beside = proofs(1).iter().find_map(|proof| match proof {
        Proof::Beside { client, other, p99_ms, .. } => {
            Some((client.as_str(), other.as_str(), p99_ms.relative.unwrap()))
        }
        _ => None,
    });
    let (client, other, slower) = beside.unwrap_or_else(|| panic!("{:?}", proofs(1)));
    assert!((client, other) == ("clock", "web") && slower > 0.5, "{slower}");
    let locked = proofs(1).iter().find_map(|proof| match proof {
        Proof::Locked { held_s, p99_ms, client, p99_between_ms, lost_between_s, .. } => {
            assert!(p99_between_ms.iter().all(Option::is_some) && lost_between_s.is_some(), "{proof:?}");
            Some((*held_s, *p99_ms, client.as_str()))
        }
        _ => None,
    });
    let (held, [before, with], client) = locked.unwrap_or_else(|| panic!("{:?}", proofs(1)));
    assert!(held == 4.0 && client == "web", "{held} {client}");
    // A fifth of all come while it is locked: p99 is what the first of them wait, nearly all of the time.
    assert!(before.unwrap() < 1_000.0 && (3_500.0..5_000.0).contains(&with.unwrap()), "{before:?} {with:?}");
    let ten = proofs(2).iter().find_map(|proof| match proof {
        Proof::TenTimes { node, p99_ms, .. } => Some((node.as_str(), *p99_ms)),
        _ => None,
    });
    let (node, [before, with]) = ten.unwrap_or_else(|| panic!("{:?}", proofs(2)));
    // Work of 2 ms that becomes 20 on average: what is near p99 waits for a report besides.
    assert!(node == "users" && with.unwrap() > before.unwrap() + 10.0, "{node} {before:?} {with:?}");
    let library = proofs(3).iter().any(|proof| matches!(proof, Proof::Library { services, .. } if services.len() == 2));
    assert!(library, "{:?}", proofs(3));
    assert!(found.signs[4].proofs.is_empty() && found.signs[4].not_simulated.is_some());
}

/// Who calls another itself and by a third loses what both ways lose: the refused calls of the one edge are not all of it. By
/// hand 1 - 0.8 · 0.5 of what a receives is lost while c is down.
#[test]
fn a_loss_by_two_ways_is_not_that_of_one_edge() {
    let text = "version = 1\nsim = { duration = \"20s\", warmup = \"1s\", replications = 3 }\ndefaults = { transport = \"free\" }\n\
                [clients.web]\ncalls = \"a\"\nrate = \"40/s\"\n[services.a]\nwork = \"1ms\"\n\
                steps = [\"b\", { call = \"c\", probability = \"20%\" }]\n\
                [services.b]\nwork = \"1ms\"\nsteps = [{ call = \"c\", probability = \"50%\" }]\n[services.c]\nwork = \"1ms\"\n";
    let found = proven(text);
    let loss = |one: &str, other: &str| {
        let pair = found.pairs.iter().find(|pair| pair.one == one && pair.other == other).unwrap();
        pair.loss.share.unwrap()
    };
    // All that comes to a are the client's requests: what these lose, which is chance around 0.2 + 0.8 × 0.5.
    assert!((loss("a", "c") - 0.6).abs() < 0.06 && (loss("a", "c") - 0.6).abs() > 1e-9, "{}", loss("a", "c"));
    // One way alone: what the run lost, too.
    assert!((loss("b", "c") - 0.5).abs() < 0.1 && (loss("b", "c") - 0.5).abs() > 1e-9, "{}", loss("b", "c"));
    assert!(
        (found.n_eff.unwrap() - 9.0 / (3.0 + 2.0 * (loss("a", "b") + loss("a", "c") + loss("b", "c")))).abs() < 1e-6
    );
}

/// What would take too long is run shorter, and says so; the same file always alike.
#[test]
fn a_long_file_is_run_shorter() {
    let text = "version = 1\nsim = { duration = \"15m\", warmup = \"1m\", replications = 20 }\n[clients.web]\ncalls = \"a\"\n\
                rate = \"9000/s\"\n[services.a]\nreplicas = 40\nsteps = [\"b\"]\n[services.b]\nreplicas = 40\n\
                [[faults]]\nkind = \"outage\"\ntarget = \"b\"\nname = \"away\"\nat = \"5m\"\nduration = \"40s\"\n\
                [[slos]]\nof = \"web\"\nexpect = \"recovery_time < 1m\"\nafter_fault = \"away\"\n";
    let stopped = |text: &str| prove(&checked(text), Some(1), &Never, &NoShelf).unwrap().0.shortened;
    let brief = stopped(text).unwrap();
    assert_eq!((brief.replications[0], brief.duration_s[0]), (20, 900.0));
    assert!(brief.replications[1] <= 5 && brief.duration_s[1] >= 60.0 && brief.duration_s[1] < 900.0, "{brief:?}");
    assert!(brief.events > 1.5e9 && stopped(text) == Some(brief), "{brief:?}");
    // A load that changes is not cut off; what is short is run as it stands.
    let changes = text.replace(
        "rate = \"9000/s\"",
        "phases = [{ duration = \"8m\", rate = \"9000/s\" }, { duration = \"8m\", rate = \"1/s\" }]",
    );
    let brief = stopped(&changes).unwrap();
    assert!(brief.duration_s == [900.0; 2] && brief.replications[1] == 3, "{brief:?}");
    assert_eq!(
        stopped(&text.replace("15m", "10s").replace("5m\"", "3s\"").replace("40s", "1s").replace("9000/s", "9/s")),
        None
    );
}

/// Has had enough from the beginning.
struct Never;

impl hoptax::experiment::Watch for Never {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        true
    }
}

/// A contract that a build looks at cannot be broken at run time: what is shown is the restart.
#[test]
fn a_compiled_contract_is_not_broken() {
    let found = proven(&shop().replace("transport = \"free\"", "transport = \"grpc\""));
    assert!(matches!(found.signs[0].proofs[..], [Proof::Release { .. }]), "{:?}", found.signs[0].proofs);
}

/// For a pull request: at most forty lines, however much there is to say.
#[test]
fn a_diagnosis_fits_into_a_pull_request() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for name in ["70-separate-in-the-diagram", "74-a-shop-on-events", "76-a-shop-of-thirty-services"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let told = hoptax::report::diagnosis::markdown(&diagnose(&checked(&text)));
        assert!(told.starts_with("**") && told.lines().count() <= 40, "{name}: {}\n{told}", told.lines().count());
    }
}

/// Losses are those of the caller's own requests: of what a breaker above does not send nothing is lost, and what lies two calls
/// away is lost as it was seen, not as the file says.
#[test]
fn what_a_breaker_does_is_seen_where_it_is_felt() {
    let text = "version = 1\nsim = { duration = \"40s\", warmup = \"5s\", replications = 3 }\n\
                [clients.web]\ncalls = \"a\"\nrate = \"50/s\"\n\
                [services.a]\nwork = \"2ms\"\n\
                steps = [{ call = \"b\", circuit_breaker = { failure_rate = \"20%\", window = \"2s\", min_calls = 10, open_for = \"30s\" } }]\n\
                [services.b]\nwork = \"2ms\"\nsteps = [{ call = \"c\", probability = \"40%\" }]\n[services.c]\nwork = \"2ms\"\n";
    let found = proven(text);
    let pair = |one: &str, other: &str| {
        found.pairs.iter().find(|pair| (pair.one.as_str(), pair.other.as_str()) == (one, other)).unwrap()
    };
    // The breaker opens once a fifth of ten have failed, and stays open for longer than the outage: nearly all of a's are lost.
    let lost = found.coupling.as_ref().unwrap().columns.iter().find(|column| column.target.name == "c").unwrap();
    assert_eq!(pair("a", "c").loss.share, lost.clients["web"].lost.value);
    assert!(pair("a", "c").bond > 0.9, "{:?}", pair("a", "c"));
    // Of what comes to b two in five ask for c.
    let own = &pair("b", "c").loss;
    assert!((0.25..0.6).contains(&own.share.unwrap()), "{own:?}");
    // All that was measured has an interval, and so has what is made of it.
    let (low, high) = found.n_eff_between.unwrap();
    assert!(low <= found.n_eff.unwrap() && found.n_eff.unwrap() <= high && low < high, "{low} {high}");
    let (low, high) = own.between.unwrap();
    assert!(low < own.share.unwrap() && own.share.unwrap() < high);
    assert!(diagnose(&checked(text)).n_eff_between.is_none());
}

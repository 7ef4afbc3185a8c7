//! Breaking deploys: versions misunderstand each other until both sides are out. By hand, with four replicas on each side of
//! which one after the other restarts: while the next one is away, k of the other three are new, k = 0, 1, 2, 3.

use hoptax::experiment::summary::Summary;

use crate::bench::{checked, run};

/// Orders call users, four replicas each, for a minute at 200/s; `faults` say what is rolled out.
fn shop(transport: &str, faults: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 2\n[network]\nsame_zone = \"0s\"\n\
         [discovery]\nkind = \"kubernetes\"\npropagation = \"0s\"\nreadiness = \"none\"\nbalance_per = \"request\"\nload_balancing = \"random\"\n\
         [clients.web]\ncalls = \"orders\"\ntransport = \"free\"\nrate = \"200/s\"\n\
         [services.orders]\nreplicas = 4\nsteps = [{{ call = \"users\", transport = \"{transport}\" }}]\n\
         [services.users]\nreplicas = 4\nwork = \"1ms\"\n{faults}"
    )
}

fn deploy(target: &str, more: &str) -> String {
    format!("[[faults]]\nkind = \"deploy\"\ntarget = \"{target}\"\nat = \"20s\"\nduration = \"8s\"\n{more}\n")
}

/// Seconds' worth of requests that failed.
fn lost(summary: &Summary) -> f64 {
    (1.0 - summary.clients["web"].success_rate.value.unwrap()) * 60.0
}

#[test]
fn versions_misunderstand_each_other_until_both_are_out() {
    let of = |faults: &str| lost(&run(&shop("free", faults)));
    let (users, orders) = (deploy("users", "breaking = true"), deploy("orders", ""));
    // Alone: 2 s each of none, a third, two thirds and all; then all until the end.
    let alone = of(&users);
    assert!((alone - 36.0).abs() < 0.7, "{alone}");
    // In lockstep: while k of three are new on both sides, 2 · k/3 · (1 − k/3) of the calls are between versions.
    let lockstep = of(&format!("{users}{orders}"));
    assert!((lockstep - 4.0 * 4.0 / 9.0).abs() < 0.4, "{lockstep}");
    // A compatible change, or a release of the callers alone, harms nobody.
    assert!(of(&deploy("users", "")) < 1e-9);
    assert!(of(&orders) < 1e-9);
    // The callers' own release, of before the change, does not know of it.
    let before = orders.replace("\"20s\"", "\"10s\"");
    assert!((of(&format!("{before}{users}")) - 36.0).abs() < 0.7);
    // One that follows half a minute later ends it: at 50 s to 58 s, with k of three callers new, all callees being it.
    let after = orders.replace("\"20s\"", "\"50s\"");
    let followed = of(&format!("{users}{after}"));
    assert!((followed - (4.0 + 22.0 + 4.0)).abs() < 0.7, "{followed}");
}

#[test]
fn a_compiled_contract_does_not_let_a_breaking_change_out() {
    let users = deploy("users", "breaking = true");
    for transport in ["grpc", "own"] {
        let text = shop(transport, &users) + "[transports.own]\nlike = \"grpc\"\n";
        let checked = checked(&text);
        let said: Vec<&str> = checked.warnings().iter().map(|warning| warning.code.name).collect();
        assert!(said.contains(&"caught-at-build"), "{said:?}");
        let failed = run(&text).edges["orders -> users"].failed.get("error").copied();
        assert_eq!(failed, None, "{transport}");
    }
    let rest = shop("rest", &users);
    assert!(!checked(&rest).warnings().iter().any(|warning| warning.code.name == "caught-at-build"));
    assert!(run(&rest).edges["orders -> users"].failed["error"] > 6_000);
}

#[test]
fn a_breaking_change_is_one_of_a_service_that_others_call() {
    let codes = |faults: &str| {
        let text = shop("free", faults);
        match hoptax::scenario::load(&hoptax::scenario::Source::text("test.toml", text), &[]) {
            Ok(_) => Vec::new(),
            Err(rejected) => rejected.complaints.iter().map(|complaint| complaint.code.name).collect(),
        }
    };
    assert_eq!(codes(&deploy("orders", "breaking = true")), ["fault-target"]);
    assert_eq!(codes(&deploy("users", "breaking = true").replace("deploy", "freeze")), ["fault-words"]);
    assert!(codes(&deploy("users", "breaking = true")).is_empty());
}

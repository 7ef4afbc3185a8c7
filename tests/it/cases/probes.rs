//! Probes that stand in line with requests, and what they take down.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// Three replicas of 200/s each get 500/s; one stands still for a minute.
fn overload(discovery: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"2m\"\nwarmup = \"10s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [discovery]\nkind = \"mesh\"\n{discovery}\n[clients.users]\ncalls = \"api\"\nrate = \"500/s\"\ntimeout = \"10s\"\n\
         [services.api]\nreplicas = 3\nconcurrency = 20\nsteps = [\"slow\"]\n[externals.slow]\nwait = \"99ms\"\n\
         [[faults]]\nname = \"one hangs\"\nkind = \"freeze\"\ntarget = \"api\"\nreplicas = 1\nat = \"30s\"\nduration = \"60s\"\n"
    ))
}

fn failed(summary: &Summary, client: &str, word: &str) -> u64 {
    summary.clients[client].failed.get(word).copied().unwrap_or(0)
}

/// kubernetes.io: a probe is a request to the container. When the two that are left are offered more than they can do, their probes
/// stand in line for longer than a second; who is taken out leaves its load to the last. Envoy's panic threshold sends to all when
/// fewer than half are left.
#[test]
fn readiness_under_load_takes_replicas_out_one_after_the_other() {
    let probes = "readiness = { every = \"5s\", failures = 2, probe = \"shallow\" }";
    let process = overload("readiness = { every = \"5s\", failures = 2 }");
    let shallow = overload(probes);
    let panic = overload(&format!("{probes}\npanic_threshold = \"50%\""));
    let gone = [&process, &shallow, &panic].map(|summary| failed(summary, "users", "no_endpoint"));
    assert!(gone[0] == 0 && gone[1] > 1_000 && gone[2] == 0, "{gone:?}");
}

/// Nine of ten requests need no database. It is down for forty seconds.
fn database_down(discovery: &str) -> [f64; 2] {
    let summary = run(&format!(
        "version = 1\n[sim]\nduration = \"2m\"\nwarmup = \"10s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [discovery]\nkind = \"kubernetes\"\n{discovery}\n\
         [clients.pages]\ncalls = \"app.page\"\nrate = \"90/s\"\n[clients.orders]\ncalls = \"app.order\"\nrate = \"10/s\"\n\
         [services.app]\nreplicas = 3\nendpoints.page = {{ work = \"2ms\" }}\nendpoints.order = {{ work = \"2ms\", steps = [{{ query = \"db\" }}] }}\nready_after = \"10s\"\n\
         [databases.db]\nwork = \"2ms\"\n\
         [[faults]]\nname = \"down\"\nkind = \"outage\"\ntarget = \"db\"\nat = \"30s\"\nduration = \"40s\"\n\
         [[slos]]\nof = \"pages\"\nexpect = \"success_rate >= 99%\"\nduring = \"down\"\n[[slos]]\nof = \"orders\"\nexpect = \"success_rate >= 99%\"\nduring = \"down\"\n"
    ));
    [0, 1].map(|slo| summary.slos[slo].measured.value.unwrap())
}

/// mozilla/kitsune#3421, alphagov/govuk-helm-charts#132: readiness that asks for the database takes everything down with it, after
/// two probes of 5 s: five to ten seconds, and one for the news. Liveness that does so restarts everybody for nothing.
#[test]
fn a_deep_probe_takes_down_what_needed_no_database() {
    let readiness = |probe: &str| format!("readiness = {{ every = \"5s\", failures = 2, probe = \"{probe}\" }}");
    let [pages, orders] = database_down(&readiness("shallow"));
    assert!(pages > 0.9999 && orders < 0.01, "{pages} {orders}");
    let [pages, _] = database_down(&readiness("deep"));
    assert!((0.12..0.32).contains(&pages), "{pages}: 5 to 11 of 40 seconds, until the last replica is out");
    let liveness = |probe: &str| format!("liveness = {{ every = \"5s\", failures = 2, probe = \"{probe}\" }}");
    let [pages, _] = database_down(&liveness("deep"));
    assert!(pages < 0.8, "{pages}");
    assert!(database_down(&liveness("shallow"))[0] > 0.9999);
}

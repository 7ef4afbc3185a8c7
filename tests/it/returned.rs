//! There and back: a scenario is run, its traces are written as OpenTelemetry's collector writes them, these are imported, and what
//! was imported is run. Edges, and percentiles of every endpoint, come back.
//!
//! Own time contains waiting: where a node is more than a fifth busy only the middle is compared, and not as closely.

use std::path::Path;

use hoptax::Scenario;
use hoptax::experiment::summary::Summary;
use hoptax::experiment::trace::sampled;
use hoptax::import::Import;
use hoptax::report::export::otlp;
use hoptax::scenario::Source;

/// What comes back of a scenario: its figures before and after.
fn returned(scenario: &Scenario) -> (Summary, Summary) {
    returned_after(scenario, "60s")
}

/// The same, for so long.
fn returned_after(scenario: &Scenario, long: &str) -> (Summary, Summary) {
    let traced = sampled(scenario.checked(), 20_000);
    let mut import = Import::default();
    import.read("traces.otlp.jsonl", &otlp::lines(&traced.traces, traced.every)).unwrap();
    let back = Scenario::parse(&import.scenario("back")).unwrap_or_else(|why| panic!("{why}"));
    let back = back.with("sim.duration", long).unwrap().with("sim.replications", 3).unwrap();
    (scenario.run().unwrap(), back.run().unwrap())
}

/// A scenario of the gallery by its number, three times.
fn gallery(number: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let path = files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(number)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let scenario = Scenario::read(&Source::text("gallery", &text)).unwrap_or_else(|why| panic!("{why}"));
    scenario.with("sim.replications", 3).unwrap()
}

/// How busy the busiest node is.
fn busiest(json: &serde_json::Value) -> f64 {
    let nodes = json["nodes"].as_object().unwrap().values();
    nodes.filter_map(|node| node["utilization"]["value"].as_f64()).fold(0.0, f64::max)
}

/// What an endpoint is called when it comes back: a gateway's routes are endpoints of it.
fn called(name: &str) -> String {
    name.replace(":/", ".")
}

/// Whatever differs by more than it may; how many endpoints were compared.
fn apart(before: &Summary, after: &Summary) -> (usize, Vec<String>) {
    let [before, after] = [before, after].map(|summary| serde_json::to_value(summary).unwrap());
    let of = |json: &serde_json::Value, part: &str| json[part].as_object().unwrap().clone();
    let (mut compared, mut all) = (0, Vec::new());
    let endpoints = of(&after, "endpoints");
    let busy = busiest(&before);
    for (name, was) in of(&before, "endpoints") {
        for (figure, most) in [("p50", if busy > 0.2 { 0.15 } else { 0.05 }), ("p99", 0.05)] {
            let read = |of: &serde_json::Value| of["latency_ms"][figure]["value"].as_f64();
            let (Some(was), Some(is)) = (read(&was), endpoints.get(&called(&name)).and_then(read)) else { continue };
            compared += 1;
            if (is / was - 1.0).abs() > most && (busy <= 0.2 || figure == "p50") {
                all.push(format!("{figure} of {name}: {was} -> {is}"));
            }
        }
    }
    (compared, all)
}

/// Edges of a run that were called and are not within a process.
fn edges(summary: &Summary) -> Vec<String> {
    let json = serde_json::to_value(summary).unwrap();
    let within = |edge: &str| edge.split_once(" -> ").is_some_and(|(from, to)| to.split('.').next() == Some(from));
    let all = json["edges"].as_object().unwrap().iter().filter(|(name, told)| told["arrived"] != 0 && !within(name));
    all.map(|(name, _)| name.clone()).collect()
}

fn comes_back(number: &str, endpoints: usize) {
    let (before, after) = returned(&gallery(number));
    let (compared, apart) = apart(&before, &after);
    assert!(apart.is_empty(), "{number}: {apart:#?}");
    assert_eq!(compared, 2 * endpoints, "{number}");
    // Whoever was called before is called after, as often.
    let (calls, wrong) = often(&before, &after);
    assert!(wrong.is_empty(), "{number}: {wrong:#?}");
    assert!(calls > 0, "{number}");
    assert_eq!(edges(&before), edges(&after), "{number}");
}

/// How often each caller calls along each of its edges, and whatever differs by more than chance: of requests that call or do not,
/// those of both runs and those of the traces in between. A caller that calls several times is at most as scattered as a Poisson count.
fn often(before: &Summary, after: &Summary) -> (usize, Vec<String>) {
    let visits = |of: &Summary, name: &str| {
        of.clients.get(name).map(|client| client.arrived).or(of.nodes.get(name).map(|node| node.arrivals)).unwrap_or(0)
    };
    let each = |of: &Summary, edge: &str, from: &str| {
        let (calls, visits) = (of.edges.get(edge).map_or(0, |edge| edge.arrived), visits(of, from));
        (visits > 0).then(|| (calls as f64 / visits as f64, visits as f64))
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for edge in before.edges.keys() {
        let (from, to) = edge.split_once(" -> ").unwrap();
        // Nobody sees calls within a process from outside.
        if to.split('.').next() == Some(from) {
            continue;
        }
        let (Some((was, n)), Some((is, m))) = (each(before, edge, from), each(after, &called(edge), from)) else {
            continue;
        };
        compared += 1;
        // Requests whose last try is under way when the time is over, and those that were when it began, are one of each count.
        let edges_of_time = 3.0 / n.min(m);
        let scatter = if was <= 1.0 { was * (1.0 - was) } else { was };
        let chance = 4.0 * (scatter * (1.0 / 20_000.0 + 1.0 / n + 1.0 / m)).sqrt();
        if (was - is).abs() > chance + edges_of_time + 1e-3 * was {
            wrong.push(format!("{edge}: {was} -> {is} a request, {chance} by chance"));
        }
    }
    (compared, wrong)
}

#[test]
fn what_is_written_in_the_gallery_comes_back() {
    for (number, endpoints) in [("05", 2), ("13", 4), ("14", 1)] {
        comes_back(number, endpoints);
    }
}

/// Scenarios of the gallery, and for how busy their busiest node is to be: each client's requests a second, and how many seconds bring
/// enough of them.
struct Used {
    number: &'static str,
    endpoints: usize,
    clients: &'static [(&'static str, [f64; 2])],
    seconds: [u32; 2],
}

/// Chains, calls at once, tries, queues and streams.
const USED: [Used; 12] = [
    used("01", 5, &[("function-calls", [818.0, 3180.0]), ("network-calls", [818.0, 3180.0])], [30, 20]),
    used("02", 1, &[("callers", [19.8, 69.9])], [1_000, 300]),
    used("03", 5, &[("buyers", [418.0, 1627.0]), ("browsers", [167.0, 651.0])], [60, 20]),
    used("07", 6, &[("shoppers", [94.9, 378.0])], [200, 60]),
    used("16", 2, &[("shop", [9.0, 35.0])], [2_400, 400]),
    used("20", 1, &[("shoppers", [28.2, 106.0])], [800, 150]),
    used("22", 1, &[("shops", [73.0, 311.0])], [200, 50]),
    used("29", 3, &[("shoppers", [72.0, 281.0])], [280, 60]),
    used("41", 3, &[("shoppers", [14.2, 55.3])], [1_600, 300]),
    used("44", 11, &[("people", [653.0, 2539.0])], [30, 10]),
    used("45", 5, &[("people", [36.0, 140.0])], [300, 80]),
    used("60", 5, &[("buyers", [90.0, 343.0]), ("browsers", [270.0, 1030.0])], [120, 40]),
];

const fn used(
    number: &'static str,
    endpoints: usize,
    clients: &'static [(&'static str, [f64; 2])],
    seconds: [u32; 2],
) -> Used {
    Used { number, endpoints, clients, seconds }
}

impl Used {
    /// The scenario at the first or the second of its loads.
    fn at(&self, load: usize) -> Scenario {
        let long = format!("{}s", self.seconds[load]);
        let scenario = gallery(self.number).with("sim.duration", long.as_str()).unwrap();
        self.clients.iter().fold(scenario, |scenario, (client, rates)| {
            scenario.with(&format!("clients.{client}.rate"), format!("{}/s", rates[load]).as_str()).unwrap()
        })
    }

    /// Percentiles of every endpoint come back, and every edge as often.
    fn comes_back(&self, load: usize) {
        let long = format!("{}s", self.seconds[load]);
        let (before, after) = returned_after(&self.at(load), &long);
        let busy = busiest(&serde_json::to_value(&before).unwrap());
        let wanted = [0.1..0.2, 0.6..0.75];
        assert!(wanted[load].contains(&busy), "{}: {busy}", self.number);
        let (compared, apart) = apart(&before, &after);
        assert!(apart.is_empty(), "{} at {busy}: {apart:#?}", self.number);
        assert_eq!(compared, 2 * self.endpoints, "{}", self.number);
        let (calls, wrong) = often(&before, &after);
        assert!(wrong.is_empty() && calls > 0, "{} at {busy}: {wrong:#?}", self.number);
    }
}

/// At a fifth of what they can take: the middle and the hundredth of every endpoint within 5 %.
#[test]
fn twelve_scenarios_come_back_where_little_waits() {
    USED.iter().for_each(|used| used.comes_back(0));
}

/// At seven tenths own time contains waiting: the middle within 15 %.
#[test]
fn twelve_scenarios_come_back_where_much_waits() {
    USED.iter().for_each(|used| used.comes_back(1));
}

#[test]
fn every_edge_comes_back_past_brokers_too() {
    for number in ["03", "14", "20"] {
        let (before, after) = returned(&gallery(number));
        assert_eq!(edges(&before), edges(&after), "{number}");
    }
}

/// Fifty calls at once need connections that are made first, one after the other they do not; and a database is one.
#[test]
fn call_sites_of_one_link_wait_differently_and_databases_are_databases() {
    let scenario = gallery("12");
    let (before, after) = returned(&scenario);
    let mean = |of: &Summary, client: &str| of.clients[client].latency_ms.mean.value.unwrap();
    // What is learned of an endpoint is learned over all that call it: the queries of fifty at once wait for connections, and those
    // of one after the other seem to, too, which costs both a tenth. When ways were learned of each pair of services it was two
    // fifths.
    for (client, most) in [("one-by-one", 0.15), ("at-once", 0.15), ("in-one-call", 0.1)] {
        let (was, is) = (mean(&before, client), mean(&after, client));
        assert!((is / was - 1.0).abs() < most, "{client}: {was} -> {is}");
    }
    let traced = sampled(scenario.checked(), 20_000);
    let mut import = Import::default();
    import.read("traces.otlp.jsonl", &otlp::lines(&traced.traces, traced.every)).unwrap();
    let text = import.scenario("back");
    assert!(text.contains("[databases.users-db.endpoints.by-key]"), "{text}");
    assert!(text.contains("{ query = \"users-db.by-key\"") && !text.contains("[services.users-db"), "{text}");
}

/// Tries are calls of one request, not more requests.
#[test]
fn tries_and_failures_come_back() {
    let text = r#"
version = 1
sim = { duration = "60s", warmup = "2s", replications = 3 }
[clients.web]
calls = "shop"
rate = "50/s"
[services.shop]
work = { p50 = "2ms", p99 = "10ms" }
steps = [{ call = "stock", retries = { max = 2, on = ["error"], backoff = "20ms" } }]
[services.stock]
work = { p50 = "4ms", p99 = "20ms" }
error_rate = 0.1
"#;
    let (before, after) = returned(&Scenario::parse(text).unwrap());
    let (compared, apart) = apart(&before, &after);
    assert!(compared == 4 && apart.is_empty(), "{apart:#?}");
    let tries = |summary: &Summary| {
        let json = serde_json::to_value(summary).unwrap();
        ["attempts_per_request", "success_rate"].map(|figure| {
            let figure = &json["endpoints"]["shop"][figure];
            (figure["low"].as_f64().unwrap(), figure["value"].as_f64().unwrap(), figure["high"].as_f64().unwrap())
        })
    };
    let edge = |summary: &Summary| {
        let json = serde_json::to_value(summary).unwrap();
        json["edges"]["shop -> stock"]["throughput_per_s"]["value"].as_f64()
    };
    for ((low, _, high), (back_low, _, back_high)) in tries(&before).into_iter().zip(tries(&after)) {
        assert!(low <= back_high && back_low <= high, "{:?} {:?}", tries(&before), tries(&after));
    }
    assert_eq!(edge(&before).is_some(), edge(&after).is_some());
}

//! Random scenarios, as text. Nodes call only nodes with higher numbers (and async ones sometimes themselves), so that
//! every scenario can end.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any, prop_oneof};
use proptest::sample::select;

/// Mostly whole milliseconds: much is to happen at once.
fn law() -> BoxedStrategy<String> {
    let constant = select(vec!["0s", "1ms", "1ms", "2ms", "3ms", "5ms"]).prop_map(|t| format!("\"{t}\""));
    let varying = select(vec![
        "{ mean = \"2ms\" }",
        "{ dist = \"uniform\", min = \"0ms\", max = \"4ms\" }",
        "{ p50 = \"1ms\", p99 = \"20ms\" }",
        "{ mix = [{ share = \"80%\", value = \"1ms\" }, { share = \"20%\", value = \"7ms\" }] }",
    ]);
    prop_oneof![3 => constant, 1 => varying.prop_map(str::to_owned)].boxed()
}

fn times() -> BoxedStrategy<String> {
    prop_oneof![3 => Just(String::new()), 1 => (2..4u32).prop_map(|n| format!(", times = {n}"))].boxed()
}

fn chance() -> BoxedStrategy<String> {
    prop_oneof![3 => Just(String::new()), 1 => Just(", probability = \"40%\"".to_owned())].boxed()
}

/// `, timeout = …` or nothing.
fn timeout() -> BoxedStrategy<String> {
    let some = select(vec!["1ms", "4ms", "9ms", "30ms"]).prop_map(|t| format!(", timeout = \"{t}\""));
    prop_oneof![1 => Just(String::new()), 1 => some].boxed()
}

/// A node of `of`.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    of: usize,
    /// What kind of table the last one is in.
    last: &'static str,
}

impl Place {
    fn verb(self, to: usize) -> &'static str {
        if to + 1 == self.of && self.last == "databases" { "query" } else { "call" }
    }
}

/// A call to a node further down, if there is one; otherwise work.
fn call(place: Place) -> BoxedStrategy<String> {
    if place.at + 1 >= place.of {
        return work();
    }
    (place.at + 1..place.of, any::<bool>(), 0..10u8, timeout())
        .prop_map(move |(to, also, transport, timeout)| {
            let verb = place.verb(to);
            let plain = to + 1 == place.of && place.last != "services";
            let target = if also && !plain { format!("n{to}.also") } else { format!("n{to}") };
            let in_process = transport < 3 && !plain;
            let rest = if in_process { ", transport = \"in-process\"".to_owned() } else { timeout };
            format!("{verb} = \"{target}\"{rest}")
        })
        .boxed()
}

fn work() -> BoxedStrategy<String> {
    (prop_oneof![2 => Just("work"), 1 => Just("wait")], law()).prop_map(|(verb, law)| format!("{verb} = {law}")).boxed()
}

/// A step; `depth` more levels may be inside.
fn step(place: Place, depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![3 => call(place), 2 => work()];
    let plain =
        (leaf.clone(), times(), chance()).prop_map(|(what, times, chance)| format!("{{ {what}{times}{chance} }}"));
    if depth == 0 {
        return plain.boxed();
    }
    let inner = step(place, depth - 1);
    let branch = prop_oneof![
        3 => (leaf, times(), any::<bool>()).prop_map(|(what, times, optional)| {
            format!("{{ {what}{times}{} }}", if optional { ", optional = true" } else { "" })
        }),
        1 => inner.clone(),
    ];
    let parallel = (vec(branch, 1..4), select(vec!["", ", wait_for = \"any\"", ", wait_for = 1"]), times())
        .prop_map(|(branches, wait, times)| format!("{{ parallel = [{}]{wait}{times} }}", branches.join(", ")));
    let split = (vec(inner.clone(), 0..3), inner).prop_map(|(one, other)| {
        format!("{{ split = [{{ weight = 2, steps = [{}] }}, {{ steps = [{other}] }}] }}", one.join(", "))
    });
    prop_oneof![4 => plain, 2 => parallel, 1 => split].boxed()
}

fn steps(place: Place, most: usize) -> BoxedStrategy<String> {
    vec(step(place, 2), 0..=most).prop_map(|steps| steps.join(",\n  ")).boxed()
}

/// Workers, line and order.
fn capacity() -> BoxedStrategy<String> {
    let workers = prop_oneof![1 => Just("\"unlimited\"".to_owned()), 5 => (1..4u32).prop_map(|n| n.to_string())];
    let order = select(vec!["\"fifo\"", "\"lifo\"", "\"random\"", "\"priority\""]);
    let patience = select(vec!["\"0s\"", "\"1ms\"", "\"5ms\"", "{ mean = \"9ms\" }"]);
    let cores = select(vec!["0.5", "1", "2"]);
    (1..4u32, workers, weighted(0.4, 0..4u32), order, any::<bool>(), weighted(0.3, patience), weighted(0.3, cores))
        .prop_map(|(replicas, workers, limit, order, preemptive, patience, cores)| {
            let mut text = format!("replicas = {replicas}\nconcurrency = {workers}\nqueue_order = {order}\n");
            let mut add = |key: &str, value: Option<String>| {
                text += &value.map_or(String::new(), |v| format!("{key} = {v}\n"));
            };
            add("queue_limit", limit.map(|n| n.to_string()));
            add("queue_timeout", patience.map(str::to_owned));
            add("cores", cores.map(str::to_owned));
            let takes = preemptive && ["\"lifo\"", "\"priority\""].contains(&order);
            add("preemptive", takes.then(|| "true".to_owned()));
            text
        })
        .boxed()
}

fn failing() -> BoxedStrategy<String> {
    prop_oneof![3 => Just(String::new()), 1 => Just("error_rate = \"10%\"\n".to_owned())].boxed()
}

fn node(place: Place) -> BoxedStrategy<String> {
    let at = place.at;
    let plain = (capacity(), law(), failing());
    if at + 1 == place.of && place.last != "services" {
        return plain.prop_map(move |(c, w, f)| format!("[{}.n{at}]\n{c}{f}work = {w}\n", place.last)).boxed();
    }
    // An endpoint that calls the other one as a function, or an async node that calls itself.
    let own = (any::<bool>(), 0..6u8).prop_map(move |(is_async, own)| {
        let step = match own {
            0 | 1 => format!("{{ call = \"n{at}.also\", transport = \"in-process\" }}"),
            2 if is_async => format!("{{ call = \"n{at}\", probability = \"30%\" }}"),
            _ => String::new(),
        };
        (if is_async { "async" } else { "blocking" }, step)
    });
    (plain, own, weighted(0.3, law()), steps(place, 3), law(), steps(place, 1))
        .prop_map(move |((capacity, work, failing), (io, own), wait, steps, also, also_steps)| {
            let steps = [steps, own].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(",\n  ");
            let wait = wait.map_or(String::new(), |law| format!("wait = {law}\n"));
            format!(
                "[services.n{at}]\nio = \"{io}\"\n{capacity}{failing}work = {work}\n{wait}steps = [\n  {steps}\n]\n\
                 [services.n{at}.endpoints.also]\nwork = {also}\nsteps = [\n  {also_steps}\n]\n"
            )
        })
        .boxed()
}

/// A client of the first node, or of any.
fn client(at: usize, of: usize) -> BoxedStrategy<String> {
    let open = select(vec![
        "arrivals = \"constant\"\nrate = \"100/s\"",
        "arrivals = \"poisson\"\nrate = \"60/s\"",
        "arrivals = \"poisson\"\nrate = \"20/s\"\nbatch = 3",
        "arrivals = { dist = \"uniform\", min = \"0ms\", max = \"20ms\" }",
        "arrivals = \"bursty\"\nbursty = { low = \"20/s\", high = \"200/s\", stay_low = \"1s\", stay_high = \"100ms\" }",
        "users = 3\nthink_time = \"5ms\"",
        "users = 5\nthink_time = { mean = \"10ms\" }",
    ]);
    let timeout = weighted(0.3, select(vec!["2ms", "10ms", "50ms"]));
    (open, 0..of, any::<bool>(), 0..3u32, timeout)
        .prop_map(move |(load, to, both, priority, timeout)| {
            let calls = if both && to > 0 {
                format!("[{{ to = \"n0\", share = \"60%\" }}, {{ to = \"n{to}\" }}]")
            } else {
                format!("\"n{to}\"")
            };
            let timeout = timeout.map_or(String::new(), |t| format!("timeout = \"{t}\"\n"));
            format!("[clients.c{at}]\ncalls = {calls}\n{load}\npriority = {priority}\n{timeout}")
        })
        .boxed()
}

/// A scenario; it is shown as it would be written.
#[derive(Clone)]
pub(crate) struct Text(pub(crate) String);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

/// A whole scenario of one to four nodes and one to three clients.
pub(crate) fn scenario() -> BoxedStrategy<Text> {
    let balancing = select(vec![
        "\"round_robin\"",
        "\"random\"",
        "\"least_request\"",
        "\"least_request\"\nchoices = \"all\"",
        "\"pick_first\"",
    ]);
    let network = select(vec!["\"0s\"", "\"0s\"", "\"1ms\"", "{ mean = \"1ms\" }"]);
    let transport = select(vec!["free", "free", "rest", "grpc"]);
    (1..5usize, 1..4usize, select(vec!["services", "databases", "externals"]))
        .prop_flat_map(move |(of, clients, last)| {
            let last = if of == 1 { "services" } else { last };
            // A client does not call a database.
            let services = if last == "databases" { of - 1 } else { of };
            let nodes: Vec<_> = (0..of).map(|at| node(Place { at, of, last })).collect();
            let clients: Vec<_> = (0..clients).map(|at| client(at, services)).collect();
            (balancing.clone(), network.clone(), transport.clone(), nodes, clients)
        })
        .prop_map(|(balancing, network, transport, nodes, clients)| {
            Text(format!(
                "version = 1\nname = \"drawn\"\n\
                 [sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 2\n\
                 [defaults]\ntransport = \"{transport}\"\n[network]\nsame_zone = {network}\n\
                 [discovery]\nload_balancing = {balancing}\n{}{}",
                clients.concat(),
                nodes.concat()
            ))
        })
        .boxed()
}

/// Faults of a scenario whose nodes are `n0`, `n1`, …, each named by its number: kind, node, when and how long in ms.
pub(crate) fn faults() -> BoxedStrategy<Vec<(&'static str, usize, String)>> {
    let kind = select(vec![
        "outage\"",
        "crash\"",
        "crash\"",
        "freeze\"",
        "slow\"\nfactor = 2.5",
        "errors\"\nprobability = 0.5",
        "latency\"\nadd = \"3ms\"\njitter = \"1ms\"",
    ]);
    let when = prop_oneof![
        3 => (0..200u64, 1..80u64).prop_map(|(at, ms)| format!("at = \"{at}ms\"\nduration = \"{ms}ms\"")),
        1 => (5..60u64, 1..20u64, any::<bool>())
            .prop_map(|(up, down, busy)| format!("mtbf = \"{up}ms\"\nmttr = \"{down}ms\"\nbusy_only = {busy}")),
    ];
    let first = prop_oneof![2 => Just(""), 1 => Just("\nreplicas = 1")];
    vec((kind, 0..4usize, (when, first).prop_map(|(when, first)| format!("{when}{first}"))), 1..4).boxed()
}

/// When the requests of up to three clients set out, ms.
pub(crate) fn sendings() -> BoxedStrategy<Vec<Vec<u64>>> {
    vec(vec(0..200u64, 0..120), 3).boxed()
}

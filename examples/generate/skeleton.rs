//! Who is there and who calls whom: a scenario that is valid, with little said about anything.

use super::dice::Dice;

/// Names that texts may be, whatever is meant by them.
pub(crate) const NAMES: [&str; 15] =
    ["s0", "s1", "s2", "g", "d", "x", "k", "q", "q2", "dead", "t", "c0", "c1", "p0", "p1"];

/// A scenario with between one and four services.
pub(crate) fn skeleton(dice: &mut Dice) -> String {
    let services = 1 + dice.below(4);
    let duration = dice.one(&["300ms", "1s", "2s", "3s"]);
    let warmup = dice.one(&["0s", "0s", "100ms", "1s"]);
    let mut text = format!(
        "version = 1\nname = \"drawn\"\n[sim]\nduration = \"{duration}\"\nwarmup = \"{warmup}\"\nreplications = {}\nseed = {}\n",
        1 + dice.below(3),
        dice.below(1_000),
    );
    text += &format!("[defaults]\ntransport = \"{}\"\n", dice.one(&["free", "rest", "grpc", "in-process"]));
    text += &format!("[network]\nsame_zone = {}\n", law(dice));
    let rate = dice.one(&["5/s", "50/s", "200/s", "700/s"]);
    let entry = if dice.percent(20) { "g" } else { "s0" };
    text += &format!("[clients.c0]\ncalls = \"{entry}\"\nrate = \"{rate}\"\n");
    if dice.percent(40) {
        let think = law(dice);
        text += &format!("[clients.c1]\ncalls = \"s0\"\nusers = {}\nthink_time = {think}\n", 1 + dice.below(20));
        if think.contains("0s") {
            text = text.replace("think_time = \"0s\"", "think_time = \"10ms\"");
        }
    }
    text += &format!("[gateways.g]\nwork = {}\nsteps = [{{ call = \"s0\" }}]\n", law(dice));
    text += &format!("[databases.d]\nwork = {}\ntables.tab = {{ writers = {} }}\n", law(dice), 1 + dice.below(3));
    text += &format!("[externals.x]\nwait = {}\n", law(dice));
    if dice.percent(50) {
        text += &format!("[caches.k]\nkeys = {}\n", 1 + dice.below(200));
    } else {
        text += "[caches.k]\nhit_rate = \"70%\"\n";
    }
    let mail = dice.percent(50);
    if mail {
        text += "[queues.q]\n[queues.q2]\n[queues.dead]\n[topics.later]\n[topics.t]\n";
        text += &format!("partitions = {}\n", 1 + dice.below(6));
    }
    for at in 0..services {
        let io = dice.one(&["blocking", "async"]);
        let steps = steps(dice, at, services, mail, 0);
        text += &format!("[services.s{at}]\nio = \"{io}\"\nwork = {}\nsteps = [{steps}]\n", law(dice));
        text += &format!("concurrency = {}\n", dice.one(&["1", "3", "50", "200"]));
        if dice.percent(50) {
            let wait = dice.one(&["0s", "1ms", "15ms", "30s"]);
            text += &format!("pools.d = {{ connections = {}, wait = \"{wait}\" }}\n", 1 + dice.below(4));
        }
    }
    if mail {
        text += &reader(dice);
    }
    for policy in ["p0", "p1"] {
        text += &format!("[policies.{policy}]\ntimeout = \"{}\"\n", dice.one(&["1ms", "20ms", "300ms"]));
        text += dice.one(&["", "cancels = \"queued\"\n", "cancels = \"at_once\"\n"]);
    }
    for nth in 0..dice.below(4) {
        text += &fault(dice, nth);
    }
    for nth in 0..dice.below(3) {
        let expect =
            dice.one(&["p99 < 10ms", "success_rate >= 99%", "good(20ms) >= 90%", "throughput > 1/s", "mean < 5ms"]);
        text += &format!("[[slos]]\nname = \"o{nth}\"\nof = \"{}\"\nexpect = \"{expect}\"\n", dice.one(&["c0", "s0"]));
    }
    text
}

/// Who takes from all queues and topics: alone, or one pool from two of the queues.
fn reader(dice: &mut Dice) -> String {
    let mut some = || 1 + dice.below(3);
    let (alone, streams) = (some(), some());
    let of_topic = |name: &str, more: &str| {
        format!("{{ from = \"{name}\", group = \"r\", concurrency = {streams}{more} }}")
    };
    let topics = format!("{}, {}", of_topic("t", ""), of_topic("later", ", delay = \"20ms\""));
    let fails = dice.one(&["", "", "error_rate = \"30%\"\n"]);
    let pool = format!("[services.reader.worker_pools.both]\nconcurrency = {alone}\n");
    let (own, pool) = if dice.percent(40) {
        ("worker_pool = \"both\"".to_owned(), pool)
    } else {
        (format!("concurrency = {alone}"), String::new())
    };
    let queues = format!("{{ from = \"q\", {own} }}, {{ from = \"q2\", {own} }}, {{ from = \"dead\" }}");
    format!("[services.reader]\nwork = {}\n{fails}consumes = [{queues}, {topics}]\n{pool}", law(dice))
}

fn fault(dice: &mut Dice, nth: usize) -> String {
    let kind = dice.one(&[
        "outage",
        "crash",
        "freeze",
        "slow\"\nfactor = 0.5 # \"",
        "slow\"\nfactor = 3.0 # \"",
        "errors\"\nprobability = \"40%\" # \"",
        "latency\"\nadd = \"5ms\" # \"",
        "partition",
        "packet_loss\"\nprobability = \"10%\" # \"",
    ]);
    let target = dice.one(&["s0", "d", "x", "g", "k"]);
    let when = if dice.percent(70) {
        format!(
            "at = \"{}\"\nduration = \"{}\"\n",
            dice.one(&["0s", "100ms", "250ms"]),
            dice.one(&["1ms", "50ms", "1s"])
        )
    } else {
        "mtbf = { mean = \"200ms\" }\nmttr = { mean = \"20ms\" }\n".into()
    };
    format!("[[faults]]\nname = \"f{nth}\"\nkind = \"{kind}\"\ntarget = \"{target}\"\n{when}")
}

/// A time that varies.
pub(crate) fn law(dice: &mut Dice) -> &'static str {
    dice.one(&[
        "\"0s\"",
        "\"1ms\"",
        "\"10us\"",
        "{ mean = \"1ms\" }",
        "{ mean = \"8ms\" }",
        "{ p50 = \"1ms\", p99 = \"9ms\" }",
        "{ p50 = \"1ms\", p90 = \"1ms\", p99 = \"20ms\" }",
        "{ dist = \"uniform\", min = \"0s\", max = \"4ms\" }",
        "{ dist = \"pareto\", min = \"1ms\", alpha = 2.5 }",
        "{ dist = \"erlang\", mean = \"2ms\", k = 3 }",
        "{ mix = [{ value = \"1ms\", share = \"90%\" }, { mean = \"10ms\" }] }",
    ])
}

fn steps(dice: &mut Dice, at: usize, services: usize, mail: bool, depth: usize) -> String {
    let count = dice.below(4);
    (0..count).map(|_| step(dice, at, services, mail, depth)).collect::<Vec<_>>().join(", ")
}

fn step(dice: &mut Dice, at: usize, services: usize, mail: bool, depth: usize) -> String {
    let inner = |dice: &mut Dice| steps(dice, at, services, mail, depth + 1);
    let verb = match dice.below(if depth > 1 { 6 } else { 10 }) {
        0 => format!("work = {}", law(dice)),
        1 => format!("wait = {}", law(dice)),
        2 if at + 1 < services => format!("call = \"s{}\"", at + 1 + dice.below(services - at - 1)),
        2 => "call = \"x\"".into(),
        3 => {
            let mode = dice.one(&["read", "read", "write", "write", "exclusive"]);
            let most = dice.one(&["", "", ", lock_timeout = \"15ms\""]);
            format!("query = \"d\", table = \"tab\", mode = \"{mode}\"{most}{}", guard(dice))
        }
        4 if mail => format!("send = \"{}\"", dice.one(&["q", "q", "q2"])),
        5 if mail => "publish = \"t\"".into(),
        4 | 5 => format!("query = \"d\"{}", guard(dice)),
        6 => format!("transaction = \"d\", steps = [{}]", inner(dice)),
        7 => {
            let branches: Vec<String> =
                (0..=dice.below(3)).map(|_| step(dice, at, services, mail, depth + 1)).collect();
            format!("parallel = [{}], wait_for = {}", branches.join(", "), dice.one(&["\"all\"", "\"any\"", "1"]))
        }
        8 => format!("split = [{{ weight = 3, steps = [{}] }}, {{ steps = [{}] }}]", inner(dice), inner(dice)),
        _ => format!("cache = \"k\", on_miss = [{}]", inner(dice)),
    };
    let coded = ", transport = \"grpc\", request = \"1KB\", response = \"300KB\"";
    let verb = match verb.strip_prefix("call") {
        Some(_) if dice.percent(20) => format!("{verb}{coded}, stream = {}", 1 + dice.below(9)),
        _ => verb,
    };
    let times = dice.one(&["", "", "", ", times = 2"]);
    let chance = dice.one(&["", "", ", probability = \"60%\""]);
    format!("{{ {verb}{times}{chance} }}")
}

/// What guards a query.
fn guard(dice: &mut Dice) -> &'static str {
    dice.one(&[
        "",
        "",
        ", timeout = \"3ms\"",
        ", deadline = \"8ms\", propagate_deadline = true",
        ", retries = { max = 2, on = [\"pool_timeout\", \"timeout\"], backoff = \"1ms\" }, timeout = \"5ms\"",
        ", hedge = { after = \"1ms\", max = 2 }",
        ", bulkhead = { max_concurrent = 2, max_wait = \"5ms\" }, timeout = \"2ms\"",
    ])
}

//! What was found as TOML in the words of the file, to be pasted into a scenario: behind each figure what it lies between, before
//! each table how it was measured.

use hoptax::import::fit;
use hoptax::model::transport::{HANDSHAKE_CALLEE, HANDSHAKE_CALLER};
use hoptax::units::Span;

use super::blocks::{BLOCKS, Figure, quantile, quantile_of, time};
use super::brokers::{self, Broker, Measured};
use super::codec::Codec;
use super::found::{Found, Transport};

/// The whole document.
pub(crate) fn text(found: &Found) -> String {
    let mut text = head(found);
    text += &network(found);
    text += &transport("rest", "JSON over HTTP/1.1, serde_json and hyper", &found.rest, found.rest_message());
    text += &transport("grpc", "protobuf over HTTP/2, prost and hyper", &found.grpc, found.grpc_message());
    text += &openings(found);
    let way = quantile_of(&found.network(), 0.5);
    found.brokers.iter().for_each(|broker| text += &measured(broker, way));
    text
}

/// Why a calibration is not to be trusted, if it is not.
pub(crate) fn doubt(found: &Found) -> Option<String> {
    let others = found.shares.others * 100.0;
    (!found.shares.quiet()).then(|| {
        format!(
            "others kept {others:.0} % of this machine busy meanwhile (/proc/stat; up to 10 % is trusted): measure again \
            when it is quiet"
        )
    })
}

fn head(found: &Found) -> String {
    let (machine, shares, late) = (&found.machine, found.shares, &found.lateness);
    let mut text = format!(
        "# Measured by hoptax calibrate {} on this machine: {} cores, {}, Linux {}.\n",
        env!("CARGO_PKG_VERSION"),
        machine.cores,
        machine.processor,
        machine.kernel
    );
    text += &format!(
        "# Every figure is the median of {BLOCKS} blocks, behind it the least and the largest of them [94 % for the median].\n"
    );
    text += &match doubt(found) {
        Some(why) => format!("# UNTRUSTED: {why}.\n"),
        None => format!("# Others kept {:.1} % of the machine busy meanwhile.\n", shares.others * 100.0),
    };
    if shares.stolen > 0.005 {
        text += &format!("# The machine below this virtual one took {:.1} % of it.\n", shares.stolen * 100.0);
    }
    text += "# To be pasted into a scenario whose nodes all stand on this machine.\n#\n";
    text += &format!("# Timers (timerfd, epoll) go off late by {}, p99 {}.\n", late.p50, late.p99);
    text + &format!("# A look at the clock takes {}.\n", late.look)
}

fn network(found: &Found) -> String {
    let mut text = String::from("\n# One way over TCP on the loopback, 64 bytes, half of a round trip:\n");
    for way in &found.ways {
        let pause = if way.pause == 0 { "back to back".into() } else { format!("pauses of {}", Span(way.pause)) };
        text += &format!("#   {pause}: {}, p99 {}\n", way.p50, way.p99);
    }
    text += &format!(
        "# Below: one way inside a chain of four services without work at {}/s, without what [transports.rest] costs.\n",
        found.rate
    );
    let law = law(&[found.network()], 0.0);
    text += "# Nodes whose `zone` says nothing are in one zone, those with the same host on one host: here it is all the same.\n";
    text + &format!("[network]\nsame_host = {law}\nsame_zone = {law}\n")
}

fn transport(name: &str, what: &str, found: &Transport, per_message: Figure) -> String {
    let (leg, whole) = (&found.chain.legs, &found.chain.whole);
    let told = |blocks: &[Vec<f64>]| format!("{}, p99 {}", quantile(blocks, 0.5), quantile(blocks, 0.99));
    let Codec { encode, decode, message, size_factor } = found.codec;
    let mut text = format!("\n# {what}. In the chain, one way, codec included: {};\n", told(leg));
    text += &format!("# down all four and back: {}.\n", told(whole));
    text += &format!(
        "# CPU of a message at one end, syscalls and wake-ups included: {} in the chain, {message}\n",
        found.chain.message
    );
    text += "# where another follows at once. per_message is the latter, with as much as makes up for what a hop over [network] is short of\n";
    text += &format!("# here; for encoding and decoding alike, without bytes: {per_message}.\n");
    text += &format!(
        "# per_byte is the slope of CPU over size from 90 bytes to 90 kB: encode {encode}, decode {decode}.\n"
    );
    if size_factor != 1.0 {
        text += &format!("# Lines of a log are {size_factor:.2} of their size as JSON; size_factor is the preset's.\n");
    }
    text +=
        &format!("[transports.{name}]\n{}{}", cost("encode", per_message, encode), cost("decode", per_message, decode));
    text
}

/// What the file has no word for: the simulator's own assumptions stand beside it.
fn openings(found: &Found) -> String {
    let mut text = String::from(
        "\n# A new connection, until the callee's first byte is there; CPU of the caller and of the callee:\n",
    );
    for opening in &found.openings {
        text += &format!("#   {}: {}; {} and {}\n", opening.name, opening.took, opening.caller, opening.callee);
    }
    let assumed = [HANDSHAKE_CALLER, HANDSHAKE_CALLEE];
    text + &format!(
        "# The simulator reckons {} and {} for the cryptography of TLS (OpenSSL 3.0), and round trips.\n",
        assumed[0], assumed[1]
    )
}

/// A broker, with tables to be named and uncommented: a queue and a topic have the user's names.
fn measured(broker: &Measured, way: f64) -> String {
    let name = broker.what.kind().name;
    let latencies = match &broker.found {
        brokers::Found::Latencies(latencies) => latencies,
        brokers::Found::Absent(why) => return format!("\n# {name}: skipped. {why}\n"),
    };
    let how = match broker.what {
        Broker::Queue => "lapin; a durable queue, persistent messages",
        Broker::QuorumQueue => "lapin; a quorum queue of one replica, as `max_deliveries` needs",
        Broker::Stream => "a stream, XADD and XREAD; not saved",
    };
    let told = |blocks: &[Vec<f64>]| format!("{}, p99 {}", quantile(blocks, 0.5), quantile(blocks, 0.99));
    let mut text = format!("\n# {name} {} ({how}), 256 bytes.\n", latencies.version);
    text +=
        &format!("# Confirmed after {}; delivered after {}.\n", told(&latencies.confirmed), told(&latencies.delivered));
    if broker.what == Broker::Stream {
        text += "# Below without the network there and back. Take away `# ` and write the name of yours.\n";
        return text + &format!("# [topics.NAME]\n# publish_latency = {}\n", law(&latencies.confirmed, 2.0 * way));
    }
    let link = (latencies.turns.value / 2.0).max(way);
    text += &format!("# Delivered where nobody asks for confirms: after {}.\n", told(&latencies.unconfirmed));
    text += &format!(
        "# One message at a time (a prefetch of 1), the next of a line comes after {}: twice the link's latency.\n",
        latencies.turns
    );
    text += "# Take away `# ` and write the names of yours: the queue, and who consumes it. The simulator delivers what is safe, RabbitMQ\n";
    text += "# before it is: with `confirms` it is the confirmation that counts here.\n";
    let (sure, quick) = (law(&latencies.confirmed, 2.0 * way), law(&latencies.unconfirmed, way + link));
    text += &format!("# [queues.NAME]\n# confirms = true\n# publish_latency = {sure}\n");
    text += &format!("# [queues.UNCONFIRMED]\n# publish_latency = {quick}\n");
    text + &format!("# [network.links.\"UNCONFIRMED -> CONSUMER\"]\n# latency = \"{}\"\n", time(link))
}

/// The law of times without what is known of them, ns.
fn law(blocks: &[Vec<f64>], without: f64) -> String {
    let own: Vec<f64> = blocks.iter().flatten().map(|time| (time - without).max(0.0)).collect();
    fit(&own).map_or_else(|| "\"0s\"".into(), |(best, _)| best.toml)
}

fn cost(key: &str, per_message: Figure, per_byte: Figure) -> String {
    format!("{key} = {{ per_message = \"{}\", per_byte = \"{}\" }}\n", time(per_message.value), time(per_byte.value))
}

#[cfg(test)]
mod tests {
    use super::super::blocks::Figure;
    use super::super::brokers::Latencies;
    use super::super::chain::Chain;
    use super::super::handshake::Opening;
    use super::super::loopback::Way;
    use super::super::machine::{Machine, Shares};
    use super::super::timers::Lateness;
    use super::*;

    /// A chain over rest that loads nothing.
    const SCENARIO: &str = "version = 1\n[sim]\nduration = \"20s\"\n[clients.people]\ncalls = \"front\"\nrate = \"50/s\"\n\
        [services.front]\nconcurrency = 4\nwork = \"1ms\"\nsteps = [\"back\", { call = \"back\", transport = \"grpc\" }]\n[services.back]\nconcurrency = 2\nwork = \"1ms\"\n";

    fn figure(value: f64) -> Figure {
        Figure { value, low: value * 0.9, high: value * 1.2 }
    }

    fn broker(what: Broker) -> Measured {
        let blocks = |from: f64| (0..5).map(|_| (0..60).map(|n| from + f64::from(n * n)).collect()).collect();
        let (confirmed, delivered, unconfirmed) = (blocks(900_000.0), blocks(300_000.0), blocks(250_000.0));
        let latencies = Latencies { version: "3.10".into(), confirmed, delivered, unconfirmed, turns: figure(2e5) };
        Measured { what, found: brokers::Found::Latencies(latencies) }
    }

    fn found(others: f64) -> Found {
        let legs = (0..5).map(|block| (0..400).map(|n| 70_000.0 + f64::from(block * 500 + n * n)).collect()).collect();
        let chain = Chain { whole: vec![vec![8e5]; 5], legs, message: figure(30_500.0), bytes: 100.0 };
        let codec = Codec { encode: figure(4.0), decode: figure(6.0), message: figure(20_500.0), size_factor: 0.41 };
        let absent =
            Measured { what: Broker::QuorumQueue, found: brokers::Found::Absent("install it with: apt-get".into()) };
        Found {
            machine: Machine { processor: "A \"fast\" one".into(), cores: 2, kernel: "6.1".into() },
            shares: Shares { others, stolen: 0.01 },
            lateness: Lateness { p50: figure(90_000.0), p99: figure(250_000.0), look: figure(25.0) },
            ways: vec![Way { pause: 0, p50: figure(8000.0), p99: figure(12_000.0) }],
            rate: 50.0,
            rest: Transport { chain: chain.clone(), codec },
            grpc: Transport { chain, codec },
            openings: vec![Opening { name: "TCP", took: figure(1e5), caller: figure(4e4), callee: figure(3e4) }],
            brokers: vec![broker(Broker::Queue), broker(Broker::Stream), absent],
        }
    }

    #[test]
    fn what_is_written_is_understood_where_it_is_pasted() {
        let text = format!("{SCENARIO}{}", text(&found(0.02)));
        let read = hoptax::Scenario::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
        let wrong = read.warnings().iter().find(|complaint| complaint.severity != hoptax::diag::Severity::Note);
        assert!(wrong.is_none(), "{wrong:?}");
        let canonical = read.canonical();
        let per_message = r#"encode = { per_message = "20us", per_byte = "4ns" }"#;
        assert_eq!(canonical.matches(per_message).count(), 2, "{canonical}");
        assert!(canonical.contains(r#"decode = { per_message = "20us", per_byte = "6ns" }"#), "{canonical}");
    }

    /// A name in capitals is written for a name.
    #[test]
    fn what_is_uncommented_is_understood_too() {
        let text = text(&found(0.02));
        let (_, brokers) = text.split_once("# RabbitMQ").unwrap();
        let tables: Vec<&str> = brokers.lines().filter_map(|line| line.strip_prefix("# ")).collect();
        let is_toml = |line: &&&str| line.starts_with('[') || line.contains(" = ");
        let tables: Vec<&str> = tables.iter().filter(is_toml).copied().collect();
        let tables = tables.join("\n").replace("topics.NAME", "topics.stream").replace("queues.NAME", "queues.sure");
        let tables = tables.replace("UNCONFIRMED", "quick").replace("CONSUMER", "last");
        let steps = "steps = [{ send = \"sure\" }, { send = \"quick\" }, { publish = \"stream\" }, ";
        let own = SCENARIO.replace("steps = [", steps);
        let consumers = "[services.last]\nwork = \"1ms\"\nconsumes = [{ from = \"sure\" }, { from = \"quick\" }, \
            { from = \"stream\", group = \"last\" }]\n";
        let read = hoptax::Scenario::parse(&format!("{own}{consumers}{tables}"));
        let read = read.unwrap_or_else(|why| panic!("{why}\n{tables}"));
        assert!(read.canonical().contains("confirms = true"), "{tables}");
    }

    /// 20 µs and 100 bytes at 5 ns at each end of each message, and what is left of 70 µs and more between them.
    #[test]
    fn the_network_is_what_the_codec_leaves() {
        let found = found(0.02);
        let network = found.network();
        assert_eq!(network.iter().copied().fold(f64::INFINITY, f64::min), 70_000.0 - 41_000.0);
        assert_eq!(network.len(), 2000);
    }

    /// One network for both: over gRPC a hop takes 30 µs longer, half of it at each end.
    #[test]
    fn a_hop_over_grpc_is_as_long_as_it_was() {
        let mut found = found(0.02);
        found.grpc.chain.legs.iter_mut().flatten().for_each(|leg| *leg += 30_000.0);
        assert!((found.grpc_message().value - 35_000.0).abs() < 5.0, "{:?}", found.grpc_message());
        assert_eq!(found.rest_message().value, 20_000.0);
    }

    #[test]
    fn a_busy_machine_is_marked() {
        assert!(!text(&found(0.02)).contains("UNTRUSTED"));
        let busy = text(&found(0.4));
        assert!(busy.contains("UNTRUSTED: others kept 40 %"), "{busy}");
    }
}

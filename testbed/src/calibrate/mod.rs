//! `calibrate`: what talking costs on this machine, as `[transports]`, `[network]` and the latencies of brokers, in the file's own
//! words. Nothing is fitted to a prediction: CPU of codecs is counted at both ends, ways are timed one by one, and a law is what was
//! measured, not a constant.

pub(crate) mod blocks;
mod brokers;
mod chain;
mod codec;
mod document;
mod found;
mod handshake;
mod http;
mod loopback;
mod machine;
mod timers;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use hoptax::units::{Rate, Span};

use brokers::Measured;
use found::{Found, Transport};
use http::Wire;
use machine::{Machine, Ticks};

/// Measure what talking costs on this machine, and write it as TOML for a scenario
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests a second down a chain of services without work: as many as the scenario has
    #[arg(long, value_name = "RATE", default_value = "50/s", value_parser = rate)]
    rate: f64,
    /// How long each chain is measured
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = length)]
    time: Duration,
    /// Where to write it; `-` is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Leave out RabbitMQ and Redis, which are started for this and thrown away
    #[arg(long)]
    no_brokers: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = Rate::parse(text)?.per_second();
    if (0.1..=2000.0).contains(&rate) { Ok(rate) } else { Err("a chain is measured at 0.1/s to 2000/s".into()) }
}

fn length(text: &str) -> Result<Duration, String> {
    let time = Duration::from_nanos(Span::parse(text)?.0);
    let fits = (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&time);
    if fits { Ok(time) } else { Err("a chain is measured for 1s to 1h".into()) }
}

/// Measures, and writes.
pub(crate) fn act(args: &Args) -> ExitCode {
    let done = refuse(args).and_then(|()| measure(args)).and_then(|found| {
        if let Some(why) = document::doubt(&found) {
            eprintln!("warning: untrusted: {why}");
        }
        write(&args.output, args.force, document::text(&found).as_bytes())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A file that must not be written is told before a minute has gone by.
fn refuse(args: &Args) -> Result<(), String> {
    let path = &args.output;
    if path.as_os_str() == "-" || args.force || !path.exists() {
        return Ok(());
    }
    Err(format!("{} is there already; name another file, or add --force to write over it", path.display()))
}

fn write(path: &Path, force: bool, bytes: &[u8]) -> Result<(), String> {
    if path.as_os_str() == "-" {
        return io::stdout().write_all(bytes).map_err(|why| format!("stdout: {why}"));
    }
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true).create_new(!force);
    let written = open.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|why| format!("{}: {why}", path.display()))
}

/// One thing after the other, so that they do not disturb each other.
fn measure(args: &Args) -> Result<Found, String> {
    let begin = Ticks::now();
    let lateness = step("timers", timers::measure)?;
    let ways = step("TCP on the loopback", loopback::measure)?;
    let rest = transport("REST", Wire::Rest, args)?;
    let grpc = transport("gRPC", Wire::Grpc, args)?;
    let openings = step("new connections", handshake::measure)?;
    // Brokers are processes of our own that are no children: they do not count as others.
    let shares = Ticks::now().since(begin);
    let brokers = if args.no_brokers { Vec::new() } else { brokers(args)? };
    Ok(Found { machine: Machine::here(), shares, lateness, ways, rate: args.rate, rest, grpc, openings, brokers })
}

fn transport(name: &str, wire: Wire, args: &Args) -> Result<Transport, String> {
    let chain = step(&format!("a chain over {name}"), || chain::measure(wire, args.rate, args.time))?;
    let codec = step(&format!("the codec of {name}"), || codec::measure(wire))?;
    Ok(Transport { chain, codec })
}

fn brokers(args: &Args) -> Result<Vec<Measured>, String> {
    let pause = ((1e9 / args.rate) as u64).min(brokers::SLOWEST);
    let rabbitmq = |quorum| move || brokers::rabbitmq(pause, quorum);
    Ok(vec![
        step("RabbitMQ, a classic queue", rabbitmq(false))?,
        step("RabbitMQ, a quorum queue", rabbitmq(true))?,
        step("Redis, a stream", || brokers::redis(pause))?,
    ])
}

/// Says what is measured now, and where it failed.
fn step<T>(name: &str, measure: impl FnOnce() -> io::Result<T>) -> Result<T, String> {
    eprintln!("measuring {name}");
    measure().map_err(|why| format!("{name} could not be measured: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_kept() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = |force| Args {
            rate: 50.0,
            time: Duration::from_secs(1),
            output: file.path().to_owned(),
            no_brokers: true,
            force,
        };
        let why = refuse(&args(false)).unwrap_err();
        assert!(why.contains("--force"), "{why}");
        assert!(write(file.path(), false, b"x").is_err());
        refuse(&args(true)).unwrap();
        write(file.path(), true, b"new").unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"new");
    }

    #[test]
    fn rates_and_lengths_have_bounds() {
        assert_eq!(rate("120/min"), Ok(2.0));
        assert!(rate("0/s").is_err() && rate("50").is_err() && rate("9000/s").is_err());
        assert_eq!(length("20s"), Ok(Duration::from_secs(20)));
        assert!(length("1ms").is_err() && length("2h").is_err());
    }
}

//! # hoptax-testbed
//!
//! The services of a scenario as real processes on this machine, under real load, beside what the simulator predicts.
//! `hoptax testbed`, `hoptax calibrate` and `hoptax validate --testbed` start this program; it stands beside the simulator so
//! that the simulator needs no runtime, no sockets and no clock.
//!
//! Every replica is a process that walks the plan's programs over HTTP (JSON over HTTP/1.1, or gRPC's framing over HTTP/2), with
//! workers, lines, pools, timeouts, retries, breakers of its own making. It shares two things with the simulator: the plan, and
//! the draws. A request carries its lineage in a header, so that the same request has the same work there and here, and prediction
//! and measurement are compared request by request.
#![forbid(unsafe_code)]

mod brief;
mod broker;
mod calibrate;
mod clock;
mod compare;
mod guard;
mod harness;
mod load;
mod node;
mod policy;
mod prepare;
mod refuse;
mod report;
mod site;
mod timer;
mod validate;
mod verb;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "hoptax-testbed", version, about, disable_help_subcommand = true)]
struct Typed {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Testbed(verb::Args),
    Validate(validate::Args),
    /// One process of a run; started by the others
    #[command(hide = true)]
    Node,
    Calibrate(calibrate::Args),
    #[command(hide = true)]
    Broker(broker::Args),
    /// Start what stdin says, and leave nothing of it when stdin ends
    #[command(hide = true)]
    Guard,
}

fn main() -> ExitCode {
    match Typed::parse().verb {
        Verb::Calibrate(args) => calibrate::act(&args),
        Verb::Broker(args) => broker::act(&args),
        Verb::Guard => guard::act(),
        Verb::Testbed(args) => ExitCode::from(verb::act(&args) as u8),
        Verb::Validate(args) => ExitCode::from(validate::act(&args) as u8),
        Verb::Node => match node::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("error: a process of the testbed: {why}");
                ExitCode::FAILURE
            }
        },
    }
}

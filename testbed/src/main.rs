//! # hoptax-testbed
//!
//! The services of a scenario as real processes on this machine, under real load, beside what the simulator predicts.
//! `hoptax testbed`, `hoptax calibrate` and `hoptax validate --testbed` start this program; it stands beside the simulator so
//! that the simulator needs no runtime, no sockets and no clock.
#![forbid(unsafe_code)]

mod broker;
mod calibrate;
mod clock;
mod guard;
mod timer;

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
    }
}

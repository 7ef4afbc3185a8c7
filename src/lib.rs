//! # hoptax
//!
//! A discrete-event simulator of how services talk to each other. A scenario written in TOML is checked, lowered to an
//! immutable plan, run as a population of small frames that walk programs, and reported with an interval on every figure.
//!
//! What most need stands here: a [`Scenario`], read from TOML or put together by a [`Builder`], runs to a [`Summary`].
//!
//! ```
//! let desk = hoptax::Scenario::builder("desk")
//!     .table("sim").set("duration", "50s")
//!     .table("defaults").set("transport", "free")
//!     .client("people").set("calls", "desk").set("rate", "80/s")
//!     .service("desk").set("concurrency", 1).set("work.mean", "10ms")
//!     .build()?;
//! let summary = desk.run()?;
//! let latency = summary.client("people").expect("it was put in").latency();
//! assert!(latency.mean() > Some(30.0), "four fifths of it is waiting in line");
//!
//! // What was stored can be read back.
//! let stored = hoptax::report::json::one(&summary);
//! let again: hoptax::Summary = serde_json::from_str(&stored)?;
//! assert_eq!(hoptax::report::json::one(&again), stored);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The house has floors; imports go down only (`tests/it/floors.rs` reads every `use crate::…`):
//!
//! - **0, words**: [`units`] (time, rates, shares, sizes), [`random`] (draws named by purpose, distributions), [`stats`]
//!   (tallies, levels, histograms, intervals), [`diag`] (complaints with a place and a cure), [`graph`] (who depends on
//!   whom, and the walks over that).
//! - **1, kernel**: pending events in total order, arenas whose slots have ages.
//! - **2, as run**: [`model`] (the plan, its operations, facts and probes, and the families: queue orders, balancers,
//!   arrival sources) and [`machine`] (the run loop).
//! - **3, as written**: [`scenario`] (vocabulary, reading, checking, editing, lowering).
//! - **4, experiments**: [`experiment`] (the standard probe, replications, intervals, theory).
//! - **5, reports**: [`report`] (tables, JSON, CSV, Markdown, charts), and the library's own door: [`Scenario`].
//! - **6, the shell**: `cli`, one file per verb.

pub mod diag;
pub mod experiment;
pub mod graph;
pub mod import;
pub mod kernel;
mod library;
pub mod machine;
pub mod model;
pub mod random;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod units;

#[cfg(feature = "cli")]
pub mod cli;

pub use diag::{Complaint, Source};
pub use experiment::summary::{Distribution, Estimate, Node, Stats, Summary};
pub use experiment::{Failure, Watch};
pub use library::{Builder, Findings, Scenario, Value};
pub use scenario::{Checked, Rejected};

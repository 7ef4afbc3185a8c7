//! # hoptax
//!
//! A discrete-event simulator of how services talk to each other. A scenario written in TOML is checked, lowered to an
//! immutable plan, run as a population of small frames that walk programs, and reported with an interval on every figure.
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
//! - **5, reports**: [`report`] (tables, JSON, CSV, Markdown, charts).
//! - **6, the shell**: `cli`, one file per verb.

pub mod diag;
pub mod experiment;
pub mod graph;
pub mod kernel;
pub mod machine;
pub mod model;
pub mod random;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod units;

#[cfg(feature = "cli")]
pub mod cli;

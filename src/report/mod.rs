//! What people and programs read: tables, JSON, CSV, Markdown and charts. Nothing here does I/O: text or bytes come back.
//!
//! Tables and Markdown show the same [`content`], laid out differently; CSV is read off the JSON contract.

pub mod advise;
pub mod answer;
mod apart;
pub mod caches;
pub mod capacity;
pub mod cause;
pub mod compare;
pub mod content;
pub mod contents;
pub mod coupling;
pub mod csv;
pub mod diagnosis;
pub mod export;
pub mod forecast;
pub mod html;
pub mod hunt;
pub mod json;
pub mod junit;
pub mod layers;
pub mod ledger;
pub mod markdown;
pub mod number;
pub mod page;
pub mod policing;
pub mod published;
pub mod reason;
pub mod recover;
mod requests;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod sample_trace;
mod scaling;
pub mod sheet;
mod sidecars;
pub mod single;
mod streams;
pub mod sweep;
pub mod table;
pub mod text;
pub mod theory;
pub mod topology;
mod trouble;
pub mod waterfall;
pub mod whatif;
mod why;

#[cfg(feature = "charts")]
pub mod chart;

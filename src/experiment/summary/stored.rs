//! Results that were kept in a file, read back.

use std::fmt;

use serde_json::{Map, Value};

use super::{Summary, Tool, VERSION};
use crate::diag::clean;

/// Why a text is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStored {
    /// When it is not JSON, or cut short: where, and what is wrong there.
    Broken(String),
    /// When it is JSON of something else.
    Foreign(String),
    /// When a part of it is damaged: what.
    Damaged(String),
}

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => write!(f, "not whole as JSON: {why}"),
            Self::Foreign(why) => write!(f, "no result of a run: {why}"),
            Self::Damaged(why) => write!(f, "a result of which something is damaged: {why}"),
        }
    }
}

impl std::error::Error for NotStored {}

impl Summary {
    /// Reads what `hoptax run --format json` wrote: one result, or those of several variants. Of another version than this
    /// one's contract nothing is read, and what is there but damaged is an error, never left out.
    pub fn stored(text: &str) -> Result<Vec<Self>, NotStored> {
        let whole: Value = serde_json::from_str(text).map_err(|error| NotStored::Broken(error.to_string()))?;
        let all = match whole {
            Value::Array(all) => all,
            one => vec![one],
        };
        if all.is_empty() {
            return Err(NotStored::Foreign("an empty list".into()));
        }
        all.into_iter().map(one).collect()
    }
}

fn one(value: Value) -> Result<Summary, NotStored> {
    let object = value.as_object().ok_or_else(|| NotStored::Foreign("an object was expected".into()))?;
    known(object).map_err(NotStored::Foreign)?;
    let summary = serde_json::from_value(value).map_err(|error| NotStored::Damaged(error.to_string()))?;
    consistent(summary).map(|summary| summary.recalled().redrawn()).map_err(NotStored::Damaged)
}

/// Whether it is what this version reads, told by what stands first.
fn known(object: &Map<String, Value>) -> Result<(), String> {
    match object.get("schema_version") {
        Some(version) if version.as_u64() == Some(u64::from(VERSION)) => {}
        Some(version) => return Err(format!("schema_version is {version}; this version of hoptax reads {VERSION}")),
        None => return Err("it has no schema_version".into()),
    }
    if !object.contains_key("clients") {
        let of = if object.contains_key("base") { "a comparison" } else { "a study" };
        return Err(format!("it has no clients; of {of} only the run's own `--format json` can be read back"));
    }
    Ok(())
}

/// Whether its parts fit each other.
fn consistent(summary: Summary) -> Result<Summary, String> {
    let (kept, of) = (summary.replications.len(), summary.run.replications as usize);
    if kept != 0 && kept != of {
        return Err(format!("figures of {kept} replications, and {of} were run"));
    }
    let confidence = summary.run.confidence;
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(format!("intervals of a confidence of {confidence}"));
    }
    let (maker, own) = (&summary.tool.name, Tool::this().name);
    if *maker != own {
        return Err(format!("by {}, not by {own}", clean(maker)));
    }
    let more = summary.clients.iter().find(|(_, stats)| stats.succeeded > stats.arrived);
    match more {
        Some((name, stats)) => Err(format!("{name}: {} succeeded of {}", stats.succeeded, stats.arrived)),
        None => Ok(summary),
    }
}

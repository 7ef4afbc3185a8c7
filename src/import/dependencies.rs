//! Jaeger's dependencies: who called whom, how often.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::flows::{Ends, Flow, Flows};
use super::found::{Found, Go, carried};
use super::names::distinct;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    parent: String,
    child: String,
    call_count: u64,
}

/// Calls by caller and callee, under the names that are written.
#[derive(Debug)]
pub(super) struct Dependencies(BTreeMap<Ends, u64>);

/// Reads the links of a text.
pub(super) fn read(text: &str, found: &mut Found) -> Result<Dependencies, serde_json::Error> {
    let links: Vec<Link> = serde_json::from_str(text)?;
    let names = distinct(links.iter().flat_map(|link| [link.parent.as_str(), &link.child]), found);
    let mut calls: BTreeMap<Ends, u64> = BTreeMap::new();
    for Link { parent, child, call_count } in &links {
        let sum = calls.entry((names[parent.as_str()].clone(), names[child.as_str()].clone())).or_default();
        *sum = sum.saturating_add(*call_count);
    }
    Ok(Dependencies(calls))
}

impl Dependencies {
    /// Steps where no input with an order has any.
    pub(super) fn settle(&self, found: &mut Found) {
        let flow =
            |(ends, calls): (&'_ Ends, &u64)| (ends.clone(), Flow { requests: *calls as f64, ..Flow::default() });
        let calls: BTreeMap<Ends, Flow> = self.0.iter().map(flow).collect();
        let flows = Flows::of(calls.iter().map(|(ends, flow)| (ends, *flow)));
        flows.flag(found);
        for (ends, calls) in &self.0 {
            found.node(&ends.0);
            found.node(&ends.1);
            let Some(often) = flows.often(ends) else { continue };
            let origin = format!("{} for {} requests", carried(*calls, "call"), flows.requests(&ends.0));
            found.measured_call(&ends.0, Go { node: ends.1.clone(), often, origin, ..Go::default() });
        }
        found.flag("dependencies have no order: calls stand one after the other, by name");
    }
}

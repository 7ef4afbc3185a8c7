//! Jaeger's dependencies: who called whom, how often.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::found::{Found, Go, Step, carried};
use super::names::node_name;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    parent: String,
    child: String,
    call_count: u64,
}

/// Reads the links of a text.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), serde_json::Error> {
    let links: Vec<Link> = serde_json::from_str(text)?;
    let mut arrived: BTreeMap<String, u64> = BTreeMap::new();
    let mut made: BTreeMap<(String, String), u64> = BTreeMap::new();
    for Link { parent, child, call_count } in links {
        let (from, to) = (node_name(&parent), node_name(&child));
        found.node(&from);
        found.node(&to);
        if from != to {
            let sum = arrived.entry(to.clone()).or_default();
            *sum = sum.saturating_add(call_count);
            let sum = made.entry((from, to)).or_default();
            *sum = sum.saturating_add(call_count);
        }
    }
    let circles = super::found::circles(made.keys());
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    for ((from, _), calls) in &made {
        let own = most.entry(from).or_default();
        *own = (*own).max(*calls);
    }
    for ((from, to), calls) in &made {
        if circles.contains(&(from.clone(), to.clone())) {
            found.flag(format!(
                "{from} -> {to} closes a circle and is left out: counts do not say which of its requests it is part of"
            ));
            continue;
        }
        // Requests of whoever nobody calls are not counted: it calls each of its own the once that it calls the most.
        let most = most.get(from.as_str()).copied().unwrap_or(1);
        let requests = arrived.get(from).copied().filter(|n| *n > 0).unwrap_or(most);
        let mean = *calls as f64 / requests.max(1) as f64;
        let times = (mean.round() as u32).clamp(1, 1_000);
        let share = (mean / f64::from(times)).min(1.0);
        let origin = format!("{} for {requests} requests", carried(*calls, "calls"));
        let go = Go {
            node: to.clone(),
            times,
            probability: (share < 0.999_95 && share > 0.0).then_some(share),
            origin,
            ..Go::default()
        };
        if *calls > 0 {
            found.endpoint(from, "").steps.push(Step::Go(go));
        }
    }
    found.flag("dependencies have no order: calls stand one after the other, by name");
    Ok(())
}

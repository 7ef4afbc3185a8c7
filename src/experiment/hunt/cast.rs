//! What may go wrong: each node and broker down or slow, all of it or one replica.

use serde::Serialize;

use crate::scenario::Checked;
use crate::scenario::edit::slowed;
use crate::scenario::written::{Fault, FaultKind, Given, Unavailable};
use crate::units::Span;

/// How something does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// When it is down and says so.
    Refuses,
    /// When it is down and says nothing.
    Hangs,
    /// When its work takes so many times as long.
    Slow(f64),
}

/// One thing that may go wrong, for some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The node or broker.
    pub target: String,
    /// What happens to it.
    pub way: Way,
    /// To how many of its replicas.
    pub replicas: u32,
    /// How many it has.
    pub of: u32,
}

impl Candidate {
    /// Replica-seconds that each second of it takes away.
    pub fn per_second(&self) -> f64 {
        let each = match self.way {
            Way::Refuses | Way::Hangs => 1.0,
            Way::Slow(factor) => 1.0 - 1.0 / factor,
        };
        each * f64::from(self.replicas)
    }

    /// What it is in words: `payments (2 of 3) down`.
    pub fn told(&self) -> String {
        let what = match self.way {
            Way::Refuses => "down".into(),
            Way::Hangs => "hanging".into(),
            Way::Slow(factor) => format!("{factor} × as slow"),
        };
        let of = if self.replicas < self.of { format!(" ({} of {})", self.replicas, self.of) } else { String::new() };
        format!("{}{of} {what}", self.target)
    }

    /// The fault, on for so long from then on.
    pub fn fault(&self, at: Span, length: Span) -> Fault {
        let kind = if matches!(self.way, Way::Slow(_)) { FaultKind::Slow } else { FaultKind::Outage };
        let mut fault = Fault::once(kind, &self.target, at, Some(length));
        fault.replicas = Given::default((self.replicas < self.of).then_some(self.replicas));
        match self.way {
            Way::Refuses => {}
            Way::Hangs => fault.mode = Given::default(Unavailable::Hang),
            Way::Slow(factor) => fault.factor = Given::default(Some(factor)),
        }
        fault
    }
}

/// Slow-downs.
const FACTORS: [f64; 4] = [16.0, 8.0, 4.0, 2.0];

/// All that may go wrong: what is down before what is slow, because it is sooner told whether that breaks anything.
pub(super) fn candidates(checked: &Checked, only: &[String]) -> Result<Vec<Candidate>, String> {
    let scenario = &checked.scenario;
    let nodes = scenario.nodes.values().map(|node| (node.name.value.as_str(), node.most_replicas(), false));
    let queues = scenario.queues.keys().map(|name| (name.as_str(), 1, true));
    let topics = scenario.topics.keys().map(|name| (name.as_str(), 1, true));
    let known: Vec<(&str, u32, bool)> = nodes.chain(queues).chain(topics).collect();
    if let Some(name) = only.iter().find(|name| !known.iter().any(|(own, ..)| own == name)) {
        let names: Vec<&str> = known.iter().map(|known| known.0).collect();
        let help = match crate::scenario::suggest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        return Err(format!("nothing called `{name}` can go wrong; {help}"));
    }
    let asked = |name: &str| only.is_empty() || only.iter().any(|own| own == name);
    let known: Vec<_> = known.into_iter().filter(|(name, ..)| asked(name)).collect();
    let mut all = Vec::new();
    let ways = [Way::Refuses, Way::Hangs].into_iter().chain(FACTORS.map(Way::Slow));
    for way in ways {
        for (name, replicas, broker) in &known {
            let fits = match way {
                Way::Refuses => true,
                Way::Hangs => !broker,
                Way::Slow(factor) => !broker && slowed(checked, name, factor).is_some(),
            };
            let counts = [*replicas, 1];
            let counts = &counts[..if *replicas > 1 { 2 } else { 1 }];
            let one = |count: &u32| Candidate { target: (*name).to_owned(), way, replicas: *count, of: *replicas };
            all.extend(counts.iter().filter(|_| fits).map(one));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_what_is_taken_away() {
        let of = |way, replicas| Candidate { target: "a".into(), way, replicas, of: 4 }.per_second();
        assert_eq!((of(Way::Hangs, 4), of(Way::Slow(4.0), 2), of(Way::Refuses, 1)), (4.0, 1.5, 1.0));
    }
}

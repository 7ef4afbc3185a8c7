//! What may go wrong: each node, broker, zone and edge down or cut off, each node slow; of a node all of it or some replicas.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::experiment::coupling::{Kind, Target};
use crate::experiment::summary::Summary;
use crate::graph::{Arrow, End};
use crate::scenario::Checked;
use crate::scenario::edit::slowed;
use crate::scenario::written::{Fault, FaultKind, Given, Node, Scenario, Unavailable};
use crate::units::Span;

/// How something does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// When it is down and says so.
    Refuses,
    /// When it is down and says nothing.
    Hangs,
    /// When the network between it and everybody else drops what is sent.
    CutOff,
    /// When its work takes so many times as long.
    Slow(f64),
}

/// One thing that may go wrong, for some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// What kind of thing.
    pub kind: Kind,
    /// The node or broker, `zone:eu-west/a`, or `caller -> callee`.
    pub target: String,
    /// What happens to it.
    pub way: Way,
    /// To how many of its replicas; of an edge the callee's.
    pub replicas: u32,
    /// How many it has.
    pub of: u32,
    /// Of an edge, the share of the callee's calls that come over it; else 1.
    pub share: f64,
}

impl Candidate {
    /// Replica-seconds that each second of it takes away.
    pub fn per_second(&self) -> f64 {
        let each = match self.way {
            Way::Refuses | Way::Hangs | Way::CutOff => 1.0,
            Way::Slow(factor) => 1.0 - 1.0 / factor,
        };
        each * f64::from(self.replicas) * self.share
    }

    /// The same with one replica less, where it can be that of some.
    pub(super) fn with_one_less(&self) -> Option<Self> {
        let some = self.kind == Kind::Node && self.way != Way::CutOff && self.replicas > 1;
        some.then(|| Self { replicas: self.replicas - 1, ..self.clone() })
    }

    /// Whether both are the same thing going wrong in the same way, though to more or fewer replicas.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        self.target == other.target && self.way == other.way && self.replicas >= other.replicas
    }

    /// What it is in words: `payments (2 of 3) down`.
    pub fn told(&self) -> String {
        let what = match self.way {
            Way::Refuses if self.kind == Kind::Edge => "failing".into(),
            Way::Refuses => "down".into(),
            Way::Hangs => "hanging".into(),
            Way::CutOff => "cut off".into(),
            Way::Slow(factor) => format!("{factor} × as slow"),
        };
        let of = if self.replicas < self.of { format!(" ({} of {})", self.replicas, self.of) } else { String::new() };
        format!("{}{of} {what}", self.target)
    }

    /// The fault, on for so long from then on.
    pub fn fault(&self, at: Span, length: Span) -> Fault {
        let kind = match self.way {
            Way::Slow(_) => FaultKind::Slow,
            Way::CutOff => FaultKind::Partition,
            Way::Refuses if self.kind == Kind::Edge => FaultKind::Errors,
            Way::Refuses | Way::Hangs => FaultKind::Outage,
        };
        let mut fault = Fault::once(kind, &self.target, at, Some(length));
        fault.replicas = Given::default((self.replicas < self.of).then_some(self.replicas));
        match self.way {
            Way::Refuses | Way::CutOff => {}
            Way::Hangs => fault.mode = Given::default(Unavailable::Hang),
            Way::Slow(factor) => fault.factor = Given::default(Some(factor)),
        }
        fault
    }
}

/// Slow-downs.
const FACTORS: [f64; 4] = [16.0, 8.0, 4.0, 2.0];

/// From so many replicas on half of them are tried, too.
const HALVES: u32 = 4;

/// All that may go wrong: what is down before what is slow, because it is sooner told whether that breaks anything.
pub(super) fn candidates(checked: &Checked, targets: &[Target]) -> Vec<Candidate> {
    let scenario = &checked.scenario;
    // Edges stand there twice, refusing and hanging.
    let targets = || targets.iter().filter(|target| target.kind != Kind::Edge || !target.hangs);
    let ways = [Way::Refuses, Way::Hangs, Way::CutOff].into_iter().chain(FACTORS.map(Way::Slow));
    let mut all = Vec::new();
    for way in ways {
        for target in targets().filter(|target| fits(checked, target, way)) {
            let of = replicas(scenario, target);
            let whole = target.kind != Kind::Node || way == Way::CutOff;
            let mut counts = vec![of];
            if !whole {
                counts.extend((of >= HALVES).then_some(of / 2));
                counts.extend((of > 1).then_some(1));
            }
            let one = |replicas: u32| Candidate {
                kind: target.kind,
                target: target.name.clone(),
                way,
                replicas,
                of,
                share: 1.0,
            };
            all.extend(counts.into_iter().map(one));
        }
    }
    all
}

/// Whether that can happen to it.
fn fits(checked: &Checked, target: &Target, way: Way) -> bool {
    let node = target.kind == Kind::Node;
    let topic = || checked.scenario.topics.contains_key(&target.name);
    match way {
        Way::Refuses => true,
        Way::Hangs => node || target.kind == Kind::Zone || topic(),
        Way::CutOff => target.kind != Kind::Broker,
        Way::Slow(factor) => node && slowed(checked, &target.name, factor).is_some(),
    }
}

/// How many replicas it has; of a zone all that stand in it, of an edge those of the callee, of a broker one.
fn replicas(scenario: &Scenario, target: &Target) -> u32 {
    let of = |name: &str| scenario.nodes.get(name).map_or(1, Node::most_replicas);
    match target.kind {
        Kind::Edge => Arrow::of(&target.name).map_or(1, |arrow| of(arrow.to)),
        Kind::Node | Kind::Broker | Kind::Zone => target.nodes(scenario).into_iter().map(of).sum(),
    }
}

/// Candidates with what their edges carry when nothing is wrong; over what nobody calls nothing can go wrong.
pub(super) fn shared(candidates: Vec<Candidate>, without: &Summary) -> Vec<Candidate> {
    let mut carried: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (name, stats) in &without.edges {
        if let Some(arrow) = Arrow::of(name) {
            *carried.entry((arrow.from, End::of(arrow.to).node)).or_default() += stats.arrived;
        }
    }
    let share = |name: &str| {
        let arrow = Arrow::of(name)?;
        let own = *carried.get(&(arrow.from, arrow.to))? as f64;
        let all: u64 = carried.iter().filter(|((_, to), _)| *to == arrow.to).map(|(_, count)| count).sum();
        Some(own / all.max(1) as f64)
    };
    let weighed = |mut one: Candidate| {
        if one.kind == Kind::Edge {
            one.share = share(&one.target).unwrap_or(0.0);
        }
        one
    };
    candidates.into_iter().map(weighed).filter(|one| one.share > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of a node's replicas, of four and more half of them, and one; what cuts off, and zones, take all.
    #[test]
    fn a_part_of_the_replicas_is_tried_too() {
        let text = "version = 1\n[clients.c]\ncalls = \"four\"\nrate = \"1/s\"\n[services.four]\nreplicas = 4\nzone = \"eu/a\"\n\
                    work = \"1ms\"\nsteps = [\"three\", \"one\"]\n[services.three]\nreplicas = 3\nzone = \"eu/a\"\nwork = \"1ms\"\n\
                    [services.one]\nwork = \"1ms\"\n";
        let source = crate::diag::Source::text("hunt", text);
        let checked = crate::experiment::study::load(&source, None, &Default::default()).unwrap();
        let all = candidates(&checked, &crate::experiment::coupling::targets(&checked, &[], false).unwrap());
        let counts = |target: &str, way| -> Vec<u32> {
            all.iter().filter(|one| one.target == target && one.way == way).map(|one| one.replicas).collect()
        };
        for way in [Way::Refuses, Way::Hangs, Way::Slow(4.0)] {
            assert_eq!((counts("four", way), counts("three", way)), (vec![4, 2, 1], vec![3, 1]), "{way:?}");
            assert_eq!(counts("one", way), [1]);
        }
        assert_eq!((counts("four", Way::CutOff), counts("zone:eu/a", Way::Refuses)), (vec![4], vec![7]));
        assert_eq!(counts("four -> three", Way::Refuses), [3]);
    }

    #[test]
    fn size_is_what_is_taken_away() {
        let one = |way, replicas| Candidate { kind: Kind::Node, target: "a".into(), way, replicas, of: 4, share: 1.0 };
        let of = |way, replicas| one(way, replicas).per_second();
        assert_eq!((of(Way::Hangs, 4), of(Way::Slow(4.0), 2), of(Way::Refuses, 1)), (4.0, 1.5, 1.0));
        // An edge takes away what the callee's replicas do for its caller.
        let edge = Candidate { kind: Kind::Edge, share: 0.25, ..one(Way::CutOff, 4) };
        assert_eq!((edge.per_second(), edge.with_one_less()), (1.0, None));
        assert_eq!(one(Way::Hangs, 2).with_one_less(), Some(one(Way::Hangs, 1)));
        assert_eq!(one(Way::Hangs, 1).with_one_less(), None);
    }
}

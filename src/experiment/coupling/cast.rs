//! What is taken down: every node, edge, broker and zone of a file, one at a time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::graph::Arrow;
use crate::scenario::written::{Node, Scenario};
use crate::scenario::{Checked, each_call, each_publish};

/// What kind of thing is taken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A service, gateway, database, cache or external.
    Node,
    /// A queue or a topic.
    Broker,
    /// All nodes of a zone.
    Zone,
    /// The calls from one node to another, or what one publishes to a queue or topic.
    Edge,
}

/// One thing, and how it does not answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// What kind of thing.
    pub kind: Kind,
    /// A node, `zone:eu-west/a`, `caller -> callee`, or `publisher -> queue`.
    pub name: String,
    /// Whether callers hear nothing; otherwise they hear at once that nobody is there.
    pub hangs: bool,
}

impl Target {
    /// The name of the fault that takes it down.
    pub(super) fn fault(&self) -> String {
        format!("coupling: {} {}", self.name, if self.hangs { "hangs" } else { "refuses" })
    }

    /// That fault's table.
    pub(super) fn table(&self, (at, length): (&str, &str)) -> Vec<(&'static str, String)> {
        let kind = match (self.kind, self.hangs) {
            (Kind::Edge, true) => "partition",
            (Kind::Edge, false) => "errors",
            _ => "outage",
        };
        let mut keys = vec![
            ("name", self.fault()),
            ("kind", kind.into()),
            ("target", self.name.clone()),
            ("at", at.into()),
            ("duration", length.into()),
        ];
        if kind == "outage" {
            keys.push(("mode", if self.hangs { "hang" } else { "refuse" }.into()));
        }
        keys
    }

    /// Where it stands in who depends on whom; a zone in several places.
    pub(in crate::experiment) fn nodes<'s>(&'s self, scenario: &'s Scenario) -> Vec<&'s str> {
        match (self.kind, self.name.strip_prefix("zone:")) {
            (Kind::Edge, _) => Arrow::of(&self.name).map(|arrow| arrow.from).into_iter().collect(),
            (Kind::Zone, Some(zone)) => {
                let inside = |name: &&String| scenario.stands_in(name, zone);
                scenario.nodes.keys().filter(inside).map(String::as_str).collect()
            }
            _ => vec![&self.name],
        }
    }
}

/// All there is to take down: nodes and brokers refusing, zones refusing, edges refusing and hanging. Names alone: these.
pub(in crate::experiment) fn targets(checked: &Checked, only: &[String], hangs: bool) -> Result<Vec<Target>, String> {
    let scenario = &checked.scenario;
    let mut all: Vec<Target> = Vec::new();
    let mut add = |kind, name: &str, hangs| all.push(Target { kind, name: name.to_owned(), hangs });
    scenario.nodes.keys().for_each(|name| add(Kind::Node, name, hangs));
    scenario.queues.keys().for_each(|name| add(Kind::Broker, name, false));
    scenario.topics.keys().for_each(|name| add(Kind::Broker, name, hangs));
    for zone in zones(scenario) {
        add(Kind::Zone, &format!("zone:{zone}"), hangs);
    }
    for (from, to) in edges(scenario) {
        let name = Arrow { from, to }.to_string();
        add(Kind::Edge, &name, false);
        add(Kind::Edge, &name, true);
    }
    if only.is_empty() {
        return Ok(all);
    }
    let asked = |name: &String| Arrow::of(name).map_or_else(|| name.trim().to_owned(), |arrow| arrow.to_string());
    let asked: Vec<String> = only.iter().map(asked).collect();
    for name in &asked {
        if !all.iter().any(|target| target.name == *name) {
            return Err(unknown(name, &all));
        }
    }
    all.retain(|target| asked.contains(&target.name));
    Ok(all)
}

/// So many names are listed.
const SHOWN: usize = 12;

/// Why nothing of that name can be taken down, and what can.
fn unknown(name: &str, all: &[Target]) -> String {
    let known: BTreeSet<&str> = all.iter().map(|target| target.name.as_str()).collect();
    let like = crate::scenario::suggest(name, known.iter().copied());
    let edges = |is: &dyn Fn(Arrow<'_>) -> bool| {
        let all = known.iter().copied().filter(|name| Arrow::of(name).is_some_and(is));
        all.take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    };
    let listed = || {
        if let Some(asked) = Arrow::of(name).map(|arrow| edges(&|own| own.from == arrow.from || own.to == arrow.to))
            && !asked.is_empty()
        {
            return format!("there are {asked}");
        }
        let nodes: Vec<&str> = known.iter().copied().filter(|name| Arrow::of(name).is_none()).take(SHOWN).collect();
        let one = edges(&|_| true);
        let edge = one.split(", ").next().filter(|edge| !edge.is_empty());
        let edge = edge.map_or_else(String::new, |edge| format!(", and edges such as {edge}"));
        format!("there are {}{edge}", nodes.join(", "))
    };
    let help = like.map_or_else(listed, |meant| format!("did you mean `{meant}`?"));
    format!("nothing called `{name}` can be taken down; {help}")
}

/// Regions, and zones in them.
fn zones(scenario: &Scenario) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for zone in scenario.nodes.values().flat_map(Node::sites) {
        all.insert(zone.zone.as_ref().map_or_else(|| zone.region.clone(), |own| format!("{}/{own}", zone.region)));
    }
    all
}

/// Who calls whom, and who publishes where, each pair once.
pub(super) fn edges(scenario: &Scenario) -> BTreeSet<(&str, &str)> {
    let mut all = BTreeSet::new();
    for (name, client) in &scenario.clients {
        all.extend(client.calls.iter().map(|call| (name.as_str(), call.target.value.node.as_str())));
    }
    for (name, node) in &scenario.nodes {
        for program in node.programs() {
            all.extend(each_call(program).into_iter().map(|call| (name.as_str(), call.target.value.node.as_str())));
            all.extend(each_publish(program).into_iter().map(|publish| (name.as_str(), publish.to.value.as_str())));
        }
    }
    all
}

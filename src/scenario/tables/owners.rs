//! `team`, `libraries` and `deploys_with` of `[services.*]`: facts about people and releases that no run can find out.
//!
//! They change no request. `diagnose` asks with them how many services there are in fact, and `graph` draws teams as regions.
//! A fact that is absent is unknown and "not assessed"; an empty list or table says that there is nothing: deploys alone,
//! shares no library.
//!
//! - `team`: who owns the service.
//! - `libraries`: the libraries that it shares with others, each `logic` (rules of the business: a release of the library is
//!   a release of all that have it) or `utility` (logging, tracing: everybody takes the next version when it suits).
//! - `deploys_with`: services that must be released in the same breath. It holds in both directions, and of a chain of such
//!   services all are one unit.

use std::collections::BTreeMap;

use super::super::declare::{Kind, Maybe, Text, Told, table, words};
use super::super::print;
use super::super::read::{self, Desk, Value, spoken, suggest};
use super::super::vocab::Shape;
use super::super::written::{Given, NodeKind, Scenario};
use crate::diag::{Complaint, code};

words! {
    /// What a shared library holds.
    pub enum Holds {
        Logic = "logic", "Rules of the business: its release is a release of every service that has it.";
        Utility = "utility", "Logging, tracing, clients: each service takes the next version when it suits.";
    }
}

/// Names of services, each with its place.
pub(crate) enum Names {}

impl Kind for Names {
    type Value = Vec<Given<String>>;
    const SHAPE: Shape = Shape::List(&Shape::Name);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self::Value> {
        let mut all = Vec::new();
        for item in read::array(desk, key, value)? {
            all.extend(read::text(desk, key, item).map(|one| Given::at(one, item.span())));
        }
        Some(all)
    }
    fn print(names: &Self::Value) -> String {
        format!("[{}]", names.iter().map(|name| print::quoted(&name.value)).collect::<Vec<_>>().join(", "))
    }
}

/// Libraries by name, and what each holds.
pub(crate) enum Shared {}

impl Kind for Shared {
    type Value = BTreeMap<String, Given<Holds>>;
    const SHAPE: Shape = Shape::Words(<Holds as super::super::declare::Spoken>::WORDS);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self::Value> {
        let mut all = BTreeMap::new();
        for (name, inner) in read::table(desk, key, value)? {
            let holds = spoken(desk, name.get_ref(), inner);
            all.extend(holds.map(|holds| (name.get_ref().to_string(), Given::at(holds, name.span()))));
        }
        Some(all)
    }
    fn print(all: &Self::Value) -> String {
        let each = all.iter().map(|(name, holds)| format!("{} = {}", print::key(name), Holds::print(&holds.value)));
        let each: Vec<String> = each.collect();
        if each.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", each.join(", ")) }
    }
}

table! {
    /// Facts about people and releases.
    pub struct Owned: "[services.*]", "Who owns a service, and what it is released with.", meant Self::meant {
        team: Given<Option<String>> as Maybe<Text>, "Who owns it. Default: not assessed.";
        libraries: Given<Option<BTreeMap<String, Given<Holds>>>> as Maybe<Shared>,
            "Libraries it shares with others, by name: `{ \"common-domain\" = \"logic\", tracing = \"utility\" }`. Default: not assessed; `{}`: none.";
        deploys_with: Given<Option<Vec<Given<String>>>> as Maybe<Names>,
            "Services that must be released together with it. Default: not assessed; `[]`: none.";
    }
}

impl Owned {
    /// Nothing is known.
    pub(in crate::scenario) fn unknown() -> Self {
        Self { team: Given::default(None), libraries: Given::default(None), deploys_with: Given::default(None) }
    }

    /// What nobody said stands for nothing that runs, and is not told.
    fn meant(_: &Self, all: Vec<Told>) -> Vec<Told> {
        all.into_iter().filter(|told| told.value.is_some()).collect()
    }
}

/// Complains about names of services that there are not.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let service = |name: &str| scenario.nodes.get(name).is_some_and(|node| node.kind == NodeKind::Service);
    for (own, node) in &scenario.nodes {
        for name in node.owned.deploys_with.value.iter().flatten() {
            let told = |code, message: String| Complaint::error(code, message).at(name.place.clone());
            if name.value == *own {
                let complaint = told(code::CONTRADICTION, format!("`{own}` is always released together with itself"));
                complaints.push(complaint.help("name the others, or write [] where there are none"));
            } else if !service(&name.value) && !refused.contains(&name.value) {
                let complaint = told(code::UNKNOWN_NAME, format!("no service is called `{}`", name.value));
                let services = scenario.nodes.keys().map(String::as_str).filter(|name| service(name));
                complaints.push(match suggest(&name.value, services) {
                    Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
                    None => complaint,
                });
            }
        }
    }
}

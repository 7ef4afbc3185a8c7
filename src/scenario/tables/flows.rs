//! `[[flows]]`: what done means across asynchronous hops.

use toml::de::DeValue;

use super::super::declare::{Kind, Must, Needed, Record as _, Text, table};
use super::super::lower::Lowering;
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, View, suggest};
use super::super::vocab::Shape;
use super::super::written::{Given, Node, Scenario};
use super::consumers::groups;
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::model::{ClientId, EndpointId, NodeId, plan};

table! {
    /// `[[flows]]`.
    pub struct Flow: "[[flows]]",
    "What done means to the business, across asynchronous hops: from the moment a client's request was meant to set out until what it caused has first succeeded at the end, or at the last of several ends.",
    needs "write { name = \"order shipped\", starts = \"shoppers\", ends = \"shipping\" }" {
        name: Given<String> as Must<Text>, "Its name.";
        starts: Given<String> as Must<Text>, "The client whose requests begin it.";
        ends: Given<Vec<Given<String>>> as Needed<Ends>,
            "Where it ends: a service or one of its endpoints, a queue or `topic/group`; of a list, the last to be reached.";
    }
}

/// One name, or several.
pub(crate) enum Ends {}

impl Kind for Ends {
    type Value = Vec<Given<String>>;
    const SHAPE: Shape = Shape::Or(&[Shape::Text, Shape::List(&Shape::Text)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Given<String>>> {
        let DeValue::Array(items) = value.get_ref() else {
            return read::text(desk, key, value).map(|one| vec![Given::at(one, value.span())]);
        };
        if items.is_empty() {
            read::bad(desk, key, value, "a flow without an end");
        }
        let mut all = Vec::new();
        for item in items {
            all.extend(read::text(desk, key, item).map(|one| Given::at(one, item.span())));
        }
        Some(all)
    }
    fn print(ends: &Vec<Given<String>>) -> String {
        let ends: Vec<String> = ends.iter().map(|end| quoted(&end.value)).collect();
        if let [one] = ends.as_slice() { one.clone() } else { format!("[{}]", ends.join(", ")) }
    }
}

impl Flow {
    /// All flows; each has a name of its own.
    pub(in crate::scenario) fn all(desk: &mut Desk<'_>, views: &[View<'_>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for view in views {
            let Some(flow) = Self::read(desk, view) else { continue };
            if all.iter().any(|other| other.name.value == flow.name.value) {
                let complaint =
                    Complaint::error(code::NAME_TWICE, format!("two flows are called `{}`", flow.name.value));
                desk.push(complaint.at(flow.name.place.clone()));
            }
            all.push(flow);
        }
        all
    }
}

impl Lowering<'_> {
    /// Flows: every end is a bit, which the endpoints carry that reach it.
    pub(in crate::scenario) fn flows(&mut self) {
        let mut bit = 0;
        for flow in &self.scenario.flows {
            let mut goals = 0;
            for end in &flow.ends.value {
                let mask = 1 << bit;
                bit += 1;
                goals |= mask;
                for id in self.end(&end.value) {
                    self.plan.endpoints[id.index()].goals |= mask;
                }
            }
            let node = self.nodes[flow.starts.value.as_str()];
            let client = (0..).map(ClientId).zip(&self.plan.clients).find(|(_, c)| c.node == node);
            if let Some((client, _)) = client {
                self.plan.flows.push(plan::Flow { name: flow.name.value.clone(), client, goals });
            }
        }
    }

    /// The endpoints whose success is the end of a flow: all of a service, one of them, or all that consume from a broker.
    fn end(&self, end: &str) -> Vec<EndpointId> {
        let End { node, endpoint } = End::of(end);
        let from = format!("from {end}");
        let named = |at: EndpointId| self.plan.endpoint(at).name == end;
        let fits = |(host, name): (NodeId, &str), at: EndpointId| {
            let own = self.plan.node(host).name == node && (endpoint.is_none_or(str::is_empty) || named(at));
            own || name == from || name.strip_prefix(&from).is_some_and(|rest| rest.starts_with(' '))
        };
        self.endpoints.iter().filter(|(key, at)| fits(**key, **at)).map(|(_, at)| *at).collect()
    }
}

/// Complains about flows that begin or end nowhere, or at too much.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let bits: usize = scenario.flows.iter().map(|flow| flow.ends.value.len()).sum();
    if let (Some(flow), true) = (scenario.flows.last(), bits > 64) {
        let message = format!("the flows have {bits} ends together; at most 64");
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(flow.name.place.clone()));
    }
    scenario.flows.iter().for_each(|flow| ends(scenario, flow, refused, complaints));
}

/// A flow begins at a client and ends where something happens.
fn ends(scenario: &Scenario, flow: &Flow, refused: &[String], complaints: &mut Vec<Complaint>) {
    let unknown = |name: &Given<String>, known: Vec<&str>, what: &str| {
        let complaint = Complaint::error(code::UNKNOWN_NAME, format!("{what} is called `{}`", name.value));
        let complaint = complaint.at(name.place.clone());
        match suggest(&name.value, known) {
            Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
            None => {
                complaint.help("a flow runs from a client to a service, `service.endpoint`, a queue or `topic/group`")
            }
        }
    };
    if !scenario.clients.contains_key(&flow.starts.value) && !refused.contains(&flow.starts.value) {
        complaints.push(unknown(&flow.starts, scenario.clients.keys().map(String::as_str).collect(), "no client"));
    }
    let groups = groups(scenario);
    for end in &flow.ends.value {
        let End { node, endpoint } = End::of(&end.value);
        let has = |n: &Node| endpoint.is_none_or(|name| name.is_empty() || n.endpoints.contains_key(name));
        let served = scenario.nodes.get(node).is_some_and(has);
        let known = served || scenario.queues.contains_key(&end.value) || groups.contains(&end.value);
        if !known && !refused.iter().any(|name| end.value.contains(name.as_str())) {
            let names = scenario.nodes.keys().chain(scenario.queues.keys()).chain(&groups).map(String::as_str);
            complaints.push(unknown(end, names.collect(), "nothing a flow could end at"));
        }
    }
}

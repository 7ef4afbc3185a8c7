//! Queues and topics together: messages go somewhere, and somebody takes them.

use std::collections::BTreeSet;

use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::tables::{consumers, flows, queues, topics};
use crate::scenario::written::{Node, Publish, Scenario};

/// Complains about every name that leads nowhere.
pub(super) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for publish in scenario.nodes.values().flat_map(Node::programs).flat_map(walk::publishes) {
        publishing(scenario, publish, refused, complaints);
    }
    consumers::names(scenario, refused, complaints);
    queues::names(scenario, refused, complaints);
    flows::names(scenario, refused, complaints);
}

fn publishing(scenario: &Scenario, publish: &Publish, refused: &[String], complaints: &mut Vec<Complaint>) {
    let to = &publish.to;
    let topic = scenario.topics.contains_key(&to.value);
    if publish.send && topic {
        let message = format!("`{}` is a topic: nothing is sent to it", to.value);
        let complaint = Complaint::error(code::WRONG_TARGET, message).at(to.place.clone());
        complaints.push(complaint.help(format!("publish to it: {{ publish = \"{}\" }}", to.value)));
    } else if !topic && !scenario.queues.contains_key(&to.value) {
        let why = if scenario.nodes.contains_key(&to.value) { "messages go to a queue or a topic" } else { "" };
        queues::nowhere(scenario, to, why, !publish.send, refused, complaints);
    }
    if topic && publish.wait_for_reply.value {
        let message = format!("nobody replies to an event of the topic `{}`", to.value);
        let complaint = Complaint::error(code::WRONG_TARGET, message).at(publish.wait_for_reply.place.clone());
        complaints.push(complaint.help("send it to a queue, whose consumer replies"));
    }
    if let (Some(place), false) = (&publish.timeout.place, publish.wait_for_reply.value) {
        let complaint =
            Complaint::warning(code::UNUSED, "`timeout` of a message means something with wait_for_reply = true");
        complaints.push(complaint.at(Some(place.clone())));
    }
    if let (Some(key), true) = (&publish.key, scenario.queues.contains_key(&to.value)) {
        let complaint = Complaint::warning(
            code::UNUSED,
            "`key` of a step is about the partitions of a topic; groups of a queue are its own `key`",
        );
        complaints.push(complaint.at(key.place.clone()));
    }
}

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    queues::ranges(scenario, complaints);
    topics::ranges(scenario, complaints);
    consumers::ranges(scenario, complaints);
}

/// What runs but looks wrong.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let published: BTreeSet<&str> = scenario
        .nodes
        .values()
        .flat_map(Node::programs)
        .flat_map(walk::publishes)
        .map(|p| p.to.value.as_str())
        .collect();
    let dead: BTreeSet<&str> = dead_letter_queues(scenario);
    let names = scenario
        .queues
        .values()
        .map(|q| ("queue", &q.name))
        .chain(scenario.topics.values().map(|t| ("topic", &t.name)));
    for (kind, name) in names {
        let word = name.value.as_str();
        let consumed = !walk::consumers(scenario, word).is_empty();
        if !published.contains(word) && !dead.contains(word) {
            let complaint = Complaint::warning(code::UNUSED, format!("nobody publishes to the {kind} `{word}`"));
            complaints.push(complaint.at(name.place.clone()));
        } else if !consumed && !dead.contains(word) {
            let complaint = Complaint::warning(code::NOT_CONSUMED, format!("nobody consumes the {kind} `{word}`"));
            let complaint = complaint.at(name.place.clone()).label("its messages pile up");
            complaints.push(complaint.help(format!("let a service do it: consumes = [{{ from = \"{word}\" }}]")));
        }
    }
    queues::look(scenario, complaints);
    topics::look(scenario, complaints);
    consumers::look(scenario, complaints);
}

/// Queues that get dead letters, of queues or of those who read topics.
fn dead_letter_queues(scenario: &Scenario) -> BTreeSet<&str> {
    let queues = scenario.queues.values().filter_map(|queue| queue.dead_letter.as_ref());
    let readers = scenario.nodes.values().flat_map(|n| &n.consumes).filter_map(|c| c.dead_letter.as_ref());
    queues.chain(readers).map(|dead| dead.value.as_str()).collect()
}

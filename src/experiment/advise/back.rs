//! Whether a caller reads its own write back: what a call changes, and what the same request asks for besides.

use std::collections::BTreeSet;

use crate::scenario::each_step;
use crate::scenario::programs::{Hop, Programs, program, programs};
use crate::scenario::written::{Mode, Scenario, Verb};

/// A database and its table, empty where a query names none.
type Table<'s> = (&'s str, &'s str);

/// What programs read and write.
#[derive(Default)]
struct Touched<'s> {
    reads: BTreeSet<(Table<'s>, &'s str)>,
    writes: BTreeSet<Table<'s>>,
}

/// That a caller of a target, or whom it asks in the same request, may read what the call writes: once it is a message, that is
/// the old state until it is handled. `None` where nothing that it reads is written there.
pub(super) fn reads_back(scenario: &Scenario, from: &str, target: &str) -> Option<String> {
    let graph = programs(scenario);
    let end = crate::graph::End::of(target);
    let called = graph.find(&(end.node, end.endpoint()))?;
    let writes = touched(scenario, &graph, &[called], &|_, _| true).writes;
    let callers =
        graph.arrows().filter(|(by, to, hop)| by.0 == from && **to == *graph.name(called) && hop.call().is_some());
    let callers: Vec<usize> = callers.filter_map(|(by, ..)| graph.find(by)).collect();
    // What is asked in the same request: answers that are used, without the call itself.
    let asked = |to: usize, hop: &Hop<'_>| to != called && hop.call().is_some_and(|call| call.uses_reply.value);
    let reads = touched(scenario, &graph, &callers, &asked).reads;
    let ((database, table), reader) = reads.into_iter().find(|(table, _)| writes.contains(table))?;
    let (what, may) =
        if table.is_empty() { (database.to_owned(), "may read") } else { (format!("{database}.{table}"), "reads") };
    let who = if reader == from { format!("`{from}`") } else { format!("`{from}`, by `{reader}`,") };
    Some(format!(
        "{who} {may} `{what}` back, which `{}` writes: until the message is handled that is the old state",
        end.node
    ))
}

/// What some programs, and those that they lead to, read and write.
fn touched<'s>(
    scenario: &'s Scenario,
    graph: &Programs<'s>,
    first: &[usize],
    follows: &dyn Fn(usize, &Hop<'_>) -> bool,
) -> Touched<'s> {
    let (mut all, mut seen, mut open) = (Touched::default(), BTreeSet::new(), first.to_vec());
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        let name = *graph.name(at);
        if let Some(body) = program(scenario, name) {
            each_step(&body.steps, &mut |step| {
                let Verb::Query(call) = &step.verb else { return };
                let table = call.table.as_ref().map_or("", |table| table.value.as_str());
                let table = (call.target.value.node.as_str(), table);
                if call.mode.value == Mode::Read {
                    all.reads.insert((table, name.0));
                } else {
                    all.writes.insert(table);
                }
            });
        }
        open.extend(graph.leaving(at).filter(|(to, hop)| follows(*to, hop)).map(|(to, _)| to));
    }
    all
}

//! Steps.

use toml::de::{DeTable, DeValue};

use super::law::law;
use super::value::{self, array, count, flag, share, size, target, text, weight};
use super::view::{View, listed};
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::scenario::vocab::{self, VERBS};
use crate::scenario::written::{Arm, Branch, Call, Given, Guards, Mode, PAYLOAD, Place, Publish, Step, Target, Verb};

const MODES: [(&str, Mode); 3] =
    [("read", Mode::Read), ("write", Mode::Write), ("conditional_write", Mode::ConditionalWrite)];

/// A list of steps. What cannot be understood is left out, with a complaint.
pub(crate) fn steps(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Step>> {
    let items = array(desk, key, value)?;
    let mut all = Vec::new();
    for item in items {
        let (step, optional) = one(desk, item);
        if let Some(optional) = optional.filter(|o| o.value) {
            desk.push(
                Complaint::error(code::MISPLACED, "`optional` belongs on a branch of `parallel`")
                    .at(optional.place)
                    .help("a step outside cannot be missing; give it a probability, or put it into a parallel"),
            );
        }
        all.extend(step);
    }
    Some(all)
}

fn branches(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Branch>> {
    let items = array(desk, key, value)?;
    let mut all = Vec::new();
    for item in items {
        let (step, optional) = one(desk, item);
        let optional = optional.unwrap_or(Given::default(false));
        all.extend(step.map(|step| Branch { step, optional }));
    }
    if items.is_empty() {
        desk.push(Complaint::error(code::OUT_OF_RANGE, "`parallel` has no branches").at(value.span()));
    }
    Some(all)
}

/// One step, and whether it said that it is optional.
fn one(desk: &mut Desk<'_>, value: &Value<'_>) -> (Option<Step>, Option<Given<bool>>) {
    match value.get_ref() {
        DeValue::String(_) => (plain_call(desk, value), None),
        DeValue::Table(table) => verb_of(desk, table, value.span()).map_or((None, None), |verb| {
            if refused(desk, verb, table) {
                return (None, None);
            }
            let view = View::open(desk, verb.1, table, value.span());
            let optional =
                view.vocab.find("optional").filter(|k| !k.later).and_then(|_| view.read(desk, "optional", flag));
            (step(desk, verb.0, &view, value.span()), optional)
        }),
        _ => {
            value::wrong_kind(
                desk,
                "steps",
                value,
                "steps",
                "a step is a table such as { call = \"users\" }, or a text: a call",
            );
            (None, None)
        }
    }
}

fn plain_call(desk: &mut Desk<'_>, value: &Value<'_>) -> Option<Step> {
    let target = Given::at(target(desk, "call", value)?, value.span());
    Some(plain(value.span(), Verb::Call(call_to(target))))
}

/// A call about which nothing else is said. The sizes are those of the vocabulary.
fn call_to(target: Given<Target>) -> Call {
    Call {
        target,
        transport: None,
        policy: None,
        guards: Guards::default(),
        fallback: None,
        request: Given::default(PAYLOAD),
        response: Given::default(PAYLOAD),
        stream: Given::default(None),
        table: None,
        mode: Given::default(Mode::Read),
        uses_reply: Given::default(true),
        idempotent: Given::default(true),
    }
}

fn plain(place: Place, verb: Verb) -> Step {
    Step { place, times: Given::default(1), probability: Given::default(1.0), verb }
}

/// The one verb of a step; complains about none and about several.
fn verb_of(desk: &mut Desk<'_>, table: &DeTable<'_>, place: Place) -> Option<(&'static str, vocab::StepTable)> {
    let found: Vec<_> = VERBS.iter().filter(|(verb, _)| table.contains_key(*verb)).copied().collect();
    let names: Vec<&str> = found.iter().map(|(verb, _)| *verb).collect();
    match found.as_slice() {
        [one] => Some(*one),
        [] => {
            let all: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
            let mut complaint = Complaint::error(code::MISSING_KEY, "a step without a verb").at(place);
            let guess = table.keys().find_map(|k| value::suggest(k.get_ref(), all.iter().copied()));
            if let Some(verb) = guess {
                complaint = complaint.label(format!("did you mean `{verb}`?"));
            }
            desk.push(complaint.help(format!("the verbs are {}", listed(&all))));
            None
        }
        // `query … table` and the like are keys, not verbs; a publish may wait, so the first in the order of the verbs leads.
        _ => {
            let complaint = Complaint::error(code::MISPLACED, format!("a step does one thing, not {}", listed(&names)));
            desk.push(complaint.at(place).help("write one step for each, in order"));
            None
        }
    }
}

/// Whether the verb as a whole is not supported yet: then its other keys are not looked at.
fn refused(desk: &mut Desk<'_>, (verb, vocab): (&'static str, vocab::StepTable), table: &DeTable<'_>) -> bool {
    let later = vocab.find(verb).is_none_or(|key| key.later);
    if let (true, Some((name, _))) = (later, table.get_key_value(verb)) {
        super::view::not_yet(desk, verb, vocab.doc, name.span());
    }
    later
}

fn step(desk: &mut Desk<'_>, verb: &str, view: &View<'_>, place: Place) -> Option<Step> {
    let times = view.or_default(desk, "times", count);
    let probability = view.or_default(desk, "probability", share);
    let verb = match verb {
        "work" => Verb::Work(view.read(desk, "work", law)?.value),
        "wait" => Verb::Wait(view.read(desk, "wait", law)?.value),
        "call" => Verb::Call(call(desk, "call", view)?),
        "query" => Verb::Query(call(desk, "query", view)?),
        "cache" => cache(desk, view)?,
        "transaction" => transaction(desk, view)?,
        "send" | "publish" => Verb::Publish(publish(desk, verb, view)?),
        "parallel" => parallel(desk, view)?,
        "split" => Verb::Split(split(desk, view)),
        _ => return None,
    };
    Some(Step { place, times, probability, verb })
}

fn call(desk: &mut Desk<'_>, verb: &str, view: &View<'_>) -> Option<Call> {
    let is_query = verb == "query";
    let transport = if is_query { None } else { view.read(desk, "transport", text) };
    let stream = if is_query { Given::default(None) } else { view.maybe(desk, "stream", count) };
    let table = if is_query { view.read(desk, "table", text) } else { None };
    let mode = if is_query { view.choice(desk, "mode", &MODES) } else { Given::default(Mode::Read) };
    let uses_reply = if is_query { Given::default(true) } else { view.or_default(desk, "uses_reply", flag) };
    let idempotent = view.or_default(desk, "idempotent", flag);
    let policy = view.read(desk, "policy", text);
    let guards = super::policy::guards(desk, view);
    let fallback = view.read(desk, "fallback", steps);
    let request = view.or_default(desk, "request", size);
    let response = view.or_default(desk, "response", size);
    let target: Given<Target> = view.read(desk, verb, target)?;
    Some(Call {
        target,
        transport,
        policy,
        guards,
        fallback,
        request,
        response,
        stream,
        table,
        mode,
        uses_reply,
        idempotent,
    })
}

fn publish(desk: &mut Desk<'_>, verb: &str, view: &View<'_>) -> Option<Publish> {
    let send = verb == "send";
    let key = if send { None } else { view.read(desk, "key", text) };
    let wait_for_ack = view.maybe(desk, "wait_for_ack", flag);
    Some(Publish { to: view.read(desk, verb, text)?, send, key, wait_for_ack })
}

fn cache(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Verb> {
    let policy = view.read(desk, "policy", text);
    let guards = super::policy::guards(desk, view);
    let (request, response) = (view.or_default(desk, "request", size), view.or_default(desk, "response", size));
    let on_miss = view.read(desk, "on_miss", steps).map(|s| s.value).unwrap_or_default();
    let target: Given<Target> = view.read(desk, "cache", target)?;
    Some(Verb::Cache { call: Call { policy, guards, request, response, ..call_to(target) }, on_miss })
}

fn transaction(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Verb> {
    if !view.has("steps") {
        view.missing(
            desk,
            "steps",
            "what happens inside: { transaction = \"orders-db\", steps = [{ query = \"orders-db\" }] }",
        );
    }
    let steps = view.read(desk, "steps", steps).map(|s| s.value).unwrap_or_default();
    Some(Verb::Transaction { database: view.read(desk, "transaction", text)?, steps })
}

fn parallel(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Verb> {
    let wait_for = view.or_default(desk, "wait_for", |desk, key, value| match value.get_ref().as_str() {
        Some("all") => Some(None),
        Some("any") => Some(Some(1)),
        Some(other) => {
            value::bad(desk, key, value, &format!("`{other}` is neither \"all\" nor \"any\" nor a number of branches"));
            None
        }
        None => count(desk, key, value).map(Some),
    });
    let branches = view.read(desk, "parallel", branches)?.value;
    Some(Verb::Parallel { branches, wait_for })
}

fn split(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<Arm> {
    let mut arms = Vec::new();
    for arm in view.list(desk, "split") {
        let weight = arm.or_default(desk, "weight", weight);
        let steps = arm.read(desk, "steps", steps).map(|s| s.value).unwrap_or_default();
        arms.push(Arm { weight, steps });
    }
    arms
}

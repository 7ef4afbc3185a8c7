//! Faults.

use super::law;
use super::value::{count, duration, flag, number, share, text};
use super::view::{View, listed};
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::random::dist::Law;
use crate::scenario::written::{Fault, FaultKind, Given, Unavailable, When};
use crate::units::Span;

const MODES: [(&str, Unavailable); 4] = [
    ("refuse", Unavailable::Refuse),
    ("hang", Unavailable::Hang),
    ("drop", Unavailable::Drop),
    ("black_hole", Unavailable::BlackHole),
];

/// One fault; `None` where it cannot be said what it is.
pub(super) fn fault(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Fault> {
    if !view.has("kind") {
        view.missing(desk, "kind", "write kind = \"outage\"");
    }
    let target = view.read(desk, "target", text);
    let kind = view.has("kind").then(|| view.word(desk, "kind", &FaultKind::WORDS)).flatten();
    let anywhere = kind.as_ref().is_some_and(|kind| kind.value == FaultKind::DiscoveryOutage);
    if !view.has("target") && !anywhere {
        view.missing(desk, "target", "name a node: target = \"payments\"");
    }
    let instant = kind.as_ref().is_some_and(|kind| kind.value.is_instant());
    let when = when(desk, view, instant);
    let (kind, target) = (kind?, target.or_else(|| anywhere.then(|| Given::default(String::new())))?);
    words(desk, view, &kind);
    let name = view.read(desk, "name", text);
    let mut mode = view.choice(desk, "mode", &MODES);
    if kind.value == FaultKind::Partition && mode.place.is_none() {
        mode.value = Unavailable::Drop;
    }
    Some(Fault {
        name: name.unwrap_or_else(|| Given::default(format!("{} {}", kind.value.word(), target.value).trim().into())),
        kind,
        target,
        when,
        mode,
        replicas: view.maybe(desk, "replicas", count),
        factor: view.maybe(desk, "factor", number),
        add: view.maybe(desk, "add", duration),
        jitter: view.or_default(desk, "jitter", duration),
        probability: view.or_default(desk, "probability", share),
        place: view.place.clone(),
    })
}

/// Complains about words that mean nothing for the kind, and about those it needs.
fn words(desk: &mut Desk<'_>, view: &View<'_>, kind: &Given<FaultKind>) {
    const ALL: [&str; 6] = ["mode", "replicas", "factor", "add", "jitter", "probability"];
    let word = kind.value.word();
    let meant = kind.value.words();
    for key in ALL.into_iter().filter(|key| !meant.contains(key)) {
        if let Some(place) = view.place_of(key) {
            let message = format!("`{key}` means nothing for a fault of kind `{word}`");
            let complaint = Complaint::error(code::FAULT_WORDS, message).at(place);
            let known =
                if meant.is_empty() { "it knows no such word".into() } else { format!("it knows {}", listed(meant)) };
            desk.push(complaint.help(known));
        }
    }
    if let Some(key) = kind.value.needs().filter(|key| !view.has(key)) {
        let complaint = Complaint::error(code::FAULT_WORDS, format!("a fault of kind `{word}` needs `{key}`"));
        desk.push(complaint.at(view.place.clone()).help(view.vocab.find(key).map_or("", |key| key.doc)));
    }
}

/// When it is on: at a time, or at random; one that is over at `instant` has no length.
fn when(desk: &mut Desk<'_>, view: &View<'_>, instant: bool) -> When {
    for key in ["duration", "mttr"].into_iter().filter(|key| instant && view.has(key)) {
        let complaint = Complaint::error(code::FAULT_WORDS, format!("`{key}`: this fault is over at once"));
        desk.push(complaint.at(view.place_of(key)).help("once: at = \"60s\"; again and again: mtbf = \"2h\""));
    }
    let fixed = ["at", "duration"].into_iter().find(|key| view.has(key));
    let random = ["mtbf", "mttr", "busy_only"].into_iter().find(|key| view.has(key));
    let complain = |desk: &mut Desk<'_>, message: String, place| {
        let complaint = Complaint::error(code::FAULT_TIME, message).at(place);
        desk.push(
            complaint.help("once: at = \"60s\" and duration = \"30s\"; at random: mtbf = \"2h\" and mttr = \"5m\""),
        );
    };
    match (fixed, random) {
        (Some(fixed), Some(random)) => {
            complain(
                desk,
                format!("`{fixed}` and `{random}`: a fault has a time or random times"),
                view.place_of(random),
            );
        }
        (None, None) => complain(desk, "the fault does not say when".into(), view.place.clone()),
        (Some("duration"), None) => complain(desk, "`duration` without `at`".into(), view.place_of("duration")),
        (None, Some(_)) => {
            for key in ["mtbf", "mttr"].into_iter().filter(|key| !(view.has(key) || instant && *key == "mttr")) {
                complain(desk, format!("a fault at random needs `{key}`"), view.place.clone());
            }
        }
        (Some(_), None) => {}
    }
    if random.is_some() {
        let none = || Given::default(Law::Constant { value: 1e9 });
        return When::Random {
            mtbf: view.read(desk, "mtbf", mean_or_law).unwrap_or_else(none),
            mttr: if instant {
                Given::default(Law::Constant { value: 0.0 })
            } else {
                view.read(desk, "mttr", mean_or_law).unwrap_or_else(none)
            },
            busy_only: view.or_default(desk, "busy_only", flag),
        };
    }
    When::At {
        at: view.read(desk, "at", duration).unwrap_or_else(|| Given::default(Span::ZERO)),
        duration: view.maybe(desk, "duration", duration),
    }
}

/// A plain time is the mean of an exponential; a table is any law.
fn mean_or_law(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Law> {
    if value.get_ref().is_table() {
        return law(desk, key, value);
    }
    duration(desk, key, value).map(|mean| Law::Exponential { mean: mean.0 as f64 })
}

//! Clients.

use toml::de::DeValue;

use super::files::arrivals as recorded;
use super::law::{counts, fill_shares, law};
use super::value::{count, duration, flag, number, rate, share, size, target, text, zone};
use super::view::{View, rule};
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::scenario::declare::Record as _;
use crate::scenario::vocab::SHARED_CALL;
use crate::scenario::written::{Arrivals, Client, ClientCall, Given, Load, PAYLOAD, Phase, Retries, Target};
use crate::units::Rate;

/// One client.
pub(super) fn client(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Client {
    Client {
        calls: calls(desk, view),
        transport: view.read(desk, "transport", text),
        browser: view.or_default(desk, "browser", flag),
        load: load(desk, view),
        timeout: view.maybe(desk, "timeout", duration),
        policy: view.read(desk, "policy", text),
        retries: rule(desk, view, "retries", Retries::read),
        priority: view.or_default(desk, "priority", count),
        zone: view.maybe(desk, "zone", zone),
        weight: view.maybe(desk, "weight", number),
        name,
    }
}

fn calls(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<ClientCall> {
    let Some(value) = view.get("calls") else {
        view.missing(desk, "calls", "name whom it calls: calls = \"edge\"");
        return Vec::new();
    };
    let DeValue::Array(items) = value.get_ref() else {
        return view.read(desk, "calls", target).map(only).into_iter().collect();
    };
    let mut calls = Vec::new();
    let mut shares = Vec::new();
    for item in items {
        if let Some((call, share)) = shared(desk, item) {
            calls.push(call);
            shares.push(share);
        }
    }
    if items.is_empty() {
        desk.push(Complaint::error(code::SHARES, "`calls` is empty").at(value.span()).help("name at least one target"));
        return Vec::new();
    }
    let shares = fill_shares(desk, &shares, Some(value.span())).unwrap_or_else(|| vec![0.0; calls.len()]);
    calls.into_iter().zip(shares).map(|(call, share)| ClientCall { share, ..call }).collect()
}

/// A call about which nothing else is said.
fn only(target: Given<Target>) -> ClientCall {
    ClientCall { target, share: 1.0, request: Given::default(PAYLOAD), response: Given::default(PAYLOAD) }
}

fn shared(desk: &mut Desk<'_>, item: &Value<'_>) -> Option<(ClientCall, Option<f64>)> {
    let table = match item.get_ref() {
        DeValue::String(_) => return Some((only(Given::at(target(desk, "calls", item)?, item.span())), None)),
        _ => super::value::table(desk, "calls", item)?,
    };
    let view = View::open(desk, &SHARED_CALL, table, item.span());
    if !view.has("to") {
        view.missing(desk, "to", "write { to = \"edge\", share = \"20%\" }");
    }
    let share = view.read(desk, "share", share).map(|s| s.value);
    let (request, response) = (view.or_default(desk, "request", size), view.or_default(desk, "response", size));
    Some((ClientCall { request, response, ..only(view.read(desk, "to", target)?) }, share))
}

/// Keys of an open load.
const OPEN: [&str; 6] = ["rate", "phases", "arrivals", "bursty", "replay", "batch"];

fn load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    let closed = view.has("users") || view.has("think_time");
    let open = OPEN.into_iter().find(|key| view.has(key));
    if let (true, Some(open)) = (closed, open) {
        desk.push(
            Complaint::error(code::OPEN_AND_CLOSED, format!("`{open}` and `{}`: a load is open or closed, not both", if view.has("users") { "users" } else { "think_time" }))
                .at(view.place_of(open))
                .help(
                    "open: requests come at a rate whether or not earlier ones were answered (the public, other systems); \
                     closed: each user waits for the answer and thinks before the next (a load test, a call centre), so a \
                     slow system is asked less. Keep one, or write two clients",
                ),
        );
    }
    if closed { closed_load(desk, view) } else { open_load(desk, view) }
}

fn closed_load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    if !view.has("users") {
        view.missing(desk, "users", "a closed load has so many users: users = 50");
    }
    let users = view.read(desk, "users", count).unwrap_or(Given::default(1));
    Load::Closed { users, think_time: view.or_default(desk, "think_time", law) }
}

fn open_load(desk: &mut Desk<'_>, view: &View<'_>) -> Load {
    let arrivals = pattern(desk, view);
    let phases = phases(desk, view, &arrivals.value);
    Load::Open { arrivals, phases, batch: view.maybe(desk, "batch", counts) }
}

fn pattern(desk: &mut Desk<'_>, view: &View<'_>) -> Given<Arrivals> {
    if view.has("replay") {
        return replay(desk, view);
    }
    let is_table = view.get("arrivals").is_some_and(|v| v.get_ref().is_table());
    if is_table {
        let gaps = view.read(desk, "arrivals", law);
        return gaps
            .map_or(Given::default(Arrivals::Poisson), |g| Given { value: Arrivals::Gaps(g.value), place: g.place });
    }
    let word = view.choice(desk, "arrivals", &[("poisson", 0), ("constant", 1), ("bursty", 2)]);
    if let (0 | 1, Some(place)) = (word.value, view.place_of("bursty")) {
        let complaint = Complaint::error(code::LOAD, "`bursty` without arrivals = \"bursty\"").at(place);
        desk.push(complaint.help("write arrivals = \"bursty\" beside it"));
    }
    let value = match word.value {
        0 => Arrivals::Poisson,
        1 => Arrivals::Constant,
        _ => bursty(desk, view),
    };
    Given { value, place: word.place }
}

fn bursty(desk: &mut Desk<'_>, view: &View<'_>) -> Arrivals {
    if !view.has("bursty") {
        let example = "bursty = { low = \"40/s\", high = \"80/s\", stay_low = \"1s\", stay_high = \"1s\" }";
        view.missing(desk, "bursty", &format!("write {example}"));
        return Arrivals::Poisson;
    }
    let inner = view.inner(desk, "bursty");
    for key in ["low", "high", "stay_low", "stay_high"] {
        if !inner.has(key) {
            inner.missing(desk, key, "it needs low, high, stay_low and stay_high");
        }
    }
    let low = inner.read(desk, "low", rate).map_or(Rate(0.0), |r| r.value);
    let high = inner.read(desk, "high", rate).map_or(Rate(0.0), |r| r.value);
    let stay_low = inner.read(desk, "stay_low", duration).map_or(crate::units::Span::ZERO, |d| d.value);
    let stay_high = inner.read(desk, "stay_high", duration).map_or(crate::units::Span::ZERO, |d| d.value);
    Arrivals::Bursty { low, high, stay_low, stay_high }
}

fn replay(desk: &mut Desk<'_>, view: &View<'_>) -> Given<Arrivals> {
    if let Some(place) = view.place_of("arrivals") {
        let complaint = Complaint::error(code::LOAD, "`replay` and `arrivals` both say when requests come").at(place);
        desk.push(complaint.help("keep one of them"));
    }
    let read = view.read(desk, "replay", text).and_then(|path| Some((recorded(desk, &path)?, path)));
    read.map_or(Given::default(Arrivals::Poisson), |(times, path)| Given {
        value: Arrivals::Replay { path: path.value, times },
        place: path.place,
    })
}

fn phases(desk: &mut Desk<'_>, view: &View<'_>, arrivals: &Arrivals) -> Vec<Phase> {
    let rated = !view.has("replay") && matches!(arrivals, Arrivals::Poisson | Arrivals::Constant);
    let names: Vec<&str> = ["rate", "phases"].into_iter().filter(|key| view.has(key)).collect();
    match (rated, names.as_slice()) {
        (true, []) if !says_itself(view) => {
            view.missing(desk, "rate", "an open load has a rate (rate = \"120/s\") or phases; a closed one has users");
        }
        (true, ["rate"]) => {
            let rate = view.read(desk, "rate", rate).unwrap_or(Given::default(Rate(0.0)));
            return vec![Phase { duration: None, rate, ramp_to: None }];
        }
        (true, ["phases"]) => return phase_list(desk, view),
        (true, [_, _]) => {
            let complaint = Complaint::error(code::LOAD, "`rate` and `phases` both say how many requests come");
            desk.push(complaint.at(view.place_of("rate")).help("keep one; a rate is one endless phase"));
            view.read(desk, "rate", rate);
            return phase_list(desk, view);
        }
        (false, [name, ..]) => {
            let complaint = Complaint::error(
                code::LOAD,
                format!("`{name}` has no meaning here: the arrivals say themselves how many come"),
            );
            desk.push(complaint.at(view.place_of(name)).help("leave it out"));
        }
        _ => {}
    }
    Vec::new()
}

/// Whether the arrivals were meant to say how many come, understood or not.
fn says_itself(view: &View<'_>) -> bool {
    let arrivals = view.get("arrivals").map(toml::Spanned::get_ref);
    view.has("bursty") || arrivals.is_some_and(|v| v.is_table() || v.as_str() == Some("bursty"))
}

fn phase_list(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<Phase> {
    let views = view.list(desk, "phases");
    let mut all = Vec::new();
    for (i, phase) in views.iter().enumerate() {
        if !phase.has("rate") {
            phase.missing(desk, "rate", "write { duration = \"3m\", rate = \"120/s\" }");
        }
        let ramp_to = phase.read(desk, "ramp_to", rate);
        if !phase.has("duration") && (i + 1 < views.len() || ramp_to.is_some()) {
            phase.missing(desk, "duration", "only the last phase may go on for ever, and not while it ramps");
        }
        let rate = phase.read(desk, "rate", rate).unwrap_or(Given::default(Rate(0.0)));
        all.push(Phase { duration: phase.read(desk, "duration", duration), rate, ramp_to });
    }
    if views.is_empty() {
        desk.push(Complaint::error(code::LOAD, "`phases` is empty").at(view.place_of("phases")));
    }
    all
}

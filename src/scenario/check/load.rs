//! What the forecast warns of: too much, far too much, or so little that nothing ever waits.

use std::collections::BTreeSet;

use super::super::analytic::forecast;
use super::super::analytic::power;
use super::super::analytic::{Busiest, ConsumerForecast, Forecast, NodeForecast, Shared, SharedKind};
use super::super::tables::mesh;
use super::{cycles, walk};
use crate::diag::{Complaint, code, nouns};
use crate::random::dist::Law;
use crate::scenario::law_mean::mean;
use crate::scenario::written::{Consumer, Endpoint, Load, Node, NodeKind, Scenario, Target};

/// Warns of what the forecast shows.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let forecast = forecast(scenario);
    if let Some(client) = forecast.spins.as_ref().and_then(|name| scenario.clients.get(name)) {
        let message = format!(
            "the users of `{}` neither think nor wait: endless requests would come at one instant",
            client.name.value
        );
        complaints.push(
            Complaint::error(code::LOAD, message)
                .at(client.name.place.clone())
                .help("give them a think_time, or the callee work"),
        );
    }
    if forecast.explodes {
        let why = "on average each request causes at least one more of its kind";
        let Some((path, place)) = cycles::any(scenario) else {
            let message = "the load is more than can be counted";
            let first = scenario.clients.values().next().and_then(|client| client.name.place.clone());
            let help = "lower the rates, or the `times` of calls";
            complaints.push(Complaint::error(code::LOAD, message).at(first).help(help));
            return;
        };
        let message = format!("calls in a circle cause ever more calls: {path}");
        let complaint = Complaint::error(code::ENDLESS, message).at(place).label(why);
        complaints.push(complaint.help("lower the probabilities or times in the circle"));
        return;
    }
    events(scenario, &forecast, complaints);
    forecast.shared.iter().for_each(|shared| overrun(scenario, shared, complaints));
    crowds(&forecast).for_each(|expected| falls_behind(scenario, expected, complaints));
    super::metastable::look(scenario, &forecast.nodes, complaints);
    mesh::look(scenario, &forecast.nodes[scenario.nodes.len()..], complaints);
    for (node, expected) in scenario.nodes.values().zip(&forecast.nodes) {
        overload(node, expected, complaints);
        never_queues(scenario, node, expected, complaints);
        for endpoint in node.endpoints.values() {
            whole_span(scenario, node, endpoint, complaints);
        }
    }
}

/// Nodes that are asked for more than they can do, in words.
pub(in crate::scenario) fn overloaded(forecast: &Forecast) -> Vec<String> {
    let worst = |node: &NodeForecast| node.utilization.max(node.held).max(node.peak_utilization);
    let told = |node: &NodeForecast| {
        let peak = at_peak(node.utilization.max(node.held));
        format!("{}: {:.2} × what it can do{peak}", node.name, worst(node))
    };
    let nodes = forecast.nodes.iter().filter(|node| worst(node) > 1.0 + 1e-9).map(told);
    let told = |shared: &Shared| {
        let peak = at_peak(shared.used / shared.room);
        format!("{}: {:.2} × what it can do{peak}", name_of(shared), shared.peak.max(shared.used) / shared.room)
    };
    let worst = |c: &ConsumerForecast| c.utilization.max(c.peak_utilization);
    let behind = |c: &ConsumerForecast| {
        let peak = at_peak(c.utilization);
        let who =
            c.pool.as_ref().map_or_else(|| format!("consumers of {}", c.from), |pool| format!("workers of {pool}"));
        format!("{who} in {}: {:.2} × what they can do{peak}", c.service, worst(c))
    };
    let consumers = crowds(forecast).filter(|c| worst(c) > 1.0 + 1e-9).map(behind);
    let alone = |c: &ConsumerForecast| {
        let busiest = c.busiest.filter(|b| b.over > 0 && worst(c) <= 1.0 + 1e-9)?;
        let times = busiest.rate.max(busiest.peak_rate) / busiest.can;
        let peak = at_peak(busiest.rate / busiest.can);
        Some(format!("{} in {}: {times:.2} × what {} can do{peak}", members(c, busiest), c.service, one(busiest.over)))
    };
    let members = forecast.consumers.iter().filter_map(alone);
    nodes
        .chain(consumers)
        .chain(members)
        .chain(forecast.shared.iter().filter(|shared| overruns(shared)).map(told))
        .collect()
}

/// Consumers, of those that share their workers the first.
fn crowds(forecast: &Forecast) -> impl Iterator<Item = &ConsumerForecast> {
    let mut seen = BTreeSet::new();
    forecast.consumers.iter().filter(move |c| {
        let pool = c.pool.as_ref().map(|pool| (c.service.as_str(), pool.as_str()));
        pool.is_none_or(|pool| seen.insert(pool))
    })
}

/// That an overload is not one all the time: on average it can do what is asked of it.
fn at_peak(average: f64) -> &'static str {
    if average > 1.0 + 1e-9 { "" } else { " at its peak" }
}

/// Whether more is asked for than there is.
fn overruns(shared: &Shared) -> bool {
    shared.room > 0.0 && shared.used.max(shared.peak) > shared.room * (1.0 + 1e-9)
}

fn name_of(shared: &Shared) -> String {
    let Shared { kind, from, to, .. } = shared;
    match kind {
        SharedKind::Pool => format!("the pool of `{from}` to `{to}`"),
        SharedKind::Connections(transport) => format!("`{transport}` from `{from}` to `{to}`"),
        SharedKind::Link => format!("the link `{from} -> {to}`"),
    }
}

/// `2 of 4 members of orders/billing`.
fn members(consumer: &ConsumerForecast, busiest: Busiest) -> String {
    let group = consumer.group.as_deref().unwrap_or_default();
    format!("{} of {} members of {}/{group}", busiest.over, consumer.members, consumer.from)
}

fn one(over: u64) -> &'static str {
    if over == 1 { "it" } else { "each" }
}

/// Warns of members of a group whose partitions bring more than they can do, where the group as a whole could do it.
fn partitions_fall_behind(scenario: &Scenario, expected: &ConsumerForecast, complaints: &mut Vec<Complaint>) {
    let Some(busiest) = expected.busiest.filter(|b| b.over > 0) else { return };
    let height = if busiest.rate > busiest.can { "" } else { " at the height of the load" };
    let (rate, can, partitions) = (busiest.rate.max(busiest.peak_rate), busiest.can, busiest.partitions);
    let more = if partitions == 1 { "" } else { "s" };
    let fall = if busiest.over == 1 { "falls" } else { "fall" };
    let message = format!(
        "{} {fall} behind{height}: with {partitions} partition{more} {} is offered up to {rate:.1} records/s and can do {can:.1}/s",
        members(expected, busiest),
        one(busiest.over)
    );
    let place = consumer_of(scenario, expected).and_then(|c| c.from.place.clone());
    complaints.push(Complaint::warning(code::OVERLOADED, message).at(place).help(
        "a partition has one member, and nobody helps it: its lag grows while that lasts; let partitions be a multiple of \
         the members, or give it less to do",
    ));
}

fn consumer_of<'s>(scenario: &'s Scenario, expected: &ConsumerForecast) -> Option<&'s Consumer> {
    let same =
        |c: &&Consumer| c.from.value == expected.from && c.group.as_ref().map(|g| &g.value) == expected.group.as_ref();
    scenario.nodes.get(&expected.service)?.consumes.iter().find(same)
}

/// Warns of consumers that are offered more messages than they can handle.
fn falls_behind(scenario: &Scenario, expected: &ConsumerForecast, complaints: &mut Vec<Complaint>) {
    let ConsumerForecast { from, service, members, utilization, peak_utilization, .. } = expected;
    let (most, height) = if *utilization > 1.0 + 1e-9 {
        (utilization, "")
    } else if *peak_utilization > 1.0 + 1e-9 {
        (peak_utilization, " at the height of the load")
    } else {
        return partitions_fall_behind(scenario, expected, complaints);
    };
    let consumer = consumer_of(scenario, expected);
    let (whom, who) = match &expected.pool {
        Some(pool) if *members == 1 => (String::new(), format!("the one worker of `{pool}`")),
        Some(pool) => (String::new(), format!("the {members} workers of `{pool}`")),
        None if *members == 1 => (format!(" `{from}`"), "its one consumer".into()),
        None => (format!(" `{from}`"), format!("its {members} consumers")),
    };
    let are = if *members == 1 { "is" } else { "are" };
    let message = format!(
        "`{service}` falls behind{whom}{height}: {who} {are} offered {:.0} % of what {} can handle",
        most * 100.0,
        if *members == 1 { "it" } else { "they" }
    );
    let complaint = Complaint::warning(code::OVERLOADED, message).at(consumer.and_then(|c| c.from.place.clone()));
    complaints.push(complaint.help("its backlog grows while that lasts; give it more consumers, or less to do"));
}

/// Warns of pools, connections and links that are asked for more than they have.
fn overrun(scenario: &Scenario, shared: &Shared, complaints: &mut Vec<Complaint>) {
    if !overruns(shared) {
        return;
    }
    let Shared { kind, from, to, room, used, peak } = shared;
    let (most, height) = (used.max(*peak), if used > room { "" } else { " at the height of the load" });
    let node = scenario.nodes.get(from);
    let at = node.map(|n| &n.name).or_else(|| scenario.clients.get(from).map(|c| &c.name));
    let (what, place, help) = match kind {
        SharedKind::Pool => (
            format!("{most:.1} connections for {room:.0}"),
            node.and_then(|n| n.pools.get(to)).and_then(|pool| pool.name.place.clone()),
            "requests wait for a connection, and fail when they have waited too long; make the pool larger, or hold its connections for less long",
        ),
        SharedKind::Connections(_) => (
            format!("{most:.1} in flight for {room:.0}"),
            at.and_then(|name| name.place.clone()),
            "requests wait for a connection; allow more ([transports.*] connections.max), or answer sooner",
        ),
        SharedKind::Link => (
            format!("{:.0} kB/s for {:.0}", most / 1e3, room / 1e3),
            scenario
                .network
                .links
                .iter()
                .find(|l| l.from.value == *from && l.to.value == *to)
                .and_then(|l| l.from.place.clone()),
            "messages wait for one another ever longer; send fewer bytes, or give it more bandwidth",
        ),
    };
    let message = format!("{} is overloaded{height}: {what}", name_of(shared));
    complaints.push(Complaint::warning(code::OVERLOADED, message).at(place).help(help));
}

fn events(scenario: &Scenario, forecast: &Forecast, complaints: &mut Vec<Complaint>) {
    let limit = scenario.sim.max_events.value;
    if forecast.events <= limit as f64 {
        return;
    }
    let place = scenario.sim.max_events.place.clone().or(scenario.sim.duration.place.clone());
    let message =
        format!("one replication needs about {} events; max_events is {}", power(forecast.events), power(limit as f64));
    let complaint = Complaint::error(code::TOO_LONG_A_RUN, message).at(place);
    complaints.push(complaint.help("shorten the duration, lower the rates, or raise max_events in [sim]"));
}

fn overload(node: &Node, expected: &NodeForecast, complaints: &mut Vec<Complaint>) {
    let NodeForecast { offered, utilization, peak_utilization, held, .. } = expected;
    let name = &node.name.value;
    let percent = |x: f64| format!("{:.0} %", x * 100.0);
    let cpus = expected.cpus.unwrap_or_default();
    let (message, help) = if let Some(primary) = expected.primary.filter(|_| *utilization > 1.0 + 1e-9) {
        (
            format!(
                "the primary of `{name}` is overloaded: {primary:.1} workers' worth of work for {:.0} ({}); its line grows as long as the run lasts",
                cpus / f64::from(node.replicas.value),
                percent(*utilization)
            ),
            "writes go to one replica, however many there are: less work a write, fewer writes, or a database for each part of the data",
        )
    } else if *utilization > 1.0 + 1e-9 {
        let fate = if node.queue_limit.value.is_some() {
            "what does not fit is refused"
        } else {
            "its line grows as long as the run lasts"
        };
        (
            format!(
                "`{name}` is overloaded: {offered:.1} workers' worth of work for {cpus:.0} ({}); {fate}",
                percent(*utilization)
            ),
            "give it more replicas or workers, less work, or a lower rate; figures of an overloaded node depend on how long the run is",
        )
    } else if *held > 1.0 + 1e-9 {
        (
            format!(
                "`{name}` is overloaded: waiting for its callees alone would hold {} of its workers",
                percent(*held)
            ),
            "give it more workers, or io = \"async\"",
        )
    } else if *peak_utilization > 1.0 + 1e-9 {
        (
            format!("`{name}` is overloaded at the height of the load ({})", percent(*peak_utilization)),
            "its line grows while that lasts",
        )
    } else {
        return;
    };
    complaints.push(Complaint::warning(code::OVERLOADED, message).at(node.name.place.clone()).help(help));
}

/// A node with far more workers than anyone asks for hides the very thing a simulation is for.
fn never_queues(scenario: &Scenario, node: &Node, expected: &NodeForecast, complaints: &mut Vec<Complaint>) {
    let consumes = !node.consumes.is_empty();
    if matches!(node.kind, NodeKind::External | NodeKind::Cache)
        || consumes
        || expected.rate <= 0.0
        || node.cores.value.is_some()
    {
        return;
    }
    let users: Option<f64> = scenario
        .clients
        .values()
        .map(|client| match &client.load {
            Load::Closed { users, .. } => Some(f64::from(users.value)),
            Load::Open { .. } => None,
        })
        .sum();
    let busy = expected.held * expected.workers.unwrap_or_default();
    let why = match expected.workers {
        None => "its workers are unlimited".to_owned(),
        Some(workers) if users.is_some_and(|users| users <= workers / f64::from(node.most_replicas())) => {
            format!("there are fewer users than its {workers:.0} {}", nouns(workers.round() as u64, "worker"))
        }
        // Even a Poisson number of busy workers stays below this but for one time in far more than a billion.
        Some(workers) if workers > 10.0 && busy + 8.0 * busy.sqrt() + 8.0 < workers => {
            format!("it has {workers:.0} workers and needs about {busy:.1}")
        }
        Some(_) => return,
    };
    let complaint =
        Complaint::note(code::NEVER_QUEUES, format!("nothing will ever queue at `{}`: {why}", node.name.value));
    complaints.push(complaint.at(node.name.place.clone()).help("if it runs on few cores, say so: cores = 2"));
}

/// The median of a work that was typed as percentiles.
fn median(endpoint: &Endpoint) -> Option<f64> {
    match &endpoint.work.value {
        Some(Law::Percentiles(points)) => points.iter().find(|(q, _)| *q == 0.5).map(|(_, value)| *value),
        _ => None,
    }
}

/// What everything an endpoint calls does, added up: medians where they are known, means elsewhere.
fn below(scenario: &Scenario, endpoint: &Endpoint) -> Option<f64> {
    let calls = walk::calls(endpoint);
    let of = |target: &Target| scenario.nodes.get(&target.node)?.endpoints.get(&target.endpoint).map(AsRef::as_ref);
    if calls.is_empty() {
        return None;
    }
    let own = |e: &Endpoint| median(e).or_else(|| e.work.value.as_ref().map(mean)).unwrap_or_default();
    Some(calls.iter().filter_map(|call| of(&call.target.value)).map(own).sum())
}

/// Measured spans include the spans of callees, so they grow from callee to caller; own work has no reason to. Two
/// hops in a row that do are suspicious.
fn whole_span(scenario: &Scenario, node: &Node, endpoint: &Endpoint, complaints: &mut Vec<Complaint>) {
    let grows = |e: &Endpoint| Some(median(e)? > below(scenario, e)?);
    let of = |target: &Target| scenario.nodes.get(&target.node)?.endpoints.get(&target.endpoint).map(AsRef::as_ref);
    let next = walk::calls(endpoint).iter().any(|call| of(&call.target.value).and_then(grows) == Some(true));
    if grows(endpoint) == Some(true) && next {
        let message = format!(
            "`{}`: its work and its callee's are each longer than all they call: whole spans?",
            node.name.value
        );
        let complaint = Complaint::warning(code::WHOLE_SPAN, message).at(endpoint.work.place.clone());
        complaints.push(complaint.help(
            "`work` is own time only; percentiles of a trace's spans include the callees and would count them twice",
        ));
    }
}

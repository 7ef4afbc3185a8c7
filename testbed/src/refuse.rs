//! What the testbed does not do, in one table: a scenario that uses any of it is refused by name, before anything is started.

use hoptax::model::balance::Balancer;
use hoptax::model::fault::{Effect, Fault, Mode, When};
use hoptax::model::id::NONE;
use hoptax::model::line::Order;
use hoptax::model::plan::Node;

use hoptax::model::policy::{Metering, Refill};
use hoptax::model::queue::{Crew, Queue, WhenFull};
use hoptax::model::{Op, Plan};

/// A feature, what finds the first place that uses it, and why it is not there.
struct Row {
    what: &'static str,
    finds: fn(&Plan) -> Option<String>,
    why: &'static str,
}

/// Not started as a process of its own yet.
const PROCESS: &str = "no process stands for it yet";
/// RabbitMQ stands for all queues.
const RABBIT: &str = "RabbitMQ does not do that";
/// Linux would need privileges.
const NETWORK: &str = "the loopback cannot be made to do that without privileges";
/// No client library of the testbed has it.
const LIBRARY: &str = "the testbed's client library has no such rule";

const TABLE: &[Row] = &[
    Row { what: "`visibility_timeout`", finds: |plan| queue(plan, |queue| queue.rules.hide()), why: RABBIT },
    Row {
        what: "`ack_timeout`",
        finds: |plan| queue(plan, |queue| queue.ack_timeout.is_some() && !queue.rules.hide()),
        why: "RabbitMQ looks for late acknowledgements once a minute only",
    },
    Row { what: "groups of messages", finds: |plan| queue(plan, |queue| queue.groups.is_some()), why: RABBIT },
    Row {
        what: "`when_full = \"block\"`",
        finds: |plan| queue(plan, |queue| queue.when_full == WhenFull::Block),
        why: RABBIT,
    },
    Row {
        what: "alarms",
        finds: |plan| queue(plan, |queue| queue.alarm != NONE),
        why: "RabbitMQ's are of bytes, not of messages",
    },
    Row { what: "consumers that poll", finds: |plan| crew(plan, |crew| crew.poll.is_some()), why: "RabbitMQ pushes" },
    Row { what: "`ack_every`", finds: |plan| crew(plan, |crew| crew.ack_every > 1), why: LIBRARY },
    Row { what: "worker pools", finds: |plan| crew(plan, Crew::shares), why: LIBRARY },
    Row {
        what: "faults of brokers",
        finds: |plan| {
            let served = plan.nodes[..plan.servers()].iter().map(|node| node.replicas).sum::<u32>();
            let brokers = served..served + plan.queues.len() as u32;
            let is = |fault: &&Fault| fault.replicas.iter().any(|replica| brokers.contains(replica));
            plan.faults.iter().find(is).map(|fault| fault.name.clone())
        },
        why: "the broker is one process for all queues",
    },
    Row { what: "topics", finds: |plan| plan.topics.first().map(|topic| name(plan, topic.node)), why: PROCESS },
    Row { what: "caches", finds: |plan| op(plan, |op| matches!(op, Op::Look { .. })), why: PROCESS },
    Row {
        what: "transactions",
        finds: |plan| op(plan, |op| matches!(op, Op::Borrow { .. } | Op::EndTransaction | Op::RollBack)),
        why: "no database stands behind a database's process",
    },
    Row {
        what: "locks",
        finds: |plan| op(plan, |op| matches!(op, Op::Lock | Op::Grip | Op::Compare { .. })),
        why: "no database stands behind a database's process",
    },
    Row {
        what: "replication lag",
        finds: |plan| op(plan, |op| matches!(op, Op::Replicate(_))),
        why: "no database stands behind a database's process",
    },
    Row {
        what: "database pools",
        finds: |plan| plan.lenders.first().map(|lender| name(plan, lender.database)),
        why: "no database stands behind a database's process",
    },
    Row {
        what: "limits that replicas share",
        finds: |plan| op(plan, |op| matches!(op, Op::Meter { .. })),
        why: PROCESS,
    },
    Row { what: "limits at the door", finds: |plan| node(plan, |node| node.intake.is_some()), why: LIBRARY },
    Row {
        what: "streams of messages",
        finds: |plan| op(plan, |op| matches!(op, Op::Stream | Op::Gather(_) | Op::DecodeAhead(_))),
        why: "answers are one message here",
    },
    Row { what: "a mesh", finds: |plan| plan.proxies.first().map(|proxy| name(plan, proxy.node)), why: PROCESS },
    Row {
        what: "browsers",
        finds: |plan| {
            plan.calls
                .iter()
                .find(|call| call.proxy.is_some())
                .map(|call| plan.edge_name(plan.edges[call.edge.index()]))
        },
        why: "no proxy stands between a browser and gRPC",
    },
    Row {
        what: "`cores`",
        finds: |plan| node(plan, |node| node.cores.is_some()),
        why: "work holds a worker, not a core of its own",
    },
    Row {
        what: "`preemptive`",
        finds: |plan| node(plan, |node| node.preemptive),
        why: "no server takes a worker away again",
    },
    Row { what: "contention", finds: |plan| node(plan, |node| node.contention.is_some()), why: LIBRARY },
    Row { what: "start-up, scaling, warm-up", finds: |plan| node(plan, |node| node.life.is_some()), why: PROCESS },
    Row {
        what: "`queue_order` other than fifo, lifo, priority",
        finds: |plan| node(plan, |node| !matches!(node.order, Order::Fifo | Order::Lifo | Order::Priority)),
        why: "the testbed's server has no such line",
    },
    Row {
        what: "`load_balancing` other than round_robin, random, least_request, pick_first",
        finds: |plan| {
            plan.links.iter().find(|link| link.choice && !is_known(link.balancer)).map(|link| name(plan, link.to))
        },
        why: LIBRARY,
    },
    Row {
        what: "zones",
        finds: |plan| plan.links.iter().find(|link| link.leans).map(|link| name(plan, link.to)),
        why: NETWORK,
    },
    Row {
        what: "discovery that changes",
        finds: |plan| plan.links.iter().find(|link| link.book).map(|link| name(plan, link.to)),
        why: "callers know all replicas from the start",
    },
    Row {
        what: "bandwidth or loss",
        finds: |plan| plan.links.iter().find(|link| link.pipe.is_some()).map(|link| name(plan, link.to)),
        why: NETWORK,
    },
    Row { what: "`idempotent = false`", finds: |plan| op(plan, |op| op == Op::Effect), why: "effects are not counted" },
    Row {
        what: "adaptive limits and throttles",
        finds: |plan| {
            let has = plan.rules.iter().any(|rules| rules.throttle.is_some() || rules.limit.is_some());
            has.then(|| "a policy".to_owned())
        },
        why: LIBRARY,
    },
    Row {
        what: "breakers per replica",
        finds: |plan| rules(plan, plan.rules.iter().any(|rules| rules.breaker.is_some_and(|spec| spec.per_replica))),
        why: LIBRARY,
    },
    Row {
        what: "`held_until = \"answered\"`",
        finds: |plan| {
            rules(plan, plan.rules.iter().any(|rules| rules.bulkhead.is_some_and(|spec| spec.until_answered)))
        },
        why: LIBRARY,
    },
    Row {
        what: "tied hedges",
        finds: |plan| rules(plan, plan.rules.iter().any(|rules| rules.hedge.is_some_and(|hedge| hedge.tied))),
        why: LIBRARY,
    },
    Row {
        what: "rate limits that refill in steps or slide",
        finds: |plan| {
            let odd = |metering| {
                matches!(
                    metering,
                    Metering::SlidingWindow { .. } | Metering::TokenBucket { refill: Refill::Discrete, .. }
                )
            };
            rules(plan, plan.rules.iter().any(|rules| rules.rate_limit.is_some_and(|limit| odd(limit.metering))))
        },
        why: LIBRARY,
    },
    Row {
        what: "connections that end at an age",
        finds: |plan| {
            plan.channels
                .iter()
                .find(|channel| channel.max_age.0 != u64::MAX)
                .map(|channel| name(plan, plan.link(channel.link).to))
        },
        why: LIBRARY,
    },
    Row {
        what: "faults by `mtbf`",
        finds: |plan| {
            plan.faults.iter().find(|fault| matches!(fault.when, When::Random { .. })).map(|fault| fault.name.clone())
        },
        why: "a run has faults at fixed times only",
    },
    Row {
        what: "this kind of fault",
        finds: |plan| plan.faults.iter().find(|fault| !is_injected(fault.effect)).map(|fault| fault.name.clone()),
        why: "outages that refuse or hang, crashes, freezes, slow work, errors and traffic are what can be done to processes",
    },
    Row {
        what: "faults of calls, links and zones",
        finds: |plan| {
            let apart = |fault: &&Fault| !(fault.links.is_empty() && fault.edges.is_empty() && fault.inside.is_empty());
            plan.faults.iter().find(apart).map(|fault| fault.name.clone())
        },
        why: "faults are done to processes, and a process does not know who else is hit",
    },
    Row {
        what: "flows",
        finds: |plan| plan.flows.first().map(|flow| flow.name.clone()),
        why: "nothing is followed beyond its client",
    },
];

fn name(plan: &Plan, node: hoptax::model::NodeId) -> String {
    plan.node(node).name.clone()
}

fn node(plan: &Plan, is: fn(&Node) -> bool) -> Option<String> {
    plan.nodes.iter().find(|node| is(node)).map(|node| node.name.clone())
}

fn queue(plan: &Plan, is: fn(&Queue) -> bool) -> Option<String> {
    plan.queues.iter().find(|queue| is(queue)).map(|queue| name(plan, queue.node))
}

fn crew(plan: &Plan, is: fn(&Crew) -> bool) -> Option<String> {
    plan.crews.iter().find(|crew| is(crew)).map(|crew| name(plan, crew.node))
}

fn rules(_: &Plan, has: bool) -> Option<String> {
    has.then(|| "a policy".to_owned())
}

/// The endpoint in whose program an operation stands.
fn op(plan: &Plan, is: fn(Op) -> bool) -> Option<String> {
    let at = plan.ops.iter().position(|op| is(*op))? as u32;
    let before = plan.endpoints.iter().filter(|endpoint| endpoint.entry.0 <= at);
    Some(before.max_by_key(|endpoint| endpoint.entry.0).map_or_else(String::new, |endpoint| endpoint.name.clone()))
}

fn is_known(balancer: Balancer) -> bool {
    match balancer {
        Balancer::RoundRobin | Balancer::Random | Balancer::PickFirst => true,
        Balancer::LeastRequest { choices, distinct } => choices != u32::MAX && !distinct,
        _ => false,
    }
}

fn is_injected(effect: Effect) -> bool {
    match effect {
        Effect::Outage { mode } => mode != Mode::Drop,
        Effect::Crash { hole } => !hole,
        Effect::Freeze | Effect::Slow { .. } | Effect::Errors { .. } | Effect::Traffic => true,
        _ => false,
    }
}

/// Everything in a plan that the testbed does not do, a sentence each.
pub(crate) fn reasons(plan: &Plan) -> Vec<String> {
    let told = |row: &Row| (row.finds)(plan).map(|place| format!("{} ({place}): {}", row.what, row.why));
    let mut all: Vec<String> = TABLE.iter().filter_map(told).collect();
    if plan.calls.iter().any(|call| call.hands_over() || call.is_relayed() || call.route != NONE) {
        all.push(format!("calls by way of proxies: {PROCESS}"));
    }
    all
}

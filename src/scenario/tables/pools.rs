//! Databases as callers meet them: `[services.*.pools]`, `[databases.*.tables.*]`, transactions.

use std::collections::{BTreeMap, BTreeSet};

use super::super::analytic::pools;
use super::super::check::{few, zero};
use super::super::declare::{Count, Duration, Maybe, Number, Or, Record as _, Told, table, words};
use super::super::read::{Desk, View, suggest};
use super::super::walk;
use super::super::written::{Call, Given, How, Mode, Node, NodeKind, Scenario, Step, Verb};
use crate::diag::{Complaint, code};
use crate::units::Span;

table! {
    /// The connections of one replica of a service to one database.
    pub struct Pool: "[services.*.pools]",
    "The connections of each replica of the service to one database. A query, or a transaction, holds one; nothing that waits for one is seen by the database. The wait of a query is part of its try: in its timeout and its deadline, and in the latency of its edge. The defaults are HikariCP's: maximumPoolSize 10, connectionTimeout 30 s." {
        connections: Given<u32> as Or<Count> = "10", "So many per replica.";
        wait: Given<Span> as Or<Duration> = "\"30s\"",
            "How long a query or a transaction waits for one before it fails with `pool_timeout`.";
        + /// The database, as named.
        name: Given<String> = View::title;
    }
}

words! {
    /// For how long somebody has a connection of a pooler.
    pub enum Pooling {
        Transaction = "transaction", "For a transaction, or for a query outside of one.";
        Statement = "statement", "For a query, also within a transaction.";
    }
}

table! {
    /// A pooler in front of a database.
    pub struct Pooler: "pooler",
    "A pooler in front of the database, such as PgBouncer: the pools of all callers lead to it, and share its connections. The defaults are PgBouncer's default_pool_size and query_wait_timeout; its default mode, session, shares nothing." {
        mode: Given<Pooling> as Or<Pooling> = "\"transaction\"", "For how long somebody has one of its connections.";
        connections: Given<u32> as Or<Count> = "20", "So many to the database.";
        wait: Given<Span> as Or<Duration> = "\"120s\"",
            "How long a query or a transaction waits for one before it fails with `pool_timeout`.";
    }
}

table! {
    /// A table where writers contend.
    pub struct Contended: "[databases.*.tables.*]",
    "A table where writers contend: queries that write wait for their turn, however many replicas there are.",
    meant Contended::meant {
        writers: Given<u32> as Or<Count> = "1", "So many write at once; with `keys`, to each row.";
        keys: Given<Option<u32>> as Maybe<Count>,
            "So many rows, each with a lock of its own. Default: the table is one row.";
        skew: Given<f64> as Or<Number> = "0.0", "The k-th most popular row has weight k^-skew; 0: all alike.";
    }
}

/// Rows of one table at most: each has a place in memory.
const ROWS: u32 = 100_000;

impl Contended {
    /// What the canonical form says: of rows, where there are several.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| told.key == "writers" || self.keys.value.is_some() || !told.default);
        all
    }

    /// By row, the probability that a write is to this or an earlier one; empty for a table that is one row.
    pub(in crate::scenario) fn rows(&self) -> Vec<f64> {
        let Some(keys) = self.keys.value.filter(|keys| *keys > 1) else { return Vec::new() };
        let weights: Vec<f64> = (1..=keys).map(|key| libm::pow(f64::from(key), -self.skew.value)).collect();
        let (total, mut sum): (f64, f64) = (weights.iter().sum(), 0.0);
        let up_to = |weight: f64| {
            sum += weight / total;
            sum
        };
        weights.into_iter().map(up_to).collect()
    }

    /// Complains about rows that cannot be.
    fn ranges(&self, complaints: &mut Vec<Complaint>) {
        let Self { writers, keys, skew } = self;
        zero(writers.value == 0, "writers", writers.place.as_ref(), "no write would ever end", complaints);
        zero(keys.value == Some(0), "keys", keys.place.as_ref(), "there would be no row to write", complaints);
        if let Some(many) = keys.value.filter(|keys| *keys > ROWS) {
            let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`keys`: {many} rows; at most {ROWS}"));
            let help = "of so many rows hardly one is ever wanted twice at once: fewer contend as much, by the `skew` of the first";
            complaints.push(complaint.at(keys.place.clone()).help(help));
        }
        if skew.value < 0.0 {
            let complaint = Complaint::error(code::OUT_OF_RANGE, "`skew` below 0: the first row is the most popular");
            complaints.push(complaint.at(skew.place.clone()));
        }
        if skew.place.is_some() && keys.value.is_none() {
            let message = "`skew` means something beside `keys` only";
            complaints.push(Complaint::warning(code::UNUSED, message).at(skew.place.clone()));
        }
    }
}

impl Pool {
    /// The pools of a service, by the names of databases.
    pub(in crate::scenario) fn all(desk: &mut Desk<'_>, view: &View<'_>) -> BTreeMap<String, Self> {
        let mut all = BTreeMap::new();
        for (name, inner) in view.named(desk, "pools") {
            all.extend(Self::read(desk, &inner).map(|pool| (name.value, pool)));
        }
        all
    }
}

/// Complains about databases and tables that are none.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        for pool in node.pools.values() {
            database(scenario, &pool.name, "a pool", refused, complaints);
        }
        for endpoint in node.programs() {
            walk::steps(&endpoint.steps, &mut |step| match &step.verb {
                Verb::Transaction { database: name, .. } => {
                    database(scenario, name, "a transaction", refused, complaints);
                }
                Verb::Query(call) => {
                    table(scenario, call, complaints);
                    one_row(scenario, call, complaints);
                    whole_table(scenario, call, complaints);
                    of_rows(scenario, call, complaints);
                }
                _ => {}
            });
        }
    }
}

fn database(
    scenario: &Scenario,
    name: &Given<String>,
    what: &str,
    refused: &[String],
    complaints: &mut Vec<Complaint>,
) {
    let known =
        || scenario.nodes.values().filter(|node| node.kind == NodeKind::Database).map(|node| node.name.value.as_str());
    let (code, why) = match scenario.nodes.get(&name.value).map(|node| node.kind) {
        Some(NodeKind::Database) => return,
        Some(NodeKind::Service) => {
            (code::WRONG_TARGET, format!("`{}` is a service; {what} belongs to a database", name.value))
        }
        Some(NodeKind::Gateway) => {
            (code::WRONG_TARGET, format!("`{}` is a gateway; {what} belongs to a database", name.value))
        }
        Some(NodeKind::External) => {
            (code::WRONG_TARGET, format!("`{}` is a third party; {what} belongs to a database", name.value))
        }
        Some(NodeKind::Cache) => {
            (code::WRONG_TARGET, format!("`{}` is a cache; {what} belongs to a database", name.value))
        }
        None if refused.contains(&name.value) => return,
        None => (code::UNKNOWN_NAME, format!("no database is called `{}`", name.value)),
    };
    let complaint = Complaint::error(code, why).at(name.place.clone());
    let names: Vec<String> = known().map(|name| format!("`{name}`")).collect();
    complaints.push(match suggest(&name.value, known()) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None if names.is_empty() => complaint.help("define one: [databases.orders-db]"),
        None => complaint.help(format!("the databases: {}", few(&names))),
    });
}

/// A conditional write is about one row, which the database must describe.
fn one_row(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(&call.target.value.node) else { return };
    let name = &node.name.value;
    if call.mode.value != Mode::ConditionalWrite {
        return;
    }
    let (message, help) = match &call.table {
        None => ("a conditional write to no table".to_owned(), "name what it writes to: table = \"orders\"".to_owned()),
        Some(table) if node.tables.get(&table.value).is_some_and(|writers| writers.writers.value == 1) => return,
        Some(table) => (
            format!("a conditional write to `{}`, which is not one row", table.value),
            format!("it looks at one version: [databases.{name}.tables.{}] writers = 1", table.value),
        ),
    };
    complaints.push(Complaint::error(code::NOT_ONE_ROW, message).at(call.mode.place.clone()).help(help));
}

/// A row is one of a table that has several.
fn of_rows(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let (Some(row), Some(node)) = (&call.row, scenario.nodes.get(&call.target.value.node)) else { return };
    let table = call.table.as_ref().and_then(|table| node.tables.get(&table.value));
    if table.is_none_or(|table| table.keys.value.is_none()) {
        let complaint = Complaint::warning(code::UNUSED, "`row` of a table that is one row").at(row.place.clone());
        let help = format!("say how many it has: [databases.{}.tables.*] keys = 1000", node.name.value);
        complaints.push(complaint.help(help));
    }
}

/// A lock on a whole table, or an end to waiting for one, is about a table that the database must describe.
fn whole_table(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(&call.target.value.node) else { return };
    let name = &node.name.value;
    let (what, place) = match (call.mode.value, call.lock_timeout.value) {
        (Mode::Exclusive, _) => ("mode = \"exclusive\"", &call.mode.place),
        (_, Some(_)) => ("lock_timeout", &call.lock_timeout.place),
        _ => return,
    };
    let help = match &call.table {
        None => "name the table: table = \"orders\"".to_owned(),
        // One that is not among those described is complained of elsewhere.
        Some(table) if node.tables.is_empty() => {
            format!("a lock is on a table that is described: [databases.{name}.tables.{}] writers = 1", table.value)
        }
        Some(_) => return,
    };
    let complaint = Complaint::error(code::NO_TABLE, format!("{what} of no table of `{name}`")).at(place.clone());
    complaints.push(complaint.help(help));
}

/// A table must be one of those the database describes, where it describes any.
fn table(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let (Some(table), Some(node)) = (&call.table, scenario.nodes.get(&call.target.value.node)) else { return };
    if node.kind != NodeKind::Database || node.tables.is_empty() || node.tables.contains_key(&table.value) {
        return;
    }
    let message = format!("`{}` has no table `{}`", node.name.value, table.value);
    let complaint = Complaint::error(code::UNKNOWN_NAME, message).at(table.place.clone());
    let names: Vec<String> = node.tables.keys().map(|name| format!("`{name}`")).collect();
    complaints.push(match suggest(&table.value, node.tables.keys().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("its tables: {}", few(&names))),
    });
}

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        for pool in node.pools.values() {
            let (size, why) = (&pool.connections, "no query could be made");
            zero(size.value == 0, "connections", size.place.as_ref(), why, complaints);
        }
        node.tables.values().for_each(|table| table.ranges(complaints));
        if let Some(pooler) = &node.pooler {
            let (size, why) = (&pooler.connections, "no query could be made");
            zero(size.value == 0, "connections", size.place.as_ref(), why, complaints);
        }
        let most = &node.max_connections;
        zero(most.value == Some(0), "max_connections", most.place.as_ref(), "no query could be made", complaints);
    }
}

/// Warns of a transaction inside one of the same database: it takes a second connection, as a new transaction does in
/// Spring (`REQUIRES_NEW`); a pool runs dry of those that each hold one and wait for another (`HikariCP`, "About Pool Sizing").
fn nested<'s>(steps: &'s [Step], open: &mut Vec<&'s str>, complaints: &mut Vec<Complaint>) {
    for step in steps {
        match &step.verb {
            Verb::Transaction { database, steps } => {
                let name = database.value.as_str();
                if open.contains(&name) {
                    let message = format!(
                        "a transaction of `{name}` inside a transaction of `{name}`: it takes a second connection"
                    );
                    let complaint = Complaint::warning(code::NESTED, message).at(database.place.clone());
                    complaints.push(complaint.help(
                        "when all of a pool are held by the outer ones, each waits for another until it fails; leave the inner one out: what is inside holds a connection already",
                    ));
                }
                open.push(name);
                nested(steps, open, complaints);
                open.pop();
            }
            Verb::Cache { on_miss: inner, .. } | Verb::Remember { steps: inner, .. } => nested(inner, open, complaints),
            Verb::Parallel { branches, .. } => {
                for branch in branches {
                    nested(std::slice::from_ref(&branch.step), open, complaints);
                }
            }
            Verb::Split(arms) => {
                for arm in arms {
                    nested(&arm.steps, open, complaints);
                }
            }
            _ => {}
        }
    }
}

/// What runs but looks wrong.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        let asked = databases_of(scenario, node);
        for pool in node.pools.values().filter(|pool| !asked.contains(pool.name.value.as_str())) {
            let message = format!("`{}` has a pool to `{}` and never queries it", node.name.value, pool.name.value);
            complaints.push(Complaint::warning(code::UNUSED, message).at(pool.name.place.clone()));
        }
        for endpoint in node.programs() {
            nested(&endpoint.steps, &mut Vec::new(), complaints);
            walk::steps(&endpoint.steps, &mut |step| match &step.verb {
                Verb::Transaction { database, steps } => transaction(scenario, node, database, steps, complaints),
                Verb::Query(call) => contention(scenario, call, complaints),
                _ => {}
            });
        }
    }
    let pools = pools(scenario);
    for node in scenario.nodes.values() {
        too_many(node, pools.get(node.name.value.as_str()), complaints);
    }
}

/// The databases that a replica of the node asks, itself or in a function it calls.
fn databases_of<'s>(scenario: &'s Scenario, node: &'s Node) -> BTreeSet<&'s str> {
    let mut asked = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<_> = node.programs().collect();
    while let Some(endpoint) = open.pop() {
        if !seen.insert(std::ptr::from_ref(endpoint)) {
            continue;
        }
        walk::steps(&endpoint.steps, &mut |step| match &step.verb {
            Verb::Query(call) => _ = asked.insert(call.target.value.node.as_str()),
            Verb::Transaction { database, .. } => _ = asked.insert(database.value.as_str()),
            Verb::Call(call) if walk::transport_of(scenario, call).is_in_process() => {
                let callee = scenario.nodes.get(&call.target.value.node);
                open.extend(callee.and_then(|node| node.endpoints.get(&call.target.value.endpoint)).map(AsRef::as_ref));
            }
            _ => {}
        });
    }
    asked
}

fn transaction(
    scenario: &Scenario,
    node: &Node,
    database: &Given<String>,
    steps: &[Step],
    complaints: &mut Vec<Complaint>,
) {
    let (caller, name) = (&node.name.value, &database.value);
    let pooled = node.pools.contains_key(name);
    let locks = scenario.nodes.get(name).is_some_and(|db| !db.tables.is_empty());
    if !pooled {
        let rest = if locks { "it holds nothing but the tables it writes to" } else { "it holds nothing" };
        let message = format!("a transaction of `{name}`, but `{caller}` has no pool to it: {rest}");
        let complaint = Complaint::note(code::NO_POOL, message).at(database.place.clone());
        complaints.push(
            complaint.help(format!("write for example [services.{caller}.pools] {name} = {{ connections = 10 }}")),
        );
    }
    if !pooled && !locks {
        return;
    }
    let held = match (pooled, locks) {
        (true, true) => format!("a connection to `{name}`, and each table written before, is"),
        (true, false) => format!("a connection to `{name}` is"),
        _ => format!("each table of `{name}` that was written before is"),
    };
    walk::steps(steps, &mut |step| {
        let Verb::Call(call) = &step.verb else { return };
        if matches!(walk::transport_of(scenario, call), How::Over(_)) {
            let message = format!("{held} held while `{}` is called", call.target.value.node);
            let complaint = Complaint::warning(code::HELD_ACROSS_CALL, message).at(call.target.place.clone());
            complaints.push(complaint.help(
                "when the callee is slow, all that need one wait; call before or after the transaction, or give the call a timeout",
            ));
        }
    });
}

/// Notes about tables and writes that contend with nothing.
fn contention(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(&call.target.value.node) else { return };
    let name = &node.name.value;
    let (message, place, help) = match (&call.table, call.mode.value) {
        (_, Mode::Exclusive) => return patience(call, complaints),
        (Some(table), _) if node.tables.is_empty() => {
            let help =
                format!("[databases.{name}.tables.{}] writers = 1 lets writers wait for one another", table.value);
            (format!("`{name}` describes no tables: nothing contends for `{}`", table.value), &table.place, help)
        }
        (None, Mode::Write) if !call.mode.is_default() => {
            let help = "name the table it writes to: table = \"orders\"".to_owned();
            (format!("a write to no table of `{name}`: it contends with nothing"), &call.mode.place, help)
        }
        _ => return,
    };
    complaints.push(Complaint::note(code::NO_CONTENTION, message).at(place.clone()).help(help));
}

/// Warns of a lock on a whole table that waits for as long as it takes: all who come meanwhile wait behind it.
fn patience(call: &Call, complaints: &mut Vec<Complaint>) {
    let (None, Some(table)) = (call.lock_timeout.value, &call.table) else { return };
    let message = format!("a lock on all of `{}` that waits for as long as it takes", table.value);
    let complaint = Complaint::warning(code::LOCK_WITHOUT_END, message).at(call.mode.place.clone());
    complaints.push(complaint.help(
        "behind one transaction that has read the table and runs on, it keeps everybody else from it: give it a lock_timeout = \"2s\" and try again later",
    ));
}

/// Each replica of each caller fills its pool sooner or later.
fn too_many(database: &Node, callers: Option<&BTreeMap<&str, (u32, u32)>>, complaints: &mut Vec<Complaint>) {
    let Some(most) = database.max_connections.value else { return };
    if let Some(pooler) = &database.pooler {
        let size = &pooler.connections;
        if size.value > most {
            let message =
                format!("the pooler of `{}` holds {} connections; it takes {most}", database.name.value, size.value);
            let place = size.place.clone().or(database.max_connections.place.clone());
            let complaint = Complaint::warning(code::TOO_MANY_CONNECTIONS, message).at(place);
            complaints.push(complaint.help("beyond it opening a connection fails; make the pooler's pool smaller"));
        }
        return;
    }
    let Some(callers) = callers else { return };
    let sum: u64 = callers.values().map(|(replicas, size)| u64::from(*replicas) * u64::from(*size)).sum();
    if sum <= u64::from(most) {
        return;
    }
    let each: Vec<String> =
        callers.iter().map(|(name, (replicas, size))| format!("{replicas} × {size} (`{name}`)")).collect();
    let message = format!("the pools to `{}` hold {sum} connections; it takes {most}", database.name.value);
    let complaint = Complaint::warning(code::TOO_MANY_CONNECTIONS, message).at(database.max_connections.place.clone());
    complaints
        .push(complaint.label(each.join(" + ")).help("beyond it opening a connection fails; make the pools smaller"));
}

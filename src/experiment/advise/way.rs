//! Ways out: what could be tried on a file, each a text that is a scenario of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::owners::{Owned, owned};
use super::{back, cores};
use crate::diag::{Complaint, Source, nouns};
use crate::experiment::coupling::Coupling;
use crate::experiment::summary::Summary;
use crate::graph::{Arrow, End};
use crate::model::discovery::Kind as Found;
use crate::random::dist::Law;
use crate::scenario::edit::{
    Edit, Reader, added, apply, as_one_event, in_pattern, with_cache, with_commit, with_entry, with_outbox,
    with_own_databases, with_rule, with_undo, without,
};
use crate::scenario::programs::{program, programs};
use crate::scenario::written::{BalancePer, Call, Endpoint, How, Mode, NodeKind, Policy, Scenario, Verb, on};
use crate::scenario::{Checked, each_call, each_step, forecast, transport_of};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A call becomes a message to a queue.
    Queue,
    /// The same, and the message is a row of what its sender writes.
    Outbox,
    /// A call becomes an event.
    Stream,
    /// Each service that shares a database has its own.
    OwnDatabase,
    /// Two services, or all that are one in fact, become one.
    Merge,
    /// What a callee answers is remembered, so that most calls of it are not made.
    Cache,
    /// A change of a contract that old and new both understand.
    Contract,
    /// A call that waits without end waits no longer than this.
    Timeout,
    /// A caller has no more than so many calls to one callee open.
    Bulkhead,
    /// A call that fails now and then is tried once more.
    Retry,
    /// Tries after the first are no more than a share of the calls.
    RetryBudget,
    /// No proxies.
    NoMesh,
    /// Proxies that encrypt what services say to each other.
    Mesh,
    /// Names that are looked up instead of fixed addresses.
    Names,
    /// One gateway before all that clients call.
    Gateway,
    /// A gateway less.
    NoGateway,
    /// Another transport for all that says none.
    Transport,
}

/// A write and a message, which a crash may part.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Who writes and sends.
    pub sender: String,
    /// Who is told.
    pub receiver: String,
    /// The broker to which it sends.
    pub broker: String,
    /// What is asked of the database, by a name of its own: `db.orders-commit`.
    pub write: String,
    /// The text in which it has that name.
    pub text: Source,
    /// The queue that stands for the table of messages, where that is a part of the write.
    pub outbox: Option<String>,
}

/// What a sender takes back where a receiver refuses.
#[derive(Clone, Debug)]
pub struct Undo {
    /// Who writes, sends, and takes back.
    pub sender: String,
    /// Who refuses.
    pub receiver: String,
    /// What is asked of the database to take it back, by a name of its own.
    pub write: String,
    /// The text in which that is done.
    pub text: Source,
}

/// One thing that could be done.
#[derive(Clone, Debug)]
pub struct Way {
    /// In a few words, such as `queue: orders -> emails`.
    pub name: String,
    /// What kind of change.
    pub kind: Kind,
    /// The edge it is about, if it is about one.
    pub edge: Option<String>,
    /// Of several edges that become one: which.
    pub together: Vec<String>,
    /// What it takes away, or leaves to be decided.
    pub notes: Vec<String>,
    /// Of a call that becomes a message: that its caller may read what the message has not yet done.
    pub reads_back: Option<String>,
    /// What a rule asks for and it takes away.
    pub gives_up: Option<&'static str>,
    /// Of a call that becomes a message: what its sender writes before it.
    pub commit: Option<Commit>,
    /// Of a call that fails now and then and becomes a message: what has to be taken back.
    pub undo: Option<Undo>,
    /// Who gets another address, to show what that does with the way and without.
    pub moves: Option<String>,
    /// The text with the change.
    pub text: Source,
}

impl Way {
    /// The queue that stands for a table of messages.
    pub(super) fn outbox(&self) -> Option<&str> {
        self.commit.as_ref()?.outbox.as_deref()
    }
}

/// What is known of a file once it has been run.
pub(super) type Seen<'s> = (&'s Summary, &'s Coupling);

/// All that can be tried, those first that are about what costs most when it is down; and what cannot be tried although it looks
/// like it, in words. Before anything was run, as many, with other numbers in them.
pub(super) fn ways(checked: &Checked, seen: Option<Seen<'_>>) -> (Vec<Way>, Vec<String>) {
    let summary = seen.map(|seen| seen.0);
    let mut found = Finder { checked, summary, ways: Vec::new(), refused: Vec::new() };
    let weight = |callee: &str| {
        let columns = seen.into_iter().flat_map(|seen| &seen.1.columns);
        let column = columns.into_iter().find(|column| column.target.name == callee);
        column.and_then(|column| column.blast.value).unwrap_or(0.0)
    };
    let mut edges: Vec<Edge<'_>> = edges(&checked.scenario);
    edges.sort_by(|a, b| weight(b.to).total_cmp(&weight(a.to)).then_with(|| (a.from, a.to).cmp(&(b.from, b.to))));
    edges.iter().for_each(|edge| found.messages(edge));
    found.events(&edges);
    found.one_event();
    found.contracts();
    found.databases();
    found.units(&edges);
    found.budgets();
    found.house();
    found.doors();
    found.names();
    found.mesh();
    for edge in edges.iter().filter(|edge| edge.uses_reply) {
        found.merge(edge);
    }
    for edge in &edges {
        found.caches(edge);
        found.guards(edge);
        found.retries(edge);
    }
    (found.ways, found.refused)
}

/// A pair of services of which one calls the other.
struct Edge<'s> {
    from: &'s str,
    to: &'s str,
    targets: BTreeSet<String>,
    /// Those of them whose answer somebody uses.
    asked: BTreeSet<String>,
    uses_reply: bool,
    remote: bool,
}

fn edges(scenario: &Scenario) -> Vec<Edge<'_>> {
    let mut all: BTreeMap<(&str, &str), Edge<'_>> = BTreeMap::new();
    for (from, node) in &scenario.nodes {
        for call in node.programs().flat_map(each_call) {
            let to = call.target.value.node.as_str();
            let asked = scenario
                .nodes
                .get(to)
                .is_some_and(|node| matches!(node.kind, NodeKind::Service | NodeKind::External | NodeKind::Gateway));
            if asked && to != from {
                let (targets, asked) = (BTreeSet::new(), BTreeSet::new());
                let edge = Edge { from, to, targets, asked, uses_reply: false, remote: false };
                let edge = all.entry((from, to)).or_insert(edge);
                let target = call.target.value.to_string();
                if call.uses_reply.value {
                    edge.asked.insert(target.clone());
                }
                edge.targets.insert(target);
                edge.uses_reply |= call.uses_reply.value;
                edge.remote |= matches!(transport_of(scenario, call), How::Over(_));
            }
        }
    }
    all.into_values().collect()
}

/// Guards are tried on so many edges, those first that matter most when they are down.
const GUARDED: usize = 3;

/// From this share of failures on a call is tried once more.
const FAILS: f64 = 0.001;

/// What is given up where a file does not say whether what is remembered may be.
const UNSAID: &str = "that each call is made, of which nobody says that it only reads";

/// As many pairs of services are merged.
const MERGED: usize = 3;

/// What a mesh is for where many services encrypt what they say to each other.
const SEALED: &str = "what services say to each other is encrypted, in one place for all";

/// Who tries again sooner, on average, does so at once; the wait that is tried instead.
const AT_ONCE_NS: f64 = 1e6;
const BACKOFF: &str = "50ms";

/// As many callees are remembered, and such a share of what is asked is taken to be found.
const CACHED: usize = 3;
const FOUND: &str = "80%";

/// Who found no row in an outbox looks again after this time.
const POLL: &str = "100ms";

/// A row of an outbox takes so long, s, and likely less: a message there and back, and a write.
const ROW_S: f64 = 0.02;

/// A look into a cache takes no longer.
const LOOK_MOST: &str = "20ms";

/// Looks for ways.
pub(super) struct Finder<'c> {
    pub(super) checked: &'c Checked,
    summary: Option<&'c Summary>,
    pub(super) ways: Vec<Way>,
    pub(super) refused: Vec<String>,
}

impl Finder<'_> {
    pub(super) fn scenario(&self) -> &Scenario {
        &self.checked.scenario
    }

    fn count(&self, kind: Kind) -> usize {
        self.ways.iter().filter(|way| way.kind == kind).count()
    }

    pub(super) fn add(&mut self, name: String, kind: Kind, edge: Option<String>, notes: Vec<String>, text: Source) {
        self.ways.push(Way {
            name,
            kind,
            edge,
            together: Vec::new(),
            notes,
            reads_back: None,
            gives_up: None,
            commit: None,
            undo: None,
            moves: None,
            text,
        });
    }

    /// Calls whose answer nobody uses, each endpoint by itself, as messages.
    fn messages(&mut self, edge: &Edge<'_>) {
        let name = Arrow { from: edge.from, to: edge.to }.to_string();
        if self.scenario().nodes.get(edge.to).is_none_or(|node| node.kind != NodeKind::Service) {
            return;
        }
        for target in edge.targets.difference(&edge.asked) {
            let one = Arrow { from: edge.from, to: target }.to_string();
            for (kind, word) in [(Kind::Queue, "queue"), (Kind::Stream, "stream")] {
                // What nobody needs an answer of takes nothing away; a caller that asks later may read what was before.
                match in_pattern(&self.checked.source, &one, word, None) {
                    Ok((text, told)) => {
                        let notes: Vec<String> = told.into_iter().map(|complaint| complaint.message).collect();
                        let reads_back = back::reads_back(self.scenario(), edge.from, target);
                        self.add(format!("{word}: {one}"), kind, Some(name.clone()), notes, text);
                        self.commits((edge, target), reads_back);
                    }
                    Err(complaints) => self.refused.extend(complaints.into_iter().map(|complaint| complaint.message)),
                }
            }
        }
    }

    /// What a service tells several others without needing an answer, each program of it all of them, as one event.
    fn events(&mut self, edges: &[Edge<'_>]) {
        let senders: BTreeSet<&str> = edges.iter().map(|edge| edge.from).collect();
        for from in senders {
            let own = edges.iter().filter(|edge| edge.from == from && self.is_service(edge.to));
            let targets: BTreeSet<&str> =
                own.flat_map(|edge| edge.targets.difference(&edge.asked)).map(String::as_str).collect();
            let targets: Vec<&str> = targets.into_iter().collect();
            let told: BTreeSet<&str> = targets.iter().map(|target| End::of(target).node).collect();
            let tells_all = |program: &&Endpoint| {
                let called: BTreeSet<String> =
                    each_call(program).into_iter().map(|call| call.target.value.to_string()).collect();
                let some = targets.iter().filter(|target| called.contains(**target)).count();
                some == 0 || some == targets.len()
            };
            if told.len() < 2 || !self.scenario().nodes[from].programs().all(|program| tells_all(&program)) {
                continue;
            }
            match as_one_event(&self.checked.source, from, &targets) {
                Ok((text, topic)) => {
                    let notes =
                        vec![format!("takes it that all of them are told the same; each reads `{topic}` by itself")];
                    self.add(format!("one stream: {from} -> {}", targets.join(", ")), Kind::Stream, None, notes, text);
                    self.all_of(from, told.iter().copied());
                }
                Err(complaints) => self.refused.extend(complaints.into_iter().map(|complaint| complaint.message)),
            }
        }
    }

    /// The last way is about several edges of one sender.
    pub(super) fn all_of<'n>(&mut self, from: &str, to: impl Iterator<Item = &'n str>) {
        if let Some(way) = self.ways.last_mut() {
            way.together = to.map(|to| Arrow { from, to }.to_string()).collect();
        }
    }

    fn is_service(&self, name: &str) -> bool {
        self.scenario().nodes.get(name).is_some_and(|node| node.kind == NodeKind::Service)
    }

    /// What the sender of the last way writes before its message; the same with an outbox, where that is a queue.
    fn commits(&mut self, (edge, target): (&Edge<'_>, &str), reads_back: Option<String>) {
        let Some(way) = self.ways.last_mut() else { return };
        way.reads_back.clone_from(&reads_back);
        let family = if way.kind == Kind::Queue { "queues" } else { "topics" };
        let Some(broker) = added(&self.checked.source, &way.text, family) else { return };
        let Some((text, write)) = with_commit(&way.text, edge.from, &broker) else {
            let whole = |program: &Endpoint| {
                let mut found = false;
                each_step(&program.steps, &mut |step| found |= matches!(step.verb, Verb::Transaction { .. }));
                found
            };
            if self.checked.scenario.nodes[edge.from].programs().any(whole) {
                way.notes.push(format!(
                    "a crash of `{}` between its commit and the message is not tried: what it writes stands in a transaction, whose \
                     end has no name; an outbox would be one row more of it",
                    edge.from
                ));
            }
            return;
        };
        let commit = Commit {
            sender: edge.from.to_owned(),
            receiver: edge.to.to_owned(),
            broker: broker.clone(),
            write,
            text,
            outbox: None,
        };
        way.commit = Some(commit.clone());
        if way.kind != Kind::Queue {
            return;
        }
        let name = Arrow { from: edge.from, to: edge.to }.to_string();
        let undo = with_undo(&commit.text, (edge.from, edge.to), &broker, &commit.write);
        let fails = self.fails(&name) >= FAILS;
        let Some(way) = self.ways.last_mut() else { return };
        way.undo = undo.filter(|_| fails).map(|(text, write)| Undo {
            sender: edge.from.to_owned(),
            receiver: edge.to.to_owned(),
            write,
            text,
        });
        let (queue, mut notes) = (way.text.clone(), way.notes.clone());
        let reader = Reader { poll: POLL, at_once: self.readers(edge.from, target) };
        let Some((text, write, outbox)) = with_outbox(&queue, edge.from, &broker, reader) else { return };
        let loops = nouns(u64::from(reader.at_once), "loop");
        notes.push(format!(
            "`{outbox}` stands for a table of `{}`: the row comes with the commit; {} {loops} of each replica of `{}` read it, \
             and look again after {POLL} where they found nothing",
            End::of(&write).node,
            reader.at_once,
            edge.from
        ));
        let name = format!("queue and outbox: {}", Arrow { from: edge.from, to: target });
        let both = Some(Arrow { from: edge.from, to: edge.to }.to_string());
        self.add(name, Kind::Outbox, both, notes, text.clone());
        if let Some(way) = self.ways.last_mut() {
            way.reads_back = reads_back;
            way.commit = Some(Commit { write, text, outbox: Some(outbox), ..commit });
        }
    }

    /// Loops of each replica that read an outbox: twice as many as needed if each row takes 20 ms, which is much.
    fn readers(&self, from: &str, target: &str) -> u32 {
        let end = End::of(target);
        let asked = forecast(self.scenario()).programs;
        let rate: f64 = asked.iter().filter(|one| one.0 == end.node && one.1 == end.endpoint()).map(|one| one.2).sum();
        let replicas = f64::from(self.scenario().nodes[from].replicas.value);
        1 + (2.0 * ROW_S * rate / replicas) as u32
    }

    /// Releases that break a contract, without breaking it.
    fn contracts(&mut self) {
        let faults = self.checked.scenario.faults.iter().enumerate();
        let breaking: Vec<(usize, String)> = faults
            .filter(|(_, fault)| fault.breaking.value)
            .map(|(at, fault)| (at, fault.target.value.clone()))
            .collect();
        for (at, target) in breaking {
            let Ok((text, _)) = apply(&self.checked.source, &[edit(&format!("faults.{at}.breaking"), "false")]) else {
                continue;
            };
            let notes = vec![format!("`{target}` says the old and the new until all who call it read the new")];
            self.add(format!("compatible contract: {target}"), Kind::Contract, None, notes, text);
        }
    }

    /// What a callee answers, remembered: where it only reads, and is asked for every request.
    fn caches(&mut self, edge: &Edge<'_>) {
        let scenario = &self.checked.scenario;
        let service = |name: &str| scenario.nodes.get(name).is_some_and(|node| node.kind == NodeKind::Service);
        let reads = edge.targets.iter().all(|target| only_reads(scenario, target));
        let unsaid = edge.targets.iter().any(|target| !says_that_it_reads(scenario, target));
        if !edge.uses_reply || !edge.remote || !service(edge.from) || !service(edge.to) || !reads {
            return;
        }
        if self.count(Kind::Cache) >= CACHED {
            return;
        }
        let (mut text, mut names) = (self.checked.source.clone(), Vec::new());
        for target in &edge.targets {
            let Some((next, name)) = with_cache(&text, (edge.from, target), (FOUND, LOOK_MOST)) else { return };
            text = next;
            names.push(name);
        }
        let notes = vec![
            format!(
                "takes it that {FOUND} of what is asked was asked before and is still right; say hit_rate, or keys"
            ),
            format!("what `{}` changes is seen by `{}` when it is forgotten", edge.to, edge.from),
            format!("a look that takes longer than {} is a miss: a cache that says nothing holds nobody", LOOK_MOST),
        ];
        let name = Arrow { from: edge.from, to: edge.to }.to_string();
        self.add(format!("cache {}: {name}", names.join(", ")), Kind::Cache, Some(name), notes, text);
        if let Some(way) = self.ways.last_mut().filter(|_| unsaid) {
            way.notes.insert(
                0,
                format!("no query of `{}` says a table or a mode: it is taken to read, and may do more", edge.to),
            );
            way.gives_up = Some(UNSAID);
        }
    }

    /// All services that are one in fact, as one: whoever asked any of them asks the one that is asked most.
    fn units(&mut self, edges: &[Edge<'_>]) {
        for unit in crate::experiment::diagnosis::diagnose(self.checked).units.iter().filter(|unit| unit.len() > 2) {
            match self.unit(unit, edges) {
                Ok((entry, text)) => {
                    let mut notes = vec![format!("{} are deployed, and owned, as one", unit.join(", "))];
                    let others = self.entries(unit, edges);
                    let others: Vec<&str> =
                        others.iter().map(String::as_str).filter(|target| End::of(target).node != entry).collect();
                    if !others.is_empty() {
                        notes.push(format!("whoever asked for {} asks {entry} for it", others.join(", ")));
                    }
                    let name = format!("merge {} into {entry}", unit.len());
                    self.add(name, Kind::Merge, None, notes, text);
                }
                Err(why) => self.refused.push(format!("merge {}: {why}", unit.join(", "))),
            }
        }
    }

    fn unit(&self, unit: &[String], edges: &[Edge<'_>]) -> Result<(String, Source), String> {
        let scenario = self.scenario();
        let inside = |name: &str| unit.iter().any(|member| member == name);
        let teams: BTreeSet<&String> =
            unit.iter().filter_map(|name| scenario.nodes[name].owned.team.value.as_ref()).collect();
        if teams.len() > 1 {
            return Err(format!("{} teams would own it together", teams.len()));
        }
        let entries = self.entries(unit, edges);
        let entry = self.busiest(unit, &entries)?;
        let mut text = self.checked.source.clone();
        for target in entries.iter().filter(|target| End::of(target).node != entry) {
            text = with_entry(&text, (entry, unit), target).ok_or("it cannot be written")?;
        }
        for edge in edges.iter().filter(|edge| inside(edge.from) && inside(edge.to) && edge.remote) {
            for target in &edge.targets {
                let one = Arrow { from: edge.from, to: target }.to_string();
                let next = in_pattern(&text, &one, "in-process", None).map_err(|all| told(&all))?;
                text = next.0;
            }
        }
        Ok((entry.to_owned(), self.housed(&text, unit, entry).map_err(|all| told(&all))?))
    }

    /// The text in which one of a unit has the machines of all.
    fn housed(&self, text: &Source, unit: &[String], host: &str) -> Result<Source, Vec<Complaint>> {
        let (text, _) = apply(text, &self.machines(unit, host))?;
        // What costs something unknown does so together with others, too.
        let known = unit.iter().all(|name| self.scenario().nodes[name].cost.value.is_some());
        Ok(if known { text } else { without(&text, &format!("services.{host}.cost")) })
    }

    /// The machines of all do the work of all, and cost what all did: by what each says, else is seen to need; the cost where all
    /// say it.
    fn machines(&self, unit: &[String], host: &str) -> Vec<Edit> {
        let nodes = &self.scenario().nodes;
        let replicas = |name: &str| f64::from(nodes[name].replicas.value);
        let cores = |name: &String| match self.summary {
            Some(seen) => cores::of(name, &nodes[name.as_str()], seen),
            None => Some(replicas(name) * nodes[name.as_str()].cores.value?),
        };
        let cost = |name: &String| Some(replicas(name) * nodes[name.as_str()].cost.value?);
        let edit = |(key, all): (&str, Option<f64>)| {
            Some(edit(&format!("services.{host}.{key}"), &format!("{:?}", all? / replicas(host))))
        };
        let all = [("cores", unit.iter().map(cores).sum()), ("cost", unit.iter().map(cost).sum())];
        all.into_iter().filter_map(edit).collect()
    }

    /// Endpoints of a unit that are called from outside of it.
    fn entries(&self, unit: &[String], edges: &[Edge<'_>]) -> BTreeSet<String> {
        let inside = |name: &str| unit.iter().any(|member| member == name);
        let clients = self.scenario().clients.values().flat_map(|client| &client.calls);
        let clients = clients.filter(|call| inside(&call.target.value.node)).map(|call| call.target.value.to_string());
        let callers = edges.iter().filter(|edge| !inside(edge.from) && inside(edge.to)).flat_map(|edge| &edge.targets);
        clients.chain(callers.cloned()).collect()
    }

    /// Of a unit the service that is to have the others within it: who takes messages, else who is asked most from outside.
    fn busiest<'u>(&self, unit: &'u [String], entries: &BTreeSet<String>) -> Result<&'u str, String> {
        let scenario = self.scenario();
        let consumes = |name: &&String| !scenario.nodes[*name].consumes.is_empty();
        let consumers: Vec<&String> = unit.iter().filter(consumes).collect();
        if let [one, .., last] = consumers[..] {
            return Err(format!("{one} and {last} take messages, each on machines of its own"));
        }
        let asked = forecast(scenario).programs;
        let often = |name: &str| {
            let of = |(node, endpoint, rate): &(String, String, f64)| {
                let called = entries.contains(&End::named(node, endpoint).to_string());
                if node == name && called { *rate } else { 0.0 }
            };
            asked.iter().map(of).sum::<f64>()
        };
        let named = unit.iter().filter(|name| entries.iter().any(|target| End::of(target).node == **name));
        let most = named.max_by(|a, b| often(a).total_cmp(&often(b)).then_with(|| b.cmp(a)));
        consumers.first().copied().or(most).map(String::as_str).ok_or_else(|| "nobody calls them".into())
    }

    /// Databases that several services use.
    fn databases(&mut self) {
        let names: Vec<String> = self
            .scenario()
            .nodes
            .iter()
            .filter(|(_, node)| node.kind == NodeKind::Database)
            .map(|(name, _)| name.clone())
            .collect();
        for database in names {
            match owned(self.scenario(), self.summary, &database) {
                Owned::Shared(owners, notes) => {
                    let text = with_own_databases(&self.checked.source, &database, &owners);
                    if let Some((text, heir)) = text {
                        let mut notes = notes;
                        if self.scenario().faults.iter().any(|fault| fault.target.value == database) {
                            notes.push(format!(
                                "what goes wrong with `{database}` goes wrong with `{heir}`, the busiest"
                            ));
                        }
                        let name = format!("own databases: {database}");
                        self.add(name, Kind::OwnDatabase, None, notes, text);
                    }
                }
                Owned::Undecided(why) => self.refused.push(why),
                Owned::Alone => {}
            }
        }
    }

    /// Retries that nothing bounds but their number.
    fn budgets(&mut self) {
        let retries =
            |policy: &Policy| on(&policy.guards.retries).is_some_and(|retries| retries.budget.value.is_none());
        let unbounded = self.checked.scenario.policies.iter().filter(|(_, policy)| retries(policy));
        let at_once = |policy: &Policy| {
            on(&policy.guards.retries)
                .is_some_and(|retries| matches!(retries.backoff.value, Law::Constant { value } if value < AT_ONCE_NS))
        };
        let unbounded: Vec<(String, bool)> = unbounded.map(|(name, policy)| (name.clone(), at_once(policy))).collect();
        for (name, at_once) in unbounded {
            let of = |key: &str, value: &str| edit(&format!("policies.{name}.retries.{key}"), value);
            let mut edits = vec![of("budget", "10%")];
            let mut told = format!("retry budget 10 %: {name}");
            if at_once {
                edits.extend([of("backoff", BACKOFF), of("jitter", "full")]);
                told = format!("retry budget 10 %, backoff {BACKOFF}: {name}");
            }
            if let Ok((text, _)) = apply(&self.checked.source, &edits) {
                self.add(told, Kind::RetryBudget, None, Vec::new(), text);
            }
        }
    }

    /// What the file as a whole could do without.
    fn house(&mut self) {
        if self.scenario().mesh.is_some() {
            let text = without(&self.checked.source, "mesh");
            let notes = vec![
                "what the proxies did (encryption, retries, balancing by request) is the application's again".into(),
            ];
            self.add("no mesh".into(), Kind::NoMesh, None, notes, text);
            // Where a rule wants the mesh, it is for what no run shows.
            let asked = super::house::wants_mesh(self.scenario());
            self.ways.last_mut().into_iter().for_each(|way| way.gives_up = asked.then_some(SEALED));
        }
        self.transport();
    }

    /// Another transport for all calls that say none.
    fn transport(&mut self) {
        let transport = self.scenario().defaults.transport.value.clone();
        let other = if transport == "grpc" { "rest" } else { "grpc" };
        let (mut edits, mut notes) = (vec![edit("defaults.transport", other)], Vec::new());
        if other == "grpc" && self.is_pinned() {
            let virtual_address = self.scenario().discovery.kind.value == Found::Kubernetes;
            let fate = "an HTTP/2 connection stays with the replica that it was opened to";
            if virtual_address {
                notes.push(format!(
                    "{fate}: behind a virtual address few connections are spread badly, until a mesh balances requests"
                ));
            } else {
                edits.push(edit("discovery.balance_per", "request"));
                notes.push(format!(
                    "{fate}, so each caller balances requests (balance_per = \"request\"; gRPC's round_robin)"
                ));
            }
        }
        if let Ok((text, _)) = apply(&self.checked.source, &edits) {
            self.add(format!("{other} for {transport}"), Kind::Transport, None, notes, without(&text, "variants"));
        }
    }

    /// Whether connections are balanced and not requests, and somebody who is called has several replicas.
    fn is_pinned(&self) -> bool {
        let scenario = self.scenario();
        let several = |edge: &Edge<'_>| scenario.nodes[edge.to].replicas.value > 1;
        scenario.mesh.is_none()
            && scenario.discovery.balance_per.value == BalancePer::Connection
            && edges(scenario).iter().any(several)
    }

    /// Two services of which only one calls the other.
    fn merge(&mut self, edge: &Edge<'_>) {
        let scenario = self.scenario();
        let (Some(from), Some(to)) = (scenario.nodes.get(edge.from), scenario.nodes.get(edge.to)) else { return };
        let services = from.kind == NodeKind::Service && to.kind == NodeKind::Service;
        let callers = scenario
            .nodes
            .iter()
            .filter(|(_, node)| node.programs().flat_map(each_call).any(|call| call.target.value.node == edge.to));
        let clients = scenario.clients.values().flat_map(|client| &client.calls);
        let alone = callers.count() == 1
            && clients.clone().all(|call| call.target.value.node != edge.to)
            && to.consumes.is_empty();
        if !services || !alone || !edge.remote || self.count(Kind::Merge) >= MERGED {
            return;
        }
        if let (Some(one), Some(other)) = (&from.owned.team.value, &to.owned.team.value)
            && one != other
        {
            // Two owners of one service are none.
            let why = format!("merge: {} into {}: `{other}` and `{one}` would own it together", edge.to, edge.from);
            self.refused.push(why);
            return;
        }
        let mut text = self.checked.source.clone();
        for target in &edge.targets {
            let one = Arrow { from: edge.from, to: target }.to_string();
            let Ok((next, _)) = in_pattern(&text, &one, "in-process", None) else { return };
            text = next;
        }
        let both = [edge.from.to_owned(), edge.to.to_owned()];
        let Ok(text) = self.housed(&text, &both, edge.from) else { return };
        let notes = vec![format!("`{}` is deployed with `{}`, and owned with it", edge.to, edge.from)];
        let name = format!("merge: {} into {}", edge.to, edge.from);
        self.add(name, Kind::Merge, Some(Arrow { from: edge.from, to: edge.to }.to_string()), notes, text);
    }

    /// A timeout, and a limit, where there is none.
    fn guards(&mut self, edge: &Edge<'_>) {
        let name = Arrow { from: edge.from, to: edge.to }.to_string();
        let (Some(p99), true) = (self.slowest(&name), edge.remote) else { return };
        let scenario = &self.checked.scenario;
        let unguarded =
            |call: &Call| call.guards.timeout.is_none() && call.policy.is_none() && scenario.defaults.policy.is_none();
        let from = &scenario.nodes[edge.from];
        let calls: Vec<&Call> =
            from.programs().flat_map(each_call).filter(|call| call.target.value.node == edge.to).collect();
        if calls.is_empty() || !calls.iter().all(|call| unguarded(call)) {
            return;
        }
        if self.count(Kind::Timeout) < GUARDED {
            let timeout = format!("{}ms", (3.0 * p99).ceil().max(1.0));
            let notes = vec![format!("three times its p99 of {p99:.1} ms, rounded up")];
            self.rule(
                edge,
                (&name, &format!("timeout {timeout}: {name}")),
                Kind::Timeout,
                ("timeout", &format!("\"{timeout}\"")),
                notes,
            );
        }
        if self.count(Kind::Bulkhead) < GUARDED
            && let Some(workers) = from.concurrency.value.filter(|workers| *workers > 1)
        {
            let most = (workers / 2).max(1);
            let notes = vec![format!("half of the {workers} workers of each replica of `{}`", edge.from)];
            let value = format!("{{ max_concurrent = {most}, max_wait = \"0s\" }}");
            let told = format!("bulkhead {most}: {name}");
            self.rule(edge, (&name, &told), Kind::Bulkhead, ("bulkhead", &value), notes);
        }
    }

    /// Calls that fail now and then, and may be made twice, once more.
    fn retries(&mut self, edge: &Edge<'_>) {
        let scenario = &self.checked.scenario;
        let name = Arrow { from: edge.from, to: edge.to }.to_string();
        let silent = |call: &Call| {
            call.guards.retries.is_none()
                && call.policy.is_none()
                && scenario.defaults.policy.is_none()
                && call.idempotent.value
        };
        let mut calls =
            scenario.nodes[edge.from].programs().flat_map(each_call).filter(|c| c.target.value.node == edge.to);
        if !edge.remote || self.count(Kind::Retry) >= GUARDED || !calls.all(silent) || self.fails(&name) < FAILS {
            return;
        }
        let notes =
            vec![format!("takes it that what `{}` does may be done twice; say idempotent = false where not", edge.to)];
        let told = format!("one retry: {name}");
        self.rule(edge, (&name, &told), Kind::Retry, ("retries", "{ max = 1, backoff = \"10ms\" }"), notes);
    }

    /// The share of an edge's calls that fails, without the file's faults; none where nothing was run.
    fn fails(&self, edge: &str) -> f64 {
        let (Some(summary), Some(arrow)) = (self.summary, Arrow::of(edge)) else { return 0.0 };
        let of = |name: &str| {
            Arrow::of(name).is_some_and(|other| other.from == arrow.from && other.end().node == arrow.end().node)
        };
        let all = summary.edges.iter().filter(|(name, _)| of(name));
        all.filter_map(|(_, stats)| stats.success_rate.value).map(|rate| 1.0 - rate).fold(0.0, f64::max)
    }

    fn rule(
        &mut self,
        edge: &Edge<'_>,
        (name, told): (&str, &str),
        kind: Kind,
        (key, value): (&str, &str),
        notes: Vec<String>,
    ) {
        let mut text = self.checked.source.clone();
        for target in &edge.targets {
            let Some(next) = with_rule(&text, edge.from, target, key, value) else { return };
            text = next;
        }
        self.add(told.to_owned(), kind, Some(name.to_owned()), notes, text);
    }

    /// The p99 of the slowest endpoint of an edge, ms; a millisecond where nothing was run.
    fn slowest(&self, edge: &str) -> Option<f64> {
        let Some(summary) = self.summary else { return Some(1.0) };
        let arrow = Arrow::of(edge)?;
        let of = |name: &str| {
            Arrow::of(name).is_some_and(|other| other.from == arrow.from && other.end().node == arrow.end().node)
        };
        let all = summary.edges.iter().filter(|(name, _)| of(name));
        all.filter_map(|(_, stats)| stats.latency_ms.p99.value).reduce(f64::max)
    }
}

/// Whether what an endpoint does, and all that it calls, changes nothing and tells nobody.
fn only_reads(scenario: &Scenario, target: &str) -> bool {
    all_below(scenario, target, &|verb| match verb {
        Verb::Query(call) => call.mode.value == Mode::Read,
        Verb::Publish(_) => false,
        Verb::Call(call) => call.idempotent.value && call.uses_reply.value,
        _ => true,
    })
}

/// Whether each query of an endpoint, and of all that it calls, says that it reads; a file whose queries say nothing reads or not.
fn says_that_it_reads(scenario: &Scenario, target: &str) -> bool {
    all_below(scenario, target, &|verb| match verb {
        Verb::Query(call) => call.table.is_some() || !call.mode.is_default(),
        _ => true,
    })
}

/// Whether all steps of an endpoint, and of all that it calls, are such.
fn all_below(scenario: &Scenario, target: &str, such: &dyn Fn(&Verb) -> bool) -> bool {
    let graph = programs(scenario);
    let end = End::of(target);
    let Some(first) = graph.find(&(end.node, end.endpoint())) else { return false };
    let (mut seen, mut open) = (BTreeSet::new(), vec![first]);
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        let mut all = true;
        if let Some(body) = program(scenario, *graph.name(at)) {
            each_step(&body.steps, &mut |step| all &= such(&step.verb));
        }
        if !all {
            return false;
        }
        open.extend(graph.leaving(at).map(|(to, _)| to));
    }
    true
}

/// What is wrong first of all.
fn told(complaints: &[Complaint]) -> String {
    complaints.first().map_or_else(String::new, |complaint| complaint.message.clone())
}

fn edit(path: &str, value: &str) -> Edit {
    Edit { path: path.into(), value: value.into(), origin: "way out".into() }
}

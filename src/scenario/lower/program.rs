//! Steps become operations.
//!
//! While lowering, `held` says whether the frame has a worker (in a branch: its parent's) at this point. Blocking
//! code keeps it from `Enter` to `Leave`; async code and branches give it up before they wait and ask again before CPU.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::plan::{Cancels, Split};
use crate::model::{NodeId, Op, Outcome, Pc, SplitId};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::Span;

use super::super::guarded::of_client;
use super::super::written::{Endpoint, Io, Node, Step, Verb};
use super::Lowering;
use super::wire::Wire;

/// Names the draws of one program (of one function call in it): by what they are for and how often that came before.
#[derive(Debug, Default)]
pub(super) struct Sites {
    seen: BTreeMap<String, u32>,
    taken: BTreeSet<u32>,
}

impl Sites {
    /// The name of the next use of `label`.
    pub(super) fn next(&mut self, label: &str) -> u64 {
        let nth = self.seen.entry(label.into()).or_insert(0);
        *nth += 1;
        name_hash(&format!("{label}#{nth}"))
    }

    /// The same in 32 bits, unlike any other in this program.
    pub(super) fn short(&mut self, label: &str) -> u32 {
        let mut site = self.next(label) as u32;
        while !self.taken.insert(site) {
            site = site.wrapping_add(1);
        }
        site
    }
}

/// Where code runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The node whose replica runs it.
    pub(super) host: NodeId,
    /// The node in whose section it is written.
    pub(super) caller: &'a str,
    /// Whether waiting gives the worker up.
    pub(super) releases: bool,
    /// Whether workers are turns on the parent's worker.
    pub(super) turns: bool,
}

/// A jump to where failures go, to be filled in, and whether the worker is held there.
pub(super) type Fails = Vec<(usize, bool)>;

/// A piece of code under way.
pub(super) struct Code<'a> {
    pub(super) place: Place<'a>,
    pub(super) held: bool,
    pub(super) fails: Fails,
    /// The database whose transaction it is in.
    pub(super) transaction: Option<&'a str>,
    /// Whether that transaction writes.
    pub(super) writes: bool,
    /// What its caller may tell it to stop.
    pub(super) stops: Cancels,
}

impl<'a> Code<'a> {
    pub(super) fn new(place: Place<'a>, held: bool) -> Self {
        Self { place, held, fails: Vec::new(), transaction: None, writes: false, stops: Cancels::No }
    }
}

impl<'s> Lowering<'s> {
    /// Programs of all endpoints and clients.
    pub(super) fn programs(&mut self) {
        self.emit(Op::Dial);
        let scenario = self.scenario;
        for (name, node) in &scenario.nodes {
            let host = self.nodes[name.as_str()];
            for (endpoint, written) in &node.endpoints {
                let id = self.endpoints[&(host, endpoint.as_str())];
                self.plan.endpoints[id.index()].entry = self.here();
                let place = Place { host, caller: name, releases: node.io.value == Io::Async, turns: false };
                self.request(place, node, written);
            }
            for consumer in &node.consumes {
                self.consumer_program(host, name, consumer);
            }
        }
        for (id, name) in self.client_ids() {
            self.plan.clients[id.index()].entry = self.here();
            self.client_program(&name);
        }
        self.handed_over();
    }

    pub(in crate::scenario) fn here(&self) -> Pc {
        Pc(self.plan.ops.len() as u32)
    }

    pub(in crate::scenario) fn emit(&mut self, op: Op) -> usize {
        self.plan.ops.push(op);
        self.plan.ops.len() - 1
    }

    /// Fills in where an operation leads.
    pub(super) fn land(&mut self, at: usize, to: Pc) {
        match &mut self.plan.ops[at] {
            Op::Jump(pc) | Op::Chance { skip: pc, .. } => *pc = to,
            Op::Call { fail, .. }
            | Op::Fork { fail, .. }
            | Op::Fails { fail, .. }
            | Op::Compare { fail }
            | Op::Borrow { fail, .. }
            | Op::Publish { fail, .. }
            | Op::Produce { fail, .. }
            | Op::Fetch { fail, .. }
            | Op::Check { fail } => *fail = to,
            other => unreachable!("{other:?} leads nowhere"),
        }
    }

    /// A whole request at an endpoint.
    fn request(&mut self, place: Place<'s>, node: &'s Node, endpoint: &'s Endpoint) {
        let key = (place.caller.to_owned(), endpoint.name.value.clone());
        let begin = self.here();
        let locks = !node.tables.is_empty();
        if self.callers.gripped.contains_key(place.caller) {
            self.emit(Op::Grip);
        }
        if locks {
            self.emit(Op::Lock);
        }
        if self.plan.node(place.host).intake.is_some() {
            self.emit(Op::Admit);
        }
        self.emit(Op::Enter);
        let drops = self.callers.hurried && node.drop_expired.value;
        if drops || self.callers.tied.contains(&key) {
            self.emit(Op::Begin { drops });
        }
        let mut code =
            Code { stops: self.callers.canceled.get(&key).copied().unwrap_or_default(), ..Code::new(place, true) };
        let coded = self.callers.coded.contains(&key);
        if coded {
            self.emit(Op::Receive);
        }
        self.body(&mut code, &mut Sites::default(), endpoint);
        if self.callers.compared.contains(place.caller) {
            let at = self.emit(Op::Compare { fail: Pc::default() });
            code.fails.push((at, code.held));
        }
        if let Some(lag) = node.replication_lag.value.as_ref().filter(|_| node.replicas.value > 1) {
            let lag = self.law(lag);
            self.emit(Op::Replicate(lag));
        }
        if coded || self.callers.streamed.contains(&key) {
            self.acquire(&mut code);
            self.emit(Op::Answer);
            self.look_if_dropped(&mut code);
        }
        if self.callers.streamed.contains(&key) {
            self.emit(Op::Stream);
        }
        if self.callers.effects.contains(&key) {
            self.emit(Op::Effect);
        }
        if self.may_miss(begin) {
            self.emit(Op::Missing);
        }
        let held = code.held;
        self.way_out(held, locks, Outcome::Succeeded);
        let transacts = self.plan.ops[begin.index()..].contains(&Op::RollBack);
        let (held, free): (Fails, Fails) = code.fails.into_iter().partition(|f| f.1);
        for (fails, held) in [(held, true), (free, false)] {
            if !fails.is_empty() {
                let to = self.here();
                fails.iter().for_each(|f| self.land(f.0, to));
                self.fail(held, locks, transacts);
            }
        }
    }

    /// Whether what was emitted since then gathers answers of which some may be missing.
    fn may_miss(&self, begin: Pc) -> bool {
        self.plan.ops[begin.index()..].iter().any(|op| match op {
            Op::Fork { fork, .. } => self.plan.fork(*fork).branches.iter().any(|branch| branch.optional),
            _ => false,
        })
    }

    /// A request fails: where it may have been in a transaction, it says whether that was the victim of a deadlock.
    fn fail(&mut self, held: bool, locks: bool, transacts: bool) {
        self.way_out(held, locks, Outcome::Error);
        if let (true, Some(last)) = (transacts, self.plan.ops.last_mut()) {
            *last = Op::OwnUp;
        }
    }

    /// The end of a request: its worker and its lock are free, the answer leaves.
    fn way_out(&mut self, held: bool, locks: bool, outcome: Outcome) {
        if held {
            self.emit(Op::Leave);
        }
        if locks {
            self.emit(Op::Unlock);
        }
        self.emit(Op::Reply(outcome));
    }

    /// What an endpoint does: work, wait, fail, steps.
    pub(super) fn body(&mut self, code: &mut Code<'s>, sites: &mut Sites, endpoint: &'s Endpoint) {
        if let Some(law) = &endpoint.work.value {
            self.work(code, sites, law);
            self.look_if_dropped(code);
        }
        if let Some(law) = &endpoint.wait.value {
            self.wait(code, sites, law);
            self.look_if_dropped(code);
        }
        if endpoint.error_rate.value > 0.0 {
            let (share, site) = (endpoint.error_rate.value as f32, sites.short("error"));
            let at = self.emit(Op::Fails { share, site, fail: Pc::default() });
            code.fails.push((at, code.held));
        }
        for step in &endpoint.steps {
            self.step(code, sites, step, step.times.value);
        }
    }

    pub(super) fn acquire(&mut self, code: &mut Code<'s>) {
        if !code.held {
            self.emit(if code.place.turns { Op::Turn } else { Op::Resume });
            code.held = true;
            self.look_if_dropped(code);
        }
    }

    /// Looks whether this is to stop.
    fn look_if_canceled(&mut self, code: &mut Code<'s>) {
        let at = self.emit(Op::Check { fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    /// The same behind whatever takes time, for whom it is to stop in the middle of that.
    fn look_if_dropped(&mut self, code: &mut Code<'s>) {
        if code.stops == Cancels::AtOnce {
            self.look_if_canceled(code);
        }
    }

    /// Gives the worker up before a wait, where waiting does that.
    pub(super) fn release(&mut self, code: &mut Code<'s>) {
        if code.held && code.place.releases {
            self.emit(if code.place.turns { Op::GiveTurn } else { Op::Leave });
            code.held = false;
        }
    }

    fn work(&mut self, code: &mut Code<'s>, sites: &mut Sites, law: &Law) {
        let site = sites.short("work");
        if is_nothing(law) {
            return;
        }
        self.acquire(code);
        let law = self.law(law);
        self.emit(Op::Work { law, site });
    }

    fn wait(&mut self, code: &mut Code<'s>, sites: &mut Sites, law: &Law) {
        let site = sites.short("wait");
        if is_nothing(law) {
            return;
        }
        self.release(code);
        let law = self.law(law);
        self.emit(Op::Wait { law, site });
    }

    /// A step, `times` times in a row.
    pub(super) fn step(&mut self, code: &mut Code<'s>, sites: &mut Sites, step: &'s Step, times: u32) {
        for _ in 0..times {
            if code.stops != Cancels::No {
                self.look_if_canceled(code);
            }
            if step.probability.value >= 1.0 {
                self.verb(code, sites, &step.verb);
                self.look_if_dropped(code);
                continue;
            }
            let after = self.verb_held(code.place, &step.verb, code.held) && code.held;
            if !after {
                self.release(code);
            }
            let skip = self.chance(sites, step);
            self.verb(code, sites, &step.verb);
            if !after {
                self.release(code);
            }
            let here = self.here();
            self.land(skip, here);
            self.look_if_dropped(code);
        }
    }

    /// The chance that a step is taken; where it leads otherwise is to be filled in.
    pub(super) fn chance(&mut self, sites: &mut Sites, step: &Step) -> usize {
        let (share, site) = (step.probability.value as f32, sites.short(&format!("chance {}", label(&step.verb))));
        self.emit(Op::Chance { share, site, skip: Pc::default() })
    }

    pub(super) fn verb(&mut self, code: &mut Code<'s>, sites: &mut Sites, verb: &'s Verb) {
        match verb {
            Verb::Work(law) => self.work(code, sites, law),
            Verb::Wait(law) => self.wait(code, sites, law),
            Verb::Call(call) | Verb::Query(call) => self.or_fallback(code, sites, call, Self::call),
            Verb::Cache { call, on_miss } => self.look(code, sites, call, on_miss),
            Verb::Transaction { database, steps } => self.transaction(code, sites, &database.value, steps),
            Verb::Publish(publish) => self.publish(code, sites, publish),
            Verb::Parallel { branches, wait_for } => self.parallel(code, sites, branches, wait_for.value),
            Verb::Split(arms) => self.split(code, sites, arms),
            Verb::Remember { memory, steps } => self.remember(code, sites, memory, steps),
            Verb::Meter(call) => self.meter(code, sites, call),
        }
    }

    /// A client's request: one of its calls, then the answer.
    fn client_program(&mut self, name: &str) {
        let Some((name, client)) = self.scenario.clients.get_key_value(name) else { return };
        let place = Place { host: self.nodes[name.as_str()], caller: name, releases: true, turns: false };
        let guards = of_client(self.scenario, client);
        let mut sites = Sites::default();
        let mut ways = Vec::new();
        if client.calls.len() > 1 {
            let site = sites.short("calls");
            self.emit(Op::Split { split: SplitId(self.plan.splits.len() as u32), site });
        }
        let (mut sum, mut ends) = (0.0, Vec::new());
        for written in &client.calls {
            sum += written.share;
            ways.push((sum, self.here()));
            let wire = Wire::of_client(self, client, written);
            let codec = wire.codec();
            for _ in 0..written.times.value {
                let call = self.site_to(place, &mut sites, &written.target.value, &guards, Some(&wire));
                if codec.encode > Span::ZERO {
                    self.emit(Op::Encode(call));
                }
                ends.push(self.emit(Op::Call { call, fail: Pc::default() }));
                if codec.decode > Span::ZERO {
                    // Its work holds nothing: there is no worker to be asked for or given up.
                    self.decode(&mut Code::new(Place { releases: false, ..place }, true), &codec, call);
                }
            }
            if ways.len() < client.calls.len() {
                ends.push(self.emit(Op::Jump(Pc::default())));
            }
        }
        if ways.len() > 1 {
            self.plan.splits.push(Split { ways });
        }
        let here = self.here();
        ends.into_iter().for_each(|at| self.land(at, here));
        self.emit(Op::Conclude);
    }
}

/// Whether a law is constantly zero: such work needs no worker and such a wait gives none up.
pub(super) fn is_nothing(law: &Law) -> bool {
    matches!(law, Law::Constant { value } if *value < 0.5)
}

/// What a `probability` decides about.
pub(super) fn label(verb: &Verb) -> String {
    match verb {
        Verb::Work(_) => "work".into(),
        Verb::Wait(_) => "wait".into(),
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } => call.target.value.to_string(),
        Verb::Publish(publish) => publish.to.value.clone(),
        Verb::Parallel { .. } => "parallel".into(),
        Verb::Split(_) => "split".into(),
        Verb::Transaction { .. } => "transaction".into(),
        Verb::Remember { memory, .. } => memory.name.clone(),
        Verb::Meter(_) => "meter".into(),
    }
}

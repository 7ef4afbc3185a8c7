//! Clients: populations outside. They hold no workers; a request of theirs is a frame on a pseudo-node.

use crate::kernel::Phase;
use crate::model::source::{Naming, Pace, Source};
use crate::model::{Answer, ClientId, Fact, Opening, Pc, Probe};
use crate::random::Lineage;
use crate::units::Span;

use crate::machine::core::course::Stop;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Trip, Whose};
use crate::machine::core::limit::Alive;
use crate::machine::core::{Core, Flow};
use crate::model::plan::{Client, Plan};

/// Clients: populations outside, and the users of those that are closed.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) sources: Vec<Sender>,
    /// Users of all closed clients: whose, and how many rounds they have sent.
    pub(crate) users: Vec<(u32, u64)>,
}

impl Clients {
    /// Nobody has sent anything.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { sources: plan.clients.iter().map(|client| Sender::new(plan, client)).collect(), users: Vec::new() }
    }
}

/// What a client remembers, and what each of its requests needs of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) pace: Pace,
    /// Requests so far, all arrivals' batches included; names the next root.
    pub(crate) roots: u64,
    /// The first of its users, for a closed client.
    first_user: u32,
    closed: bool,
    priority: u8,
    /// Its program, and where that runs.
    entry: Pc,
    replica: u32,
}

impl Sender {
    /// It has sent nothing.
    fn new(plan: &Plan, client: &Client) -> Self {
        Self {
            pace: Pace::default(),
            roots: 0,
            first_user: 0,
            closed: matches!(client.source, Source::Closed(_)),
            priority: client.priority,
            entry: client.entry,
            replica: plan.node(client.node).first_replica,
        }
    }
}

impl<P: Probe> Core<'_, P> {
    pub(crate) fn naming(&self, client: u32) -> Naming {
        Naming { seed: self.seed, source: self.plan.clients[client as usize].hash }
    }
}

impl Clients {
    /// Puts every client's first arrival on the agenda.
    pub(crate) fn start_clients<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        for client in 0..core.plan.clients.len() as u32 {
            if let Source::Closed(closed) = &core.plan.clients[client as usize].source {
                let first = self.users.len() as u32;
                self.sources[client as usize].first_user = first;
                self.users.resize((first + closed.users) as usize, (client, 0));
                (first..first + closed.users).for_each(|user| self.think(core, user));
            } else {
                self.expect_arrival(core, client);
            }
        }
    }

    /// Schedules an open client's next arrival.
    pub(crate) fn expect_arrival<P: Probe>(&mut self, core: &mut Core<'_, P>, client: u32) {
        let naming = core.naming(client);
        let sender = &mut self.sources[client as usize];
        if let Some(at) = core.plan.clients[client as usize].source.next(core.now, &mut sender.pace, naming) {
            core.agenda.push(at, Phase::Arrival, Event::Arrive(client));
        }
    }

    /// A user of a closed client thinks, then sends.
    fn think<P: Probe>(&mut self, core: &mut Core<'_, P>, user: u32) {
        let (client, round) = self.users[user as usize];
        let Source::Closed(closed) = &core.plan.clients[client as usize].source else {
            return;
        };
        let its = user - self.sources[client as usize].first_user;
        let think = closed.think(its, round, core.naming(client));
        core.schedule(Span(think), Event::Send(user));
    }

    /// A user of a closed client sends.
    pub(crate) fn send_for<P: Probe>(&mut self, core: &mut Core<'_, P>, user: u32) -> u32 {
        let (client, round) = &mut self.users[user as usize];
        *round += 1;
        let (client, round) = (*client, *round);
        let its = user - self.sources[client as usize].first_user;
        let lineage = Lineage::root(core.plan.clients[client as usize].hash, u64::from(its) << 40 | round);
        self.sources[client as usize].roots += 1;
        self.set_out(core, client, user, lineage)
    }

    /// A request of a client sets out.
    pub(crate) fn set_out<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        client: u32,
        user: u32,
        lineage: Lineage,
    ) -> u32 {
        let Sender { roots, priority, entry, replica, .. } = self.sources[client as usize];
        let (now, measured, nth) = (core.now, core.is_measured(), roots - 1);
        let (frame, new) = core.frames.fresh();
        new.lineage = lineage;
        new.trip = Trip { arrived: now, sent: now };
        new.account.until = now;
        new.caller = user;
        new.pc = entry.0;
        new.replica = replica;
        new.whose = Whose { client: client as u16, priority, measured };
        core.open_account(frame, || Opening::Root { client: ClientId(client), nth, measured });
        core.course.in_flight += 1;
        core.course.measured_open += u64::from(measured);
        if core.course.in_flight > core.plan.max_in_flight {
            core.halt(Stop::TooMany(Alive::Requests));
        }
        core.tell(Fact::Offered { client: ClientId(client), measured });
        if core.follows_roots() {
            core.begin_flows(frame, ClientId(client));
        }
        frame
    }

    /// A client knows how its request ended.
    #[inline(never)]
    pub(crate) fn conclude<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let frame = &core.frames[at];
        let (client, user, row) = (u32::from(frame.whose.client), frame.caller, frame.account.row);
        let (outcome, intended, measured) = (frame.state.outcome, frame.trip.arrived, frame.whose.measured);
        if core.probe.accounts() {
            let answer = Answer { client: ClientId(client), outcome, latency: core.now.since(intended), measured };
            core.probe.account(answer, core.ledger.parts(row));
        }
        core.answer_root(at, outcome);
        core.close(at, outcome);
        core.course.in_flight -= 1;
        core.tell(Fact::Answered { client: ClientId(client), outcome, intended, measured });
        if measured {
            core.end_measured();
        }
        if self.sources[client as usize].closed {
            self.think(core, user);
        }
        Flow::Stay
    }
}

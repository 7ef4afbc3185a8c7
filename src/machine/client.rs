//! Clients: populations outside. They hold no workers; a request of theirs is a frame on a pseudo-node.

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::source::{Naming, Source};
use crate::model::{Answer, ClientId, Fact, Opening, Probe};
use crate::random::Lineage;
use crate::units::Span;

use super::event::Event;
use super::frame::{Frame, Origin};
use super::walk::Flow;
use super::{Alive, Machine, Stop};

impl<P: Probe> Machine<'_, P> {
    fn naming(&self, client: u32) -> Naming {
        Naming { seed: self.seed, source: self.plan.clients[client as usize].hash }
    }

    /// Puts every client's first arrival on the agenda.
    pub(super) fn start_clients(&mut self) {
        for client in 0..self.plan.clients.len() as u32 {
            if let Source::Closed(closed) = &self.plan.clients[client as usize].source {
                let first = self.users.len() as u32;
                self.sources[client as usize].first_user = first;
                self.users.resize((first + closed.users) as usize, (client, 0));
                (first..first + closed.users).for_each(|user| self.think(user));
            } else {
                self.expect_arrival(client);
            }
        }
    }

    /// Schedules an open client's next arrival.
    fn expect_arrival(&mut self, client: u32) {
        let naming = self.naming(client);
        let sender = &mut self.sources[client as usize];
        if let Some(at) = self.plan.clients[client as usize].source.next(self.now, &mut sender.pace, naming) {
            self.agenda.push(at, Phase::Arrival, Event::Arrive(client));
        }
    }

    /// An open client sends.
    pub(super) fn arrive(&mut self, client: u32) {
        let naming = self.naming(client);
        let nth = self.sources[client as usize].pace.arrivals;
        let batch = self.plan.clients[client as usize].source.batch(nth, naming);
        if batch > 1 {
            self.toil(batch);
        }
        for _ in 0..batch {
            if self.stop.is_some() {
                return;
            }
            let root = self.sources[client as usize].roots;
            self.sources[client as usize].roots += 1;
            let frame = self.set_out(client, 0, Lineage::root(naming.source, root));
            self.walk(frame);
        }
        self.expect_arrival(client);
    }

    /// A user of a closed client thinks, then sends.
    fn think(&mut self, user: u32) {
        let (client, round) = self.users[user as usize];
        let Source::Closed(closed) = &self.plan.clients[client as usize].source else {
            return;
        };
        let its = user - self.sources[client as usize].first_user;
        let think = closed.think(its, round, self.naming(client));
        self.schedule(Span(think), Event::Send(user));
    }

    /// A user of a closed client sends.
    pub(super) fn send_for(&mut self, user: u32) -> u32 {
        let (client, round) = &mut self.users[user as usize];
        *round += 1;
        let (client, round) = (*client, *round);
        let its = user - self.sources[client as usize].first_user;
        let lineage = Lineage::root(self.plan.clients[client as usize].hash, u64::from(its) << 40 | round);
        self.sources[client as usize].roots += 1;
        self.set_out(client, user, lineage)
    }

    /// A request of a client sets out.
    fn set_out(&mut self, client: u32, user: u32, lineage: Lineage) -> u32 {
        let plan = &self.plan.clients[client as usize];
        let measured = self.is_measured();
        let frame = self.frames.insert(Frame {
            lineage,
            arrived: self.now,
            until: self.now,
            caller: user,
            pc: plan.entry.0,
            replica: self.plan.node(plan.node).first_replica,
            client: client as u16,
            priority: plan.priority,
            origin: Origin::Root,
            measured,
            child: NONE,
            ..Frame::default()
        });
        let nth = self.sources[client as usize].roots - 1;
        self.open_account(frame, || Opening::Root { client: ClientId(client), nth, measured });
        self.in_flight += 1;
        self.measured_open += u64::from(measured);
        if self.in_flight > self.plan.max_in_flight {
            self.halt(Stop::TooMany(Alive::Requests));
        }
        self.tell(Fact::Offered { client: ClientId(client), measured });
        if self.roots.follows {
            self.begin_flows(frame, ClientId(client));
        }
        frame
    }

    /// Something that the run waits for has ended.
    pub(super) fn end_measured(&mut self) {
        self.measured_open -= 1;
        if self.measured_open == 0 && self.closed {
            self.linger();
        }
    }

    /// A client knows how its request ended.
    #[inline(never)]
    pub(super) fn conclude(&mut self, at: u32) -> Flow {
        let frame = &self.frames[at];
        let (client, user) = (u32::from(frame.client), frame.caller);
        let (outcome, intended, measured) = (frame.outcome, frame.arrived, frame.measured);
        if P::ACCOUNTS {
            let answer = Answer { client: ClientId(client), outcome, latency: self.now.since(intended), measured };
            self.probe.account(answer, self.ledger.parts(frame.row));
        }
        self.answer_root(at, outcome);
        self.close(at, outcome);
        self.in_flight -= 1;
        self.tell(Fact::Answered { client: ClientId(client), outcome, intended, measured });
        if measured {
            self.end_measured();
        }
        if matches!(self.plan.clients[client as usize].source, Source::Closed(_)) {
            self.think(user);
        }
        Flow::Stay
    }
}

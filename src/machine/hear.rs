//! Events of which several parts hear in turn.

use crate::kernel::Phase;
use crate::model::discovery::{Depth, Readiness};
use crate::model::{Op, Outcome, Probe};
use crate::random::Lineage;
use crate::units::{Span, Time};

use crate::machine::Machine;
use crate::machine::core::GONE;
use crate::machine::core::event::{Event, Rare};
use crate::machine::core::frame::Origin;

impl<P: Probe> Machine<'_, P> {
    /// Word reaches a replica that another try was begun: one that is not begun here is dropped.
    pub(crate) fn hear_word(&mut self, word: u32) {
        let (at, lineage) = self.calls.words.all[word as usize];
        self.calls.words.free.push(word);
        let frame = self.core.frames[at];
        if frame.lineage != lineage || frame.origin != Origin::Try || frame.pc == GONE {
            return;
        }
        let entered =
            frame.marks.waiting && !frame.marks.preempted && self.core.plan.ops[frame.pc as usize - 1] == Op::Enter;
        if entered && !self.core.is_frozen(frame.replica) {
            self.stations.leave_line(&mut self.core, at);
            self.data.unlock(&mut self.core, at);
            self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Canceled, true);
        } else if self.core.is_unbegun(frame.pc) {
            self.core.frames[at].marks.canceled = true;
        }
    }

    /// A balancer's probe arrives.
    pub(crate) fn answer_probe(&mut self, probe: u32) {
        let stations = &self.stations.replicas;
        let held = |replica: u32| stations[replica as usize].taken().0 + stations[replica as usize].line.len();
        self.calls.wire.names.answer_probe(&mut self.core, probe, held);
    }

    /// An open client sends.
    pub(crate) fn arrive(&mut self, client: u32) {
        let naming = self.core.naming(client);
        let arrivals = self.clients.sources[client as usize].pace.arrivals;
        let batch = self.core.plan.clients[client as usize].source.batch(arrivals, naming);
        if batch > 1 {
            self.core.toil(batch);
        }
        for _ in 0..batch {
            if self.core.course.stop.is_some() {
                return;
            }
            let sender = &mut self.clients.sources[client as usize];
            let lineage = Lineage::root(naming.source, sender.roots);
            sender.roots += 1;
            let frame = self.clients.set_out(&mut self.core, client, 0, lineage);
            self.walk(frame);
        }
        self.clients.expect_arrival(&mut self.core, client);
    }

    /// A query has waited long for a lock: it gives up, or its transaction is the victim if it waits for itself.
    #[cold]
    pub(crate) fn suspect(&mut self, at: u32) {
        if let Some(outcome) = self.data.lose_patience(&mut self.core, at) {
            self.calls.reply(&mut self.core, &mut self.stations, at, outcome, true);
        }
    }

    /// A callee hears that its caller gave up: it is taken from the line, gives up its own calls, stops at its
    /// next step, or where it stands.
    pub(crate) fn cancel(&mut self, at: u32) {
        self.core.frames[at].marks.hears = false;
        let frame = self.core.frames[at];
        if frame.marks.answered {
            return self.calls.close_try(&mut self.core, &mut self.stations, at, frame.state.outcome);
        }
        self.core.frames[at].marks.canceled = true;
        if frame.pc == GONE || self.core.is_frozen(frame.replica) {
            return;
        }
        let op = |pc: u32| self.core.plan.ops[pc as usize];
        if frame.marks.waiting && !frame.marks.preempted && op(frame.pc - 1) == Op::Enter {
            self.stations.leave_line(&mut self.core, at);
            self.data.unlock(&mut self.core, at);
            self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Canceled, true);
        } else {
            let how = self.core.plan.calls[frame.call as usize].cancels;
            self.calls.stop(&mut self.core, &mut self.stations, at, how);
        }
    }

    /// A request has been in line as long as it stays.
    pub(crate) fn lose_patience(&mut self, at: u32) {
        if self.core.is_troubled() && self.core.mutes(Event::Patience(at), at) {
            return;
        }
        let frame = &mut self.core.frames[at];
        if frame.due != self.core.now || !frame.marks.waiting {
            return;
        }
        self.stations.leave_line(&mut self.core, at);
        self.data.unlock(&mut self.core, at);
        self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Overloaded, true);
    }

    /// Replicas begin to be asked whether they work, where that is a request like others.
    pub(crate) fn start_asking(&mut self) {
        for at in 0..self.calls.wire.names.asked.len() as u32 {
            let Some(probes) = self.probes(at).filter(|_| self.core.is_asked(at / 2)) else { continue };
            let first = self.core.now + self.core.phase_of(at / 2, probes);
            self.calls.wire.names.asked[at as usize].next = first;
            self.core.agenda.push(first, Phase::Recovery, Rare::Ask(at).event());
        }
    }

    /// How a replica is asked: for readiness, or for liveness.
    fn probes(&self, at: u32) -> Option<Readiness> {
        let discovery = &self.core.plan.discovery;
        if at.is_multiple_of(2) { discovery.readiness.filter(Readiness::queues) } else { discovery.liveness }
    }

    /// A replica is asked whether it works, or should have answered by now.
    #[cold]
    pub(crate) fn ask(&mut self, at: u32) {
        let Some(probes) = self.probes(at) else { return };
        let (now, replica) = (self.core.now, at / 2);
        let asked = &mut self.calls.wire.names.asked[at as usize];
        if let Some(since) = asked.waits.filter(|since| *since + probes.timeout <= now) {
            asked.waits = None;
            let served = self.stations.has_served(&self.core, replica, since);
            self.hear_of_health(at, probes, served);
        }
        let asked = &mut self.calls.wire.names.asked[at as usize];
        if asked.next != now || self.core.course.closed {
            return;
        }
        asked.next = now + probes.every;
        self.core.agenda.push(now + probes.every, Phase::Recovery, Rare::Ask(at).event());
        if !self.fleet.is_running(replica) {
            self.calls.wire.names.asked[at as usize].fails = 0;
        } else if !self.core.is_up(replica) || self.stations.has_room(replica) {
            self.hear_of_health(at, probes, true);
        } else {
            self.calls.wire.names.asked[at as usize].waits = Some(now);
            self.core.agenda.push(now + probes.timeout, Phase::Recovery, Rare::Ask(at).event());
        }
    }

    /// A probe had a worker in time or not: the replica has answered if it works at all and, asked deeply, those do whom it calls.
    fn hear_of_health(&mut self, at: u32, probes: Readiness, served: bool) {
        let replica = at / 2;
        let deep = probes.depth == Depth::Deep;
        let answers = served && self.goes_on(replica) && (!deep || self.reaches_all(replica, probes.timeout));
        let gone = self.calls.wire.names.asked[at as usize].hear(answers, probes.failures);
        if at.is_multiple_of(2) && (answers || gone) {
            self.calls.wire.names.enrol(&mut self.core, replica, answers);
        } else if gone {
            self.calls.wire.names.asked[at as usize].fails = 0;
            self.take_down(replica, false, true);
            self.bring_up(replica, false, true);
        }
    }

    /// Whether a replica is up, can be reached and does not stand still.
    fn goes_on(&self, replica: u32) -> bool {
        self.core.is_up(replica) && !self.core.is_frozen(replica) && self.core.is_connected(replica)
    }

    /// Whether somebody could answer in time at each node that a replica's node calls.
    fn reaches_all(&self, replica: u32, within: Span) -> bool {
        let (plan, node, now) = (self.core.plan, self.core.node_of(replica), self.core.now);
        let since = Time(now.0.saturating_sub(within.0));
        let answers = |callee: u32| {
            let soon = self.stations.has_room(callee) || self.stations.has_served(&self.core, callee, since);
            self.goes_on(callee) && soon
        };
        let mut callees = plan.links.iter().filter(|link| link.from == node).map(|link| link.to);
        callees.all(|callee| self.core.replicas_of(callee).any(answers))
    }
}

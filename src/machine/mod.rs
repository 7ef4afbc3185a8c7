//! The run loop: `match Event`, the interpreter `match Op`, and what they move.
//!
//! A request in flight is a frame: a small cursor that walks the program of its endpoint. What a caller knows as a *try* and
//! what the callee knows as a request share one frame: it is made when the try is sent, and freed when its answer is back,
//! whether or not anybody still waits. A caller that gives up only marks it; the work goes on.

mod calls;
mod clients;
mod core;
mod data;
mod faults;
mod fleet;
mod hear;
mod left;
mod limit;
mod mail;
mod names;
mod parts;
mod setup;
mod sight;
mod stations;
mod streams;
mod walk;
mod wire;

use crate::model::{FaultId, NodeId, Probe, QueueId};
use crate::units::Time;

use calls::Calls;
use clients::Clients;
use core::event::{EXHAUSTED, Event, LINGER, Rare};
use core::{Core, Cursor};
use data::Data;
use fleet::Fleet;
use mail::Mail;
use stations::Stations;
use streams::Streams;

pub use core::course::Stop;
pub use core::ledger::Parts;
pub use core::limit::Alive;
pub use setup::replication_seed;
pub use sight::{At, Seen, Sight, sight};

/// One replication under way: the plan, all mutable state, and a probe that hears its facts.
#[derive(Clone, Debug)]
pub struct Machine<'p, P> {
    core: Core<'p, P>,
    stations: Stations,
    calls: Calls,
    data: Data,
    mail: Mail,
    streams: Streams,
    fleet: Fleet,
    clients: Clients,
}

impl<P: Clone> Machine<'_, P> {
    /// A copy that has the same past and goes on under another seed: a draw is a function of seed, name and number, so only
    /// what is drawn from now on differs. A [clone](Clone) goes on as this one does.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let mut other = self.clone();
        other.core.seed = seed;
        other
    }
}

/// What is left of a run.
#[derive(Clone, Debug)]
pub struct Finished<P> {
    /// The probe, with all it heard.
    pub probe: P,
    /// Events handled.
    pub events: u64,
    /// Why it stopped.
    pub stop: Stop,
    /// When it stopped.
    pub at: Time,
    /// Whether nothing was left: no request anywhere, no worker held, nobody in line or outstanding.
    pub at_rest: bool,
}

impl<P: Probe> Machine<'_, P> {
    /// Runs to the end. Every 65,536 events, or sooner, `watch` is told the time and may say stop (`false`).
    pub fn run(self, mut watch: impl FnMut(Time) -> bool) -> Finished<P> {
        self.run_heard(|now, _| watch(now))
    }

    /// The same; `watch` sees what was heard by then, too.
    pub fn run_heard(mut self, mut watch: impl FnMut(Time, &P) -> bool) -> Finished<P> {
        while self.core.course.stop.is_none() {
            self.core.course.look_at = self.core.course.events + self.core.pulse();
            self.proceed();
            if self.core.course.stop.is_none() {
                self.look_up(&mut watch);
            }
        }
        self.close_early();
        self.tell_what_is_left();
        let (stop, at_rest) = (self.core.course.stop.unwrap_or(Stop::Ended), self.is_at_rest());
        Finished { events: self.core.course.events, stop, at: self.core.now, at_rest, probe: self.core.probe }
    }

    /// Handles events until it is time to look at the watch, or the run stops.
    fn proceed(&mut self) {
        while self.core.course.events < self.core.course.look_at {
            self.happen();
        }
    }

    /// Handles the next event, and whatever goes on because of it.
    #[inline(always)]
    fn happen(&mut self) {
        let Some((now, event)) = self.core.agenda.pop() else {
            return self.core.halt(Stop::Ended);
        };
        self.core.now = now;
        self.core.course.events += 1;
        let mut next = self.handle(event).or_else(|| self.core.next_ready());
        while let Some(cursor) = next {
            if !(self.core.is_troubled() && self.core.park(cursor.at)) {
                self.stride(cursor);
            }
            next = self.core.next_ready();
        }
    }

    /// Runs up to a moment and with it, if it does not stop before: there it can be looked at, [copied](Self::fork) and
    /// continued. Nobody watches meanwhile.
    pub fn run_to(&mut self, moment: Time) {
        while self.core.course.stop.is_none() && self.core.agenda.next_time().is_some_and(|next| next <= moment) {
            self.happen();
        }
    }

    /// The same under watch: it is told the time as in [`run`](Self::run), and guards are looked at.
    pub fn run_watched_to(&mut self, moment: Time, mut watch: impl FnMut(Time) -> bool) {
        let mut watch = |now, _: &P| watch(now);
        while self.core.course.stop.is_none() && self.core.agenda.next_time().is_some_and(|next| next <= moment) {
            if self.core.course.events >= self.core.course.look_at {
                self.core.course.look_at = self.core.course.events + self.core.pulse();
                self.look_up(&mut watch);
            } else {
                self.happen();
            }
        }
    }

    /// How much is under way: requests, tries that nobody waits for any more, calls that wait to be tried again, branches,
    /// messages.
    pub fn under_way(&self) -> u64 {
        self.core.frames.live() as u64 + self.mail.alive() as u64
    }

    /// A fault of the plan that never comes by itself ([`When::Once`](crate::model::fault::When) from [`Time::NEVER`]) comes at a
    /// moment, which must not lie in the past. So many runs with one fault each share what was before it.
    pub fn call_down(&mut self, fault: FaultId, moment: Time) {
        self.core.call_down(fault, moment);
    }

    /// Whoever listens.
    pub fn probe(&self) -> &P {
        &self.core.probe
    }

    /// Whoever listens, to be told what to listen for.
    pub fn probe_mut(&mut self) -> &mut P {
        &mut self.core.probe
    }

    /// What happens; the frame that goes on first, if one does.
    #[inline(always)]
    fn handle(&mut self, event: Event) -> Option<Cursor> {
        let next = match event {
            Event::Done(frame) => return self.stations.finish(&mut self.core, frame),
            Event::Reach(frame) => {
                if !(self.core.is_troubled() && self.calls.turns_away(&mut self.core, &mut self.stations, frame)) {
                    let cursor = self.core.reach(frame);
                    return self.begin_visit(cursor);
                }
                None
            }
            Event::Return(frame) => return self.calls.come_back(&mut self.core, &mut self.stations, frame),
            event => self.handle_other(event),
        };
        next.map(|at| self.core.cursor(at))
    }

    /// The same for what does not happen at every call.
    #[inline(always)]
    fn handle_other(&mut self, event: Event) -> Option<u32> {
        match event {
            Event::Done(_) | Event::Reach(_) | Event::Return(_) => {}
            Event::Arrive(client) => self.arrive(client),
            Event::Wake(frame) => return self.core.wake(frame),
            Event::Starve(frame) => self.calls.wire.starve(&mut self.core, frame),
            Event::Cancel(frame) => self.cancel(frame),
            Event::Alarm(guard) => self.calls.wake_guard(&mut self.core, &mut self.stations, guard),
            Event::Tick(replica) => self.stations.tick(&mut self.core, replica),
            Event::Send(user) => return Some(self.clients.send_for(&mut self.core, user)),
            Event::Patience(frame) => self.lose_patience(frame),
            Event::Lane(lane) => self.calls.time_out(&mut self.core, &mut self.stations, lane),
            Event::Fault(fault) => self.strike(fault),
            Event::Mark(EXHAUSTED) => self.core.run_out_of_patience(),
            Event::Mark(LINGER) => self.core.look_again(),
            Event::Mark(nth) => self.pass_mark(nth),
            Event::Stream(beat) => self.streams.beat_stream(&mut self.core, beat),
            Event::Rare(rare) => match Rare::unpack(rare) {
                Rare::Pass(frame) => self.calls.come_by(&mut self.core, &mut self.stations, frame),
                rare => return self.handle_rare(rare),
            },
        }
        None
    }

    /// Something rare happens; the frame that goes on, if one does.
    #[inline(never)]
    fn handle_rare(&mut self, rare: Rare) -> Option<u32> {
        match rare {
            Rare::Post(message) => self.mail.come_in(&mut self.core, message),
            Rare::Confirm(frame) => {
                self.mail.give_up_reply(&self.core, frame);
                return self.core.hear_confirm(frame);
            }
            Rare::Ack(delivery) => self.mail.hear_ack(&mut self.core, delivery),
            Rare::Clock(queue) => self.mail.look_at_clock(&mut self.core, QueueId(queue)),
            Rare::Poll(member) => self.mail.poll(&mut self.core, member),
            Rare::Tell(member) => self.mail.tell_in_time(&mut self.core, member),
            Rare::Memory(alarm) => self.mail.weigh_memory(&mut self.core, alarm),
            Rare::Word(word) => self.hear_word(word),
            Rare::Change(node) => self.calls.wire.names.spread(&mut self.core, NodeId(node)),
            Rare::Probe(replica) => self.calls.wire.names.probe_replica(&mut self.core, replica),
            Rare::Look(node) => self.look_at(NodeId(node)),
            Rare::Pass(frame) => self.calls.come_by(&mut self.core, &mut self.stations, frame),
            Rare::Receipt(frame) => self.core.take_receipt(frame),
            Rare::Ask(asked) => self.ask(asked),
            Rare::End(place) => self.calls.end_connection(&mut self.core, &mut self.stations, place),
            Rare::Expire(frame) => self.calls.expire(&mut self.core, &mut self.stations, frame),
            Rare::Mend(gap) => self.calls.wire.mend(&mut self.core, gap),
            Rare::Named(question) => self.calls.hear_name(&mut self.core, &mut self.stations, question),
            Rare::Asked(probe) => self.answer_probe(probe),
            Rare::Idle(memory) => self.calls.wire.names.ask_idly(&mut self.core, memory),
            Rare::Suspect(frame) => self.suspect(frame),
            Rare::Ready(replica) | Rare::Warm(replica) | Rare::Close(replica) => self.live_on(replica, rare),
        }
        None
    }
}

//! The run loop: `match Event`, the interpreter `match Op`, and what they move.
//!
//! A request in flight is a frame: a small cursor that walks the program of its endpoint. What a caller knows as a *try* and
//! what the callee knows as a request share one frame: it is made when the try is sent, and freed when its answer is back,
//! whether or not anybody still waits. A caller that gives up only marks it; the work goes on.

mod absence;
mod ahead;
mod aim;
mod begin;
mod cache;
mod call;
mod channel;
mod client;
mod consumer;
mod cpu;
mod crash;
mod deadlock;
mod effect;
mod endpoints;
mod event;
mod fork;
mod frame;
mod freeze;
mod give_up;
mod guard;
mod hazard;
mod health;
mod intake;
mod ledger;
mod left;
mod lend;
mod limit;
mod lock;
mod mark;
mod message;
mod names;
mod outage;
mod police;
mod pool;
mod publish;
mod queue;
mod relocate;
mod replicas;
mod resend;
mod reset;
mod root;
mod scale;
mod setup;
mod site;
mod spoil;
mod station;
mod stream;
mod tries;
mod walk;

use std::collections::BTreeMap;

use crate::kernel::{Agenda, Lanes, Phase};
use crate::model::balance::Memory;
use crate::model::line::{Line, Links};
use crate::model::plan::Plan;
use crate::model::policy::Intake;
use crate::model::source::Pace;
use crate::model::{Cause, Fact, LawId, NodeId, Op, Probe, QueueId, TableId};
use crate::random::dist::Dist;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use ahead::Aheads;
use begin::Words;
use cache::Caches;
use channel::Hold;
use cpu::SharedCpu;
use effect::Effects;
use event::{EXHAUSTED, Event, LINGER, Rare};
use fork::Joins;
use frame::{Frames, Pose};
use guard::Guarded;
use ledger::Ledger;
use lend::Purse;
use lock::Table;
use message::Mailroom;
use names::Names;
use outage::Trouble;
use police::Police;
use pool::Pool;
use replicas::Being;
use root::Roots;
use scale::Scaled;
use site::Site;
use stream::Streams;

pub use ledger::Parts;
pub use limit::Alive;
pub use setup::replication_seed;

/// One replication under way: the plan, all mutable state, and a probe that hears its facts.
#[expect(clippy::struct_excessive_bools, reason = "each spares every event a look at what a plan has not")]
#[derive(Debug)]
pub struct Machine<'p, P> {
    plan: &'p Plan,
    /// The plan's programs, at hand.
    ops: &'p [Op],
    sites: Vec<Site>,
    seed: u64,
    now: Time,
    agenda: Agenda<Event>,
    frames: Frames,
    ledger: Ledger,
    links: Links,
    /// Frames that go on at this very instant, first come first.
    ready: std::collections::VecDeque<u32>,
    replicas: Vec<Replica>,
    joins: Joins,
    /// What callers decode of streams while these come, by caller.
    aheads: Aheads,
    /// Tries that were given up and keep their place in a bulkhead, and the [`Police`] that it belongs to.
    lingering: std::collections::BTreeMap<u32, u32>,
    /// Balancing state: per link and caller replica.
    memories: Vec<Memory>,
    /// Where a link's memories begin.
    memory_base: Vec<u32>,
    /// By node: the replicas, counted from its first, that would be published now; `None`: all of them, always.
    endpoints: Vec<Option<Vec<u32>>>,
    names: Names,
    /// The lives of replicas; empty where none starts or ends in the run.
    beings: Vec<Being>,
    /// By node: what scales it; empty where nothing scales anything.
    scaled: Vec<Option<Scaled>>,
    lanes: Lanes,
    /// Connections of transports: per caller replica, and the one a try has.
    pools: Vec<Pool>,
    holds: Vec<Hold>,
    /// Guarded calls under way, beside their frames, and the states of all policies.
    guarded: Vec<Guarded>,
    police: Vec<Police>,
    /// What replicas refuse at their doors; empty where none does.
    intakes: Vec<Option<Intake>>,
    /// Of each frame, the deadline it inherited; kept only where some policy passes its own on.
    deadlines: Vec<Time>,
    /// Between tries that are tied.
    words: Words,
    effects: Effects,
    /// When a link is free to take the next message: there, back.
    pipes: Vec<[Time; 2]>,
    /// Database connections: per caller replica, and open at each node.
    purses: Vec<Purse>,
    connections: Vec<u32>,
    tables: Vec<Table>,
    /// Transactions that wait for a lock, by the frame that holds the others: the query, and the table.
    blocked: BTreeMap<u32, (u32, TableId)>,
    caches: Caches,
    streams: Streams,
    /// Messages, deliveries, queues and their consumers.
    mail: Mailroom,
    /// What belongs to one request, where flows follow it.
    roots: Roots,
    /// Whether anything may go wrong at all.
    faulted: bool,
    /// Whether requests at one replica slow each other down anywhere.
    contends: bool,
    /// Whether some fault counts only work.
    wears: bool,
    trouble: Trouble,
    sources: Vec<Sender>,
    /// Users of all closed clients: whose, and how many rounds they have sent.
    users: Vec<(u32, u64)>,
    /// Client requests in flight: all, and those of the measured cohort.
    in_flight: u64,
    measured_open: u64,
    events: u64,
    /// After so many events the watch is looked at; 0 once the run stops.
    look_at: u64,
    opened: bool,
    closed: bool,
    /// How long the run has waited for calls and visits after its requests had ended; 0 before that.
    lingered: Span,
    stop: Option<Stop>,
    instant: limit::Instant,
    /// Whoever listens.
    probe: P,
}

/// A replica of a node.
#[derive(Debug)]
struct Replica {
    node: NodeId,
    busy: u32,
    workers: u32,
    /// Waiting requests its line holds.
    limit: u32,
    preemptive: bool,
    /// What all its time is charged as, if it has a cause of its own.
    own: Option<Cause>,
    line: Line,
    /// Whether its line is at the limit.
    full: bool,
    /// Frames at work, kept only where newcomers may take their workers.
    running: Vec<u32>,
    /// The processor all its work shares, if it does.
    cpu: Option<Box<SharedCpu>>,
    /// Requests served from the line; names the draws of a random line.
    served: u64,
}

/// What a client remembers.
#[derive(Debug, Default)]
struct Sender {
    pace: Pace,
    /// Requests so far, all arrivals' batches included; names the next root.
    roots: u64,
    /// The first of its users, for a closed client.
    first_user: u32,
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// When every measured request has ended.
    Ended,
    /// When measured requests were still under way as long after the measured time as the run waits.
    Patience,
    /// When the guard on events was hit.
    Events,
    /// When the guard on what is alive was hit.
    TooMany(Alive),
    /// When an instant did not end.
    Instant,
    /// When the watch said stop.
    Interrupted,
}

/// What is left of a run.
#[derive(Debug)]
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
    pub fn run(mut self, mut watch: impl FnMut(Time) -> bool) -> Finished<P> {
        while self.stop.is_none() {
            self.look_at = self.events + self.pulse();
            self.proceed();
            if self.stop.is_none() {
                self.look_up(&mut watch);
            }
        }
        self.close_early();
        self.tell_what_is_left();
        let (stop, at_rest) = (self.stop.unwrap_or(Stop::Ended), self.is_at_rest());
        Finished { events: self.events, stop, at: self.now, at_rest, probe: self.probe }
    }

    /// Handles events until it is time to look at the watch, or the run stops.
    fn proceed(&mut self) {
        while self.events < self.look_at {
            let Some((now, event)) = self.agenda.pop() else {
                return self.halt(Stop::Ended);
            };
            self.now = now;
            self.events += 1;
            let mut next = self.handle(event).or_else(|| self.ready.pop_front());
            while let Some(frame) = next {
                if !(self.faulted && self.park(frame)) {
                    self.stride(frame);
                }
                next = self.ready.pop_front();
            }
        }
    }

    /// The run stops after this event; the first reason counts.
    fn halt(&mut self, stop: Stop) {
        let whole = self.lingered > Span::ZERO && stop != Stop::Interrupted;
        self.stop.get_or_insert(if whole { Stop::Ended } else { stop });
        self.look_at = 0;
    }

    /// What happens; the frame that goes on first, if one does.
    #[inline(always)]
    fn handle(&mut self, event: Event) -> Option<u32> {
        match event {
            Event::Done(frame) => return self.finish(frame),
            Event::Reach(frame) => {
                if !(self.faulted && self.turns_away(frame)) {
                    return Some(self.reach(frame));
                }
            }
            Event::Return(frame) => return self.come_back(frame),
            Event::Arrive(client) => self.arrive(client),
            Event::Wake(frame) => return self.wake(frame),
            Event::Starve(frame) => self.starve(frame),
            Event::Cancel(frame) => self.cancel(frame),
            Event::Alarm(guard) => self.wake_guard(guard),
            Event::Tick(replica) => self.tick(replica),
            Event::Send(user) => return Some(self.send_for(user)),
            Event::Patience(frame) => self.lose_patience(frame),
            Event::Lane(lane) => self.time_out(lane),
            Event::Fault(fault) => self.strike(fault),
            Event::Mark(EXHAUSTED) => self.run_out_of_patience(),
            Event::Mark(LINGER) => self.look_again(),
            Event::Mark(nth) => self.pass_mark(nth),
            Event::Stream(beat) => self.beat_stream(beat),
            Event::Rare(rare) => return self.handle_rare(Rare::unpack(rare)),
        }
        None
    }

    /// Something rare happens; the frame that goes on, if one does.
    #[inline(never)]
    fn handle_rare(&mut self, rare: Rare) -> Option<u32> {
        match rare {
            Rare::Post(message) => self.post(message),
            Rare::Confirm(frame) => return self.hear_confirm(frame),
            Rare::Ack(delivery) => self.hear_ack(delivery),
            Rare::Clock(queue) => self.look_at_clock(QueueId(queue)),
            Rare::Poll(member) => self.poll(member),
            Rare::Word(word) => self.hear_word(word),
            Rare::Change(node) => self.spread(NodeId(node)),
            Rare::Probe(replica) => self.probe_replica(replica),
            Rare::Look(node) => self.look_at(NodeId(node)),
            Rare::Suspect(frame) => self.suspect(frame),
            Rare::Ready(replica) | Rare::Warm(replica) | Rare::Close(replica) => self.live_on(replica, rare),
        }
        None
    }

    /// A wait without CPU is over, or a stage of a handshake.
    fn wake(&mut self, at: u32) -> Option<u32> {
        let frame = &mut self.frames[at];
        if frame.due != self.now || frame.pose != Pose::Asleep {
            return None;
        }
        frame.pose = Pose::Idle;
        frame.due = Time::NEVER;
        if frame.pc != walk::DIAL.0 {
            self.charge(at, Cause::Wait);
        }
        Some(at)
    }

    /// A frame waits for time to pass.
    fn sleep(&mut self, at: u32, span: Span) {
        let frame = &mut self.frames[at];
        frame.pose = Pose::Asleep;
        frame.due = self.now + span;
        self.schedule(span, Event::Wake(at));
    }

    #[inline(always)]
    fn tell(&mut self, fact: Fact) {
        self.probe.on(self.now, fact);
    }

    #[inline(always)]
    fn schedule(&mut self, after: Span, event: Event) {
        self.agenda.push_after(after, Phase::Arrival, event);
    }

    /// A value of a law; constants draw nothing.
    #[inline]
    fn vary(&self, law: LawId, lineage: Lineage, purpose: Purpose, nth: u32) -> Span {
        match self.plan.law(law) {
            Dist::Constant(value) => Span(value.rounded()),
            law => Span(law.sample(&mut Draw::new(self.seed, lineage, purpose, u64::from(nth)))),
        }
    }

    /// Whether nothing is left: no frame, no worker held, nobody in line, no join, no work on shared cores, nothing lent,
    /// nobody inside a bulkhead or a limit.
    fn is_at_rest(&self) -> bool {
        let idle = |r: &Replica| r.busy == 0 && r.line.is_empty() && r.running.is_empty();
        self.frames.live() == 0
            && self.joins.live() == 0
            && self.in_flight == 0
            && self.mail.is_idle()
            && self.caches.is_idle()
            && self.replicas.iter().all(|r| idle(r) && r.cpu.as_ref().is_none_or(|cpu| cpu.is_idle()))
            && self.memories.iter().all(|m| m.outstanding.iter().all(|n| *n == 0))
            && self.police.iter().all(|police| police.line.is_empty() && police.state.is_idle())
            && self.intakes.iter().flatten().all(Intake::is_idle)
            && self.purses.iter().all(Purse::is_whole)
            && self.tables.iter().all(Table::is_free)
            && self.pools.iter().all(Pool::is_quiet)
    }
}

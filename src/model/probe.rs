//! Listeners. A run tells facts; whoever wants figures listens.

use std::cell::RefCell;

use crate::random::Lineage;
use crate::units::{Span, Time};

use super::cause::{Cause, Cell};
use super::fact::Fact;
use super::id::{CallId, ClientId, EndpointId, NodeId};
use super::outcome::Outcome;

/// Hears every fact of a run in order. Probes compose as tuples; `()` hears nothing and costs nothing.
pub trait Probe {
    /// Whether it only listens to runs of [calm](super::Plan::is_calm) plans: what such a plan has not is not looked for.
    const CALM: bool = false;

    /// Whether it wants the ledger: without it nothing is kept. The same all through a run.
    #[inline(always)]
    fn accounts(&self) -> bool {
        false
    }

    /// Whether it wants single requests followed. The same all through a run.
    #[inline(always)]
    fn traces(&self) -> bool {
        false
    }

    /// Hears one fact.
    fn on(&mut self, now: Time, fact: Fact);

    /// Hears which replica a visit has come to, is served on, and leaves, beside the fact itself, where some node of the plan
    /// has several.
    #[inline(always)]
    fn load(&mut self, _now: Time, _replica: u32, _fact: Fact) {}

    /// Hears where the time of an answered request went: `parts` add up to `latency`.
    fn account(&mut self, _answer: Answer, _parts: impl Iterator<Item = (Cell, Span)> + Clone) {}

    /// Hears of work done for nobody, and where the time of whom it was done for went.
    fn waste(&mut self, _wasted: Span, _parts: impl Iterator<Item = (Cell, Span)> + Clone) {}

    /// Hears a moment of a single request.
    fn trace(&mut self, _moment: Trace) {}
}

/// A client's request that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The client.
    pub client: ClientId,
    /// How it ended.
    pub outcome: Outcome,
    /// From the moment it was meant to set out.
    pub latency: Span,
    /// Whether it belongs to the measured cohort.
    pub measured: bool,
}

/// What makes a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Opening {
    /// When a client sends its `nth` request.
    Root {
        /// The client.
        client: ClientId,
        /// Which of its requests, from 0, the warm-up's included.
        nth: u64,
        /// Whether it belongs to the measured cohort.
        measured: bool,
    },
    /// When a frame makes a call.
    Call {
        /// The frame.
        parent: u32,
        /// The call-site.
        call: CallId,
    },
    /// When a message leaves for a consumer, or a member of a group takes a record.
    Message {
        /// Which: the same each time it comes.
        message: Lineage,
        /// What is done with it.
        endpoint: EndpointId,
    },
    /// When a frame forks.
    Branch {
        /// The frame.
        parent: u32,
    },
}

/// A moment of a single request. Frames are named by slots, which are used again after they are closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trace {
    /// When a frame begins.
    Opened {
        /// The frame.
        frame: u32,
        /// What made it.
        opening: Opening,
        /// When.
        at: Time,
    },
    /// When a stretch of a frame's time is accounted for.
    Segment {
        /// The frame.
        frame: u32,
        /// Where.
        node: NodeId,
        /// On what it was spent.
        cause: Cause,
        /// Its beginning.
        from: Time,
        /// Its end.
        to: Time,
    },
    /// When whoever waits for a frame gives up or goes on without it; it works on.
    Abandoned {
        /// The frame.
        frame: u32,
        /// What it was for whoever waited: a timeout, a reset, or word from further up.
        outcome: Outcome,
        /// When.
        at: Time,
    },
    /// When a frame does not get what is no call: a broker does not take its message, a pool has no connection for it.
    Spurned {
        /// The frame.
        frame: u32,
        /// The broker, or the database.
        node: NodeId,
        /// How.
        outcome: Outcome,
        /// When.
        at: Time,
    },
    /// When a frame sends a message: it is on its way to its broker.
    Sent {
        /// The frame.
        frame: u32,
        /// The message.
        message: Lineage,
        /// The broker.
        node: NodeId,
        /// When.
        at: Time,
    },
    /// When a copy of a message goes on in another queue: a dead letter.
    Moved {
        /// The message.
        from: Lineage,
        /// Its copy.
        message: Lineage,
        /// The broker of that.
        node: NodeId,
        /// When.
        at: Time,
    },
    /// When a message is gone from its broker, or was never taken.
    Gone {
        /// The message.
        message: Lineage,
        /// How, for whoever sent it: success where it was handled or has gone elsewhere.
        outcome: Outcome,
        /// When.
        at: Time,
    },
    /// When a frame ends.
    Closed {
        /// The frame.
        frame: u32,
        /// The node it ran on.
        node: NodeId,
        /// The replica it ran on, counted within its node.
        replica: u32,
        /// How it ended.
        outcome: Outcome,
        /// When.
        at: Time,
    },
}

impl Probe for () {
    #[inline(always)]
    fn on(&mut self, _now: Time, _fact: Fact) {}
}

impl<P: Probe> Probe for Option<P> {
    #[inline(always)]
    fn accounts(&self) -> bool {
        self.as_ref().is_some_and(P::accounts)
    }

    #[inline(always)]
    fn traces(&self) -> bool {
        self.as_ref().is_some_and(P::traces)
    }

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        if let Some(probe) = self {
            probe.on(now, fact);
        }
    }

    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        if let Some(probe) = self {
            probe.load(now, replica, fact);
        }
    }

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        if let Some(probe) = self {
            probe.account(answer, parts);
        }
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        if let Some(probe) = self {
            probe.waste(wasted, parts);
        }
    }

    fn trace(&mut self, moment: Trace) {
        if let Some(probe) = self {
            probe.trace(moment);
        }
    }
}

/// A probe that is looked at while the run goes on.
impl<P: Probe> Probe for &RefCell<P> {
    fn accounts(&self) -> bool {
        self.borrow().accounts()
    }

    fn traces(&self) -> bool {
        self.borrow().traces()
    }

    fn on(&mut self, now: Time, fact: Fact) {
        self.borrow_mut().on(now, fact);
    }

    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        self.borrow_mut().load(now, replica, fact);
    }

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.borrow_mut().account(answer, parts);
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.borrow_mut().waste(wasted, parts);
    }

    fn trace(&mut self, moment: Trace) {
        self.borrow_mut().trace(moment);
    }
}

/// A probe behind a pointer. A machine is compiled anew for each type of probe, and is a large piece of code; for `Aside` that is
/// done once, whoever listens. What is asked a hundred thousand times has a machine of its own, everybody else is told this way,
/// at the price of a call for each fact.
pub struct Aside<'a>(pub &'a mut dyn Hear);

/// What [`Aside`] needs of a probe; every probe has it.
pub trait Hear {
    /// [`Probe::accounts`].
    fn wants_accounts(&self) -> bool;
    /// [`Probe::traces`].
    fn wants_traces(&self) -> bool;
    /// [`Probe::on`].
    fn hear(&mut self, now: Time, fact: Fact);
    /// [`Probe::load`].
    fn hear_load(&mut self, now: Time, replica: u32, fact: Fact);
    /// [`Probe::account`].
    fn hear_account(&mut self, answer: Answer, parts: &[(Cell, Span)]);
    /// [`Probe::waste`].
    fn hear_waste(&mut self, wasted: Span, parts: &[(Cell, Span)]);
    /// [`Probe::trace`].
    fn hear_trace(&mut self, moment: Trace);
}

impl<P: Probe> Hear for P {
    fn wants_accounts(&self) -> bool {
        self.accounts()
    }

    fn wants_traces(&self) -> bool {
        self.traces()
    }

    fn hear(&mut self, now: Time, fact: Fact) {
        self.on(now, fact);
    }

    fn hear_load(&mut self, now: Time, replica: u32, fact: Fact) {
        self.load(now, replica, fact);
    }

    fn hear_account(&mut self, answer: Answer, parts: &[(Cell, Span)]) {
        self.account(answer, parts.iter().copied());
    }

    fn hear_waste(&mut self, wasted: Span, parts: &[(Cell, Span)]) {
        self.waste(wasted, parts.iter().copied());
    }

    fn hear_trace(&mut self, moment: Trace) {
        self.trace(moment);
    }
}

impl Probe for Aside<'_> {
    fn accounts(&self) -> bool {
        self.0.wants_accounts()
    }

    fn traces(&self) -> bool {
        self.0.wants_traces()
    }

    fn on(&mut self, now: Time, fact: Fact) {
        self.0.hear(now, fact);
    }

    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        self.0.hear_load(now, replica, fact);
    }

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.hear_account(answer, &parts.collect::<Vec<_>>());
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.hear_waste(wasted, &parts.collect::<Vec<_>>());
    }

    fn trace(&mut self, moment: Trace) {
        self.0.hear_trace(moment);
    }
}

/// Whoever listens to the run of a [calm](super::Plan::is_calm) plan: the machine for it is made without all that such a plan
/// has not.
#[derive(Clone, Debug)]
pub struct Calm<P>(pub P);

impl<P: Probe> Probe for Calm<P> {
    const CALM: bool = true;

    #[inline(always)]
    fn accounts(&self) -> bool {
        self.0.accounts()
    }

    #[inline(always)]
    fn traces(&self) -> bool {
        self.0.traces()
    }

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.on(now, fact);
    }

    #[inline(always)]
    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        self.0.load(now, replica, fact);
    }

    #[inline(always)]
    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.account(answer, parts);
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.waste(wasted, parts);
    }

    fn trace(&mut self, moment: Trace) {
        self.0.trace(moment);
    }
}

impl<A: Probe, B: Probe> Probe for (A, B) {
    #[inline(always)]
    fn accounts(&self) -> bool {
        self.0.accounts() || self.1.accounts()
    }

    #[inline(always)]
    fn traces(&self) -> bool {
        self.0.traces() || self.1.traces()
    }

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.on(now, fact);
        self.1.on(now, fact);
    }

    #[inline(always)]
    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        self.0.load(now, replica, fact);
        self.1.load(now, replica, fact);
    }

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.account(answer, parts.clone());
        self.1.account(answer, parts);
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.0.waste(wasted, parts.clone());
        self.1.waste(wasted, parts);
    }

    fn trace(&mut self, moment: Trace) {
        self.0.trace(moment);
        self.1.trace(moment);
    }
}

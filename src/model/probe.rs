//! Listeners. A run tells facts; whoever wants figures listens.

use crate::random::Lineage;
use crate::units::{Span, Time};

use super::cause::{Cause, Cell};
use super::fact::Fact;
use super::id::{CallId, ClientId, EndpointId, NodeId};
use super::outcome::Outcome;

/// Hears every fact of a run in order. Probes compose as tuples; `()` hears nothing and costs nothing.
pub trait Probe {
    /// Whether it wants the ledger: without it nothing is kept.
    const ACCOUNTS: bool = false;
    /// Whether it wants single requests followed.
    const TRACES: bool = false;
    /// Whether it only listens to runs of [calm](super::Plan::is_calm) plans: what such a plan has not is not looked for.
    const CALM: bool = false;

    /// Hears one fact.
    fn on(&mut self, now: Time, fact: Fact);

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

impl<P: Probe + ?Sized> Probe for &mut P {
    const ACCOUNTS: bool = P::ACCOUNTS;
    const TRACES: bool = P::TRACES;

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        (**self).on(now, fact);
    }

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        (**self).account(answer, parts);
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        (**self).waste(wasted, parts);
    }

    fn trace(&mut self, moment: Trace) {
        (**self).trace(moment);
    }
}

/// Whoever listens to the run of a [calm](super::Plan::is_calm) plan: the machine for it is made without all that such a plan
/// has not.
#[derive(Clone, Debug)]
pub struct Calm<P>(pub P);

impl<P: Probe> Probe for Calm<P> {
    const ACCOUNTS: bool = P::ACCOUNTS;
    const TRACES: bool = P::TRACES;
    const CALM: bool = true;

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.on(now, fact);
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
    const ACCOUNTS: bool = A::ACCOUNTS || B::ACCOUNTS;
    const TRACES: bool = A::TRACES || B::TRACES;

    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.on(now, fact);
        self.1.on(now, fact);
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

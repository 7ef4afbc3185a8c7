//! One request, followed: every call it caused, and on what each instant was spent.

use crate::model::{Cause, Outcome};

/// Which request to follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// The slowest success of the measured time.
    Slowest,
    /// The success at a quantile of latency, such as 0.99.
    Quantile(f64),
    /// The n-th request of the measured time, from 1.
    Nth(u64),
}

/// A request that was followed, from the moment its client meant to send it. Times are nanoseconds from that moment.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The scenario's name.
    pub scenario: String,
    /// The variant that was run, if any.
    pub variant: Option<String>,
    /// Hash of the scenario's checked form, as in a summary.
    pub hash: String,
    /// The seed.
    pub seed: u64,
    /// The client that sent it.
    pub client: String,
    /// Which of the client's measured requests it is, from 1.
    pub nth: u64,
    /// When it was meant to set out, nanoseconds from the start of the measured time.
    pub began: u64,
    /// How it ended for the client.
    pub outcome: Outcome,
    /// Until the client knew.
    pub latency: u64,
    /// The client's own span first; parents before children, otherwise by beginning.
    pub spans: Vec<Span>,
}

/// What made a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When it is the client's request.
    Client,
    /// When it is a call, from the caller's point of view: network and connection there and back included.
    Call,
    /// When it is a branch of `parallel`.
    Branch,
}

/// A try or a branch: the time in which somebody waited for it or it worked on for nobody.
#[derive(Clone, Debug)]
pub struct Span {
    /// The span that made it.
    pub parent: Option<usize>,
    /// What made it.
    pub kind: Kind,
    /// The endpoint called (`orders.create`), or the client's name, or `branch`.
    pub name: String,
    /// The node it ran on.
    pub node: String,
    /// Which replica of the node, from 0.
    pub replica: u32,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// From when on nobody waited for it, if so.
    pub abandoned: Option<u64>,
    /// Its own time, in order, gaps filled by children: on what each stretch was spent.
    pub segments: Vec<Segment>,
}

/// A stretch of a span's own time.
#[derive(Clone, Debug)]
pub struct Segment {
    /// On what.
    pub cause: Cause,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
}

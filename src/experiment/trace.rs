//! One request, followed: every call it caused, and on what each instant was spent.

pub(super) mod blame;
pub(super) mod find;
pub(super) mod follow;
mod many;

pub use many::{Sampled, sampled};

use crate::machine::{Machine, replication_seed};
use crate::model::{Aside, Cause, Outcome};
use crate::scenario::{Checked, lower};

use find::Finder;
use follow::{Follower, topics};

/// Sought request to follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// The slowest success of the measured time.
    Slowest,
    /// The success at a quantile of latency, such as 0.99.
    Quantile(f64),
    /// The n-th request of the measured time, from 1.
    Nth(u64),
    /// Of the requests that failed the way most of them did, the first.
    Failed,
}

/// Sought request, whose, and in which of the runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sought<'w> {
    /// Sought of them.
    pub pick: Pick,
    /// Whose; `None`: that of anybody.
    pub client: Option<&'w str>,
    /// In which replication, from 1.
    pub replication: u32,
}

impl Sought<'_> {
    /// One of the first replication.
    pub fn first(pick: Pick) -> Self {
        Self { pick, client: None, replication: 1 }
    }

    /// The seed of its replication; where there is none of that number, what to ask for.
    pub(super) fn seed(&self, checked: &Checked) -> Result<u64, String> {
        let sim = &checked.scenario.sim;
        if let Some(index) = self.replication.checked_sub(1).filter(|index| *index < sim.replications.value) {
            Ok(replication_seed(sim.seed.value, index))
        } else {
            let most = sim.replications.value;
            Err(format!("there is no replication {}: they are 1 to {most}", self.replication))
        }
    }
}

/// Why there is no such request, and where there may be one.
pub(super) fn missing(why: &str, checked: &Checked) -> String {
    let most = checked.scenario.sim.replications.value;
    if most < 2 { why.to_owned() } else { format!("{why}; another of the {most} may have one: --replication N") }
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
    /// The replication, from 1.
    pub replication: u32,
    /// The client that sent it.
    pub client: String,
    /// Among which requests it was chosen, where there are several clients and none was named.
    pub among: Option<String>,
    /// Sought of the client's measured requests it is, from 1.
    pub nth: u64,
    /// When it was meant to set out, nanoseconds from the start of the measured time.
    pub began: u64,
    /// How it ended for the client.
    pub outcome: Outcome,
    /// Until the client knew.
    pub latency: u64,
    /// Which nodes are databases.
    pub databases: Vec<String>,
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
    /// When it is a message that a span sent: from then until a consumer was done with it. Nobody waits for it.
    Message,
}

/// A try or a branch: the time in which somebody waited for it or it worked on for nobody.
#[derive(Clone, Debug)]
pub struct Span {
    /// The span that made it.
    pub parent: Option<usize>,
    /// What made it.
    pub kind: Kind,
    /// The endpoint called (`orders.create`), or the client's name, or `branch`; of a message what was
    /// done with it (`mailer from emails`), or its broker where nobody took it.
    pub name: String,
    /// The node it ran on.
    pub node: String,
    /// Sought replica of the node, from 0.
    pub replica: u32,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// How it ended; where the connection under it was reset, that, whatever became of the work.
    pub outcome: Outcome,
    /// From when on nobody waited for it, if so.
    pub abandoned: Option<u64>,
    /// What it was, if so, for whoever had waited.
    pub gone: Option<Outcome>,
    /// Whether it stands around the tries of a call, which are spans below it.
    pub guard: bool,
    /// What refused it last that is no span: a broker that did not take its message, a pool without a connection.
    pub spurned: Option<Spurned>,
    /// Faults that were on where it went, while somebody waited for it.
    pub faults: Vec<String>,
    /// Whether it had no end when the run stopped: its `to` is the last that was heard of it, or of its client.
    pub open: bool,
    /// Its own time, in order, gaps filled by children: on what each stretch was spent.
    pub segments: Vec<Segment>,
    /// Of a message, how it came.
    pub mail: Option<Mail>,
}

/// The way of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The broker it came by.
    pub broker: String,
    /// Whether that keeps what was read.
    pub stream: bool,
    /// Tells the messages of a request apart: deliveries of one, to whomever and however often, have the same.
    pub message: u64,
    /// When it was sent, or moved there by another broker.
    pub sent: u64,
    /// Whether another broker moved it there: its sender sent it elsewhere.
    pub moved: bool,
}

/// A refusal that is no span.
#[derive(Clone, Debug)]
pub struct Spurned {
    /// By whom: a broker, a database.
    pub node: String,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: u64,
    /// Faults that were on there then.
    pub faults: Vec<String>,
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

/// Follows one request of a scenario. Its replication is run twice: once to find the request, once to follow it, which
/// is the same run by construction.
///
/// The error is a fragment that says why there is no such request.
pub fn trace(checked: &Checked, which: Sought<'_>) -> Result<Trace, String> {
    let seed = which.seed(checked)?;
    let plan = lower(checked);
    let mut finder = Finder::of(&plan);
    Machine::new(&plan, seed, Aside(&mut finder)).run(|_| true);
    finder.measured_of(&plan, which.client)?;
    let found = finder.choose(&plan, which.pick, which.client);
    let found = found.map_err(|why| missing(&why, checked))?;
    let mut follower = Follower::of(found.client, found.nth, &topics(&plan));
    Machine::new(&plan, seed, Aside(&mut follower)).run(|_| true);
    let trace = follower.tell(checked, &plan, found.measured);
    Ok(Trace { among: found.among, replication: which.replication, ..trace })
}

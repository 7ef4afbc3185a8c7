//! Calls as planned: between whom, over what, and at what cost.

use crate::units::Span;

use super::super::balance::Balancer;
use super::super::id::{EdgeId, EndpointId, LaneId, LawId, LinkId, NONE, NodeId, Pc, TableId};

/// Who calls which node.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is about another thing that callers may have to look at")]
pub struct Link {
    /// Caller.
    pub from: NodeId,
    /// Callee.
    pub to: NodeId,
    /// How a replica is picked.
    pub balancer: Balancer,
    /// First replica of the callee.
    pub first: u32,
    /// First replica of the caller.
    pub first_caller: u32,
    /// Whether there is a choice to make.
    pub choice: bool,
    /// Whether what callers know of the callee may change, so that each keeps a book.
    pub book: bool,
    /// Whether the choice looks at what is outstanding, or at how tries end.
    pub tracks: bool,
    /// Whether callers prefer some replicas: by zone, because others are new, or by what they answered. Then they keep a book, too.
    pub leans: bool,
    /// Bandwidth and loss, where they matter.
    pub pipe: Option<Pipe>,
}

/// What a callee stops whose caller has given up; the more, the later in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cancels {
    /// Nothing: it does not hear of it.
    #[default]
    No,
    /// What is in line, and what is at work at its next step.
    Queued,
    /// Everything, where it stands.
    AtOnce,
}

/// One call-site.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is about another end of the call")]
pub struct Call {
    /// Its edge.
    pub edge: EdgeId,
    /// Its link.
    pub link: LinkId,
    /// The callee.
    pub endpoint: EndpointId,
    /// Its name as a hash: target and occurrence.
    pub site: u64,
    /// One-way latency there.
    pub there: LawId,
    /// One-way latency back.
    pub back: LawId,
    /// Both by the zones of the two replicas, of `Plan::reaches`; `NONE`: all are equally far.
    pub reach: u32,
    /// When the caller gives up.
    pub timeout: Option<LaneId>,
    /// Its policy's rules in `Plan::rules`; `NONE` where nothing but a timeout guards it.
    pub rules: u32,
    /// Its connections; `NONE` where it needs none.
    pub channel: u32,
    /// What its messages cost; `NONE` where they cost nothing.
    pub codec: u32,
    /// The program that decodes a streamed answer while it comes.
    pub ahead: Pc,
    /// Bytes on the wire: request, answer.
    pub bytes: [u64; 2],
    /// Segments of request and answer; none where no message of its channel may need more than the first flight of a connection.
    pub segments: [u32; 2],
    /// Work of a proxy that the messages pass, each way, and the hop behind it.
    pub proxy: Option<[LawId; 2]>,
    /// The proxies that they pass, of `Plan::routes`; `NONE`: they go straight.
    pub route: u32,
    /// The program that a try of it hands over to, which makes the call under rules of its own, or that of a waypoint where it
    /// ends; the first of all programs, that of handshakes: none, it goes to the callee itself.
    pub inner: Pc,
    /// What the callee stops when the caller gives up.
    pub cancels: Cancels,
    /// Whether versions may misunderstand each other: a deploy breaks the callee's contract, and no build looks at it.
    pub versioned: bool,
    /// Whether doing it again is a second effect.
    pub effect: bool,
    /// The policy in front of it, of `Plan::guards`; `NONE` where there is nothing beyond a timeout.
    pub guard: u32,
    /// The table whose lock a query needs.
    pub writes: Option<TableId>,
    /// The lock on its whole table that a query needs, where some query wants one for itself alone.
    pub grip: Option<Grip>,
    /// How long it waits for a lock at most.
    pub lock_timeout: Option<Span>,
    /// The table whose version a query looks at: a read, or a conditional write.
    pub compares: Option<TableId>,
    /// Who lends its tries a database connection, of `Plan::lenders`; `NONE`: nobody, or a transaction around it has one.
    pub lender: u32,
    /// Whether a transaction keeps that lock.
    pub in_transaction: bool,
    /// Whether only the primary will do: it writes, or belongs to a transaction that does.
    pub primary: bool,
    /// Whether a replica is to do, not the primary, as long as there is one.
    pub spares_primary: bool,
    /// Whether it changes what the database keeps.
    pub changes: bool,
    /// The name of the table as a hash; 0: it names none.
    pub table: u64,
    /// What it calls the row of the table that it is about, as a hash.
    pub row: u64,
}

/// Stands for the lender of a call whose tries hand over: whatever comes before a try leaves is up to whom it hands over to.
pub const HANDS_OVER: u32 = NONE - 1;

impl Call {
    /// Whether its tries hand over to another call-site.
    pub fn hands_over(&self) -> bool {
        self.lender == HANDS_OVER
    }

    /// Whether it ends at a waypoint, which makes the rest of it.
    pub fn is_relayed(&self) -> bool {
        self.inner != Pc::default() && !self.hands_over()
    }
}

/// A policy on a link: its state is kept per replica of the caller.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// Its rules, of `Plan::rules`.
    pub rules: u32,
    /// Between whom.
    pub link: LinkId,
    /// First of its states in the world's array.
    pub first: u32,
}

/// What the messages of a call cost in CPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codec {
    /// The caller encodes the request.
    pub encode: Span,
    /// The callee decodes the request.
    pub receive: Span,
    /// The callee encodes the answer, or one message of a stream.
    pub answer: Span,
    /// The caller decodes the answer, or one message of a stream.
    pub decode: Span,
    /// Messages of the answer; more than one for a stream.
    pub messages: u32,
}

/// A lock on a whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grip {
    /// Which.
    pub table: TableId,
    /// Whether nobody else may have one meanwhile.
    pub alone: bool,
}

/// A table where writers contend.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// How many write at once: to the table, or to each of its rows.
    pub writers: u32,
    /// The first of its places in the world's array, one for each row.
    pub first: u32,
    /// By row, the probability that a write is to this or an earlier one; empty: the table is one row.
    pub rows: Vec<f64>,
    /// How long a transaction waits for it before somebody looks for a deadlock.
    pub deadlock_timeout: Span,
}

impl Table {
    /// How many places it has.
    pub fn places(&self) -> u32 {
        (self.rows.len() as u32).max(1)
    }
}

/// A pool of database connections, one for each replica of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Lender {
    /// The database.
    pub database: NodeId,
    /// Connections of one caller replica at most; `NONE`: no pool, one for each query.
    pub connections: u32,
    /// How long a frame waits for one.
    pub wait: Span,
    /// Connections the database has room for.
    pub max_connections: u32,
    /// First replica of the caller.
    pub first_caller: u32,
    /// First of its purses in the world's array, one per caller replica.
    pub first_purse: u32,
    /// The pooler's pool behind it, of `Plan::lenders`, from which one is needed, too; `NONE`: it leads to the database itself.
    pub behind: u32,
    /// Whether it is a pooler's: all callers share its first purse.
    pub shared: bool,
}

impl Pipe {
    /// How long so many bytes take, ns.
    pub fn takes(&self, bytes: u64) -> u64 {
        (bytes as f64 * self.per_byte_ps / 1e3).round() as u64
    }
}

/// What a link does to messages beyond its latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipe {
    /// Picoseconds that a byte takes; 0: none.
    pub per_byte_ps: f64,
    /// Probability that a message is lost and sent again.
    pub loss: f64,
}

//! The plan: the scenario as run. It never changes during a run and is shared by all replications.

mod call;
mod course;
mod life;
mod route;
mod zones;

use crate::graph::Arrow;
use crate::random::dist::Dist;
use crate::units::Span;

use super::cache::{Cache, Lookup};
use super::contention::Contention;
use super::discovery::Discovery;
use super::fault::{Fault, Scope};
use super::id::{CallId, ClientId, EndpointId, ForkId, LawId, LinkId, NONE, NodeId, Pc, PostId, QueueId, SplitId};
use super::line::Order;
use super::op::Op;
use super::policy::{IntakeSpec, RateLimitSpec, Rules};
use super::queue::{Crew, Post, Queue};
use super::source::Source;
use super::stream::{Producer, Readers, Spread, Topic};
use super::transport::Channel;

pub use self::call::{Call, Cancels, Codec, Grip, Guard, HANDS_OVER, Lender, Link, Pipe, Table};
pub use self::course::STRETCHES;
pub use self::life::{Life, Warmup};
pub use self::route::{End, Proxy, Route, Stop};
pub use self::zones::{Reach, Zones};

/// Everything that does not change during a run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Base of all draws; a replication mixes its index in.
    pub seed: u64,
    /// Simulated before the measured time.
    pub warmup: Span,
    /// Measured time.
    pub duration: Span,
    /// How long the run may go on after the measured time for its last requests.
    pub patience: Span,
    /// Guard on the events of one replication.
    pub max_events: u64,
    /// Guard on client requests in flight.
    pub max_in_flight: u64,
    /// Nodes in name order, then queues and topics in name order, then clients in name order.
    pub nodes: Vec<Node>,
    /// Endpoints in (node, name) order.
    pub endpoints: Vec<Endpoint>,
    /// Edges in name order.
    pub edges: Vec<Edge>,
    /// Links in name order.
    pub links: Vec<Link>,
    /// Call-sites.
    pub calls: Vec<Call>,
    /// Where replicas stand.
    pub zones: Zones,
    /// Latencies between zones, of links whose ends stand in several.
    pub reaches: Vec<Reach>,
    /// `parallel`s.
    pub forks: Vec<Fork>,
    /// `split`s.
    pub splits: Vec<Split>,
    /// How callers find callees.
    pub discovery: Discovery,
    /// All programs, one after the other.
    pub ops: Vec<Op>,
    /// Distributions.
    pub laws: Vec<Dist>,
    /// What messages cost.
    pub codecs: Vec<Codec>,
    /// Distinct timeouts.
    pub lanes: Vec<Span>,
    /// Clients; `ClientId` counts these.
    pub clients: Vec<Client>,
    /// Connections of a transport over a link.
    pub channels: Vec<Channel>,
    /// Nodes that forward messages.
    pub proxies: Vec<Proxy>,
    /// By which of them the messages of calls go.
    pub routes: Vec<Route>,
    /// Pools of database connections.
    pub lenders: Vec<Lender>,
    /// Caches in name order.
    pub caches: Vec<Cache>,
    /// Steps that look into them.
    pub lookups: Vec<Lookup>,
    /// Counts that the replicas of a node share.
    pub meters: Vec<RateLimitSpec>,
    /// Queues in name order.
    pub queues: Vec<Queue>,
    /// Alarms of brokers: with so many messages in all queues of one, whoever publishes to any of these waits.
    pub alarms: Vec<u32>,
    /// Steps that publish.
    pub posts: Vec<Post>,
    /// Consumers, in the order of their services.
    pub crews: Vec<Crew>,
    /// Flows in the order of the file.
    pub flows: Vec<Flow>,
    /// Which policy stands between which caller and callee.
    pub guards: Vec<Guard>,
    /// Writers that each table with locks lets in at once.
    pub tables: Vec<Table>,
    /// Rules of policies.
    pub rules: Vec<Rules>,
    /// Steps that publish to topics.
    pub producers: Vec<Producer>,
    /// Topics in name order.
    pub topics: Vec<Topic>,
    /// Groups, by topic and name.
    pub groups: Vec<Readers>,
    /// How records are spread over partitions.
    pub spreads: Vec<Spread>,
    /// Whether some policy passes its deadline on; then every call is guarded, so that it knows of it.
    pub propagates: bool,
    /// What goes wrong, in the order of the file; faults after the measured time are left out.
    pub faults: Vec<Fault>,
    /// Promises about a client's requests that hold at some times only, in the order of the file.
    pub scoped: Vec<(ClientId, Scope)>,
}

/// A node: what a replica of it has.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Its name as a hash.
    pub hash: u64,
    /// Which kind of table it was written in.
    pub kind: &'static str,
    /// First of its replicas in the world's array.
    pub first_replica: u32,
    /// How many there may be at once.
    pub replicas: u32,
    /// How these come and go; `None`: all are there from beginning to end, and ready as soon as they run.
    pub life: Option<Life>,
    /// Workers of one replica.
    pub workers: u32,
    /// Consumers of one replica, each a worker of its own; where somebody sends anything at all, only those that it may
    /// come to.
    pub consumers: u32,
    /// Whether somebody calls it: otherwise its consumers are its workers.
    pub called: bool,
    /// Cores that all work on a replica shares; `None`: every worker its own.
    pub cores: Option<f64>,
    /// Waiting requests a replica's line holds.
    pub queue_limit: u32,
    /// Who is next.
    pub order: Order,
    /// Whether a newcomer takes the worker of a running request.
    pub preemptive: bool,
    /// How long a request stays in line.
    pub queue_timeout: Option<LawId>,
    /// What a replica refuses at its door.
    pub intake: Option<IntakeSpec>,
    /// What requests at one replica cost each other, if anything.
    pub contention: Option<Contention>,
    /// Whether it speaks one way outside and another way inside, so that decoding and encoding are its own business.
    pub translates: bool,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `node` or `node.endpoint`.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Its program.
    pub entry: Pc,
    /// Whether it is what a consumer does with a message.
    pub consumer: bool,
    /// The ends of flows that its success is, as bits.
    pub goals: u64,
}

/// Who calls what. Its name follows from its ends ([`Plan::edge_name`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The caller as written: a function's own node, wherever it runs; a client's; for a delivery the broker.
    pub from: NodeId,
    /// What is called.
    pub to: Callee,
}

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callee {
    /// An endpoint.
    Endpoint(EndpointId),
    /// A node on the whole: a broker, or who is delivered to.
    Node(NodeId),
}

/// A `parallel`.
#[derive(Clone, Debug)]
pub struct Fork {
    /// Its branches.
    pub branches: Vec<Branch>,
    /// Successes (and ends of optional branches) that release the join.
    pub need: u32,
}

/// A branch of a `parallel`.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// Its program.
    pub entry: Pc,
    /// Which of several copies of one branch it is.
    pub copy: u32,
    /// The name of those copies as a hash, unique in the program: with the copy's number it names the draws.
    pub site: u64,
    /// Whether its failure counts as an end like any other.
    pub optional: bool,
}

/// A `split`: ways with the probability that this or an earlier one is taken.
#[derive(Clone, Debug)]
pub struct Split {
    /// (cumulative probability, where).
    pub ways: Vec<(f64, Pc)>,
}

/// A population outside.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its pseudo-node.
    pub node: NodeId,
    /// Its program.
    pub entry: Pc,
    /// When it sends.
    pub source: Source,
    /// Of its requests, inherited downstream.
    pub priority: u8,
    /// Its name as a hash.
    pub hash: u64,
}

/// What done means to the business.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Name.
    pub name: String,
    /// The client whose requests begin it.
    pub client: ClientId,
    /// Its ends, as bits: it is done when all are reached.
    pub goals: u64,
}

impl Node {
    /// Workers of one replica, those that consume included; `None`: unlimited.
    pub fn capacity(&self) -> Option<u64> {
        let own = (self.workers != NONE).then_some(u64::from(self.workers));
        // Whoever only consumes has its consumers for workers.
        if self.called { own.map(|own| own + u64::from(self.consumers)) } else { Some(u64::from(self.consumers)) }
    }
}

impl Plan {
    /// A queue.
    #[inline]
    pub fn queue(&self, id: QueueId) -> &Queue {
        &self.queues[id.index()]
    }

    /// A step that publishes.
    #[inline]
    pub fn post(&self, id: PostId) -> &Post {
        &self.posts[id.index()]
    }

    /// Nodes that serve requests or handle messages; brokers come after them, then clients.
    pub fn servers(&self) -> usize {
        self.nodes.iter().take_while(|n| !matches!(n.kind, "queue" | "topic" | "client")).count()
    }

    /// A distribution.
    #[inline]
    pub fn law(&self, id: LawId) -> &Dist {
        &self.laws[id.index()]
    }

    /// Whether a call has rules of its own beyond a timeout.
    pub fn is_guarded(&self, call: &Call) -> bool {
        self.guards.get(call.guard as usize).is_some_and(|guard| self.rules[guard.rules as usize] != Rules::bare())
    }

    /// A node.
    #[inline]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node that an edge leads to.
    pub fn callee(&self, edge: Edge) -> NodeId {
        match edge.to {
            Callee::Endpoint(endpoint) => self.endpoint(endpoint).node,
            Callee::Node(node) => node,
        }
    }

    /// `caller -> callee` or `caller -> callee.endpoint`.
    pub fn edge_name(&self, edge: Edge) -> String {
        let to = match edge.to {
            Callee::Endpoint(endpoint) => &self.endpoint(endpoint).name,
            Callee::Node(node) => &self.node(node).name,
        };
        Arrow { from: &self.node(edge.from).name, to }.to_string()
    }

    /// A call-site.
    #[inline]
    pub fn call(&self, id: CallId) -> &Call {
        &self.calls[id.index()]
    }

    /// The proxies that the messages of a call-site pass, by its number; `None` where they pass none.
    #[inline]
    pub fn route(&self, call: u32) -> Option<&Route> {
        self.routes.get(self.calls[call as usize].route as usize)
    }

    /// Whether a node forwards messages, and does nothing else.
    pub fn is_proxy(&self, node: NodeId) -> bool {
        self.proxies.iter().any(|proxy| proxy.node == node)
    }

    /// An endpoint.
    #[inline]
    pub fn endpoint(&self, id: EndpointId) -> &Endpoint {
        &self.endpoints[id.index()]
    }

    /// A link.
    #[inline]
    pub fn link(&self, id: LinkId) -> &Link {
        &self.links[id.index()]
    }

    /// A `parallel`.
    #[inline]
    pub fn fork(&self, id: ForkId) -> &Fork {
        &self.forks[id.index()]
    }

    /// A `split`.
    #[inline]
    pub fn split(&self, id: SplitId) -> &Split {
        &self.splits[id.index()]
    }

    /// Replicas of all nodes, clients included.
    pub fn replicas(&self) -> u32 {
        self.nodes.iter().map(|n| n.replicas).sum()
    }

    /// Whether some node has several replicas: only then is it told which of them a fact is about.
    pub fn has_several(&self) -> bool {
        self.nodes.iter().any(|node| node.replicas > 1)
    }
}

//! Clients as written.

use crate::random::dist::Law;
use crate::units::{Rate, Span};

use super::{Given, Retries, Rule, Target, Zone};

/// `[clients.*]`.
#[derive(Clone, Debug)]
pub struct Client {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Whom it calls, with shares that sum to 1.
    pub calls: Vec<ClientCall>,
    /// How; `None`: the default transport.
    pub transport: Option<Given<String>>,
    /// Whether it comes through a browser; default false.
    pub browser: Given<bool>,
    /// When it calls.
    pub load: Load,
    /// To the whole answer; `None`: none.
    pub timeout: Given<Option<Span>>,
    /// Which policy; `None`: none.
    pub policy: Option<Given<String>>,
    /// Tries again; overrides the policy's.
    pub retries: Rule<Retries>,
    /// Inherited downstream; 0 first; default 0.
    pub priority: Given<u32>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Its weight among clients; `None`: its share of the traffic.
    pub weight: Given<Option<f64>>,
}

/// One of a client's calls.
#[derive(Clone, Debug)]
pub struct ClientCall {
    /// Who is called.
    pub target: Given<Target>,
    /// How many of its requests go there.
    pub share: f64,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response before encoding; default 1 KB.
    pub response: Given<u64>,
}

/// When a client calls.
#[derive(Clone, Debug)]
pub enum Load {
    /// When requests come whatever happens.
    Open {
        /// The pattern.
        arrivals: Given<Arrivals>,
        /// Requests (batches) per second over time; one endless phase for a plain `rate`.
        phases: Vec<Phase>,
        /// Requests per arrival; `None`: one.
        batch: Given<Option<Law>>,
    },
    /// When each of a number of users waits for the answer, then thinks.
    Closed {
        /// How many.
        users: Given<u32>,
        /// Between an answer and the next request; default none.
        think_time: Given<Law>,
    },
}

/// The pattern of open arrivals.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
    /// Poisson whose rate jumps between two levels (a Markov-modulated Poisson process).
    Bursty {
        /// The low rate.
        low: Rate,
        /// The high rate.
        high: Rate,
        /// Mean (exponential) stay at the low rate.
        stay_low: Span,
        /// Mean (exponential) stay at the high rate.
        stay_high: Span,
    },
    /// Gaps of any law; needs no rate.
    Gaps(Law),
    /// Recorded arrival times, from the start of the measured time.
    Replay {
        /// The file as written.
        path: String,
        /// The times, ascending.
        times: Vec<Span>,
    },
}

/// One stretch of an open client's rate.
#[derive(Clone, Debug)]
pub struct Phase {
    /// How long; `None`: for ever.
    pub duration: Option<Given<Span>>,
    /// Rate at its start.
    pub rate: Given<Rate>,
    /// Rate at its end, reached linearly; `None`: no ramp.
    pub ramp_to: Option<Given<Rate>>,
}

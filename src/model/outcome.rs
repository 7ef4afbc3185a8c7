//! How a request ends.

/// How a request, a call or a try ended. The words are those of the scenario file and of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// When the answer was good.
    #[default]
    Succeeded,
    /// When the callee failed, by itself or because a step of its failed.
    Error,
    /// When the line was full, or the request left it unserved.
    Overloaded,
    /// When no answer came in time.
    Timeout,
    /// When no connection could be opened.
    ConnectFailed,
    /// When a pool had no connection to lend in time.
    PoolTimeout,
    /// When the caller had given up and the callee stopped.
    Canceled,
    /// When the connection was reset under it.
    Reset,
    /// When the deadline over all tries had passed.
    Deadline,
    /// When a rate limit refused it.
    RateLimited,
    /// When a circuit breaker was open.
    CircuitOpen,
    /// When a bulkhead had no room.
    BulkheadFull,
    /// When no replica was known.
    NoEndpoint,
    /// When the one who asked went away.
    Abandoned,
    /// When its transaction was the victim of a deadlock.
    Deadlock,
    /// When it waited for a lock for longer than it would.
    LockTimeout,
}

impl Outcome {
    /// All ways to fail, in the order of the output.
    pub const FAILURES: [Outcome; 15] = [
        Outcome::Error,
        Outcome::Overloaded,
        Outcome::Timeout,
        Outcome::ConnectFailed,
        Outcome::PoolTimeout,
        Outcome::Canceled,
        Outcome::Reset,
        Outcome::Deadline,
        Outcome::RateLimited,
        Outcome::CircuitOpen,
        Outcome::BulkheadFull,
        Outcome::NoEndpoint,
        Outcome::Abandoned,
        Outcome::Deadlock,
        Outcome::LockTimeout,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Error => "error",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::ConnectFailed => "connect_failed",
            Self::PoolTimeout => "pool_timeout",
            Self::Canceled => "canceled",
            Self::Reset => "reset",
            Self::Deadline => "deadline",
            Self::RateLimited => "rate_limited",
            Self::CircuitOpen => "circuit_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::NoEndpoint => "no_endpoint",
            Self::Abandoned => "abandoned",
            Self::Deadlock => "deadlock",
            Self::LockTimeout => "lock_timeout",
        }
    }

    /// Whether it is a success.
    #[inline]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Succeeded)
    }
}

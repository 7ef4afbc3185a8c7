//! Causes: what the time of a request was spent on. Every instant of an answered request belongs to exactly one cause at
//! exactly one node; there is no "other".

/// What an instant was spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// When a worker works.
    #[default]
    Work,
    /// When work waits for cores that others use: the stretch of processor sharing.
    CpuWait,
    /// When a request is in line for a worker.
    Queue,
    /// When a message is under way.
    Network,
    /// When a message is encoded or decoded.
    Encode,
    /// When a connection is opened: handshakes and their cryptography.
    Connect,
    /// When a request waits for a connection of its own caller's pool.
    ConnectionWait,
    /// When a message passes a proxy.
    Proxy,
    /// When a request is at a gateway.
    Gateway,
    /// When an address is looked up.
    Discovery,
    /// When a broker has a message.
    Broker,
    /// When a database has a query: its line, its locks, its work.
    Database,
    /// When a step waits without CPU.
    Wait,
    /// When a try was under way that failed or was given up.
    FailedTries,
    /// When a caller waits before it tries again.
    RetryWait,
    /// When the first try was under way and a hedge won.
    HedgeWait,
    /// What a fault adds.
    Fault,
}

impl Cause {
    /// All causes, in the order of the output.
    pub const ALL: [Cause; 17] = [
        Cause::Work,
        Cause::CpuWait,
        Cause::Queue,
        Cause::Network,
        Cause::Encode,
        Cause::Connect,
        Cause::ConnectionWait,
        Cause::Proxy,
        Cause::Gateway,
        Cause::Discovery,
        Cause::Broker,
        Cause::Database,
        Cause::Wait,
        Cause::FailedTries,
        Cause::RetryWait,
        Cause::HedgeWait,
        Cause::Fault,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::CpuWait => "cpu_wait",
            Self::Queue => "queue",
            Self::Network => "network",
            Self::Encode => "encode",
            Self::Connect => "connect",
            Self::ConnectionWait => "connection_wait",
            Self::Proxy => "proxy",
            Self::Gateway => "gateway",
            Self::Discovery => "discovery",
            Self::Broker => "broker",
            Self::Database => "database",
            Self::Wait => "wait",
            Self::FailedTries => "failed_tries",
            Self::RetryWait => "retry_wait",
            Self::HedgeWait => "hedge_wait",
            Self::Fault => "fault",
        }
    }
}

/// A node and a cause, as one number: where an instant belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell(pub u32);

impl Cell {
    /// The cell of a cause at a node.
    #[inline]
    pub fn new(node: super::NodeId, cause: Cause) -> Self {
        Self(node.0 * Cause::ALL.len() as u32 + cause as u32)
    }

    /// Its node.
    pub fn node(self) -> super::NodeId {
        super::NodeId(self.0 / Cause::ALL.len() as u32)
    }

    /// Its cause.
    pub fn cause(self) -> Cause {
        Cause::ALL[(self.0 % Cause::ALL.len() as u32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_in_their_own_order_and_cells_come_back() {
        for (at, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, at);
            let cell = Cell::new(super::super::NodeId(7), *cause);
            assert_eq!((cell.node().0, cell.cause()), (7, *cause));
        }
    }
}

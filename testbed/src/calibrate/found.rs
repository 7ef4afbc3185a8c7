//! Everything that was measured.

use super::blocks::{Figure, quantile_of};
use super::brokers::Measured;
use super::chain::Chain;
use super::codec::Codec;
use super::handshake::Opening;
use super::loopback::Way;
use super::machine::{Machine, Shares};
use super::timers::Lateness;

/// What `calibrate` found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) machine: Machine,
    pub(crate) shares: Shares,
    pub(crate) lateness: Lateness,
    pub(crate) ways: Vec<Way>,
    /// Requests a second down the chain.
    pub(crate) rate: f64,
    pub(crate) rest: Transport,
    pub(crate) grpc: Transport,
    pub(crate) openings: Vec<Opening>,
    pub(crate) brokers: Vec<Measured>,
}

/// One way to talk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) chain: Chain,
    pub(crate) codec: Codec,
}

impl Transport {
    /// What the bytes of the chain's messages cost at one end on average, ns.
    fn bytes(&self) -> f64 {
        f64::midpoint(self.codec.encode.value, self.codec.decode.value) * self.chain.bytes
    }

    /// CPU of a message at one end where there is always another, without its bytes, ns.
    fn busy(&self) -> Figure {
        self.codec.message.map(|cpu| (cpu - self.bytes()).max(0.0))
    }

    /// How long messages of the chain were on their way if so much of it, ns, was CPU at each end.
    fn ways(&self, end: f64) -> Vec<f64> {
        self.chain.legs.iter().flatten().map(|leg| (leg - 2.0 * (end + self.bytes())).max(0.0)).collect()
    }
}

impl Found {
    /// What a message over REST costs at one end, whatever its bytes: the CPU of a service that has always something to do. What one
    /// that rests spends on waking up is no capacity that is lost but time, and is in the network's.
    pub(crate) fn rest_message(&self) -> Figure {
        self.rest.busy()
    }

    /// One way between the codecs, ns: what they leave of a hop in the chain over REST.
    pub(crate) fn network(&self) -> Vec<f64> {
        self.rest.ways(self.rest_message().value)
    }

    /// The same over gRPC. A file has one network for all transports, so what a hop over gRPC takes longer than one over REST is here.
    pub(crate) fn grpc_message(&self) -> Figure {
        let network = self.network();
        let way = if network.is_empty() { 0.0 } else { quantile_of(&network, 0.5) };
        let bytes = self.grpc.bytes();
        let left = self.grpc.chain.leg(0.5).map(|leg| (leg - way) / 2.0 - bytes);
        if left.value > self.grpc.busy().value { left } else { self.grpc.busy() }
    }
}

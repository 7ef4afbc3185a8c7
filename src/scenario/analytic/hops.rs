//! Calls as the forecast sees them: how long they take beside the time of the callee.

use super::super::guarded::timeout_of;
use super::super::walk;
use super::messages::Messages;
use super::times::Times;
use super::{Model, Vertex};
use crate::model::balance::Rule;
use crate::scenario::written::{Call, How, Link, Network, Zone, on};

/// What a call takes beside its callee's time.
#[derive(Clone, Copy)]
pub(super) struct Hop {
    to: usize,
    /// Nanoseconds of CPU at the caller, and away from it without the callee; `None` for a function call.
    over: Option<(f64, f64)>,
    timeout: f64,
}

impl<'s> Model<'s> {
    /// What is known of a call before any round.
    pub(super) fn hop(&self, call: &Call, from: &str) -> Option<Hop> {
        let to = self.of(call)?;
        let over = match walk::transport_of(self.scenario, call) {
            How::InProcess => None,
            How::Over(spec) => {
                let messages = Messages::of(spec, call);
                Some((messages.encode + messages.decode, self.journey(from, self.vertices[to].node, &messages)))
            }
        };
        let timeout = timeout_of(self.scenario, call).map_or(f64::INFINITY, |timeout| timeout.0 as f64);
        Some(Hop { to, over, timeout })
    }

    /// What a call takes with what is known of its callee by now.
    pub(super) fn call(&self, call: &Call) -> Times {
        let Some(Hop { to, over, timeout }) = self.hops.get(&(&raw const *call)).copied() else {
            return Times::default();
        };
        let Vertex { cpu, wait, response, .. } = self.vertices[to];
        match over {
            None => Times { cpu, wait, response },
            Some((coding, away)) => Times { cpu: coding, wait: 0.0, response: coding + (away + response).min(timeout) },
        }
    }

    /// From the encoded request to the last byte of the answer.
    pub(super) fn away(&self, from: &str, callee: &Vertex<'_>, messages: &Messages) -> f64 {
        self.journey(from, callee.node, messages) + callee.response
    }

    /// The same without the time of the callee.
    fn journey(&self, from: &str, to: &str, messages: &Messages) -> f64 {
        2.0 * self.one_way(from, to) + messages.transfer(self.link(from, to)) + messages.callee
    }

    fn link(&self, from: &str, to: &str) -> Option<&'s Link> {
        self.links.get(&(from, to)).copied()
    }

    /// Mean one-way latency between two nodes, nanoseconds.
    pub(super) fn one_way(&self, from: &str, to: &str) -> f64 {
        if let Some(latency) = self.link(from, to).and_then(|link| link.latency.as_ref()) {
            return self.mean(&latency.value);
        }
        let network = &self.scenario.network;
        let sites = |name: &str| -> Vec<Option<&Zone>> {
            let sites: Vec<Option<&Zone>> = self.scenario.sites(name).iter().map(Some).collect();
            if sites.is_empty() { vec![None] } else { sites }
        };
        let (ours, theirs) = (sites(from), sites(to));
        let from_one = |one: Option<&Zone>| self.to_sites(network, one, &theirs);
        ours.iter().copied().map(from_one).sum::<f64>() / ours.len() as f64
    }

    /// The same from one place to replicas in several, each as likely: but where callers prefer zones, those that are nearest.
    fn to_sites(&self, network: &Network, one: Option<&Zone>, others: &[Option<&Zone>]) -> f64 {
        let each = || others.iter().map(|other| self.mean(network.between(one, *other)));
        match on(&self.scenario.discovery.locality).map(|locality| locality.kind.value) {
            Some(Rule::ZoneAware | Rule::Failover | Rule::SameZone) => each().fold(f64::INFINITY, f64::min),
            Some(Rule::Weighted) | None => each().sum::<f64>() / others.len() as f64,
        }
    }
}

//! Replicas that come and go.

use crate::model::plan::{Life, Warmup};
use crate::model::policy::Autoscale;
use crate::random::dist::Law;

use super::super::written::{self, Node, on};
use super::Lowering;

impl Lowering<'_> {
    /// How the replicas of a node come and go, if they do.
    pub(super) fn life(&mut self, node: &Node) -> Option<Life> {
        let (warmup, autoscale) = (on(&node.warmup), on(&node.autoscale));
        if node.ready_after.value.is_none() && warmup.is_none() && autoscale.is_none() {
            return None;
        }
        Some(Life {
            initial: node.replicas.value,
            ready_after: self.law(node.ready_after.value.as_ref().unwrap_or(&Law::Constant { value: 0.0 })),
            warmup: warmup.map(|warmup| Warmup { factor: warmup.factor.value, over: warmup.over.value }),
            autoscale: autoscale.map(rule),
        })
    }
}

fn rule(scale: &written::Autoscale) -> Autoscale {
    Autoscale {
        min: scale.min.value,
        max: scale.max.value,
        metric: scale.metric.value,
        target: scale.target.value,
        every: scale.every.value,
        request: scale.request.value,
        stabilization: scale.stabilization.value,
    }
}

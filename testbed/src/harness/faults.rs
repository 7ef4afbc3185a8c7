//! What is done to processes from outside: killed, stopped, continued, at the times of the file. (What refuses, hangs, fails or is
//! slow does that by itself, by the same clock.)

use std::future::pending;

use hoptax::model::Plan;
use hoptax::model::fault::Effect;
use rustix::process::Signal;

use super::child::Child;
use super::{Broken, Nodes, sleep_until};
use crate::brief::{Brief, Start};
use crate::site::fault::times;

/// Something that is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// It is killed, and another takes its place at that time, ns since time zero.
    Kill {
        until: u64,
    },
    Stop,
    Continue,
}

/// Everything that is to be done, in order.
fn deeds(plan: &Plan) -> Vec<(u64, u32, Deed)> {
    let mut all = Vec::new();
    for fault in &plan.faults {
        let (from, until) = times(fault);
        for replica in &fault.replicas {
            match fault.effect {
                Effect::Crash { .. } => all.push((from, *replica, Deed::Kill { until })),
                Effect::Freeze => all.extend([(from, *replica, Deed::Stop), (until, *replica, Deed::Continue)]),
                _ => {}
            }
        }
    }
    all.sort_unstable();
    all
}

/// Does it all at its time; ends only when something breaks.
pub(crate) async fn strike(plan: &Plan, nodes: &Nodes, brief: &Brief, start: &Start) -> Broken {
    for (at, replica, deed) in deeds(plan) {
        sleep_until(start.epoch.saturating_add(at)).await;
        match deed {
            Deed::Stop => signal(nodes, replica, Signal::STOP),
            Deed::Continue => signal(nodes, replica, Signal::CONT),
            Deed::Kill { until } => {
                // A child that is dropped is killed.
                nodes.borrow_mut().remove(&replica);
                if until == u64::MAX {
                    continue;
                }
                let next = Brief {
                    replica: Some(replica),
                    port: start.ports[replica as usize],
                    not_before: start.epoch + until,
                    ..brief.clone()
                };
                if let Err(error) = replace(nodes, replica, &next, start).await {
                    return Broken::Failed(error);
                }
            }
        }
    }
    pending().await
}

fn signal(nodes: &Nodes, replica: u32, signal: Signal) {
    if let Some(child) = nodes.borrow().get(&replica) {
        child.signal(signal);
    }
}

/// Another process takes the place of one that was killed. It is told when it begins at once, and reads that when it is ready.
async fn replace(nodes: &Nodes, replica: u32, brief: &Brief, start: &Start) -> Result<(), String> {
    let mut child = Child::start(brief).await?;
    child.tell(start).await?;
    nodes.borrow_mut().insert(replica, child);
    Ok(())
}

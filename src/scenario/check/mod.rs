//! What the file means as a whole: names lead somewhere, numbers can be, calls end, promises can be judged. Every rule
//! pushes its complaints and goes on; none changes anything.

mod brokers;
mod cycles;
mod load;
mod metastable;
mod names;
mod ranges;
mod sizes;
mod timeouts;
mod wire;

use super::tables::{
    caches, discovery, faults, gates, mesh, network, owners, policy as policies, pools, scale, slos, transports, zones,
};
use super::walk;
use super::written::Scenario;
use crate::diag::{Complaint, Source};

pub(super) use load::overloaded;
pub(super) use names::{few, known_names};
pub(super) use ranges::{none, zero};

/// Everything that is wrong with a scenario, and what merely looks wrong. Names in `refused` stand in tables that could
/// not be read; with `whole` false something could not, so nothing is inferred from what is absent.
pub(super) fn check(scenario: &Scenario, source: &Source, refused: &[String], whole: bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    names::check(scenario, source, refused, &mut complaints);
    network::names(scenario, refused, &mut complaints);
    mesh::names(scenario, refused, &mut complaints);
    owners::names(scenario, refused, &mut complaints);
    brokers::names(scenario, refused, &mut complaints);
    transports::names(scenario, refused, &mut complaints);
    pools::names(scenario, refused, &mut complaints);
    gates::check(scenario, &mut complaints);
    brokers::ranges(scenario, &mut complaints);
    ranges::check(scenario, &mut complaints);
    policies::ranges(scenario, &mut complaints);
    network::ranges(scenario, &mut complaints);
    mesh::ranges(scenario, &mut complaints);
    transports::ranges(scenario, &mut complaints);
    wire::ranges(scenario, &mut complaints);
    pools::ranges(scenario, &mut complaints);
    caches::ranges(scenario, &mut complaints);
    scale::ranges(scenario, &mut complaints);
    faults::check(scenario, refused, &mut complaints);
    slos::check(scenario, refused, &mut complaints);
    // What follows walks calls and divides by numbers; it wants names that resolve and numbers that can be.
    if !whole || complaints.iter().any(Complaint::is_error) {
        return complaints;
    }
    names::unused(scenario, &mut complaints);
    faults::look(scenario, &mut complaints);
    discovery::look(scenario, &mut complaints);
    zones::look(scenario, &mut complaints);
    slos::latency_only(scenario, &mut complaints);
    slos::reversed(scenario, &mut complaints);
    cycles::check(scenario, &mut complaints);
    policies::look(scenario, &mut complaints);
    timeouts::check(scenario, &mut complaints);
    brokers::look(scenario, &mut complaints);
    transports::look(scenario, &mut complaints);
    wire::look(scenario, &mut complaints);
    pools::look(scenario, &mut complaints);
    gates::look(scenario, &mut complaints);
    scale::look(scenario, &mut complaints);
    if !complaints.iter().any(Complaint::is_error) {
        sizes::check(scenario, &mut complaints);
    }
    if !complaints.iter().any(Complaint::is_error) {
        load::check(scenario, &mut complaints);
    }
    complaints
}

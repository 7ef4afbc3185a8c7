//! What the file means as a whole: names lead somewhere, numbers can be, calls end, promises can be judged. Every rule
//! pushes its complaints and goes on; none changes anything.

mod attempts;
mod brokers;
mod caches;
mod consumers;
mod cycles;
mod expected;
mod faults;
mod flow;
mod forecast;
mod held;
mod hops;
mod load;
mod members;
mod memory;
mod messages;
mod metastable;
mod names;
mod policies;
mod pools;
mod primary;
mod promises;
mod ranges;
mod rates;
mod sizes;
mod streams;
mod timeouts;
mod times;
pub(super) mod walk;
mod wire;

use super::tables::{discovery, scale};
use super::written::Scenario;
use crate::diag::{Complaint, Source};

pub use expected::{Busiest, ConsumerForecast, Forecast, NodeForecast, Shared, SharedKind};
pub use forecast::forecast;
pub(super) use load::overloaded;
pub(super) use memory::memory;
pub use memory::{CEILING, Memory};
pub(super) use policies::{longest, of_client, propagates};
pub(super) use ranges::zero;
pub use walk::{client_transport, transport_of};
pub(super) use walk::{laws_of, transports_used};

/// Everything that is wrong with a scenario, and what merely looks wrong. Names in `refused` stand in tables that could
/// not be read; with `whole` false something could not, so nothing is inferred from what is absent.
pub(super) fn check(scenario: &Scenario, source: &Source, refused: &[String], whole: bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    names::check(scenario, source, refused, &mut complaints);
    brokers::names(scenario, refused, &mut complaints);
    wire::names(scenario, refused, &mut complaints);
    pools::names(scenario, refused, &mut complaints);
    brokers::ranges(scenario, &mut complaints);
    ranges::check(scenario, &mut complaints);
    policies::ranges(scenario, &mut complaints);
    wire::ranges(scenario, &mut complaints);
    pools::ranges(scenario, &mut complaints);
    caches::ranges(scenario, &mut complaints);
    scale::ranges(scenario, &mut complaints);
    faults::check(scenario, refused, &mut complaints);
    promises::check(scenario, refused, &mut complaints);
    // What follows walks calls and divides by numbers; it wants names that resolve and numbers that can be.
    if !whole || complaints.iter().any(Complaint::is_error) {
        return complaints;
    }
    names::unused(scenario, &mut complaints);
    faults::look(scenario, &mut complaints);
    discovery::look(scenario, &mut complaints);
    promises::latency_only(scenario, &mut complaints);
    promises::reversed(scenario, &mut complaints);
    cycles::check(scenario, &mut complaints);
    policies::look(scenario, &mut complaints);
    timeouts::check(scenario, &mut complaints);
    brokers::look(scenario, &mut complaints);
    wire::look(scenario, &mut complaints);
    pools::look(scenario, &mut complaints);
    scale::look(scenario, &mut complaints);
    if !complaints.iter().any(Complaint::is_error) {
        sizes::check(scenario, &mut complaints);
    }
    if !complaints.iter().any(Complaint::is_error) {
        load::check(scenario, &mut complaints);
    }
    complaints
}

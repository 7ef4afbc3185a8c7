//! What had not ended when the run stopped, by its age.

use super::Measure;
use crate::model::Open;
use crate::units::Time;

impl Measure {
    /// Something has not ended when the run stops.
    #[cold]
    pub(super) fn leave_open(&mut self, now: Time, what: Open, since: Time) {
        let (counts, age) = (self.counts(since), now.since(since));
        if let Open::Request(client) = what {
            self.aftermath.leave_open(&self.scopes, client, since, age);
        }
        if let Open::Call(edge) = what
            && self.faulted
        {
            self.aftermath.give_up(edge, since);
        }
        match what {
            Open::Request(client) => &mut self.clients[client.index()].open,
            Open::Call(edge) => &mut self.edges[edge.index()].open,
            Open::Visit(endpoint) if counts => &mut self.endpoints[endpoint.index()].open,
            Open::Flow(flow) => &mut self.flows[flow.index()].open,
            Open::Message(queue) => &mut self.queues[queue.index()].open,
            Open::Record(group) if counts => &mut self.readings[group.index()].open,
            Open::Visit(_) | Open::Record(_) => return,
        }
        .record(age.0);
    }
}

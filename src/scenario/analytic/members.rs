//! What each member of a group is offered: records are spread over partitions, and a partition has one member. A group that
//! could do more than comes on the whole may still have members that cannot, and their partitions fall behind for good.

use super::super::walk;
use super::Model;
use super::expected::Busiest;
use super::flow::Flow;
use crate::model::stream::{Spread, assign};
use crate::scenario::written::{Consumer, Keyed, Node, Topic, Verb};

impl Model<'_> {
    /// The busiest member of a group among those of one service; `each` is how long it works on a record, ns.
    pub(super) fn busiest(
        &self,
        node: &Node,
        consumer: &Consumer,
        each: f64,
        (average, height): (&Flow, &Flow),
    ) -> Option<Busiest> {
        let topic = self.scenario.topics.get(&consumer.from.value)?;
        let group = consumer.group.as_ref()?.value.as_str();
        let all = walk::members(self.scenario, &topic.name.value, group);
        let (mut first, mut own, mut rates) = (0, 0..0, [0.0; 2]);
        for (host, member) in &all {
            let size = u64::from(host.most_replicas()) * u64::from(member.concurrency.value);
            if host.name.value == node.name.value {
                own = first..first + size;
            }
            first += size;
            if let Some(i) = self.programs.find(&(host.name.value.as_str(), member.program.name.value.as_str())) {
                rates = [rates[0] + average.visits[i], rates[1] + height.visits[i]];
            }
        }
        if each <= 0.0 || first > MOST || u64::from(topic.partitions.value) > MOST {
            return None;
        }
        let loads = self.loads(topic, first as u32);
        let own = &loads[own.start as usize..own.end as usize];
        let most = own.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let can = 1e9 / each;
        Some(Busiest {
            rate: most.0 * rates[0],
            peak_rate: most.0 * rates[1],
            can,
            partitions: most.1,
            over: own.iter().filter(|load| load.0 * rates[1] > can * (1.0 + 1e-9)).count() as u64,
        })
    }

    /// By member of a group: its share of the records, and how many partitions it has.
    fn loads(&self, topic: &Topic, members: u32) -> Vec<(f64, u64)> {
        let partitions = topic.partitions.value.max(1);
        let everybody: Vec<u32> = (0..members).collect();
        // Where nobody has a partition yet, the sticky assignor does what this one does.
        let owners = assign::range(&everybody, partitions as usize);
        let mut loads = vec![(0.0, 0); members as usize];
        for (owner, share) in owners.iter().zip(self.spread(topic, partitions).shares(partitions)) {
            if let Some(owner) = owner {
                let load = &mut loads[*owner as usize];
                *load = (load.0 + share, load.1 + 1);
            }
        }
        loads
    }

    /// How the records of a topic are spread; evenly, where a publisher has a key of its own.
    fn spread(&self, topic: &Topic, partitions: u32) -> Spread {
        let own = |verb: &Verb| matches!(verb, Verb::Publish(p) if p.to.value == topic.name.value && p.key.is_some());
        let mut any = false;
        for vertex in &self.vertices {
            walk::steps(&vertex.endpoint.steps, &mut |step| any |= own(&step.verb));
        }
        match topic.key.as_ref().map(|key| &key.value) {
            Some(Keyed::Shared(key)) if !any => {
                Spread::shared(&key.name.value, key.keys.value, key.skew.value, partitions)
            }
            _ => Spread::Turns,
        }
    }
}

/// More members or partitions than anybody has, and than a forecast has time for.
const MOST: u64 = 1 << 20;

//! Which replica of a callee a try goes to: the balancers of client libraries, from the same draws as the simulator's.

use hoptax::model::LinkId;
use hoptax::model::balance::Balancer;
use hoptax::random::{Lineage, Purpose};

use super::Site;

/// What a caller remembers of a callee.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    /// The next of round robin, or the one that was picked first.
    cursor: Option<u32>,
    /// Tries under way, by replica.
    outstanding: Vec<u32>,
}

impl Site {
    /// The replica, of all nodes', that a try goes to; not one of those it avoids, where there is another.
    pub(crate) fn pick(&self, link: LinkId, lineage: Lineage, avoid: &[u32]) -> u32 {
        let plan = self.plan.link(link);
        let replicas = self.plan.node(plan.to).replicas;
        if replicas < 2 {
            return plan.first;
        }
        let mut view: Vec<u32> = (0..replicas).filter(|nth| !avoid.contains(&(plan.first + nth))).collect();
        if view.is_empty() {
            view = (0..replicas).collect();
        }
        let mut balances = self.balances.borrow_mut();
        let balance = balances.entry(link.0).or_default();
        balance.outstanding.resize(replicas as usize, 0);
        let mut draw = self.draw(lineage, Purpose::Balance, 0);
        let below = |n: usize, draw: &mut hoptax::random::Draw| draw.below(n as u32) as usize;
        let pick = match plan.balancer {
            _ if view.len() == 1 => view[0],
            Balancer::RoundRobin => {
                let place = match balance.cursor {
                    Some(next) => view.iter().position(|nth| *nth >= next).unwrap_or(0),
                    None => below(view.len(), &mut draw),
                };
                balance.cursor = Some(if place + 1 == view.len() { 0 } else { view[place] + 1 });
                view[place]
            }
            Balancer::PickFirst => *balance.cursor.get_or_insert_with(|| view[below(view.len(), &mut draw)]),
            Balancer::LeastRequest { choices, .. } => {
                let drawn = (0..choices).map(|_| view[below(view.len(), &mut draw)]);
                drawn.min_by_key(|nth| balance.outstanding[*nth as usize]).unwrap_or(view[0])
            }
            _ => view[below(view.len(), &mut draw)],
        };
        plan.first + pick
    }

    /// A try is under way to a replica, or no longer.
    pub(crate) fn track(&self, link: LinkId, replica: u32, up: bool) {
        let plan = self.plan.link(link);
        if let Some(balance) = self.balances.borrow_mut().get_mut(&link.0)
            && let Some(count) = balance.outstanding.get_mut((replica - plan.first) as usize)
        {
            *count = if up { *count + 1 } else { count.saturating_sub(1) };
        }
    }
}

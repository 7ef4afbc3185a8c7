//! Faults strike and end: replicas go down, die, stand still, and come back.
//!
//! A message asks how its replica is when it arrives and when its answer leaves; nothing else on the way of a request looks
//! at faults, and a plan without any pays one predictable branch for that. The onset of a fault is rare, so it may look
//! through all requests in flight.

pub(crate) mod dropped;
pub(crate) mod freeze;
pub(crate) mod hazard;

use crate::kernel::Phase;
use crate::model::fault::deploy::Release;
use crate::model::fault::rollout::Rollout;
use crate::model::fault::{Effect, When};
use crate::model::id::NONE;
use crate::model::transport::Channel;
use crate::model::{Fact, FaultId, Plan, Probe};
use crate::random::Lineage;
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::core::side::Side;

/// How often an idle machine that wears out by running is looked at, at least.
const LOOK: Span = Span(1_000_000);

/// What faults do to a replica now. They overlap, so each is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plight {
    /// Faults that take it down.
    pub(crate) down: u32,
    /// Of these, those that make messages vanish, and of these, those whose kernel goes on.
    pub(crate) holes: u32,
    pub(crate) hangs: u32,
    /// Faults that cut it off its network.
    pub(crate) cuts: u32,
    /// Faults between it and the brokers that it consumes from.
    pub(crate) parted: u32,
    /// Faults that make it stand still.
    pub(crate) frozen: u32,
    /// Since when it stands still; of a proxy, until when.
    pub(crate) since: Time,
    /// How many times as long work takes.
    pub(crate) slow: f64,
}

impl Default for Plight {
    fn default() -> Self {
        Self { down: 0, holes: 0, hangs: 0, cuts: 0, parted: 0, frozen: 0, since: Time(0), slow: 1.0 }
    }
}

/// Where a fault stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strike {
    pub(crate) on: bool,
    /// How often it has ended.
    pub(crate) nth: u64,
    /// Work until it strikes next, for one that counts only that, and how much had been done when that was said.
    left: Span,
    mark: Span,
    /// Works under way on its target, since when there is one, and time with any before that.
    working: u32,
    since: Time,
    worked: Span,
    /// Of a deploy: how often the next replicas took their turn.
    pub(crate) wave: u64,
}

/// What faults do now, and what waits for their end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    /// Whether anything may go wrong at all.
    pub(crate) possible: bool,
    /// Whether some fault counts only work.
    pub(crate) wears: bool,
    /// By replica; empty in a plan without faults.
    pub(crate) plights: Vec<Plight>,
    pub(crate) strikes: Vec<Strike>,
    /// Faults that are on, by replica and by link, as far as these only remember them.
    pub(crate) on_replica: Vec<Vec<u32>>,
    pub(crate) on_link: Vec<Vec<u32>>,
    /// The same by edge from a publisher to its broker; empty where no fault happens to one.
    pub(crate) on_edge: Vec<Vec<u32>>,
    /// What replicas speak, and by node when breaking deploys of it begin; both empty in a plan without any.
    releases: Vec<Release>,
    contracts: Vec<Vec<Time>>,
    /// By frame: what the replica's clock had lost when its work began.
    pub(crate) lost: Side<Span>,
    /// By frame: how much later its message is there than was told, because a proxy stood still under it.
    pub(crate) late: Side<Span>,
    /// Messages that the network drops.
    pub(crate) dropped: dropped::Dropped,
    /// Frames that go on when their replica thaws.
    pub(crate) parked: Vec<u32>,
    /// Timers of a replica that stands still: they ring when it thaws.
    pub(crate) ringing: Vec<(Event, u32, Time)>,
    /// Tries that timed out while their caller (a replica) stood still, and what they were.
    pub(crate) overdue: Vec<(u32, u32, Lineage)>,
}

impl Strike {
    /// Time with work under way so far.
    fn done(&self, now: Time) -> Span {
        if self.working == 0 { self.worked } else { self.worked + now.since(self.since) }
    }
}

impl Trouble {
    /// No fault is on.
    pub(crate) fn new(plan: &Plan) -> Self {
        let resets = plan.channels.iter().any(Channel::resets);
        let possible = !plan.faults.is_empty()
            || plan.nodes.iter().any(|node| node.life.is_some())
            || resets
            || plan.discovery.asks();
        let wears = plan.faults.iter().any(|f| matches!(f.when, When::Random { busy_only: true, .. }));
        let trouble = Self { possible, wears, ..Self::default() };
        if !possible {
            return trouble;
        }
        let replicas = plan.replicas() as usize;
        let contracts = contracts(plan);
        Self {
            releases: vec![Release::default(); if contracts.is_empty() { 0 } else { replicas }],
            contracts,
            plights: vec![Plight::default(); replicas],
            strikes: vec![Strike::default(); plan.faults.len()],
            on_replica: vec![Vec::new(); replicas],
            on_link: vec![Vec::new(); plan.links.len()],
            on_edge: if plan.faults.iter().all(|fault| fault.edges.is_empty()) {
                Vec::new()
            } else {
                vec![Vec::new(); plan.edges.len()]
            },
            ..trouble
        }
    }

    /// A replica restarts in a deploy that began at a moment.
    pub(crate) fn pass_release(&mut self, replica: u32, began: Time, breaking: bool) {
        if let Some(release) = self.releases.get_mut(replica as usize) {
            release.went_through(began, breaking);
        }
    }

    /// A replica starts with what another speaks.
    pub(crate) fn take_release(&mut self, replica: u32, of: u32) {
        if let Some(release) = self.releases.get(of as usize).copied() {
            self.releases[replica as usize] = release;
        }
    }

    /// Notes what a replica's clock had lost when a work began.
    pub(crate) fn note_lost(&mut self, at: u32, lost: Span) {
        self.lost.put(at, lost);
    }
}

/// By node: when its breaking deploys begin. Empty where there are none at all.
fn contracts(plan: &Plan) -> Vec<Vec<Time>> {
    let mut all = Vec::new();
    for fault in &plan.faults {
        let breaks = matches!(
            fault.effect,
            Effect::Deploy { breaking: true, .. } | Effect::Rollout(Rollout { breaking: true, .. })
        );
        let When::Once { from, .. } = fault.when else { continue };
        if !breaks {
            continue;
        }
        all.resize(plan.nodes.len(), Vec::new());
        let mut nodes: Vec<usize> = (0..plan.nodes.len()).collect();
        let replicas = |at: usize| plan.nodes[at].first_replica..plan.nodes[at].first_replica + plan.nodes[at].replicas;
        nodes.retain(|at| fault.replicas.iter().any(|replica| replicas(*at).contains(replica)));
        nodes.into_iter().for_each(|at| all[at].push(from));
    }
    all
}

impl<P: Probe> Core<'_, P> {
    /// Whether a request that arrives was written for another version than its replica speaks.
    pub(crate) fn is_misunderstood(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        let call = &self.plan.calls[frame.call as usize];
        if !call.versioned || frame.caller == NONE {
            return false;
        }
        let link = self.plan.link(call.link);
        // A deploy that begins after the measured time is none.
        let Some(contract) = self.trouble.contracts.get(link.to.index()) else { return false };
        let mut caller = frame.caller;
        while self.node_of(self.frames[caller].replica) != link.from && self.frames[caller].caller != NONE {
            caller = self.frames[caller].caller;
        }
        let spoken = |replica: u32| self.trouble.releases[replica as usize];
        let (ours, theirs) = (spoken(self.frames[caller].replica), spoken(frame.replica));
        !ours.understands(theirs, contract)
    }

    /// Puts the first onset of every fault on the agenda; one that never comes by itself waits for a [call](Self::call_down).
    pub(crate) fn expect_faults(&mut self) {
        let plan = self.plan;
        for (at, fault) in (0..).zip(&plan.faults) {
            let first = match fault.when {
                When::Once { from: Time::NEVER, .. } => continue,
                When::Once { from, .. } => from,
                When::Random { .. } => self.now + self.wait_for(at),
            };
            self.agenda.push(first, Phase::Recovery, Event::Fault(at));
        }
    }

    /// A fault that never comes by itself comes at a moment.
    pub(crate) fn call_down(&mut self, fault: FaultId, moment: Time) {
        self.agenda.push(moment, Phase::Recovery, Event::Fault(fault.0));
    }

    /// The time from now to the next onset of a fault at random, as far as it is known now.
    fn wait_for(&mut self, at: u32) -> Span {
        let strike = &mut self.trouble.strikes[at as usize];
        strike.left = self.plan.faults[at as usize].span(self.plan, self.seed, strike.nth, false);
        strike.mark = strike.done(self.now);
        strike.left
    }

    /// When a fault at random that has ended strikes again.
    pub(crate) fn strikes_next(&mut self, at: u32) -> Time {
        self.trouble.strikes[at as usize].nth += 1;
        self.now + self.wait_for(at)
    }

    /// Whether a fault that counts only work has to wait for more of it.
    pub(crate) fn is_spared(&mut self, at: u32) -> bool {
        let When::Random { busy_only: true, .. } = self.plan.faults[at as usize].when else { return false };
        let strike = &self.trouble.strikes[at as usize];
        let left = Span(strike.left.0.saturating_sub(strike.done(self.now).0 - strike.mark.0));
        if left == Span::ZERO {
            return false;
        }
        let wait = if strike.working == 0 { left.max(LOOK) } else { left };
        self.agenda.push(self.now + wait, Phase::Recovery, Event::Fault(at));
        true
    }

    /// Work begins or ends on a replica: faults that count it hear of it.
    #[inline(never)]
    pub(crate) fn wear(&mut self, replica: u32, begins: bool) {
        let now = self.now;
        for (fault, strike) in self.plan.faults.iter().zip(&mut self.trouble.strikes) {
            if !matches!(fault.when, When::Random { busy_only: true, .. }) || !fault.replicas.contains(&replica) {
                continue;
            }
            strike.worked = strike.done(now);
            strike.since = now;
            strike.working = if begins { strike.working + 1 } else { strike.working - 1 };
        }
    }

    /// Whether a replica takes requests.
    pub(crate) fn is_up(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_none_or(|plight| plight.down == 0)
    }

    /// Whether nothing cuts a replica off its network.
    pub(crate) fn is_connected(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_none_or(|plight| plight.cuts == 0)
    }

    /// Whether a replica stands still.
    #[inline]
    pub(crate) fn is_frozen(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_some_and(|plight| plight.frozen > 0)
    }

    /// A fault that is over at once has struck; says to the agenda when it does so next.
    pub(crate) fn pass_at_once(&mut self, at: u32) {
        for on in [true, false] {
            self.tell(Fact::Struck { fault: FaultId(at), on });
        }
        if matches!(self.plan.faults[at as usize].when, When::Random { .. }) {
            let next = self.strikes_next(at);
            self.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
    }
}

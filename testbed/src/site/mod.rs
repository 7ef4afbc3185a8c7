//! A site: a replica of a node as a process, or all that a client does. It walks the plan's programs, as the machine of the
//! simulator does, but over sockets and by the clock; of the machine it shares the plan and the draws, nothing else.

pub(crate) mod call;
pub(crate) mod fault;
pub(crate) mod fork;
pub(crate) mod frame;
pub(crate) mod guard;
pub(crate) mod level;
pub(crate) mod pick;
pub(crate) mod stop;
pub(crate) mod walk;
pub(crate) mod workers;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hoptax::model::plan::Node;
use hoptax::model::{LawId, Plan};
use hoptax::random::{Draw, Lineage, Purpose};

use crate::brief::{Start, Tally};
use crate::clock;
use crate::policy::Police;
use crate::timer::Timers;
use crate::wire::Pools;
use crate::wire::amqp::Mailer;
use level::Level;
use pick::Balance;
use workers::Workers;

/// Everything that one replica knows.
pub(crate) struct Site {
    pub(crate) plan: Rc<Plan>,
    /// Which replica of all nodes it is.
    pub(crate) replica: u32,
    seed: u64,
    burn: bool,
    pub(crate) timers: Rc<Timers>,
    start: RefCell<Start>,
    pub(crate) workers: Rc<Workers>,
    pub(crate) pools: Pools,
    pub(crate) mailer: Mailer,
    /// Consumers that handle a message.
    consuming: Cell<u32>,
    consumers: RefCell<Level>,
    balances: RefCell<BTreeMap<u32, Balance>>,
    police: RefCell<BTreeMap<u32, Rc<Police>>>,
    arrivals: Cell<u64>,
    refused: Cell<u64>,
}

impl Site {
    /// A replica at rest.
    pub(crate) fn new(plan: Rc<Plan>, replica: u32, seed: u64, burn: bool, timers: Rc<Timers>) -> Rc<Self> {
        let workers = Workers::new(node_of(&plan, replica));
        Rc::new(Self {
            plan,
            replica,
            seed,
            burn,
            timers,
            start: RefCell::new(Start { epoch: u64::MAX, ports: Vec::new() }),
            workers,
            pools: Pools::default(),
            mailer: Mailer::default(),
            consuming: Cell::default(),
            consumers: RefCell::default(),
            balances: RefCell::default(),
            police: RefCell::default(),
            arrivals: Cell::default(),
            refused: Cell::default(),
        })
    }

    /// When time zero is, and where the others are.
    pub(crate) fn begin(&self, start: Start) {
        let from = start.epoch + self.plan.warmup.0;
        self.workers.measure(from, from + self.plan.duration.0);
        self.consumers.borrow_mut().measure(from, from + self.plan.duration.0);
        *self.start.borrow_mut() = start;
    }

    /// The node it is a replica of.
    pub(crate) fn node(&self) -> &Node {
        node_of(&self.plan, self.replica)
    }

    /// Now, ns since time zero.
    pub(crate) fn now(&self) -> u64 {
        clock::now().saturating_sub(self.start.borrow().epoch)
    }

    /// Waits until so many ns after time zero.
    pub(crate) async fn until(&self, at: u64) {
        let epoch = self.start.borrow().epoch;
        self.timers.until(at.saturating_add(epoch)).await;
    }

    /// Where another replica listens.
    pub(crate) fn port(&self, replica: u32) -> u16 {
        self.start.borrow().ports.get(replica as usize).copied().unwrap_or(0)
    }

    /// A draw, as the simulator makes it.
    pub(crate) fn draw(&self, lineage: Lineage, purpose: Purpose, nth: u64) -> Draw {
        Draw::new(self.seed, lineage, purpose, nth)
    }

    /// A value of a law, ns.
    pub(crate) fn vary(&self, law: LawId, lineage: Lineage, purpose: Purpose, nth: u64) -> u64 {
        self.plan.law(law).sample(&mut self.draw(lineage, purpose, nth))
    }

    /// The seed of all its draws.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether a moment, ns since time zero, lies in the measured time.
    pub(crate) fn is_measured(&self, at: u64) -> bool {
        (self.plan.warmup.0..self.plan.warmup.0 + self.plan.duration.0).contains(&at)
    }

    /// A request has arrived.
    pub(crate) fn note_arrival(&self) {
        if self.is_measured(self.now()) {
            self.arrivals.set(self.arrivals.get() + 1);
        }
    }

    /// A request is refused because the line is full.
    pub(crate) fn note_refusal(&self) {
        if self.is_measured(self.now()) {
            self.refused.set(self.refused.get() + 1);
        }
    }

    /// What it has counted.
    pub(crate) fn tally(&self) -> Tally {
        let (busy, queued) = self.workers.areas();
        let busy = busy + self.consumers.borrow_mut().area();
        Tally { arrivals: self.arrivals.get(), refused: self.refused.get(), busy, queued }
    }

    /// A consumer handles a message, until what it gets here is dropped.
    pub(crate) fn consuming(self: &Rc<Self>) -> Consuming {
        self.count_consuming(self.consuming.get() + 1);
        Consuming(Rc::clone(self))
    }

    fn count_consuming(&self, now: u32) {
        self.consuming.set(now);
        self.consumers.borrow_mut().set(now);
    }

    /// What stands between this replica and a callee.
    pub(crate) fn police(&self, guard: u32) -> Rc<Police> {
        let mut all = self.police.borrow_mut();
        let rules = &self.plan.rules[self.plan.guards[guard as usize].rules as usize];
        Rc::clone(all.entry(guard).or_insert_with(|| Rc::new(Police::new(rules))))
    }

    /// Works for so many ns of one worker's time, longer where a fault slows it down or stops it.
    pub(crate) async fn work(&self, amount: u64) {
        let (from, fraction) = (self.now(), amount as f64);
        let end = fault::end_of_work(&self.plan, self.replica, from, fraction);
        if self.burn {
            burn(amount);
        } else {
            self.until(end).await;
        }
    }
}

/// A consumer that handles a message.
pub(crate) struct Consuming(Rc<Site>);

impl Drop for Consuming {
    fn drop(&mut self) {
        self.0.count_consuming(self.0.consuming.get() - 1);
    }
}

/// Uses a core for so long, ns.
fn burn(amount: u64) {
    let until = clock::cpu() + amount;
    while clock::cpu() < until {
        std::hint::spin_loop();
    }
}

/// The node that a replica belongs to.
fn node_of(plan: &Plan, replica: u32) -> &Node {
    let own = |node: &&Node| (node.first_replica..node.first_replica + node.replicas).contains(&replica);
    plan.nodes.iter().find(own).unwrap_or(&plan.nodes[0])
}

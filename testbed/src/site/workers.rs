//! Workers of a replica and the line before them: a semaphore that knows its order and its limit.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use hoptax::model::line::Order;
use hoptax::model::plan::Node;
use tokio::sync::oneshot;

use super::level::Level;

/// All workers of a replica.
pub(crate) struct Workers {
    /// How many there are; [`u32::MAX`]: any number.
    total: u32,
    /// How many may wait.
    limit: u32,
    order: Order,
    busy: Cell<u32>,
    line: RefCell<VecDeque<Waiting>>,
    levels: RefCell<[Level; 2]>,
}

/// Somebody in line.
struct Waiting {
    priority: u8,
    /// Whether it may be turned out for somebody more important: nothing was done for it yet.
    unbegun: bool,
    turn: oneshot::Sender<Permit>,
}

/// A worker, held until it is dropped.
pub(crate) struct Permit(Rc<Workers>);

/// What becomes of somebody who asks for a worker.
pub(crate) enum Entry {
    /// It has one.
    Goes(Permit),
    /// It stands in line, and is told; or hears that it was turned out.
    Waits(oneshot::Receiver<Permit>),
    /// The line is full.
    Full,
}

impl Workers {
    /// All free.
    pub(crate) fn new(node: &Node) -> Rc<Self> {
        Rc::new(Self {
            total: node.workers,
            limit: node.queue_limit,
            order: node.order,
            busy: Cell::new(0),
            line: RefCell::default(),
            levels: RefCell::default(),
        })
    }

    /// Its levels are measured between two moments of the common clock.
    pub(crate) fn measure(&self, from: u64, until: u64) {
        self.levels.borrow_mut().iter_mut().for_each(|level| level.measure(from, until));
    }

    /// Workers held and requests in line, times ns.
    pub(crate) fn areas(&self) -> (f64, f64) {
        let mut levels = self.levels.borrow_mut();
        (levels[0].area(), levels[1].area())
    }

    /// Somebody who has just arrived asks for a worker.
    pub(crate) fn enter(self: &Rc<Self>, priority: u8) -> Entry {
        self.tidy();
        if let Some(permit) = self.take() {
            return Entry::Goes(permit);
        }
        if self.line.borrow().len() >= self.limit as usize && !self.make_room(priority) {
            return Entry::Full;
        }
        Entry::Waits(self.join(priority, true))
    }

    /// Somebody who gave its worker up asks for one again, and is never refused.
    pub(crate) async fn resume(self: &Rc<Self>, priority: u8) -> Option<Permit> {
        self.tidy();
        match self.take() {
            Some(permit) => Some(permit),
            None => self.join(priority, false).await.ok(),
        }
    }

    fn take(self: &Rc<Self>) -> Option<Permit> {
        if self.busy.get() >= self.total {
            return None;
        }
        self.hold(self.busy.get() + 1);
        Some(Permit(Rc::clone(self)))
    }

    fn join(&self, priority: u8, unbegun: bool) -> oneshot::Receiver<Permit> {
        let (turn, waits) = oneshot::channel();
        self.line.borrow_mut().push_back(Waiting { priority, unbegun, turn });
        self.count_line();
        waits
    }

    /// In order of priority the last of the least important leaves a full line for somebody more important.
    fn make_room(&self, priority: u8) -> bool {
        if self.order != Order::Priority {
            return false;
        }
        let mut line = self.line.borrow_mut();
        let least = line.iter().enumerate().filter(|(_, other)| other.unbegun && other.priority > priority);
        let Some((at, _)) = least.max_by_key(|(at, other)| (other.priority, *at)) else { return false };
        // Its receiver hears that nobody will tell it any more.
        line.remove(at);
        true
    }

    /// Who has left the line is no longer in it.
    fn tidy(&self) {
        self.line.borrow_mut().retain(|other| !other.turn.is_closed());
        self.count_line();
    }

    fn hold(&self, busy: u32) {
        self.busy.set(busy);
        self.levels.borrow_mut()[0].set(busy);
    }

    fn count_line(&self) {
        let waiting = self.line.borrow().len() as u32;
        self.levels.borrow_mut()[1].set(waiting);
    }

    /// The next in line.
    fn next(&self) -> Option<Waiting> {
        let mut line = self.line.borrow_mut();
        match self.order {
            Order::Lifo => line.pop_back(),
            Order::Priority => {
                let first = line.iter().enumerate().min_by_key(|(at, other)| (other.priority, *at))?.0;
                line.remove(first)
            }
            _ => line.pop_front(),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let workers = &self.0;
        workers.tidy();
        workers.hold(workers.busy.get() - 1);
        let next = workers.next();
        workers.count_line();
        if let Some(next) = next {
            workers.hold(workers.busy.get() + 1);
            // Whoever has left meanwhile gives it back by dropping it.
            drop(next.turn.send(Permit(Rc::clone(workers))));
        }
    }
}

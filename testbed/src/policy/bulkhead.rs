//! A bulkhead: so many at once, the others wait in line for a while (Resilience4j's `SemaphoreBulkhead`).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use hoptax::model::policy::BulkheadSpec;
use tokio::sync::oneshot;

use crate::site::Site;

/// Who is inside, and who waits.
pub(crate) struct Bulkhead {
    spec: BulkheadSpec,
    inside: Cell<u32>,
    line: RefCell<VecDeque<oneshot::Sender<Place>>>,
}

/// A place inside, until it is dropped.
pub(crate) struct Place(Rc<Bulkhead>);

impl Bulkhead {
    /// Empty.
    pub(crate) fn new(spec: BulkheadSpec) -> Rc<Self> {
        Rc::new(Self { spec, inside: Cell::new(0), line: RefCell::default() })
    }

    /// Asks for a place, and waits for it as long as that is allowed.
    pub(crate) async fn enter(self: &Rc<Self>, site: &Site) -> Option<Place> {
        if self.inside.get() < self.spec.max_concurrent {
            self.inside.set(self.inside.get() + 1);
            return Some(Place(Rc::clone(self)));
        }
        if self.spec.max_wait.0 == 0 {
            return None;
        }
        let (turn, waits) = oneshot::channel();
        self.line.borrow_mut().push_back(turn);
        tokio::select! {
            place = waits => place.ok(),
            () = site.until(site.now() + self.spec.max_wait.0) => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = loop {
            match self.0.line.borrow_mut().pop_front() {
                Some(turn) if turn.is_closed() => {}
                other => break other,
            }
        };
        match next {
            // Whoever has left meanwhile gives it back by dropping it.
            Some(turn) => drop(turn.send(Place(Rc::clone(&self.0)))),
            None => self.0.inside.set(self.0.inside.get() - 1),
        }
    }
}

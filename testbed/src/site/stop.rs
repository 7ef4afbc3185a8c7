//! Word from a caller that gave up: for those callees that listen to it.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

/// Whether a request is to stop.
#[derive(Default)]
pub(crate) struct Stop {
    told: Cell<bool>,
    word: Notify,
}

impl Stop {
    /// It is to stop.
    pub(crate) fn tell(&self) {
        self.told.set(true);
        self.word.notify_waiters();
    }

    /// Whether it is.
    pub(crate) fn is_told(&self) -> bool {
        self.told.get()
    }

    /// Waits for that.
    pub(crate) async fn wait(self: &Rc<Self>) {
        let word = self.word.notified();
        if !self.told.get() {
            word.await;
        }
    }
}

//! Timers finer than a millisecond: one timerfd for a process, and a heap of who waits. (`tokio::time` rounds up to whole
//! milliseconds: 1.12 ms too long on average. A timerfd wakes some tens of µs late, and how late is known.)

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::clock;

/// Sleeps from which the lead is measured, and how long each is, ns.
const TRIALS: usize = 41;
const TRIAL: u64 = 2_000_000;

/// The lead is never longer, ns: more than this is a busy machine, not a slow timer.
const LONGEST_LEAD: u64 = 250_000;

/// What the lead changes by with each timer, ns.
const STEP: u64 = 1_000;

/// All timers of a process.
pub(crate) struct Timers {
    fd: AsyncFd<OwnedFd>,
    due: RefCell<BinaryHeap<Reverse<(u64, u64)>>>,
    waiting: RefCell<BTreeMap<u64, Waker>>,
    next: Cell<u64>,
    armed: Cell<u64>,
    /// By how much a timer is set early, because it goes off late: the median of that, as it has been so far.
    lead: Cell<u64>,
}

impl Timers {
    /// No timers yet; they run as long as the runtime does.
    pub(crate) fn start() -> io::Result<Rc<Self>> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; what it asks for holds: the fd is owned, and lives as long as this"
        )]
        let fd = AsyncFd::new(fd)?;
        let timers = Rc::new(Self {
            fd,
            due: RefCell::default(),
            waiting: RefCell::default(),
            next: Cell::new(0),
            armed: Cell::new(u64::MAX),
            lead: Cell::new(0),
        });
        tokio::task::spawn_local(Rc::clone(&timers).run());
        Ok(timers)
    }

    /// Measures how late timers go off here, and sets them early by the median of that from now on.
    pub(crate) async fn calibrate(self: &Rc<Self>) {
        let mut late = Vec::with_capacity(TRIALS);
        for _ in 0..TRIALS {
            let due = clock::now() + TRIAL;
            self.until(due).await;
            late.push(clock::now().saturating_sub(due));
        }
        late.sort_unstable();
        self.lead.set(late[TRIALS / 2].min(LONGEST_LEAD));
    }

    /// Waits until a moment of [`clock::now`]; `u64::MAX` never comes.
    pub(crate) fn until(self: &Rc<Self>, due: u64) -> Sleep {
        Sleep { timers: Rc::clone(self), due: due.saturating_sub(self.lead.get()), ticket: None }
    }

    async fn run(self: Rc<Self>) {
        loop {
            let Ok(mut guard) = self.fd.readable().await else { return };
            let mut count = [0; 8];
            _ = rustix::io::read(self.fd.get_ref(), &mut count);
            guard.clear_ready();
            self.learn(clock::now().saturating_sub(self.armed.replace(u64::MAX)));
            self.fire();
        }
    }

    /// A timer went off so late, ns: the lead takes a step that way, and so stays where half of them are.
    fn learn(&self, late: u64) {
        let lead = self.lead.get();
        let next = if late > lead { lead + STEP } else { lead.saturating_sub(STEP) };
        self.lead.set(next.min(LONGEST_LEAD));
    }

    /// Wakes all that are due, and sets the clock for the next.
    fn fire(&self) {
        let now = clock::now();
        loop {
            let first = self.due.borrow().peek().map(|Reverse(first)| *first);
            let Some((due, ticket)) = first else { return };
            let waits = self.waiting.borrow().contains_key(&ticket);
            if waits && due > now {
                return self.arm(due);
            }
            self.due.borrow_mut().pop();
            let waker = self.waiting.borrow_mut().remove(&ticket);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn arm(&self, due: u64) {
        if due >= self.armed.get() {
            return;
        }
        self.armed.set(due);
        let at = Timespec { tv_sec: (due / 1_000_000_000).cast_signed(), tv_nsec: (due % 1_000_000_000).cast_signed() };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let set = Itimerspec { it_interval: never, it_value: at };
        _ = timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &set);
    }
}

/// A wait under way; nothing is left of it when it is dropped.
pub(crate) struct Sleep {
    timers: Rc<Timers>,
    due: u64,
    ticket: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if clock::now() >= self.due {
            return Poll::Ready(());
        }
        let timers = Rc::clone(&self.timers);
        let ticket = *self.ticket.get_or_insert_with(|| {
            let ticket = timers.next.get();
            timers.next.set(ticket + 1);
            ticket
        });
        let new = timers.waiting.borrow_mut().insert(ticket, context.waker().clone()).is_none();
        if new && self.due != u64::MAX {
            timers.due.borrow_mut().push(Reverse((self.due, ticket)));
            timers.arm(self.due);
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.timers.waiting.borrow_mut().remove(&ticket);
        }
    }
}

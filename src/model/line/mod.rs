//! Who is served next: the order of a replica's line.
//!
//! `queue_order = "fifo"` (default), `"lifo"`, `"random"`, `"priority"` (0 first, then first come) or `"codel"` (fifo or
//! lifo, as the line is, with a bound on the wait). With `preemptive = true` (lifo and priority) a newcomer takes the worker
//! of a running request, which goes back to the line and later resumes where it was (preemptive-resume).
//!
//! A full line (`queue_limit`) refuses whoever comes. One in order of priority makes room for those that are more important than
//! somebody who waits: the last of the least important leaves it with `overloaded`, unless work on it has begun.
//!
//! Lines are intrusive: a waiting frame's neighbours stand in an array parallel to the frames, so that leaving early
//! (`queue_timeout`) costs no search.

mod codel;
mod fifo;
mod lifo;
mod priority;
mod random;

use crate::random::Draw;
use crate::units::{Span, Time};

use super::id::NONE;

use self::codel::Codel;

pub use self::codel::Delay;
pub use self::priority::Classes;

/// The order as planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served.
    Lifo,
    /// Anyone.
    Random,
    /// Lowest priority number first.
    Priority,
    /// First or last come first, as the line is, with a bound on the wait.
    Codel(Delay),
}

/// The neighbours of a waiting frame (or, in a random line, its position).
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    before: u32,
    after: u32,
}

/// Neighbours of all frames.
pub type Links = Vec<Neighbours>;

impl Default for Neighbours {
    fn default() -> Self {
        Self { before: NONE, after: NONE }
    }
}

/// A doubly linked list of frames.
#[derive(Clone, Copy, Debug)]
pub struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl List {
    fn push_back(&mut self, frame: u32, links: &mut Links) {
        links[frame as usize] = Neighbours { before: self.last, after: NONE };
        if self.last == NONE {
            self.first = frame;
        } else {
            links[self.last as usize].after = frame;
        }
        self.last = frame;
    }

    fn push_front(&mut self, frame: u32, links: &mut Links) {
        links[frame as usize] = Neighbours { before: NONE, after: self.first };
        if self.first == NONE {
            self.last = frame;
        } else {
            links[self.first as usize].before = frame;
        }
        self.first = frame;
    }

    fn pop_front(&mut self, links: &mut Links) -> Option<u32> {
        let frame = self.first;
        if frame == NONE {
            return None;
        }
        self.remove(frame, links);
        Some(frame)
    }

    fn pop_back(&mut self, links: &mut Links) -> Option<u32> {
        let frame = self.last;
        if frame == NONE {
            return None;
        }
        self.remove(frame, links);
        Some(frame)
    }

    fn remove(&mut self, frame: u32, links: &mut Links) {
        let Neighbours { before, after } = links[frame as usize];
        if before == NONE {
            self.first = after;
        } else {
            links[before as usize].after = after;
        }
        if after == NONE {
            self.last = before;
        } else {
            links[after as usize].before = before;
        }
    }
}

/// A replica's line.
#[derive(Clone, Debug)]
pub struct Line {
    waiting: u32,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Fifo(List),
    Lifo(List),
    Random(Vec<u32>),
    Priority(Classes),
    Codel(Codel),
}

impl Line {
    /// An empty line.
    pub fn new(order: Order) -> Self {
        let kind = match order {
            Order::Fifo => Kind::Fifo(List::default()),
            Order::Lifo => Kind::Lifo(List::default()),
            Order::Random => Kind::Random(Vec::new()),
            Order::Priority => Kind::Priority(Classes::default()),
            Order::Codel(delay) => Kind::Codel(Codel::new(delay)),
        };
        Self { waiting: 0, kind }
    }

    /// How many wait.
    #[inline]
    pub fn len(&self) -> u32 {
        self.waiting
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// A frame joins.
    pub fn join(&mut self, frame: u32, priority: u8, now: Time, links: &mut Links) {
        self.waiting += 1;
        match &mut self.kind {
            Kind::Fifo(list) => fifo::join(list, frame, links),
            Kind::Lifo(list) => lifo::join(list, frame, links),
            Kind::Random(all) => random::join(all, frame, links),
            Kind::Priority(classes) => classes.join(frame, priority, links),
            Kind::Codel(codel) => codel.join(frame, self.waiting == 1, now, links),
        }
    }

    /// How long a request that joins now may wait at most, where its order bounds that.
    pub fn patience(&self, now: Time) -> Option<Span> {
        match &self.kind {
            Kind::Codel(codel) => Some(codel.patience(now)),
            _ => None,
        }
    }

    /// A frame that lost its worker comes back, ahead of those it was ahead of before.
    pub fn rejoin(&mut self, frame: u32, priority: u8, now: Time, links: &mut Links) {
        match &mut self.kind {
            Kind::Priority(classes) => {
                self.waiting += 1;
                classes.rejoin(frame, priority, links);
            }
            _ => self.join(frame, priority, now, links),
        }
    }

    /// The next one to be served. `draw` is asked only by a random line.
    pub fn next(&mut self, now: Time, links: &mut Links, draw: impl FnOnce() -> Draw) -> Option<u32> {
        let next = match &mut self.kind {
            Kind::Fifo(list) | Kind::Lifo(list) => list.pop_front(links),
            Kind::Random(all) => random::next(all, links, draw),
            Kind::Priority(classes) => classes.next(links),
            Kind::Codel(codel) => codel.next(now, links),
        }?;
        self.waiting -= 1;
        Some(next)
    }

    /// Who leaves a full line for one of this priority: the last of the least important who `may`, if that is less important.
    pub fn displaced(&self, priority: u8, links: &Links, may: impl Fn(u32) -> bool) -> Option<u32> {
        match &self.kind {
            Kind::Priority(classes) => classes.last_after(priority, links, may),
            _ => None,
        }
    }

    /// When the one joined who has waited longest of those before a newcomer of this priority; `since` says when a frame did.
    pub fn oldest(&self, priority: u8, since: impl Fn(u32) -> Time) -> Option<Time> {
        let first = |list: &List| (list.first != NONE).then_some(list.first);
        match &self.kind {
            Kind::Fifo(list) => first(list).map(since),
            Kind::Lifo(list) => (list.last != NONE).then_some(list.last).map(since),
            Kind::Random(all) => all.iter().copied().map(since).min(),
            Kind::Priority(classes) => classes.up_to(priority).filter_map(first).map(since).min(),
            Kind::Codel(codel) => first(&codel.list).map(since),
        }
    }

    /// A frame leaves unserved.
    pub fn leave(&mut self, frame: u32, priority: u8, links: &mut Links) {
        self.waiting -= 1;
        match &mut self.kind {
            Kind::Fifo(list) | Kind::Lifo(list) => list.remove(frame, links),
            Kind::Random(all) => random::leave(all, frame, links),
            Kind::Priority(classes) => classes.leave(frame, priority, links),
            Kind::Codel(codel) => codel.list.remove(frame, links),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    fn drain(order: Order, joins: &[(u32, u8)], leaves: &[(u32, u8)]) -> Vec<u32> {
        let mut links = vec![Neighbours::default(); 16];
        let mut line = Line::new(order);
        for (frame, priority) in joins {
            line.join(*frame, *priority, Time(0), &mut links);
        }
        for (frame, priority) in leaves {
            line.leave(*frame, *priority, &mut links);
        }
        assert_eq!(line.len() as usize, joins.len() - leaves.len());
        let mut nth = 0;
        std::iter::from_fn(|| {
            nth += 1;
            line.next(Time(0), &mut links, || Draw::new(1, Lineage(1), Purpose::Line, nth))
        })
        .collect()
    }

    const FOUR: [(u32, u8); 4] = [(3, 1), (1, 0), (4, 1), (2, 0)];

    #[test]
    fn each_order_serves_as_its_name_says() {
        assert_eq!(drain(Order::Fifo, &FOUR, &[]), [3, 1, 4, 2]);
        assert_eq!(drain(Order::Lifo, &FOUR, &[]), [2, 4, 1, 3]);
        assert_eq!(drain(Order::Priority, &FOUR, &[]), [1, 2, 3, 4]);
        assert_eq!(drain(Order::Codel(DELAY), &FOUR, &[]), [3, 1, 4, 2], "not while it is short");
        let mut random = drain(Order::Random, &FOUR, &[]);
        random.sort_unstable();
        assert_eq!(random, [1, 2, 3, 4]);
    }

    const DELAY: Delay = Delay { target: Span(5), interval: Span(100) };

    #[test]
    fn a_line_that_does_not_empty_serves_the_newest_and_keeps_nobody_waiting() {
        let mut links = vec![Neighbours::default(); 16];
        let mut line = Line::new(Order::Codel(DELAY));
        let never = || Draw::new(1, Lineage(1), Purpose::Line, 0);
        for (frame, at) in [(1, 1_000), (2, 1_010), (3, 1_100), (4, 1_101)] {
            line.join(frame, 0, Time(at), &mut links);
        }
        assert_eq!((line.patience(Time(1_100)), line.patience(Time(1_101))), (Some(Span(100)), Some(Span(5))));
        assert_eq!(line.next(Time(1_100), &mut links, never), Some(1), "not yet");
        assert_eq!(line.next(Time(1_101), &mut links, never), Some(4));
        line.leave(2, 0, &mut links);
        line.leave(3, 0, &mut links);
        assert!(line.is_empty() && line.next(Time(1_102), &mut links, never).is_none());
        line.join(5, 0, Time(1_103), &mut links);
        line.join(6, 0, Time(1_104), &mut links);
        assert_eq!(line.patience(Time(1_104)), Some(Span(100)), "it was empty");
        assert_eq!(line.next(Time(1_104), &mut links, never), Some(5));
    }

    #[test]
    fn a_full_line_makes_room_for_the_more_important() {
        let mut links = vec![Neighbours::default(); 16];
        let mut line = Line::new(Order::Priority);
        FOUR.iter().for_each(|(frame, priority)| line.join(*frame, *priority, Time(0), &mut links));
        assert_eq!(line.displaced(0, &links, |_| true), Some(4), "the last of the least important");
        assert_eq!(line.displaced(0, &links, |frame| frame != 4), Some(3));
        assert_eq!(line.displaced(0, &links, |frame| frame < 3), None);
        assert_eq!(line.displaced(1, &links, |_| true), None, "only for the more important");
        assert_eq!(Line::new(Order::Fifo).displaced(0, &links, |_| true), None);
    }

    #[test]
    fn whoever_leaves_is_not_served() {
        for order in [Order::Fifo, Order::Lifo, Order::Random, Order::Priority, Order::Codel(DELAY)] {
            let mut served = drain(order, &FOUR, &[(1, 0), (3, 1)]);
            served.sort_unstable();
            assert_eq!(served, [2, 4], "{order:?}");
        }
    }
}

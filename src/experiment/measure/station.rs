//! What happened at a node: levels over the measured time, and the visits that began in it.

use std::collections::VecDeque;

use crate::model::Outcome;
use crate::stats::{Occupancy, Recorder};
use crate::units::{Span, Time};

/// Levels of a node now, summed over its replicas.
#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    queue: Level,
    busy: Level,
    working: Level,
    full: Level,
    /// Thousandths of cores at work; only where cores are shared.
    cores: Level,
}

/// A level and the area under it since the measured time began, exact: `level · now − before`. A step at time t by δ adds
/// δ·t to `before`, so that a level costs something only when it changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    level: u32,
    before: u128,
}

impl Level {
    /// One more or one fewer.
    #[inline]
    pub(super) fn step(&mut self, now: Time, up: bool) {
        // The area is small and positive, but `before` may pass through negative numbers: it wraps, and back.
        if up {
            self.level += 1;
            self.before = self.before.wrapping_add(u128::from(now.0));
        } else {
            self.level -= 1;
            self.before = self.before.wrapping_sub(u128::from(now.0));
        }
    }

    /// `by` more or fewer.
    fn leap(&mut self, now: Time, up: bool, by: u32) {
        let area = u128::from(now.0) * u128::from(by);
        if up {
            self.level += by;
            self.before = self.before.wrapping_add(area);
        } else {
            self.level -= by;
            self.before = self.before.wrapping_sub(area);
        }
    }

    /// The level now.
    pub(super) fn level(&self) -> u32 {
        self.level
    }

    /// The same level, with no area before `now`.
    pub(super) fn since(self, now: Time) -> Self {
        Self { level: self.level, before: u128::from(self.level) * u128::from(now.0) }
    }

    /// The area up to `now`.
    pub(super) fn area(&self, now: Time) -> u128 {
        (u128::from(self.level) * u128::from(now.0)).wrapping_sub(self.before)
    }
}

impl Ahead {
    /// Somebody leaves at that time: mostly nobody else is there.
    #[inline(always)]
    fn expect(&mut self, leaves: Time) {
        if self.next == Time::NEVER {
            self.next = leaves;
        } else {
            self.expect_one_more(leaves);
        }
    }

    /// Somebody leaves at that time: mostly after all others.
    #[inline(never)]
    fn expect_one_more(&mut self, leaves: Time) {
        let (early, late) = (self.next.min(leaves), self.next.max(leaves));
        self.next = early;
        match self.later.back() {
            Some(last) if *last > late => {
                let place = self.later.partition_point(|other| *other <= late);
                self.later.insert(place, late);
            }
            _ => self.later.push_back(late),
        }
    }

    /// Whoever leaves next has left: who does so after that is one of several.
    #[inline(always)]
    fn pass(&mut self, several: bool) -> Time {
        let next = self.next;
        self.next = if several { self.later.pop_front().unwrap_or(Time::NEVER) } else { Time::NEVER };
        next
    }
}

/// How much of a stretch lies in the measured time, ns.
fn within((from, to): (Time, Time), window: (Time, Time)) -> u64 {
    to.min(window.1).since(from.max(window.0)).0
}

/// The figures of one node in one replication.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    levels: Levels,
    /// Requests there now.
    here: u32,
    /// Up to when `in_system` counts.
    last: Time,
    /// Time at each number of requests in the system.
    pub(crate) in_system: Occupancy,
    pub(crate) arrivals: u64,
    pub(crate) refused: u64,
    /// Of a cache: looks that found what they looked for, and those that did not.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    frozen: Option<Box<Station>>,
    /// Of a proxy: what is known of times to come.
    ahead: Ahead,
}

/// What a proxy was told before it was so: when those who are there leave, and time in line and at work in the measured time.
#[derive(Clone, Debug)]
struct Ahead {
    /// Who leaves first, or never; mostly the only one.
    next: Time,
    later: VecDeque<Time>,
    queue: u64,
    busy: u64,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { next: Time::NEVER, later: VecDeque::new(), queue: 0, busy: 0 }
    }
}

impl Station {
    pub(super) fn new() -> Self {
        Self {
            levels: Levels::default(),
            here: 0,
            last: Time(0),
            in_system: Occupancy::default(),
            arrivals: 0,
            refused: 0,
            hits: 0,
            misses: 0,
            frozen: None,
            ahead: Ahead::default(),
        }
    }

    /// Accounts for the time since `here` last changed.
    #[inline(always)]
    fn advance(&mut self, now: Time) {
        let elapsed = now.0 - self.last.0;
        if elapsed > 0 {
            self.in_system.add(self.here, elapsed);
            self.last = now;
        }
    }

    /// Those who were known to leave a proxy by now have left.
    #[inline(always)]
    fn pass_ahead(&mut self, now: Time) {
        while self.ahead.next <= now {
            let left = self.ahead.pass(self.here > 1);
            self.reply(left);
        }
    }

    /// The same levels, nothing counted before `now`.
    fn renewed(&self, now: Time) -> Self {
        let old = &self.levels;
        let levels = Levels {
            queue: old.queue.since(now),
            busy: old.busy.since(now),
            working: old.working.since(now),
            full: old.full.since(now),
            cores: old.cores.since(now),
        };
        Self { levels, here: self.here, last: now, ahead: self.ahead.clone(), ..Self::new() }
    }

    /// The measured time begins: levels stay, everything counted so far is thrown away.
    pub(super) fn open(&mut self, now: Time) {
        self.pass_ahead(now);
        *self = self.renewed(now);
    }

    /// The measured time is over: what was counted is kept aside, and what follows no longer counts.
    pub(super) fn close(&mut self, now: Time) {
        self.pass_ahead(now);
        self.advance(now);
        let after = self.renewed(now);
        let closed = std::mem::replace(self, after);
        self.frozen = Some(Box::new(closed));
    }

    /// The figures of the measured time.
    pub(crate) fn measured(&self) -> &Station {
        self.frozen.as_deref().unwrap_or(self)
    }

    /// Requests in line when the run stopped.
    pub(crate) fn in_line(&self) -> u64 {
        u64::from(self.levels.queue.level())
    }

    pub(super) fn area(&mut self, now: Time) -> u128 {
        self.pass_ahead(now);
        self.advance(now);
        self.in_system.area()
    }

    /// Areas under requests there, in line, workers held, workers that work, and arrivals, since the measured time began.
    pub(super) fn sums(&mut self, now: Time) -> [f64; 5] {
        let there = self.area(now);
        let Levels { queue, busy, working, .. } = &self.levels;
        let areas = [there, queue.area(now), busy.area(now), working.area(now)].map(|area| area as f64);
        let (line, work) = (self.ahead.queue as f64, self.ahead.busy as f64);
        [areas[0], areas[1] + line, areas[2] + work, areas[3] + work, self.arrivals as f64]
    }

    #[inline]
    pub(super) fn reach(&mut self, now: Time) {
        self.advance(now);
        self.arrivals += 1;
        self.here += 1;
    }

    /// A message comes to a proxy, to wait and be worked on so long.
    #[inline(always)]
    pub(super) fn forward(&mut self, now: Time, (waited, work): (Span, Span), window: (Time, Time)) {
        self.pass_ahead(now);
        self.reach(now);
        let (begins, leaves) = (now + waited, now + waited + work);
        self.ahead.expect(leaves);
        if now >= window.0 && leaves <= window.1 {
            self.ahead.queue += waited.0;
            self.ahead.busy += work.0;
            return;
        }
        self.stray([now, begins, leaves], window);
    }

    /// Time in line and at work that may lie beyond the measured time.
    #[cold]
    fn stray(&mut self, [comes, begins, leaves]: [Time; 3], window: (Time, Time)) {
        self.ahead.queue += within((comes, begins), window);
        self.ahead.busy += within((begins, leaves), window);
    }

    /// A worker of a proxy is at work on what has gone on.
    pub(super) fn labour(&mut self, stretch: (Time, Time), window: (Time, Time)) {
        self.ahead.busy += within(stretch, window);
    }

    pub(super) fn look(&mut self, hit: bool) {
        *(if hit { &mut self.hits } else { &mut self.misses }) += 1;
    }

    #[inline]
    pub(super) fn queue(&mut self, now: Time, joins: bool) {
        self.levels.queue.step(now, joins);
    }

    pub(super) fn fill(&mut self, now: Time, full: bool) {
        self.levels.full.step(now, full);
    }

    #[inline]
    pub(super) fn hold(&mut self, now: Time, takes: bool) {
        self.levels.busy.step(now, takes);
    }

    #[inline]
    pub(super) fn work(&mut self, now: Time, starts: bool, cores: u32, worker: bool) {
        if worker {
            self.levels.working.step(now, starts);
        }
        if cores > 0 {
            self.levels.cores.leap(now, starts, cores);
        }
    }

    #[inline]
    pub(super) fn reply(&mut self, now: Time) {
        self.advance(now);
        self.here -= 1;
    }

    /// Time averages over `duration` up to the last moment counted: queue, busy, working, full, cores.
    pub(crate) fn means(&self, duration: Span) -> Means {
        let mean = |level: &Level| level.area(self.last) as f64 / duration.0 as f64;
        let levels = &self.levels;
        let [line, work] = [self.ahead.queue, self.ahead.busy].map(|time| time as f64 / duration.0 as f64);
        Means {
            queue: mean(&levels.queue) + line,
            busy: mean(&levels.busy) + work,
            working: mean(&levels.working) + work,
            full: mean(&levels.full),
            cores: mean(&levels.cores) / 1e3,
        }
    }
}

/// Requests that arrived at a node in the measured time and had joined its line, followed to their answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visits {
    /// Known when the run is [finished](Self::finish).
    pub(crate) replied: u64,
    /// Of these, left the line unserved.
    pub(crate) abandoned: u64,
    /// Of these, had to wait.
    pub(crate) waited: u64,
    /// Time in line; of those that had to wait until [`finish`](Self::finish).
    pub(crate) wait: Recorder,
}

impl Visits {
    /// Whether there is something to [note](Self::note) of one that has ended: it had to wait, or was not answered well.
    #[inline(always)]
    pub(super) fn tells(outcome: Outcome, waited: Span) -> bool {
        waited > Span::ZERO || !outcome.is_good()
    }

    #[inline(never)]
    pub(super) fn note(&mut self, outcome: Outcome, waited: Span) {
        // Whoever joined the line and was not served in the end has left it, or has died with the replica.
        self.abandoned += u64::from(matches!(outcome, Outcome::Overloaded | Outcome::Canceled | Outcome::Reset));
        if waited.0 > 0 {
            self.waited += 1;
            self.wait.record(waited.0);
        }
    }

    /// After the run: counts those in that did not wait, whom it would cost time to count, and to record, one by one.
    pub(super) fn finish(&mut self, replied: u64) {
        self.replied = replied;
        self.wait.record_n(0, replied - self.waited);
    }
}

/// Time averages of a node's levels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Means {
    pub(crate) queue: f64,
    pub(crate) busy: f64,
    pub(crate) working: f64,
    pub(crate) full: f64,
    pub(crate) cores: f64,
}

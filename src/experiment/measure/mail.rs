//! What happened to the messages of a queue.
//!
//! Messages count that came to the queue in the measured time, each followed to its end or to the end of the run; levels
//! are those of the measured time itself.

use crate::model::queue::Fate;
use crate::stats::Recorder;
use crate::units::{Span, Time};

use super::cohort::TIMELINE_BINS;
use super::station::Level;

/// The figures of one queue in one replication.
#[derive(Clone, Debug)]
pub(crate) struct Postbox {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) redelivered: u64,
    pub(crate) acked: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) dropped: u64,
    pub(crate) expired: u64,
    /// Turned away in the measured time: the queue was full, or its broker down.
    pub(crate) rejected: u64,
    pub(crate) lost: u64,
    /// Of those that count, how many are ready now, and with consumers.
    pub(crate) ready: u64,
    pub(crate) unacked: u64,
    /// How long ago those that were still there when the run stopped had come.
    pub(crate) open: Recorder,
    /// From being ready until a consumer begins.
    pub(crate) wait: Recorder,
    /// Time averages of the measured time, once it is over: ready, with consumers, waiting for room.
    pub(crate) means: [f64; 3],
    pub(crate) max_depth: u64,
    /// Most messages that waited for room at once.
    pub(crate) max_blocked: u64,
    levels: [Level; 3],
    /// Whether somebody consumes it.
    consumed: bool,
    /// Ready messages over time.
    pub(crate) tide: Tide,
}

impl Postbox {
    pub(super) fn new(start: Time, duration: Span, consumed: bool) -> Self {
        Self {
            consumed,
            published: 0,
            delivered: 0,
            redelivered: 0,
            acked: 0,
            dead_lettered: 0,
            dropped: 0,
            expired: 0,
            rejected: 0,
            lost: 0,
            ready: 0,
            unacked: 0,
            open: Recorder::default(),
            wait: Recorder::default(),
            means: [0.0; 3],
            max_depth: 0,
            max_blocked: 0,
            levels: [Level::default(); 3],
            tide: Tide::new(start, duration),
        }
    }

    /// The measured time begins.
    pub(super) fn open(&mut self, now: Time) {
        self.levels = self.levels.map(|level| level.since(now));
        self.max_depth = u64::from(self.levels[0].level());
        self.max_blocked = self.blocked();
    }

    /// The measured time is over, `span` after it began.
    pub(super) fn close(&mut self, now: Time, span: Span) {
        self.means = self.levels.map(|level| level.area(now) as f64 / span.0.max(1) as f64);
        self.tide.advance(now);
    }

    /// Message-nanoseconds ready since the measured time began; what nobody consumes is to pile up.
    pub(super) fn area(&self, now: Time) -> u128 {
        if self.consumed { self.levels[0].area(now) } else { 0 }
    }

    pub(super) fn publish(&mut self, counted: bool) {
        self.published += u64::from(counted);
        self.ready += u64::from(counted);
    }

    /// One more message is ready, or one fewer.
    pub(super) fn rise(&mut self, now: Time, up: bool, open: bool) {
        self.levels[0].step(now, up);
        let depth = self.levels[0].level();
        if open {
            self.max_depth = self.max_depth.max(u64::from(depth));
        }
        self.tide.change(now, depth);
    }

    /// One more message waits for room, with its sender, or one fewer.
    pub(super) fn hold(&mut self, now: Time, up: bool, open: bool) {
        self.levels[2].step(now, up);
        if open {
            self.max_blocked = self.max_blocked.max(self.blocked());
        }
    }

    /// Messages that wait for room now.
    pub(crate) fn blocked(&self) -> u64 {
        u64::from(self.levels[2].level())
    }

    pub(super) fn deliver(&mut self, now: Time, again: bool, counted: bool) {
        self.levels[1].step(now, true);
        if counted {
            self.delivered += 1;
            self.redelivered += u64::from(again);
            self.ready -= 1;
            self.unacked += 1;
        }
    }

    pub(super) fn come_back(&mut self, now: Time, counted: bool) {
        self.levels[1].step(now, false);
        if counted {
            self.ready += 1;
            self.unacked -= 1;
        }
    }

    pub(super) fn end(&mut self, now: Time, fate: Fate, ready: bool, counted: bool) {
        if !ready {
            self.levels[1].step(now, false);
        }
        if !counted {
            return;
        }
        let from = if ready { &mut self.ready } else { &mut self.unacked };
        *from -= 1;
        let to = match fate {
            Fate::Acked => &mut self.acked,
            Fate::DeadLettered => &mut self.dead_lettered,
            Fate::Dropped => &mut self.dropped,
            Fate::Expired => &mut self.expired,
        };
        *to += 1;
    }
}

/// A level over the measured time, as the mean of each of so many equal stretches.
#[derive(Clone, Debug)]
pub(crate) struct Tide {
    width: u64,
    level: u32,
    /// Up to when it is accounted for, and in which stretch that is.
    last: Time,
    at: usize,
    end: Time,
    /// Level × nanoseconds.
    pub(crate) areas: Vec<u64>,
}

impl Tide {
    pub(super) fn new(start: Time, duration: Span) -> Self {
        let width = super::bin_width(duration);
        let end = start + Span(width * TIMELINE_BINS);
        Self { width, level: 0, last: start, at: 0, end, areas: vec![0; TIMELINE_BINS as usize] }
    }

    /// Accounts for the time up to `now`.
    pub(super) fn advance(&mut self, now: Time) {
        let now = now.min(self.end);
        while self.last < now {
            let bin_end = Time(self.end.0 - self.width * (TIMELINE_BINS - 1 - self.at as u64));
            let upto = now.min(bin_end);
            self.areas[self.at] += u64::from(self.level) * upto.since(self.last).0;
            self.last = upto;
            self.at += usize::from(upto == bin_end && upto < self.end);
        }
    }

    pub(super) fn change(&mut self, now: Time, level: u32) {
        if now > self.last {
            self.advance(now);
        }
        self.level = level;
    }

    /// The mean of each stretch.
    pub(crate) fn means(&self) -> impl Iterator<Item = f64> {
        self.areas.iter().map(|area| *area as f64 / self.width as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tide_is_the_mean_of_each_stretch() {
        let mut tide = Tide::new(Time(1_000), Span(TIMELINE_BINS * 10));
        tide.change(Time(500), 3);
        tide.change(Time(1_015), 1);
        tide.change(Time(1_030), 0);
        tide.advance(Time(99_999));
        let means: Vec<f64> = tide.means().take(4).collect();
        assert_eq!(means, [3.0, 2.0, 1.0, 0.0]);
    }

    #[test]
    fn messages_are_where_they_were_moved() {
        let mut post = Postbox::new(Time(0), Span(1_000), true);
        (0..3).for_each(|_| {
            post.publish(true);
            post.rise(Time(10), true, true);
        });
        post.rise(Time(20), false, true);
        post.deliver(Time(20), false, true);
        post.end(Time(30), Fate::Acked, false, true);
        post.rise(Time(40), false, true);
        post.end(Time(40), Fate::Expired, true, true);
        assert_eq!(
            (post.published, post.acked, post.expired, post.ready, post.unacked, post.max_depth),
            (3, 1, 1, 1, 0, 3)
        );
        post.close(Time(1_000), Span(1_000));
        assert_eq!(post.means, [(3.0 * 10.0 + 2.0 * 20.0 + 960.0) / 1_000.0, 0.01, 0.0]);
    }
}

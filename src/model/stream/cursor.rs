//! How far a group has come in a partition, and how much of that is safe.
//!
//! `ack = "before"` commits what is taken before it is worked on: nothing comes twice, a crash loses what was in work.
//! `ack = "after"` commits after the work, batch by batch (as Spring Kafka does: `AckMode.BATCH`), or every `commit_every` what is
//! done by then (Kafka's auto-commit, 5 s by default there): nothing is lost, a crash brings back what was done since. A
//! commit costs nothing and is never under way.

use crate::units::{Span, Time};

/// When a group commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// When a batch is taken, before any work on it.
    Before,
    /// When a batch is done.
    After,
    /// Every so often, what is done by then.
    Every {
        /// The interval.
        every: Span,
        /// When the first of them is.
        phase: Time,
    },
}

/// What the next owner of a partition finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Records that will come again.
    pub again: u64,
    /// Records that were committed, and that nobody finished.
    pub lost: u64,
}

/// The place of a group in one partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// The next record to work on.
    position: u64,
    /// Records below are in batches that are done.
    done: u64,
    /// Records below will not come again.
    committed: u64,
    /// Records below have been worked on at least once, or were passed over.
    furthest: u64,
    /// Intervals that had passed when it was last settled.
    ticks: u64,
}

impl Cursor {
    /// The next record to work on.
    #[inline]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Records below this offset will not come again, unless the group seeks back.
    #[inline]
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// Records below this offset are not asked for again, unless the group seeks back.
    #[inline]
    pub fn needed(&self) -> u64 {
        self.committed.min(self.position)
    }

    /// Whether the next record has been worked on before.
    #[inline]
    pub fn repeats(&self) -> bool {
        self.position < self.furthest
    }

    /// Whether the record at an offset has been worked on before, or was passed over.
    #[inline]
    pub fn has_seen(&self, offset: u64) -> bool {
        offset < self.furthest
    }

    /// Brings commits by the clock up to date; to be called before anything else happens.
    pub fn settle(&mut self, now: Time, commits: Commits) {
        let Commits::Every { every, phase } = commits else {
            return;
        };
        let ticks = if now < phase { 0 } else { 1 + now.since(phase).0 / every.0.max(1) };
        if ticks > self.ticks {
            self.ticks = ticks;
            self.committed = self.committed.max(self.done);
        }
    }

    /// A batch of `records` is taken.
    pub fn take(&mut self, records: u64, commits: Commits) {
        if commits == Commits::Before {
            self.committed = self.position + records;
        }
    }

    /// Work on the record at the position is over: on to the next.
    pub fn pass(&mut self) {
        self.position += 1;
        self.furthest = self.furthest.max(self.position);
    }

    /// A record has been worked on by somebody to whom the group does not listen any more; says whether it was the first time.
    pub fn notice(&mut self, offset: u64) -> bool {
        let first = !self.has_seen(offset);
        if first {
            self.furthest = offset + 1;
        }
        first
    }

    /// The first record that nobody has worked on or passed over.
    pub fn unseen(&self) -> u64 {
        self.furthest.max(self.position)
    }

    /// The batch is done.
    pub fn finish(&mut self, commits: Commits) {
        self.done = self.position;
        if commits == Commits::After {
            self.committed = self.committed.max(self.done);
        }
    }

    /// The consumer gives the partition up in good order: what is done is committed.
    pub fn hand_over(&mut self) {
        self.done = self.position;
        self.committed = self.committed.max(self.position);
    }

    /// Whoever has the partition next begins at what is committed.
    pub fn fall_back(&mut self) -> Fallback {
        let again = self.position.saturating_sub(self.committed);
        let lost = self.committed.saturating_sub(self.position.max(self.furthest));
        (self.position, self.done) = (self.committed, self.committed);
        self.furthest = self.furthest.max(self.committed);
        Fallback { again, lost }
    }

    /// Records up to `offset` are gone or not wanted; says how many of them nobody had worked on.
    pub fn skip_to(&mut self, offset: u64) -> u64 {
        if offset <= self.position {
            return 0;
        }
        let missed = offset.saturating_sub(self.furthest.max(self.position));
        self.position = offset;
        self.done = offset;
        self.committed = self.committed.max(offset);
        self.furthest = self.furthest.max(offset);
        missed
    }

    /// The group goes back to `offset`; says how many records it will see again.
    pub fn seek_back(&mut self, offset: u64) -> u64 {
        let again = self.position.saturating_sub(offset);
        if again > 0 {
            (self.position, self.done, self.committed) = (offset, offset, offset);
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(cursor: &mut Cursor, records: u64, commits: Commits) {
        cursor.take(records, commits);
        (0..records).for_each(|_| cursor.pass());
        cursor.finish(commits);
    }

    #[test]
    fn committed_after_work_a_crash_brings_back_the_batch_in_work() {
        let mut cursor = Cursor::default();
        work(&mut cursor, 3, Commits::After);
        cursor.take(3, Commits::After);
        cursor.pass();
        assert_eq!((cursor.fall_back(), cursor.position()), (Fallback { again: 1, lost: 0 }, 3));
        assert!(cursor.repeats());
        cursor.pass();
        assert!(!cursor.repeats());
    }

    #[test]
    fn committed_before_work_a_crash_loses_the_batch_in_work() {
        let mut cursor = Cursor::default();
        cursor.take(3, Commits::Before);
        cursor.pass();
        assert_eq!((cursor.fall_back(), cursor.position()), (Fallback { again: 0, lost: 2 }, 3));
    }

    #[test]
    fn committed_by_the_clock_a_crash_brings_back_what_was_done_since() {
        let commits = Commits::Every { every: Span(10), phase: Time(4) };
        let mut cursor = Cursor::default();
        for (now, records) in [(1, 5), (3, 5), (6, 5), (13, 2), (15, 1)] {
            cursor.settle(Time(now), commits);
            work(&mut cursor, records, commits);
        }
        // Ticks at 4 (10 done) and 14 (17 done).
        assert_eq!(cursor.committed(), 17);
        cursor.settle(Time(23), commits);
        assert_eq!((cursor.fall_back(), cursor.position()), (Fallback { again: 1, lost: 0 }, 17));
        cursor.settle(Time(24), commits);
        assert_eq!(cursor.committed(), 17);
    }

    #[test]
    fn in_good_order_nothing_comes_again() {
        let commits = Commits::Every { every: Span(10), phase: Time(4) };
        let mut cursor = Cursor::default();
        work(&mut cursor, 7, commits);
        cursor.hand_over();
        assert_eq!((cursor.fall_back(), cursor.position()), (Fallback { again: 0, lost: 0 }, 7));
    }

    #[test]
    fn what_is_skipped_unread_is_counted_once() {
        let mut cursor = Cursor::default();
        work(&mut cursor, 2, Commits::After);
        assert_eq!((cursor.skip_to(7), cursor.skip_to(5), cursor.position()), (5, 0, 7));
        assert_eq!(cursor.seek_back(1), 6);
        assert!(cursor.repeats());
        assert_eq!(cursor.skip_to(4), 0, "they had their turn the first time");
    }
}

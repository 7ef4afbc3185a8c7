//! A partition: records in the order in which they arrived, each named by its offset.
//!
//! Consumers see records up to the high watermark: those that are safe. `retention` deletes records by their age, read or
//! not, but whole segments only, the oldest first: those of which the newest record is older than that (Kafka's
//! `UnifiedLog.deleteRetentionMsBreachedSegments`). A segment is closed by the first record that comes later than `segment`
//! after its first one (`LogSegment.shouldRoll`, by time; 7 days in `LogConfig`, and no limit of size here, where Kafka's is
//! 1 GiB); the open one goes as well when nothing has been appended to it for so long. The broker looks 30 s after its start
//! and every five minutes from then on (`ServerLogConfigs`); the run begins with it. So a group that was away for longer than
//! `retention` finds nothing missing if no segment was closed. A group that was too slow finds its records gone, and goes on
//! with the oldest that is left or, by default, with what is new: `auto.offset.reset = latest` passes over all in
//! between, read or not. Beyond that a record is forgotten as soon as no group needs it any more
//! (all have committed past it, and none is going to seek back to it), so that the memory of a run does not grow with the
//! number of records: a real broker would keep them, but nobody could tell the difference.

use std::collections::VecDeque;

use crate::units::{Span, Time};

/// A record as kept.
#[derive(Clone, Copy, Debug)]
struct Kept<T> {
    appended: Time,
    record: T,
}

/// A run of records that is deleted as a whole.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Offset of its first record.
    base: u64,
    /// When its first and its last record were appended.
    first: Time,
    last: Time,
}

/// A partition of a topic.
#[derive(Clone, Debug)]
pub struct Log<T> {
    /// Offset of the first record that is kept.
    base: u64,
    kept: VecDeque<Kept<T>>,
    /// What may be deleted, the oldest first; the last one is open.
    segments: VecDeque<Segment>,
    /// Records below this offset are safe and may be read.
    watermark: u64,
    /// Records below this offset were deleted for their age.
    start: u64,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { base: 0, kept: VecDeque::new(), segments: VecDeque::new(), watermark: 0, start: 0 }
    }
}

impl<T: Copy> Log<T> {
    /// Appends a record and says its offset; a segment is closed by what comes later than `segment` after its first record.
    pub fn append(&mut self, record: T, now: Time, segment: Span) -> u64 {
        self.kept.push_back(Kept { appended: now, record });
        let base = self.end() - 1;
        match self.segments.back_mut() {
            Some(open) if now.since(open.first) <= segment => open.last = now,
            _ => self.segments.push_back(Segment { base, first: now, last: now }),
        }
        base
    }

    /// The offset that the next record will have.
    pub fn end(&self) -> u64 {
        self.base + self.kept.len() as u64
    }

    /// How many records are kept.
    pub fn kept(&self) -> u64 {
        self.kept.len() as u64
    }

    /// Records below `offset` are safe: they may be read.
    pub fn expose(&mut self, offset: u64) {
        self.watermark = self.watermark.max(offset.min(self.end()));
    }

    /// Up to where records may be read.
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// The first record that was not deleted for its age.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Closes the book on the oldest segments of which the newest record is older than `retention`, read or not; what is
    /// not safe yet stays. Says below which offset all is to be deleted.
    pub fn outdated(&mut self, now: Time, retention: Span) -> u64 {
        while let Some(oldest) = self.segments.front() {
            let end = self.segments.get(1).map_or(self.end(), |next| next.base);
            if now.since(oldest.last) <= retention || end > self.watermark {
                break;
            }
            self.start = end;
            self.segments.pop_front();
        }
        self.start
    }

    /// Deletes the oldest record if it lies below an offset, and says which it was.
    pub fn delete_below(&mut self, offset: u64) -> Option<(u64, T)> {
        if self.base >= offset {
            return None;
        }
        let first = self.kept.pop_front()?;
        self.base += 1;
        Some((self.base - 1, first.record))
    }

    /// The record at an offset, unless it is deleted, forgotten or not safe yet.
    #[inline]
    pub fn read(&self, offset: u64) -> Option<T> {
        let at = offset.checked_sub(self.base)?;
        (offset < self.watermark).then(|| self.kept.get(at as usize).map(|k| k.record)).flatten()
    }

    /// Forgets what lies below `offset`: nobody will ask for it again.
    #[inline]
    pub fn forget(&mut self, offset: u64) {
        while self.base < offset.min(self.watermark) {
            self.kept.pop_front();
            self.base += 1;
        }
    }

    /// The first offset that is kept and was appended at `time` or later.
    pub fn offset_at(&self, time: Time) -> u64 {
        self.base + self.kept.partition_point(|k| k.appended < time) as u64
    }

    /// Takes away what was appended and is not safe yet: it was never replicated, and the one who had it is gone.
    pub fn lose_unsafe(&mut self) {
        self.kept.truncate((self.watermark - self.base) as usize);
        let end = self.end();
        while self.segments.back().is_some_and(|open| open.base >= end) {
            self.segments.pop_back();
        }
    }

    /// Records kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether no record is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(records: u64) -> Log<u64> {
        let mut log = Log::default();
        (0..records).for_each(|n| assert_eq!(log.append(n * 10, Time(n), Span(1)), n));
        log
    }

    #[test]
    fn only_what_is_safe_can_be_read() {
        let mut log = filled(3);
        assert_eq!(log.read(0), None);
        log.expose(2);
        assert_eq!((log.read(0), log.read(1), log.read(2)), (Some(0), Some(10), None));
        log.expose(1);
        assert_eq!(log.watermark(), 2, "what was safe stays safe");
    }

    #[test]
    fn what_is_forgotten_keeps_the_offsets_of_the_rest() {
        let mut log = filled(5);
        log.expose(4);
        log.forget(3);
        assert_eq!((log.len(), log.end(), log.read(2), log.read(3)), (2, 5, None, Some(30)));
        log.forget(9);
        assert_eq!((log.len(), log.start()), (1, 0), "what is not safe yet is still needed, and nothing was too old");
    }

    /// What is deleted at a time.
    fn deleted(log: &mut Log<u64>, now: Time, retention: Span) -> Vec<u64> {
        let below = log.outdated(now, retention);
        std::iter::from_fn(|| log.delete_below(below)).map(|(offset, _)| offset).collect()
    }

    #[test]
    fn retention_deletes_whole_segments_whether_read_or_not() {
        // Segments of two: 0 and 1, 2 and 3, 4 alone, which the record at 6 closes.
        let mut log = filled(5);
        log.append(99, Time(6), Span(1));
        log.expose(5);
        assert!(deleted(&mut log, Time(4), Span(3)).is_empty(), "the newest of the oldest segment is not older than 3");
        assert_eq!(deleted(&mut log, Time(5), Span(3)), [0, 1]);
        assert_eq!((log.start(), log.len(), log.read(1), log.read(2)), (2, 4, None, Some(20)));
        assert_eq!(deleted(&mut log, Time(99), Span(3)), [2, 3, 4], "what is not safe yet stays");
        log.expose(6);
        assert_eq!(deleted(&mut log, Time(99), Span(3)), [5], "the open segment goes when all in it is too old");
    }

    #[test]
    fn an_open_segment_keeps_what_is_too_old() {
        let mut log = Log::default();
        (0..9).for_each(|n| {
            log.append(n, Time(n), Span(100));
        });
        log.expose(9);
        assert!(deleted(&mut log, Time(10), Span(3)).is_empty());
        assert_eq!(deleted(&mut log, Time(12), Span(3)).len(), 9);
    }

    #[test]
    fn a_time_is_the_first_record_from_then_on() {
        let mut log = filled(5);
        assert_eq!((log.offset_at(Time(0)), log.offset_at(Time(3)), log.offset_at(Time(99))), (0, 3, 5));
        log.expose(5);
        log.forget(4);
        assert_eq!(log.offset_at(Time(1)), 4, "the first that is left");
    }

    #[test]
    fn what_was_not_safe_is_lost_with_its_leader() {
        let mut log = filled(4);
        log.expose(3);
        log.lose_unsafe();
        assert_eq!((log.end(), log.append(77, Time(9), Span(1))), (3, 3));
    }
}

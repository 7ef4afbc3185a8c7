//! A partition: records in the order in which they arrived, each named by its offset.
//!
//! Consumers see records up to the high watermark: those that are safe. `retention` deletes records by their age, read or
//! not; a group that was too slow finds them gone. Beyond that a record is forgotten as soon as no group needs it any more
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

/// A partition of a topic.
#[derive(Clone, Debug)]
pub struct Log<T> {
    /// Offset of the first record that is kept.
    base: u64,
    kept: VecDeque<Kept<T>>,
    /// Records below this offset are safe and may be read.
    watermark: u64,
    /// Records below this offset were deleted for their age.
    start: u64,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { base: 0, kept: VecDeque::new(), watermark: 0, start: 0 }
    }
}

impl<T: Copy> Log<T> {
    /// Appends a record and says its offset.
    pub fn append(&mut self, record: T, now: Time) -> u64 {
        self.kept.push_back(Kept { appended: now, record });
        self.end() - 1
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

    /// Deletes the oldest record if it is older than `retention`, read or not, and says which it was; what is not safe
    /// yet stays.
    #[inline]
    pub fn expire(&mut self, now: Time, retention: Span) -> Option<(u64, T)> {
        let first = self.kept.front()?;
        if now.since(first.appended) <= retention || self.base >= self.watermark {
            return None;
        }
        let record = first.record;
        self.kept.pop_front();
        self.base += 1;
        self.start = self.base;
        Some((self.base - 1, record))
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
        (0..records).for_each(|n| assert_eq!(log.append(n * 10, Time(n)), n));
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

    #[test]
    fn retention_deletes_by_age_whether_read_or_not() {
        let mut log = filled(5);
        log.expose(5);
        log.append(99, Time(6));
        let gone: Vec<u64> = std::iter::from_fn(|| log.expire(Time(6), Span(3))).map(|(offset, _)| offset).collect();
        assert_eq!(gone, [0, 1, 2]);
        assert_eq!((log.start(), log.len(), log.read(2), log.read(3)), (3, 3, None, Some(30)));
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
        assert_eq!((log.end(), log.append(77, Time(9))), (3, 3));
    }
}

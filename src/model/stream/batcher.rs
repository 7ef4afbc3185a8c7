//! The producer's side: records for one partition gather in a batch, which leaves when it is full or has waited `linger`, and
//! the connection has room for one more request (see `pipe`).
//!
//! `linger` is 0 here unless it is said (a broker costs nothing unless said; Kafka's own default was 0 ms up to 3.9 and is 5 ms
//! from 4.0 on, KIP-1030). `batch` counts records; without it, only the linger time ends a batch.

use crate::units::{Span, Time};

/// What became of a record that was filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// When it opened a batch, which is to leave at this time.
    Opened(Time),
    /// When it joined a batch that waits.
    Joined,
    /// When the batch is to leave now.
    Complete,
}

/// The open batch of one producer for one partition.
#[derive(Clone, Debug)]
pub struct Batcher<T> {
    open: Vec<T>,
    /// When the open batch leaves at the latest.
    due: Time,
}

impl<T> Default for Batcher<T> {
    fn default() -> Self {
        Self { open: Vec::new(), due: Time::NEVER }
    }
}

impl<T> Batcher<T> {
    /// Files a record; a batch of `limit` records is complete, and so is any without linger.
    pub fn file(&mut self, record: T, now: Time, linger: Span, limit: u32) -> Filed {
        self.open.push(record);
        if linger == Span::ZERO || self.open.len() as u64 >= u64::from(limit) {
            return Filed::Complete;
        }
        if self.open.len() > 1 {
            return Filed::Joined;
        }
        self.due = now + linger;
        Filed::Opened(self.due)
    }

    /// Whether the batch has waited long enough; a batch that left earlier has no claim on its old time.
    pub fn is_due(&self, now: Time) -> bool {
        self.due == now && !self.open.is_empty()
    }

    /// Takes a batch of at most `limit` records, and gives an empty vessel for the next; what is left leaves as soon as it can.
    pub fn take(&mut self, mut vessel: Vec<T>, limit: u32) -> Vec<T> {
        self.due = Time::NEVER;
        if self.open.len() as u64 > u64::from(limit) {
            vessel.extend(self.open.drain(limit as usize..));
        }
        std::mem::replace(&mut self.open, vessel)
    }

    /// Takes the oldest records out, as long as they are `late`.
    pub fn give_up(&mut self, late: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut late = late;
        let end = self.open.iter().position(|record| !late(record)).unwrap_or(self.open.len());
        self.open.drain(..end).collect()
    }

    /// The record that waits longest.
    pub fn first(&self) -> Option<&T> {
        self.open.first()
    }

    /// Records that wait.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// What waits.
    pub fn gathered(&self) -> &[T] {
        &self.open
    }

    /// What waits, to change.
    pub fn gathered_mut(&mut self) -> &mut [T] {
        &mut self.open
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Span = Span(5);

    #[test]
    fn without_linger_every_record_leaves_alone() {
        let mut batcher = Batcher::default();
        assert_eq!(batcher.file('a', Time(1), Span::ZERO, 100), Filed::Complete);
        assert_eq!(batcher.take(Vec::new(), 100), ['a']);
    }

    #[test]
    fn a_batch_leaves_when_it_has_waited_since_its_first_record() {
        let mut batcher = Batcher::default();
        assert_eq!(batcher.file('a', Time(1), LINGER, 100), Filed::Opened(Time(6)));
        assert_eq!(batcher.file('b', Time(4), LINGER, 100), Filed::Joined);
        assert!(!batcher.is_due(Time(5)) && batcher.is_due(Time(6)));
        assert_eq!(batcher.take(Vec::new(), 100), ['a', 'b']);
        assert!(batcher.is_empty());
    }

    #[test]
    fn what_is_more_than_a_batch_stays_behind_and_what_is_late_is_given_up() {
        let mut batcher = Batcher::default();
        "abcde".chars().for_each(|record| {
            batcher.file(record, Time(1), Span::ZERO, 2);
        });
        assert_eq!(batcher.take(Vec::new(), 2), ['a', 'b']);
        assert_eq!((batcher.len(), batcher.first()), (3, Some(&'c')));
        assert_eq!(batcher.give_up(|record| *record < 'e'), ['c', 'd']);
        assert_eq!(batcher.take(Vec::new(), 2), ['e']);
    }

    #[test]
    fn a_full_batch_leaves_at_once_and_its_time_is_void() {
        let mut batcher = Batcher::default();
        batcher.file('a', Time(1), LINGER, 2);
        assert_eq!(batcher.file('b', Time(2), LINGER, 2), Filed::Complete);
        batcher.take(Vec::new(), 100);
        assert_eq!(batcher.file('c', Time(3), LINGER, 2), Filed::Opened(Time(8)));
        assert!(!batcher.is_due(Time(6)));
    }
}

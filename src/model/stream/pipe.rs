//! A producer's connection to a broker: so many requests may be without an answer (Kafka's
//! `max.in.flight.requests.per.connection`, 5); what comes then gathers in batches until there is room.
//!
//! So a producer batches by itself under load, without any `linger` (`ProducerConfig`, `linger.ms`: it "groups together any
//! records that arrive in between request transmissions"). A request takes what waits for any partition, also what has
//! lingered for less than `linger` (`RecordAccumulator.drainBatchesForOneNode`). A broker here answers a connection's requests
//! side by side; Kafka's begins with the next one when the last is answered.

use std::collections::VecDeque;

use crate::units::Time;

/// The requests of one connection.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// Requests that the broker has not answered.
    unanswered: u32,
    /// When the answers under way arrive, in order.
    answers: VecDeque<Time>,
}

impl Pipe {
    /// Whether one more request may set out.
    #[inline]
    pub fn has_room(&mut self, now: Time, limit: u32) -> bool {
        while self.answers.front().is_some_and(|at| *at <= now) {
            self.answers.pop_front();
        }
        u64::from(self.unanswered) + (self.answers.len() as u64) < u64::from(limit)
    }

    /// A request sets out.
    pub fn depart(&mut self) {
        self.unanswered += 1;
    }

    /// A request is answered; the answer arrives at a time, and not before those of earlier requests.
    pub fn answer(&mut self, now: Time, at: Time) {
        self.unanswered -= 1;
        let at = self.answers.back().map_or(at, |last| at.max(*last));
        if at > now {
            self.answers.push_back(at);
        }
    }

    /// When the next answer under way arrives.
    pub fn next_answer(&self) -> Option<Time> {
        self.answers.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_until_its_answer_is_there() {
        let mut pipe = Pipe::default();
        pipe.depart();
        assert!(pipe.has_room(Time(0), 2));
        pipe.depart();
        assert!(!pipe.has_room(Time(0), 2));
        pipe.answer(Time(3), Time(5));
        pipe.answer(Time(4), Time(4));
        assert_eq!(pipe.next_answer(), Some(Time(5)), "answers come in order");
        assert!(!pipe.has_room(Time(4), 2) && pipe.has_room(Time(5), 1));
        assert_eq!(pipe.next_answer(), None);
    }

    #[test]
    fn an_answer_that_takes_no_time_is_there() {
        let mut pipe = Pipe::default();
        pipe.depart();
        pipe.answer(Time(7), Time(7));
        assert!(pipe.has_room(Time(7), 1) && pipe.next_answer().is_none());
    }
}

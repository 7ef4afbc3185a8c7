//! Pending events in total order: time, then phase, then the order in which they were pushed.
//!
//! An event is one 16-byte key, time ‖ phase ‖ serial ‖ the [packed](Packed) event, and nothing else. The earliest keys stand sorted in [`Near`]; everything from `bound` on lies roughly sorted in a radix [`Wheel`]
//! (Ahuja, Mehlhorn, Orlin, Tarjan: *Faster algorithms for the shortest path problem*, 1990, with base 64). With few
//! events pending the bound is at infinity and the wheel is never touched.

mod key;
mod near;
mod steady;
mod wheel;

#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use crate::units::{Span, Time};
use key::{EVENT_BITS, Key, MAX_PENDING, MAX_SERIAL};
use near::Near;
use steady::Steady;
use wheel::Wheel;

/// Which of several events at one instant comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// When something comes back: it must be there before work arrives for it.
    Recovery = 0,
    /// When anything ordinary happens.
    #[default]
    Arrival = 1,
    /// When the state is looked at: after everything else at that instant.
    Sample = 2,
}

/// An event that fits into 36 bits: a kind and an index.
pub trait Packed: Copy {
    /// As a number below 2³⁶.
    fn pack(self) -> u64;
    /// What [`pack`](Self::pack) packed.
    fn unpack(bits: u64) -> Self;
}

/// The pending events, popped in total order: time, phase, then first come, first served.
#[derive(Clone, Debug)]
pub struct Agenda<E> {
    /// Keys below `bound`, sorted.
    near: Near,
    /// Keys that came in their order.
    steady: Steady,
    /// Keys from `bound` on.
    wheel: Wheel,
    /// Parts near from wheel; infinite while few events are pending.
    bound: Key,
    /// The time of the last event popped.
    now: Time,
    /// The serial of the next event pushed.
    serial: u32,
    kind: PhantomData<E>,
}

impl<E: Packed> Agenda<E> {
    /// An agenda with nothing on it, at time zero.
    pub fn new() -> Self {
        Self {
            near: Near::new(),
            steady: Steady::new(),
            wheel: Wheel::new(),
            bound: Key::LAST,
            now: Time(0),
            serial: 0,
            kind: PhantomData,
        }
    }

    /// Puts an event down. `at` is never before the time last popped: time runs forward, and in a release build an
    /// earlier time is taken as that time.
    ///
    /// Panics when the agenda [is full](Self::is_full).
    #[inline(always)]
    pub fn push(&mut self, at: Time, phase: Phase, event: E) {
        debug_assert!(at >= self.now, "an event at {at:?} is pushed at {:?}", self.now);
        // Packed where it is pushed: there its kind is known, and nothing is left to do at run time.
        let bits = event.pack();
        debug_assert!(bits >> EVENT_BITS == 0, "an event does not fit into {EVENT_BITS} bits");
        self.put(Key::new(at.max(self.now), phase, 0, bits));
    }

    /// Puts down an event that happens a span after the event popped last.
    #[inline(always)]
    pub fn push_after(&mut self, after: Span, phase: Phase, event: E) {
        self.push_packed(after, phase, event.pack());
    }

    /// The same where it happens so often that a call would cost too much.
    #[inline(always)]
    pub fn push_often(&mut self, after: Span, phase: Phase, event: E) {
        let bits = event.pack();
        debug_assert!(bits >> EVENT_BITS == 0, "an event does not fit into {EVENT_BITS} bits");
        self.put_here(Key::new(self.now + after, phase, 0, bits));
    }

    /// The same for an event that is packed already.
    #[inline(always)]
    pub fn push_packed(&mut self, after: Span, phase: Phase, bits: u64) {
        debug_assert!(bits >> EVENT_BITS == 0, "an event does not fit into {EVENT_BITS} bits");
        self.put(Key::new(self.now + after, phase, 0, bits));
    }

    /// The same for a delay that others have too: such events mostly come in their order, and need not be put in it.
    #[inline(always)]
    pub fn push_steadily(&mut self, after: Span, phase: Phase, event: E) {
        let key = Key::new(self.now + after, phase, self.serial, event.pack());
        if self.serial < MAX_SERIAL && self.steady.take(key) {
            self.serial += 1;
            return;
        }
        self.put(Key::new(self.now + after, phase, 0, event.pack()));
    }

    /// Puts down an event whose key has no serial yet.
    #[inline(never)]
    fn put(&mut self, key: Key) {
        self.put_here(key);
    }

    /// The same in place.
    #[inline(always)]
    fn put_here(&mut self, key: Key) {
        let key = key.with_first_serial(self.serial);
        if self.serial == MAX_SERIAL {
            return self.renumber(key);
        }
        self.serial += 1;
        if key >= self.bound {
            return self.put_far(key);
        }
        self.near.insert(key);
        if self.near.is_long() {
            self.spill();
        }
    }

    /// Puts a key into the wheel.
    #[inline(never)]
    fn put_far(&mut self, key: Key) {
        self.wheel.put(key);
    }

    /// Takes the first event off, with its time.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let (near, steady) = (self.near.first(), self.steady.first());
        let key = if steady < near {
            if steady < self.bound { self.steady.pop() } else { self.refill()? }
        } else if near.is_last() {
            self.refill()?
        } else {
            self.near.pop()
        };
        self.now = key.time();
        Some((self.now, E::unpack(key.event())))
    }

    /// The time of the first event.
    pub fn next_time(&self) -> Option<Time> {
        let near = self.near.first().min(self.steady.first());
        let first = if near < self.bound { near } else { self.wheel.first().map_or(near, |far| far.min(near)) };
        (!first.is_last()).then(|| first.time())
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.near.len() + self.steady.len() + self.wheel.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no further event can be pushed: 2²⁵ are pending. They take half a gigabyte, so a bound on the work in
    /// the simulated system is reached long before.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_PENDING
    }

    /// Moves the later part of the near keys to the wheel: insertion is only cheap while they are few.
    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        if self.wheel.is_empty() {
            self.wheel.rebase(self.now);
        }
        self.bound = self.near.spill(&mut self.wheel);
    }

    /// Takes the first key, now that none are near: of the steady ones, or of the wheel, whose first are brought near then.
    /// These wait until their time has come, so that the base of the wheel never lies before it.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> Option<Key> {
        let first = self.wheel.first().unwrap_or(Key::LAST);
        if self.steady.first() < first {
            self.bound = first;
            return Some(self.steady.pop());
        }
        self.bound = self.wheel.serve(&mut self.near);
        (!self.near.first().is_last()).then(|| self.near.pop())
    }

    /// Serials have run out: gives the pending events new ones in the order they have, then puts down `newest`.
    #[cold]
    #[inline(never)]
    fn renumber(&mut self, newest: Key) {
        assert!(!self.is_full(), "no more than 2^25 events can be pending");
        let mut keys = self.near.take();
        keys.extend(self.wheel.take());
        keys.extend(self.steady.drain());
        keys.push(newest);
        keys.sort_unstable();
        self.bound = Key::LAST;
        self.serial = 0;
        for key in keys {
            let key = key.with_serial(self.serial);
            self.serial += 1;
            if self.wheel.is_empty() && !self.near.is_long() {
                self.near.insert(key);
            } else {
                if self.wheel.is_empty() {
                    self.wheel.rebase(self.now);
                    self.bound = key;
                }
                self.wheel.put(key);
            }
        }
    }
}

impl<E: Packed> Default for Agenda<E> {
    fn default() -> Self {
        Self::new()
    }
}

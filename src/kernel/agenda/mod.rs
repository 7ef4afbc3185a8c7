//! Pending events in total order: time, then phase, then the order in which they were pushed.
//!
//! An event is one 16-byte key (time ‖ phase ‖ serial ‖ slot) that moves around, and a payload that stays in its slot.
//! The earliest keys stand sorted in [`Near`]; everything from `bound` on lies roughly sorted in a radix [`Wheel`]
//! (Ahuja, Mehlhorn, Orlin, Tarjan: *Faster algorithms for the shortest path problem*, 1990, with base 64). With few
//! events pending the bound is at infinity and the wheel is never touched.

mod key;
mod near;
mod wheel;

#[cfg(test)]
mod tests;

use crate::units::Time;
use key::{Key, MAX_PENDING, MAX_SERIAL};
use near::Near;
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

/// The pending events, popped in total order: time, phase, then first come, first served.
#[derive(Debug)]
pub struct Agenda<E> {
    /// Keys below `bound`, sorted.
    near: Near,
    /// Keys from `bound` on.
    wheel: Wheel,
    /// Parts near from wheel; infinite while few events are pending.
    bound: Key,
    /// The time of the last event popped.
    now: Time,
    /// The serial of the next event pushed.
    serial: u32,
    /// The payloads, by the slot in the key.
    events: Vec<E>,
    /// Slots of `events` whose event has been popped.
    free: Vec<u32>,
}

impl<E: Copy> Agenda<E> {
    /// An agenda with nothing on it, at time zero.
    pub fn new() -> Self {
        Self {
            near: Near::new(),
            wheel: Wheel::new(),
            bound: Key::LAST,
            now: Time(0),
            serial: 0,
            events: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts an event down. `at` is never before the time last popped: time runs forward, and in a release build an
    /// earlier time is taken as that time.
    ///
    /// Panics when the agenda [is full](Self::is_full).
    #[inline]
    pub fn push(&mut self, at: Time, phase: Phase, event: E) {
        debug_assert!(at >= self.now, "an event at {at:?} is pushed at {:?}", self.now);
        let slot = self.house(event);
        let key = Key::new(at.max(self.now), phase, self.serial, slot);
        if self.serial == MAX_SERIAL {
            return self.renumber(key);
        }
        self.serial += 1;
        if key < self.bound {
            self.near.insert(key);
            if self.near.is_long() {
                self.spill();
            }
        } else {
            self.wheel.put(key);
        }
    }

    /// Takes the first event off, with its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let key = match self.near.pop() {
            Some(key) => key,
            None => self.refill()?,
        };
        let slot = key.slot();
        self.free.push(slot);
        self.now = key.time();
        Some((self.now, self.events[slot as usize]))
    }

    /// The time of the first event.
    pub fn next_time(&self) -> Option<Time> {
        self.near.first().or_else(|| self.wheel.first()).map(Key::time)
    }

    /// How many events are pending.
    #[inline]
    pub fn len(&self) -> usize {
        self.events.len() - self.free.len()
    }

    /// Whether nothing is pending.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no further event can be pushed: 2³⁰ are pending. They take 32 GB, so a bound on the work in the
    /// simulated system is reached long before.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_PENDING
    }

    /// Gives an event a slot: the one most lately left, which is still in the cache.
    #[inline]
    fn house(&mut self, event: E) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.events[slot as usize] = event;
            return slot;
        }
        self.build(event)
    }

    /// Gives an event a slot that was never used.
    #[cold]
    fn build(&mut self, event: E) -> u32 {
        assert!(self.events.len() < MAX_PENDING, "no more than 2^30 events can be pending");
        self.events.push(event);
        (self.events.len() - 1) as u32
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

    /// Brings the first keys of the wheel near, now that no others are, and takes the very first.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> Option<Key> {
        self.bound = self.wheel.serve(&mut self.near);
        self.near.pop()
    }

    /// Serials have run out: gives the pending events new ones in the order they have, then puts down `newest`.
    #[cold]
    #[inline(never)]
    fn renumber(&mut self, newest: Key) {
        let mut keys = self.near.take();
        keys.extend(self.wheel.take());
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

impl<E: Copy> Default for Agenda<E> {
    fn default() -> Self {
        Self::new()
    }
}

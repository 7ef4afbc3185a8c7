//! The key of a pending event: its place in the total order, and the slot of its payload.

use super::Phase;
use crate::units::Time;

/// Bits of the slot.
const SLOT_BITS: u32 = 30;
/// Bits of the phase and the serial above the slot make up the lower half.
const PHASE_SHIFT: u32 = 62;

/// The most events that can be pending: as many as there are slots.
pub(super) const MAX_PENDING: usize = 1 << SLOT_BITS;
/// The last serial: the event that gets it has all events numbered anew. There are four times as many serials as slots,
/// so that this happens at most once in three thousand million pushes.
pub(super) const MAX_SERIAL: u32 = u32::MAX;

/// time (64 bits) ‖ phase (2) ‖ serial (32) ‖ slot (30). Keys compare as the events do; serials differ, so slots never
/// decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    /// After every event.
    pub(super) const LAST: Key = Key(u128::MAX);

    /// The key of an event.
    #[inline]
    pub(super) fn new(at: Time, phase: Phase, serial: u32, slot: u32) -> Self {
        let low = (phase as u64) << PHASE_SHIFT | u64::from(serial) << SLOT_BITS | u64::from(slot);
        Self(u128::from(at.0) << 64 | u128::from(low))
    }

    /// The least key there can be at a time.
    #[inline]
    pub(super) fn dawn(at: u64) -> Self {
        Self(u128::from(at) << 64)
    }

    /// When the event happens.
    #[inline]
    pub(super) fn time(self) -> Time {
        Time((self.0 >> 64) as u64)
    }

    /// Where its payload is.
    #[inline]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32 & (MAX_PENDING as u32 - 1)
    }

    /// The least key after this one.
    #[inline]
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The same event with another serial.
    pub(super) fn with_serial(self, serial: u32) -> Self {
        let mask = u128::from(MAX_SERIAL) << SLOT_BITS;
        Self(self.0 & !mask | u128::from(serial) << SLOT_BITS)
    }
}

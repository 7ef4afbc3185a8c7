//! The key of a pending event: its place in the total order, and the event itself, packed.

use super::Phase;
use crate::units::Time;

/// Bits of a packed event.
pub(super) const EVENT_BITS: u32 = 36;
/// Bits of the phase and the serial above the event make up the lower half.
const PHASE_SHIFT: u32 = 62;

/// The last serial: the event that gets it has all events numbered anew, every 67 million pushes.
pub(super) const MAX_SERIAL: u32 = (1 << (PHASE_SHIFT - EVENT_BITS)) - 1;
/// The most events that can be pending: half as many as there are serials.
pub(super) const MAX_PENDING: usize = 1 << (PHASE_SHIFT - EVENT_BITS - 1);

/// time (64 bits) ‖ phase (2) ‖ serial (26) ‖ event (36). Keys compare as the events do; serials differ, so what the
/// event is never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    /// After every event.
    pub(super) const LAST: Key = Key(u128::MAX);

    /// Whether this is [`LAST`](Self::LAST): no phase has both bits set, so half of it tells.
    #[inline]
    pub(super) fn is_last(self) -> bool {
        self.0 as u64 == u64::MAX
    }

    /// The key of an event.
    #[inline]
    pub(super) fn new(at: Time, phase: Phase, serial: u32, event: u64) -> Self {
        let low = (phase as u64) << PHASE_SHIFT | u64::from(serial) << EVENT_BITS | event;
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

    /// The event, packed.
    #[inline]
    pub(super) fn event(self) -> u64 {
        self.0 as u64 & ((1 << EVENT_BITS) - 1)
    }

    /// The least key after this one.
    #[inline]
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The same event with a serial, where it has none.
    #[inline]
    pub(super) fn with_first_serial(self, serial: u32) -> Self {
        // Shifted in 64 bits, into which it fits: the upper half is none of its business.
        Self(self.0 | u128::from(u64::from(serial) << EVENT_BITS))
    }

    /// The same event with another serial.
    pub(super) fn with_serial(self, serial: u32) -> Self {
        let mask = u128::from(MAX_SERIAL) << EVENT_BITS;
        Self(self.0 & !mask | u128::from(serial) << EVENT_BITS)
    }
}

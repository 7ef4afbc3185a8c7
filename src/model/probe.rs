//! Listeners. A run tells facts; whoever wants figures listens.

use crate::units::Time;

use super::fact::Fact;

/// Hears every fact of a run in order. Probes compose as tuples; `()` hears nothing and costs nothing.
pub trait Probe {
    /// Hears one fact.
    fn on(&mut self, now: Time, fact: Fact);
}

impl Probe for () {
    #[inline(always)]
    fn on(&mut self, _now: Time, _fact: Fact) {}
}

impl<P: Probe + ?Sized> Probe for &mut P {
    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        (**self).on(now, fact);
    }
}

impl<A: Probe, B: Probe> Probe for (A, B) {
    #[inline(always)]
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.on(now, fact);
        self.1.on(now, fact);
    }
}

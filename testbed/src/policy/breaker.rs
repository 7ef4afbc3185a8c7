//! A circuit breaker: closed while calls go well, open for a while when they do not, then a few probes decide (Resilience4j, Polly,
//! Hystrix).

use std::collections::VecDeque;

use hoptax::model::Outcome;
use hoptax::model::policy::{BreakerSpec, Window};

use super::trail::Trail;

/// What it does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Until then.
    Open(u64),
    HalfOpen,
}

/// One breaker.
pub(crate) struct Breaker {
    spec: BreakerSpec,
    state: State,
    open_for: u64,
    /// Probes that were let through, and those of them that have ended.
    probes: u32,
    /// Ends: all, failures, slow ones.
    late: Trail<3>,
    last: VecDeque<(bool, bool)>,
    in_a_row: u32,
    /// Ends while it was half-open: all, failures, slow ones.
    judged: [u32; 3],
}

impl Breaker {
    /// Closed.
    pub(crate) fn new(spec: BreakerSpec) -> Self {
        let length = if let Window::Time { length, .. } = spec.window { length.0 } else { 0 };
        Self {
            spec,
            state: State::Closed,
            open_for: spec.open_for.0,
            probes: 0,
            late: Trail::new(length),
            last: VecDeque::new(),
            in_a_row: 0,
            judged: [0; 3],
        }
    }

    /// Whether somebody may go; says whether that is a probe.
    pub(crate) fn admit(&mut self, now: u64) -> Option<bool> {
        self.wake(now);
        match self.state {
            State::Closed => Some(false),
            State::HalfOpen if self.probes < self.spec.half_open_calls => {
                self.probes += 1;
                Some(true)
            }
            _ => None,
        }
    }

    /// The end of somebody who was let through is not known.
    pub(crate) fn forget(&mut self, probe: bool) {
        if probe && self.state == State::HalfOpen {
            self.probes = self.probes.saturating_sub(1);
        }
    }

    /// Somebody who was let through has ended after so long.
    pub(crate) fn record(&mut self, now: u64, outcome: Outcome, took: u64, _probe: bool) {
        self.wake(now);
        let failed = self.spec.on.contains(outcome);
        let slow = self.spec.slow.is_some_and(|slow| took > slow.after.0);
        match self.state {
            State::Open(_) => {}
            State::Closed => {
                self.note(now, failed, slow);
                if self.is_bad(now) {
                    self.trip(now, self.spec.open_for.0);
                }
            }
            State::HalfOpen => {
                self.judged[0] += 1;
                self.judged[1] += u32::from(failed);
                self.judged[2] += u32::from(slow);
                self.judge(now);
            }
        }
    }

    fn wake(&mut self, now: u64) {
        if let State::Open(until) = self.state
            && now >= until
        {
            self.state = State::HalfOpen;
            self.probes = 0;
            self.judged = [0; 3];
        }
    }

    fn note(&mut self, now: u64, failed: bool, slow: bool) {
        match self.spec.window {
            Window::Time { .. } => {
                self.late.add(now, 0, 1.0);
                self.late.add(now, 1, f64::from(u8::from(failed)));
                self.late.add(now, 2, f64::from(u8::from(slow)));
            }
            Window::Calls { calls, .. } => {
                self.last.push_back((failed, slow));
                if self.last.len() > calls as usize {
                    self.last.pop_front();
                }
            }
            Window::Consecutive { .. } => self.in_a_row = if failed { self.in_a_row + 1 } else { 0 },
        }
    }

    /// Whether what it has seen of late trips it.
    fn is_bad(&mut self, now: u64) -> bool {
        let (ends, min) = match self.spec.window {
            Window::Consecutive { failures } => return self.in_a_row >= failures,
            Window::Time { min_calls, .. } => (self.late.sums(now), min_calls),
            Window::Calls { min_calls, .. } => {
                let count = |what: fn(&(bool, bool)) -> bool| self.last.iter().filter(|end| what(end)).count() as f64;
                ([self.last.len() as f64, count(|end| end.0), count(|end| end.1)], min_calls)
            }
        };
        ends[0] >= f64::from(min) && self.exceeds(ends)
    }

    fn exceeds(&self, [all, failed, slow]: [f64; 3]) -> bool {
        let all = all.max(1.0);
        failed / all >= self.spec.failure_rate || self.spec.slow.is_some_and(|limit| slow / all >= limit.rate)
    }

    /// Enough probes have ended to decide, or not yet.
    fn judge(&mut self, now: u64) {
        let strict = self.spec.first_failure || matches!(self.spec.window, Window::Consecutive { .. });
        let needed = match self.spec.window {
            Window::Time { min_calls, .. } | Window::Calls { min_calls, .. } if !strict => {
                min_calls.min(self.spec.half_open_calls).max(1)
            }
            _ => self.spec.half_open_calls,
        };
        let bad = if strict { self.judged[1] > 0 } else { self.exceeds(self.judged.map(f64::from)) };
        if bad && (strict || self.judged[0] >= needed) {
            self.trip(now, (self.open_for * 2).min(self.spec.open_for_max.0.max(self.spec.open_for.0)));
        } else if self.judged[0] >= needed {
            self.state = State::Closed;
            self.open_for = self.spec.open_for.0;
            self.late.clear();
            self.last.clear();
            self.in_a_row = 0;
        }
    }

    fn trip(&mut self, now: u64, open_for: u64) {
        self.open_for = open_for;
        self.state = State::Open(now + open_for);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoptax::model::policy::OutcomeSet;
    use hoptax::units::Span;

    fn spec(window: Window) -> BreakerSpec {
        BreakerSpec {
            window,
            failure_rate: 0.5,
            slow: None,
            open_for: Span(100),
            open_for_max: Span(100),
            half_open_calls: 2,
            first_failure: false,
            on: Outcome::FAILURES.into_iter().collect::<OutcomeSet>(),
            per_replica: false,
        }
    }

    #[test]
    fn it_opens_asks_and_closes() {
        let mut breaker = Breaker::new(spec(Window::Calls { calls: 4, min_calls: 4 }));
        for outcome in [Outcome::Succeeded, Outcome::Error, Outcome::Succeeded, Outcome::Error] {
            assert_eq!(breaker.admit(0), Some(false));
            breaker.record(0, outcome, 1, false);
        }
        assert_eq!(breaker.admit(99), None, "half of four have failed");
        assert_eq!([1; 3].map(|_| breaker.admit(100)), [Some(true), Some(true), None], "two probes");
        breaker.forget(true);
        assert_eq!(breaker.admit(100), Some(true));
        breaker.record(101, Outcome::Succeeded, 1, true);
        breaker.record(102, Outcome::Succeeded, 1, true);
        assert_eq!(breaker.admit(102), Some(false));
    }
}

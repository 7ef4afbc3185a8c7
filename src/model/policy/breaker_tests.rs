//! Tests of the circuit breaker.

use super::*;

const S: u64 = 1_000_000_000;

fn spec(window: Window) -> BreakerSpec {
    BreakerSpec {
        window,
        failure_rate: 0.5,
        slow: None,
        open_for: Span(5 * S),
        open_for_max: Span(5 * S),
        half_open_calls: 2,
        first_failure: matches!(window, Window::Consecutive { .. }),
        on: Outcome::FAILURES.into_iter().collect(),
        per_replica: false,
    }
}

/// One try that ends at once; whether it went through.
fn call(breaker: &mut Breaker, at: u64, good: bool) -> bool {
    let went = breaker.admit(Time(at)) == Verdict::Go;
    if went {
        let probe = breaker.is_half_open();
        breaker.record(Time(at), good, false, probe);
    }
    went
}

#[test]
fn opens_probes_and_closes() {
    let mut breaker = Breaker::new(spec(Window::Consecutive { failures: 3 }));
    for good in [false, false, true, false, false] {
        assert!(call(&mut breaker, 0, good));
    }
    assert_eq!(breaker.phase(Time(0)), Phase::Closed);
    call(&mut breaker, S, false);
    assert_eq!(breaker.phase(Time(S)), Phase::Open);
    assert!(!call(&mut breaker, 6 * S - 1, true));
    assert_eq!(breaker.phase(Time(6 * S)), Phase::HalfOpen, "without anybody asking");
    assert!(call(&mut breaker, 7 * S, true));
    assert!(call(&mut breaker, 8 * S, true));
    assert_eq!(breaker.phase(Time(8 * S)), Phase::Closed);
    let tally = breaker.tally(Time(9 * S));
    assert_eq!(tally, BreakerTally { opened: 1, open: Span(5 * S), half_open: Span(2 * S) });
}

#[test]
fn a_failed_probe_is_a_trip_and_may_double_the_wait() {
    let slow_to_trust = BreakerSpec { open_for_max: Span(15 * S), ..spec(Window::Consecutive { failures: 1 }) };
    let mut breaker = Breaker::new(slow_to_trust);
    call(&mut breaker, 0, false);
    call(&mut breaker, 5 * S, false);
    assert_eq!(breaker.phase(Time(15 * S - 1)), Phase::Open);
    call(&mut breaker, 15 * S, false);
    assert_eq!(breaker.phase(Time(30 * S - 1)), Phase::Open, "at most 15 s");
    assert_eq!(breaker.phase(Time(30 * S)), Phase::HalfOpen);
    assert_eq!(breaker.tally(Time(30 * S)).opened, 3);
}

#[test]
fn a_half_open_breaker_lets_only_its_probes_through() {
    let mut breaker = Breaker::new(spec(Window::Consecutive { failures: 1 }));
    call(&mut breaker, 0, false);
    let at = Time(5 * S);
    assert!(!breaker.lets_through(Time(5 * S - 1)) && breaker.lets_through(at));
    assert_eq!((breaker.admit(at), breaker.admit(at)), (Verdict::Go, Verdict::Go));
    assert!(!breaker.lets_through(at));
    assert_eq!(breaker.admit(at), Verdict::Refuse(Outcome::CircuitOpen));
    breaker.forget(at, true);
    assert_eq!(breaker.admit(at), Verdict::Go);
    breaker.record(at, true, false, false);
    assert_eq!(breaker.phase(at), Phase::HalfOpen);
    breaker.record(at, true, false, true);
    assert_eq!(breaker.phase(at), Phase::Closed, "what began before it tripped counts beside the probes");
}

/// A half-open breaker of ten probes after these have ended.
fn probed(first_failure: bool, min_calls: u32, ends: &[bool]) -> Phase {
    let window = Window::Calls { calls: 100, min_calls };
    let rule = BreakerSpec { half_open_calls: 10, first_failure, ..spec(window) };
    let mut breaker = Breaker::new(rule);
    (0..min_calls).for_each(|_| _ = call(&mut breaker, 0, false));
    let at = Time(5 * S);
    for good in ends {
        assert_eq!(breaker.admit(at), Verdict::Go);
        breaker.record(at, *good, false, true);
    }
    breaker.phase(at)
}

#[test]
fn half_open_holds_the_rate_of_its_probes_against_the_threshold() {
    let ends = |bad: usize, all: usize| (0..all).map(|n| n >= bad).collect::<Vec<_>>();
    assert_eq!(probed(false, 100, &ends(4, 9)), Phase::HalfOpen, "nine of ten have ended");
    assert_eq!(probed(false, 100, &ends(4, 10)), Phase::Closed);
    assert_eq!(probed(false, 100, &ends(5, 10)), Phase::Open);
    assert_eq!(probed(true, 100, &ends(1, 1)), Phase::Open, "the first failure");
    assert_eq!(probed(true, 100, &ends(0, 10)), Phase::Closed);
    assert_eq!(probed(false, 4, &ends(1, 4)), Phase::Closed, "min_calls are enough to judge");
}

#[test]
fn a_count_window_judges_the_last_calls() {
    let mut breaker = Breaker::new(spec(Window::Calls { calls: 4, min_calls: 4 }));
    for good in [false, false, false] {
        call(&mut breaker, 0, good);
    }
    assert_eq!(breaker.phase(Time(0)), Phase::Closed, "too few to judge");
    call(&mut breaker, 0, true);
    assert_eq!(breaker.phase(Time(0)), Phase::Open);
    let mut breaker = Breaker::new(spec(Window::Calls { calls: 4, min_calls: 4 }));
    for good in [true, true, true, false, true, true, true, false, true] {
        call(&mut breaker, 0, good);
    }
    assert_eq!(breaker.phase(Time(0)), Phase::Closed);
}

#[test]
fn a_time_window_forgets() {
    let mut breaker = Breaker::new(spec(Window::Time { length: Span(10 * S), min_calls: 4 }));
    for at in 0..3 {
        call(&mut breaker, at * S, false);
    }
    call(&mut breaker, 20 * S, false);
    assert_eq!(breaker.phase(Time(20 * S)), Phase::Closed);
    for at in 21..24 {
        call(&mut breaker, at * S, false);
    }
    assert_eq!(breaker.phase(Time(24 * S)), Phase::Open);
}

#[test]
fn slow_calls_trip_it_too() {
    let slow = Some(Slow { after: Span(S), rate: 1.0 });
    let mut breaker = Breaker::new(BreakerSpec { slow, ..spec(Window::Calls { calls: 2, min_calls: 2 }) });
    assert!(breaker.is_slow(Span(S + 1)) && !breaker.is_slow(Span(S)));
    breaker.record(Time(0), true, true, false);
    breaker.record(Time(0), true, true, false);
    assert_eq!(breaker.phase(Time(0)), Phase::Open);
}

use super::*;
use crate::units::Span;
use proptest::prelude::*;
use std::collections::BTreeMap;

impl Packed for u32 {
    fn pack(self) -> u64 {
        u64::from(self)
    }

    fn unpack(bits: u64) -> Self {
        bits as u32
    }
}

impl Packed for char {
    fn pack(self) -> u64 {
        u64::from(u32::from(self))
    }

    fn unpack(bits: u64) -> Self {
        char::from_u32(bits as u32).unwrap()
    }
}

/// An agenda beside a map with the same order: pops must agree, payload and all.
#[derive(Default)]
struct Twin {
    agenda: Agenda<u32>,
    map: BTreeMap<(Time, Phase, u64), u32>,
    pushed: u64,
}

impl Twin {
    fn push(&mut self, at: Time, phase: Phase) {
        self.pushed += 1;
        let event = self.pushed as u32;
        // Either way is right for any event.
        if event.is_multiple_of(3) {
            self.agenda.push_steadily(at.since(self.agenda.now), phase, event);
        } else {
            self.agenda.push(at, phase, event);
        }
        self.map.insert((at, phase, self.pushed), event);
    }

    fn pop(&mut self) -> Option<Time> {
        let want = self.map.pop_first().map(|((at, ..), event)| (at, event));
        assert_eq!(self.agenda.next_time(), want.map(|(at, _)| at));
        assert_eq!(self.agenda.pop(), want);
        assert_eq!(self.agenda.len(), self.map.len());
        want.map(|(at, _)| at)
    }

    fn drain(&mut self) {
        while self.pop().is_some() {}
        assert!(self.agenda.is_empty());
    }
}

/// Gaps of all sizes, with many ties.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..4u64, 0..100u64, 0..100_000u64, 0..10_000_000_000u64, (0..58u32).prop_map(|n| 1 << n)]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![1 => Just(Phase::Recovery), 4 => Just(Phase::Arrival), 1 => Just(Phase::Sample)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn pops_in_total_order(steps in prop::collection::vec((gap(), phase(), 0..10u8), 0..1500), pops in 1..10u8) {
        let (mut twin, mut now) = (Twin::default(), Time(0));
        for (gap, phase, step) in steps {
            if step < pops {
                now = twin.pop().unwrap_or(now);
            } else {
                twin.push(now + Span(gap), phase);
            }
        }
        twin.drain();
    }

    #[test]
    fn holds(pending in 1..400usize, gaps in prop::collection::vec((gap(), phase()), 1..2000), serial in 0..3000u32) {
        let mut twin = Twin::default();
        // Serials run out somewhere on the way.
        twin.agenda.serial = MAX_SERIAL - serial;
        for (gap, phase) in gaps.iter().cycle().take(pending) {
            twin.push(Time(*gap), *phase);
        }
        for (gap, phase) in gaps {
            let now = twin.pop().unwrap();
            twin.push(now + Span(gap), phase);
        }
        twin.drain();
    }

    /// Most events after one of two delays, among others that fill the wheel.
    #[test]
    fn holds_steadily(others in prop::collection::vec(0..3000u64, 1..300), steps in prop::collection::vec(0..4u8, 1..3000)) {
        let mut twin = Twin::default();
        let push = |twin: &mut Twin, now: Time, span: u64, steady: bool| {
            twin.pushed += 1;
            let event = twin.pushed as u32;
            if steady {
                twin.agenda.push_steadily(Span(span), Phase::Arrival, event);
            } else {
                twin.agenda.push(now + Span(span), Phase::Arrival, event);
            }
            twin.map.insert((now + Span(span), Phase::Arrival, twin.pushed), event);
        };
        others.iter().for_each(|gap| push(&mut twin, Time(0), *gap, false));
        for (step, gap) in steps.into_iter().zip(others.iter().cycle()) {
            let now = twin.pop().unwrap_or(twin.agenda.now);
            match step {
                0 => push(&mut twin, now, 500, true),
                1 => push(&mut twin, now, 40, true),
                2 => push(&mut twin, now, *gap, false),
                _ => (0..gap % 40).for_each(|n| push(&mut twin, now, if n % 2 == 0 { 500 } else { *gap }, n % 2 == 0)),
            }
        }
        twin.drain();
    }

    /// Waves of simultaneous events that breed simultaneous events.
    #[test]
    fn holds_in_waves(waves in prop::collection::vec((0..3000u64, 0..200usize, phase()), 1..12)) {
        let (mut twin, mut now) = (Twin::default(), Time(0));
        for (gap, many, phase) in waves {
            for n in 0..many {
                twin.push(now + Span(gap), phase);
                if n % 3 > 0 {
                    now = twin.pop().unwrap();
                }
                if n % 3 == 1 {
                    twin.push(now, Phase::Arrival);
                }
            }
        }
        twin.drain();
    }
}

#[test]
fn an_empty_agenda_gives_nothing() {
    let mut agenda = Agenda::<u32>::new();
    assert!(agenda.is_empty() && !agenda.is_full());
    assert_eq!((agenda.next_time(), agenda.pop()), (None, None));
}

#[test]
fn phases_and_then_pushes_decide_among_equals() {
    let mut agenda = Agenda::new();
    for (phase, event) in [(Phase::Sample, 'd'), (Phase::Arrival, 'b'), (Phase::Recovery, 'a'), (Phase::Arrival, 'c')] {
        agenda.push(Time(1), phase, event);
    }
    assert_eq!(std::iter::from_fn(|| agenda.pop()).map(|(_, event)| event).collect::<String>(), "abcd");
}

#[test]
fn the_end_of_time_is_a_time() {
    let mut twin = Twin::default();
    for n in 0..200 {
        twin.push(Time(u64::MAX - n / 2 % 3), Phase::Sample);
        twin.push(Time(n << 55), Phase::Arrival);
    }
    twin.drain();
}

#[test]
fn a_million_can_be_pending() {
    let mut agenda = Agenda::new();
    let mut state = 1u64;
    let mut gap = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 34
    };
    (0..1_000_000).for_each(|n: u32| agenda.push(Time(gap()), Phase::Arrival, n));
    let mut last = Time(0);
    for n in 0..1_000_000 {
        let (now, _) = agenda.pop().unwrap();
        assert!(now >= last);
        last = now;
        agenda.push(now + Span(gap()), Phase::Arrival, n);
    }
    assert_eq!(agenda.len(), 1_000_000);
}

/// A hundred thousand at one instant, each of which breeds another at that instant: quadratic in a sorted list.
#[test]
fn a_crowd_at_one_instant_costs_no_more_than_elsewhere() {
    let mut agenda = Agenda::new();
    (0..200_000).for_each(|n| agenda.push(Time(5), Phase::Arrival, n));
    for n in 0..400_000 {
        assert_eq!(agenda.pop(), Some((Time(5), n)));
        agenda.push(Time(5), Phase::Arrival, n + 200_000);
    }
    assert_eq!(agenda.len(), 200_000);
}

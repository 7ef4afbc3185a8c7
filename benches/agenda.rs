//! The hold model: pop the first event, push another a random span later, with so many pending.

use divan::Bencher;
use divan::counter::ItemsCount;
use hoptax::kernel::{Agenda, Packed, Phase};
use hoptax::units::{Span, Time};

/// An event that is only told from others.
#[derive(Clone, Copy)]
struct Nth(u32);

impl Packed for Nth {
    fn pack(self) -> u64 {
        u64::from(self.0)
    }

    fn unpack(bits: u64) -> Self {
        Self(bits as u32)
    }
}

fn main() {
    divan::main();
}

/// Exponential spans, drawn beforehand so that drawing is not measured; a power of two of them.
fn spans(mean: f64) -> Vec<Span> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let u = ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        Span((-u.ln() * mean) as u64)
    };
    (0..1 << 16).map(|_| draw()).collect()
}

/// Holds in one iteration.
const HOLDS: usize = 10_000;

#[divan::bench(args = [10, 40, 100, 1_000, 100_000, 1_000_000])]
fn hold(bencher: Bencher, pending: usize) {
    let spans = spans(5e6);
    let mut agenda = Agenda::new();
    for n in 0..pending {
        agenda.push(Time(spans[n % spans.len()].0), Phase::Arrival, Nth(n as u32));
    }
    let mut at = 0;
    let mut run = |holds: usize| {
        for _ in 0..holds {
            let (now, event) = agenda.pop().expect("as many are pushed as are popped");
            at = (at + 1) % (1 << 16);
            agenda.push(now + spans[at], Phase::Arrival, event);
        }
        agenda.len()
    };
    // The steady state first: it is not that of the first pushes.
    run(3 * pending + HOLDS);
    bencher.counter(ItemsCount::new(HOLDS)).bench_local(|| run(HOLDS));
}

//! Random scenarios whose queries lock tables, some the whole of one, some in transactions.

use std::cell::Cell;

use hoptax::machine::Stop;
use hoptax::model::{Fact, Outcome, Probe};
use hoptax::units::{Span, Time};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Strategy as _};
use proptest::sample::select;

use crate::bench::ended;

use super::scenario::{Text, faults, scenario, sendings};
use super::{always, finite, goes, with_faults};

/// What queries do to which table, one after the other.
fn uses() -> BoxedStrategy<Vec<(&'static str, &'static str, &'static str)>> {
    let mode = select(vec!["read", "read", "write", "exclusive", "exclusive"]);
    let most = select(vec![
        "",
        "",
        ", lock_timeout = \"4ms\"",
        ", lock_timeout = \"25ms\"",
        ", row = \"x\"",
        ", row = \"y\", lock_timeout = \"9ms\"",
    ]);
    vec((select(vec!["a", "b"]), mode, most), 5..12).boxed()
}

/// A scenario whose queries lock, every other in a transaction with the query after it.
fn locking(text: &str, uses: &[(&str, &str, &str)]) -> String {
    // Whoever has a lock and lost its worker would wait for those who hold all workers and wait for the lock.
    let text = text.replace("preemptive = true\n", "");
    let nth = Cell::new(0);
    let step = |query: &str| {
        let (table, mode, most) = uses[nth.get() % uses.len()];
        nth.set(nth.get() + 1);
        format!("{query}, table = \"{table}\", mode = \"{mode}\"{most}")
    };
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some(at) = rest.find("{ query = \"") {
        let end = at + rest[at..].find('}').unwrap();
        let (query, wraps) = (rest[at + 2..end].trim_end(), !rest[at..end].contains("optional"));
        out += &rest[..at];
        let target = query.split('"').nth(1).unwrap();
        let first = step(&format!("query = \"{target}\""));
        // What is said of the query beyond its target may be said of the first one alone.
        let said = &query[query.find(target).unwrap() + target.len() + 1..];
        out += &if wraps && nth.get() % 2 == 1 {
            let second = step(&format!("query = \"{target}\""));
            format!("{{ transaction = \"{target}\", steps = [{{ {first} }}, {{ wait = \"2ms\" }}, {{ {second} }}] ")
        } else {
            format!("{{ {first}{said} ")
        };
        rest = &rest[end..];
    }
    out += rest;
    out.lines().fold(String::new(), |all, line| {
        let tables = if line.starts_with("[databases.") {
            "deadlock_timeout = \"10ms\"\ntables = { a = { writers = 1 }, b = { writers = 1, keys = 3, skew = 1 } }\n"
        } else {
            ""
        };
        all + line + "\n" + tables
    })
}

/// Counts tries that failed with a word about locks.
#[derive(Debug, Default)]
struct Failures {
    late: u64,
    victims: u64,
}

impl Probe for Failures {
    fn on(&mut self, _: Time, fact: Fact) {
        if let Fact::Settled { outcome, .. } = fact {
            self.late += u64::from(outcome == Outcome::LockTimeout);
            self.victims += u64::from(outcome == Outcome::Deadlock);
        }
    }
}

#[test]
fn no_lock_is_kept_and_nobody_waits_for_ever() {
    let all = (scenario(), sendings(), uses(), faults());
    let (late, victims, faulted) = (Cell::new(0), Cell::new(0), Cell::new(0));
    always(384, &all, |(Text(text), sendings, uses, faults)| {
        if !text.contains("[databases.") {
            return;
        }
        let text = locking(&text, &uses);
        let mut plan = finite(&text, &sendings);
        plan.duration = Span::from_secs_f64(100.0);
        let finished = ended(&plan, 7, Failures::default());
        assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}, something is left:\n{text}", finished.stop);
        late.set(late.get() + finished.probe.late);
        victims.set(victims.get() + finished.probe.victims);
        faulted.set(faulted.get() + goes(&with_faults(&text, &faults), &sendings, false));
    });
    for (what, n) in [("waits that were given up", late), ("victims", victims), ("faults", faulted)] {
        assert!(n.get() > 50, "only {} {what}: the scenarios show too little", n.get());
    }
}

//! A trace made up for the tests of this floor: a branch with a try that is given up and works on, another with a database.

use crate::experiment::trace::{Kind, Segment, Span, Trace};
use crate::graph::End;
use crate::model::{Cause, Outcome};

const MS: f64 = 1e6;

fn ns(ms: f64) -> u64 {
    (ms * MS).round() as u64
}

/// A span from `at.0` to `at.1` ms that succeeded.
fn span(parent: Option<usize>, kind: Kind, name: &str, at: (f64, f64), own: &[(Cause, f64, f64)]) -> Span {
    let segments = own.iter().map(|&(cause, from, to)| Segment { cause, from: ns(from), to: ns(to) }).collect();
    Span {
        parent,
        kind,
        name: name.into(),
        node: End::of(name).node.into(),
        replica: 0,
        from: ns(at.0),
        to: ns(at.1),
        outcome: Outcome::Succeeded,
        abandoned: None,
        gone: None,
        guard: false,
        spurned: None,
        faults: Vec::new(),
        open: false,
        segments,
        mail: None,
    }
}

/// An order of 46 ms: two branches, in one of which the first try times out, in the other a database is asked.
pub(crate) fn trace() -> Trace {
    use Cause::{Connect, ConnectionWait, Database, Encode, Network, Queue, RetryWait, Work};
    let call = Kind::Call;
    let order = [
        (Encode, 0.0, 0.2),
        (Network, 0.2, 1.2),
        (Queue, 1.2, 4.2),
        (Work, 4.2, 7.2),
        (Work, 41.0, 44.0),
        (Encode, 44.0, 44.2),
        (Network, 44.2, 45.8),
        (Encode, 45.8, 46.0),
    ];
    let stock = [(Network, 7.2, 7.8), (Work, 7.8, 9.0), (Network, 15.4, 16.0)];
    let lost = [(Network, 7.2, 8.2), (Queue, 8.2, 24.0), (Work, 24.0, 33.0)];
    let paid =
        [(Connect, 25.2, 27.2), (Network, 27.2, 28.2), (Queue, 28.2, 33.0), (Work, 33.0, 40.0), (Network, 40.0, 41.0)];
    let query = [(ConnectionWait, 9.0, 11.0), (Network, 11.0, 11.3), (Database, 11.3, 15.1), (Network, 15.1, 15.4)];
    let mut spans = vec![
        span(None, Kind::Client, "shoppers", (0.0, 46.0), &[]),
        span(Some(0), call, "orders.create", (0.0, 46.0), &order),
        span(Some(1), Kind::Branch, "branch", (7.2, 16.0), &[]),
        span(Some(1), Kind::Branch, "branch", (7.2, 41.0), &[(RetryWait, 22.2, 25.2)]),
        span(Some(2), call, "stock.reserve", (7.2, 16.0), &stock),
        span(Some(3), call, "payments.charge", (7.2, 33.0), &lost),
        span(Some(4), call, "stock-db.query", (9.0, 15.4), &query),
        span(Some(3), call, "payments.charge", (25.2, 41.0), &paid),
    ];
    spans[2].node = "orders".into();
    spans[3].node = "orders".into();
    spans[5].outcome = Outcome::Timeout;
    spans[5].abandoned = Some(ns(22.2));
    spans[5].gone = Some(Outcome::Timeout);
    spans[7].replica = 1;
    Trace {
        databases: Vec::new(),
        scenario: "orders".into(),
        variant: None,
        hash: "9f3ac2d1".into(),
        seed: 42,
        replication: 1,
        client: "shoppers".into(),
        among: None,
        nth: 4_712,
        began: ns(12_345.0),
        outcome: Outcome::Succeeded,
        latency: ns(46.0),
        spans,
    }
}

/// A request that calls `count` callees one after the other, one millisecond each but for every tenth, which takes ten.
pub(crate) fn long(count: usize) -> Trace {
    let mut spans = vec![span(None, Kind::Client, "shoppers", (0.0, 0.0), &[])];
    let mut at = 0.0;
    for i in 0..count {
        let took = if i % 10 == 0 { 10.0 } else { 1.0 };
        let own = [(Cause::Network, at, at + took * 0.2), (Cause::Work, at + took * 0.2, at + took)];
        spans.push(span(Some(0), Kind::Call, &format!("part-{i}.default"), (at, at + took), &own));
        at += took;
    }
    spans[0].to = ns(at);
    Trace { latency: ns(at), spans, ..trace() }
}

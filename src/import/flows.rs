//! Requests between nodes that are only counted (metrics, Kiali, Jaeger's dependencies), and what a scenario makes of them: of each
//! caller's requests so many calls, which failures a caller lives with, and who begins.
//!
//! Whoever is called has as many requests as come, calls from within a circle among them; so a circle comes out as it was as long as
//! it is entered from elsewhere. Of a circle that is not, or next to never, counts do not say how often it is gone round: the call that
//! closes it is left out, and with it its requests.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Found, circles};
use super::often::Often;

/// Caller and callee.
pub(super) type Ends = (String, String);

/// Requests, and those of them that fail: in all, or a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flow {
    pub(super) requests: f64,
    pub(super) failed: f64,
    /// Whether these are messages, for which nobody waits.
    pub(super) is_message: bool,
}

/// Who calls whom how often.
#[derive(Debug)]
pub(super) struct Flows<'a> {
    calls: BTreeMap<&'a Ends, Flow>,
    /// By caller, without what was left out.
    out: BTreeMap<&'a str, Vec<(&'a Ends, Flow)>>,
    arrived: BTreeMap<&'a str, Flow>,
    left: BTreeSet<Ends>,
}

impl<'a> Flows<'a> {
    pub(super) fn of(calls: impl Iterator<Item = (&'a Ends, Flow)>) -> Self {
        let calls: BTreeMap<&Ends, Flow> = calls.filter(|(_, flow)| flow.requests > 0.0).collect();
        let closing = circles(calls.keys().copied());
        let mut entered: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
        for (ends, flow) in &calls {
            let sums = entered.entry(&ends.1).or_default();
            sums[0] += flow.requests;
            sums[1] += if closing.contains(*ends) { 0.0 } else { flow.requests };
        }
        let seldom = |ends: &&Ends| entered.get(ends.1.as_str()).is_some_and(|[all, new]| *new < SELDOM * all);
        let left: BTreeSet<Ends> = closing.iter().filter(seldom).cloned().collect();
        let mut arrived: BTreeMap<&str, Flow> = BTreeMap::new();
        let mut out: BTreeMap<&str, Vec<(&Ends, Flow)>> = BTreeMap::new();
        for (ends, flow) in calls.iter().filter(|(ends, _)| !left.contains(**ends)) {
            let sum = arrived.entry(&ends.1).or_default();
            sum.requests += flow.requests;
            sum.failed += flow.failed;
            out.entry(&ends.0).or_default().push((*ends, *flow));
        }
        Self { calls, out, arrived, left }
    }

    /// Says what was left out.
    pub(super) fn flag(&self, found: &mut Found) {
        for (from, to) in &self.left {
            found.flag(format!(
                "{from} -> {to} closes a circle that nobody else enters, and is left out: counts do not say how often it is gone round"
            ));
        }
    }

    /// Those that are called, each with what arrives.
    pub(super) fn arrived(&self) -> impl Iterator<Item = (&'a str, Flow)> + '_ {
        self.arrived.iter().map(|(name, flow)| (*name, *flow))
    }

    /// Everybody that is called by one, but for what was left out.
    fn out(&self, from: &str) -> &[(&'a Ends, Flow)] {
        self.out.get(from).map_or(&[], Vec::as_slice)
    }

    /// How many requests somebody has: as many as arrive. Whoever nobody calls has as many as it calls the most of.
    pub(super) fn requests(&self, name: &str) -> f64 {
        self.arrived.get(name).map_or_else(|| self.most(name), |flow| flow.requests)
    }

    fn most(&self, name: &str) -> f64 {
        self.out(name).iter().map(|(_, flow)| flow.requests).fold(0.0, f64::max)
    }

    /// How often a caller's request makes a call; `None` where it is left out.
    pub(super) fn often(&self, ends: &Ends) -> Option<Often> {
        let flow = self.calls.get(ends).filter(|_| !self.left.contains(ends))?;
        let requests = self.requests(&ends.0);
        (requests > 0.0).then(|| Often::of_mean(flow.requests / requests))
    }

    /// Those whose failures a caller lives with: it fails less often than they would make it. The largest that it can have failed
    /// with counts as a failure of it. Of whoever nobody calls nobody says how often it fails.
    pub(super) fn tolerated(&self, from: &str) -> BTreeSet<&'a str> {
        self.blamed(from).0
    }

    /// The share of its requests that somebody fails by itself.
    pub(super) fn own_errors(&self, name: &str) -> f64 {
        let requests = self.requests(name);
        if requests > 0.0 { (self.blamed(name).1 / requests).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn blamed(&self, from: &str) -> (BTreeSet<&'a str>, f64) {
        let Some(own) = self.arrived.get(from) else { return (BTreeSet::new(), 0.0) };
        let mut below: Vec<(&'a Ends, Flow)> =
            self.out(from).iter().filter(|(_, flow)| flow.failed > 0.0 && !flow.is_message).copied().collect();
        below.sort_by(|(_, a), (_, b)| b.failed.total_cmp(&a.failed));
        let (mut rest, mut tolerated) = (own.failed, BTreeSet::new());
        for (ends, flow) in below {
            if flow.failed <= NEAR * rest {
                rest = (rest - flow.failed).max(0.0);
            } else {
                tolerated.insert(ends.1.as_str());
            }
        }
        (tolerated, rest)
    }

    /// Where requests begin, each with how many: those that the `users` call, and of whoever else nobody calls as many as it calls
    /// the most of.
    pub(super) fn begun(&self, users: &str) -> Vec<(String, f64)> {
        let callers: BTreeSet<&str> = self.calls.keys().map(|ends| ends.0.as_str()).collect();
        let roots = callers.into_iter().filter(|from| *from != users && !self.arrived.contains_key(from));
        let roots = roots.map(|from| (from.to_owned(), self.most(from)));
        let called = self.out(users).iter().map(|(ends, flow)| (ends.1.clone(), flow.requests));
        called.chain(roots).filter(|(_, requests)| *requests > 0.0).collect()
    }
}

/// A circle that is entered for less than this share of its requests is left out.
const SELDOM: f64 = 0.01;

/// Counts of two sides are this near each other, or one of them is clearly more: they are scraped at different moments.
const NEAR: f64 = 1.1;

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(all: &[(&str, &str, f64, f64)]) -> BTreeMap<Ends, Flow> {
        all.iter()
            .map(|(a, b, requests, failed)| {
                (((*a).into(), (*b).into()), Flow { requests: *requests, failed: *failed, is_message: false })
            })
            .collect()
    }

    #[test]
    fn circles_that_are_entered_come_out_as_they_were() {
        let calls = calls(&[("web", "a", 1_000.0, 0.0), ("a", "a", 250.0, 0.0), ("a", "b", 900.0, 0.0)]);
        let flows = Flows::of(calls.iter().map(|(ends, flow)| (ends, *flow)));
        let often = |from: &str, to: &str| flows.often(&(from.into(), to.into()));
        assert_eq!(often("a", "a"), Some(Often::once(Some(0.2))));
        // Of 1250 requests; 1000 of those of web come to 1250: 900 once more.
        assert_eq!(often("a", "b"), Some(Often::once(Some(0.72))));
        assert_eq!(flows.begun("users"), [("web".to_owned(), 1_000.0)]);
    }

    #[test]
    fn a_circle_without_an_entry_takes_its_requests_with_it() {
        let calls = calls(&[("a", "b", 100.0, 0.0), ("b", "a", 150.0, 0.0), ("b", "c", 50.0, 0.0)]);
        let flows = Flows::of(calls.iter().map(|(ends, flow)| (ends, *flow)));
        let often = |from: &str, to: &str| flows.often(&(from.into(), to.into()));
        assert_eq!((often("b", "a"), often("a", "b")), (None, Some(Often::default())));
        assert_eq!(often("b", "c"), Some(Often::once(Some(0.5))));
        assert_eq!(flows.begun("users"), [("a".to_owned(), 100.0)]);
    }

    #[test]
    fn who_fails_less_than_its_callees_lives_with_them() {
        let calls = calls(&[
            ("web", "shop", 1_000.0, 60.0),
            ("shop", "recs", 1_000.0, 300.0),
            ("shop", "pay", 1_000.0, 50.0),
            ("gate", "web", 1_000.0, 60.0),
        ]);
        let flows = Flows::of(calls.iter().map(|(ends, flow)| (ends, *flow)));
        assert_eq!(flows.tolerated("shop"), BTreeSet::from(["recs"]));
        assert!((flows.own_errors("shop") - 0.01).abs() < 1e-9);
        assert_eq!((flows.tolerated("web").len(), flows.own_errors("web")), (0, 0.0));
    }
}
